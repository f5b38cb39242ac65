"""The runs that are recorded: a recipe, a scenario, a seed, and what happens to it and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from controller.dryrun import SimulatedPerson, memory_line, virtual_utc, wired_line
from controller.events import Event, EventStream
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.journal import Journal
from controller.people import run_truth
from controller.session import Attendant, Surroundings, carry_out, unattended
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.faults import Injection
from simulators.line import SimulatedLine
from simulators.operator_link import truth
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, planned, quick

RUN = "recorded"
LOOKS_S = 20.0
"""How long somebody looks at a held run before going on."""
RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Happening:
    """What is done after_s after a unit enters a phase for the visit-th time.

    deed: "inject" a fault (named by `fault`, with its sizes), or what a person does: hold, stop, abort, unplug, plug.
    """

    unit: str
    phase: str
    deed: str
    after_s: float = 5.0
    visit: int = 1
    fault: str = ""
    on: str = ""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One run, complete: the text of its recipe, so that a changed library changes no recorded run.

    people: "nobody" (a held run is stopped) or "mends" (looked at for a while and restarted, at most three times).
    is_wired: on bytes in memory, which faults of wires can damage.
    """

    name: str
    recipe: str
    scenario: str = "realistic"
    seed: int = 1
    people: str = "nobody"
    is_wired: bool = False
    happenings: tuple[Happening, ...] = ()

    def header(self) -> dict[str, Any]:
        return asdict(self)


def scene_of(header: Mapping[str, Any]) -> Scene:
    """A scene as a recording's header says it."""
    happenings = tuple(Happening(**happening) for happening in header["happenings"])
    return Scene(**{**header, "happenings": happenings})


def played(scene: Scene) -> list[Event]:
    """The journal that today's code makes of a scene."""
    return run_virtual(_played(scene))


def plan_of(scene: Scene) -> Plan:
    """The plan that today's code makes of a scene's recipe."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "recipe.yaml")
        file.write_text(scene.recipe, encoding="utf-8")
        return planned(file, None)


async def _played(scene: Scene) -> list[Event]:
    clock = asyncio.get_running_loop().time
    simulated = SimulatedLine(scenario=scene.scenario, seed=scene.seed, clock=clock)
    line = wired_line(simulated, clock) if scene.is_wired else memory_line(simulated)
    journal = Journal(EventStream(), lambda: virtual_utc(clock() + simulated.utc.error_s(clock())))
    tasks: list[asyncio.Task[None]] = []

    async def told_truth(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
        return run_truth(truth(simulated, lot), jobs)

    def announced(run: Run) -> None:
        tasks.extend(asyncio.create_task(_happen(run, h, simulated, line)) for h in scene.happenings)

    said = {"scenario": scene.scenario, "seed": scene.seed}
    attendant: Attendant = unattended if scene.people == "nobody" else _mending
    person = SimulatedPerson(simulated)
    surroundings = Surroundings(line, journal, person, attendant, told_truth, said, announce=announced)
    await carry_out(plan_of(scene), surroundings, RUN)
    if waiting := [task for task in tasks if not task.done()]:
        raise AssertionError(f"{scene.name}: {len(waiting)} happenings never came")
    for task in tasks:
        task.result()
    return journal.events()  # with what is told under the name of the line


async def _happen(run: Run, happening: Happening, simulated: SimulatedLine, line: Any) -> None:
    with run.journal.stream.subscribe() as events:
        left = happening.visit
        while left:
            event = await events.get()
            left -= event.kind == "step.phase" and event.data == {"unit": happening.unit, "phase": happening.phase}
    await asyncio.sleep(happening.after_s)
    unit = None if happening.fault.startswith("people.") else happening.on or happening.unit
    match happening.deed:
        case "inject":
            sizes = dict(happening.sizes)
            simulated.faults.inject(Injection(happening.fault, unit, duration_s=happening.duration_s, parameters=sizes))
        case "unplug":
            line.machines[unit]._link.layer.transport.unplug()
        case "plug":
            line.machines[unit]._link.layer.transport.plug()
        case "hold" | "stop" | "abort" as deed:
            await getattr(run, deed)("a person wants it", "shift lead")
        case _:
            raise ValueError(happening.deed)


async def _mending(run: Run, events: asyncio.Queue[Event]) -> None:
    """Somebody who looks at a held run and goes on, three times; then it is stopped."""
    left = RESTARTS
    while True:
        event = await events.get()
        if event.kind != "run.state" or event.data["state"] != RunState.HELD:
            continue
        await asyncio.sleep(LOOKS_S)
        with suppress(TransitionRefused):
            if left:
                left -= 1
                run.restart("looked at it", "shift lead")
            else:
                await run.stop("enough", "shift lead")


def _text(file: str) -> str:
    return (LIBRARY / file).read_text(encoding="utf-8")


def _quick() -> str:
    with TemporaryDirectory() as folder:
        return quick(Path(folder, "quick.yaml")).read_text(encoding="utf-8")


UNIAXIAL, ISOSTATIC, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"


def scenes() -> Sequence[Scene]:
    """Every run that is recorded."""
    example, short = EXAMPLE.read_text(encoding="utf-8"), _quick()
    dwell, pressing = (ISOSTATIC, "dwell"), (UNIAXIAL, "dwell")
    plugs = (Happening(*pressing, "unplug"), Happening(*pressing, "plug", after_s=12.0))
    return (
        Scene("example-1-realistic", example),
        Scene("example-1-nominal", example, scenario="nominal"),
        Scene("example-1-another-seed", example, seed=20),
        Scene("example-2", _text("honda-example-2.yaml"), seed=2),
        Scene("comparative-1", _text("honda-comparative-1.yaml")),
        Scene("negative-electrode", _text("zeon-negative-electrode.yaml")),
        Scene("held-and-restarted", short, people="mends", happenings=(Happening(*dwell, "hold", after_s=10.0),)),
        Scene("stopped-while-rising", short, happenings=(Happening(ISOSTATIC, "ramp", "stop", after_s=10.0),)),
        Scene("aborted-at-pressure", short, happenings=(Happening(*dwell, "abort", after_s=10.0),)),
        Scene("link-lost-and-back", short, people="mends", happenings=plugs),
        Scene("seal-leak", short, happenings=(_fault(dwell, "isostatic.seal_leak", rate_mpa_s=12.0),)),
        Scene("sensors-disagree", short, happenings=(_sensors(),)),
        Scene("web-break", short, happenings=(_fault((COATER, "coat"), "coater.web_break"),)),
        Scene("gauge-not-zeroed", short, happenings=(_gauge(),)),
        Scene("wrong-lot", short, happenings=(_fault((COATER, "run_out"), "people.wrong_lot"),)),
        Scene("noisy-wire", short, people="mends", is_wired=True, happenings=(_noise(),)),
    )


def _fault(moment: tuple[str, str], fault: str, **sizes: Any) -> Happening:
    return Happening(*moment, "inject", fault=fault, sizes=sizes)


def _sensors() -> Happening:
    """The sensors agree again after a while: before, no zero can be proven, and the run stays on watch for ever."""
    sizes = {"drift_mpa": 80.0}
    return Happening(ISOSTATIC, "dwell", "inject", fault="isostatic.sensors_disagree", sizes=sizes, duration_s=300.0)


def _gauge() -> Happening:
    sizes = {"offset": 50.0}
    moment = (UNIAXIAL, "dwell")
    return Happening(*moment, "inject", on="thickness-gauge-1", fault="evidence.not_zeroed", sizes=sizes)


def _noise() -> Happening:
    return Happening(ISOSTATIC, "dwell", "inject", fault="wire.noise", sizes={"share": 1.0}, duration_s=4.0)


def header_line(scene: Scene) -> str:
    """The first line of a recording."""
    return json.dumps(scene.header(), sort_keys=True, ensure_ascii=False)
