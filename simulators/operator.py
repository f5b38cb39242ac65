"""The simulated operator: does what the line asks of a person, and takes a person's time for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace

from recipes.model import Foil, Layer, Slurry
from simulators.coater import Coater, Threaded
from simulators.habits import PeopleDisturbances
from simulators.instruments import Instrument
from simulators.lab import Laboratory
from simulators.pressing import PressPlc
from simulators.world import Lot, World, WorldError

Unit = Coater | PressPlc | Instrument

DURATION_S: Mapping[str, float] = {
    "load": 30.0,
    "unload": 20.0,
    "stack": 30.0,
    "peel": 20.0,
    "bag": 45.0,
    "leak_test": 60.0,
    "unbag_and_dry": 60.0,
    "place": 10.0,
    "remove": 5.0,
    "cut": 20.0,
    "lab": 60.0,
    "mix": 60.0,
    "roll_press": 60.0,
    "rest": 60.0,
    "scrap": 60.0,
}
"""Seconds that each action takes a practised person (engineering judgement). Mixing and resting take hours and days
in a real plant; the simulated person does not wait that long, and enters the time that was asked for."""
ELSEWHERE = frozenset({"lab", "rest"})
"""What keeps nobody at the line: a lot in the laboratory, or left alone."""
ROLLED_BOUND = 0.01
"""A roll press meets a wanted density within 1 % (engineering judgement)."""
HUMIDITY_PCT = 50.0
"""Relative humidity of the simulated room (engineering judgement)."""
ENTERED_BOUND = 0.25
"""What is asked of equipment without a simulator comes out within this share of its tolerance (judgement)."""
AREA_READING_BOUND = 0.0005
"""A calliper reads an area of some square centimetres within 0.05 % (engineering judgement)."""


_LOOKS_AGAIN_S = 1.0
_AREAS = ("area", "area_mm2")


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """What is asked of the operator; fields are the values that are to be entered afterwards.

    expected tells for each the value that the recipe wants and by how much it may be off. is_again: the task is done,
    only the values are read once more. may_be_done: the task may be done already; then it is not done again. sheets is
    how many a web that is taken off is for.
    """

    action: str
    consumes: tuple[str, ...] = ()
    produces: str | None = None
    unit: str | None = None
    fields: tuple[str, ...] = ()
    expected: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    layer: Layer | None = None
    slurry: Slurry | None = None
    adds: tuple[Foil, ...] = ()
    removes: tuple[str, ...] = ()
    area_mm2: float | None = None
    zones_m: tuple[float, ...] | None = None
    is_again: bool = False
    may_be_done: bool = False
    sheets: int = 1


class SimulatedOperator:
    """The people at the line; each works on one task at a time, whoever asks. ELSEWHERE is nobody's at the line."""

    def __init__(
        self,
        world: World,
        units: Mapping[str, Unit],
        laboratory: Laboratory,
        clock: Callable[[], float],
        people: int = 1,
    ) -> None:
        self._world, self._units, self._laboratory, self._clock = world, units, laboratory, clock
        self.disturbances = PeopleDisturbances()
        self._busy = asyncio.Semaphore(people)
        self._last: SimulatedTask | None = None
        self._actions: Mapping[str, Callable[[SimulatedTask], Lot | None]] = {
            "load": self._load,
            "unload": self._unload,
            "stack": self._stack,
            "peel": self._handle,
            "bag": self._handle,
            "leak_test": self._handle,
            "unbag_and_dry": self._handle,
            "place": self._place,
            "remove": self._remove,
            "cut": self._cut,
            "lab": self._handle,
            "mix": self._mix,
            "roll_press": self._roll_press,
            "rest": self._handle,
            "scrap": self._scrap,
        }

    async def perform(self, task: SimulatedTask) -> Mapping[str, float]:
        """Does a task and gives the entered values, each with its standard uncertainty as "u:<field>" where known.

        :raises WorldError: if it cannot be done: an unknown action, lot or unit, a closed machine, a full instrument.
        """
        act = self._actions.get(task.action)
        if act is None:
            raise WorldError(f"the operator does not know how to {task.action!r}")
        async with nullcontext() if task.action in ELSEWHERE else self._busy:
            await self._take_time(DURATION_S[task.action])
            task = self._scanned(task)
            if task.is_again or (task.may_be_done and self._is_done(task)):
                return self._entries(task, self._done(task))
            lot = act(task)
            self._last = replace(task, may_be_done=False)
            if self.disturbances.double_press and task.unit is not None:
                with suppress(WorldError):  # what is done is done; the line refuses the second time
                    act(task)
            return self._entries(task, lot)

    def _done(self, task: SimulatedTask) -> Lot | None:
        """The lot that a task was done to, under the name that it has since."""
        names = [name for name in (task.produces, *task.consumes) if name is not None and self._world.has(name)]
        return self._world.lot(names[0]) if names else None

    def _is_done(self, task: SimulatedTask) -> bool:
        """Whether a look at the line shows that somebody has done the task already."""
        if task.unit is not None:
            return self._is_done_at(self._unit(task), task)
        if task.produces is not None and task.produces not in task.consumes:
            return self._world.has(task.produces)
        return self._last is not None and self._last == replace(task, may_be_done=False)

    def _is_done_at(self, unit: Unit, task: SimulatedTask) -> bool:
        if task.action == "scrap":
            return False  # there is nothing wrong with looking twice for what is left on a web
        brings = task.action in ("load", "place")
        if isinstance(unit, Coater):
            return unit.threaded is not None if brings else self._world.has(task.produces or "")
        lies_in = unit.lot is not None and unit.lot.name in (*task.consumes, task.produces)
        return lies_in if brings else not lies_in and self._done(task) is not None

    async def _take_time(self, practised_s: float) -> None:
        """Until the task is done; an unanswered prompt is looked at again once a second."""
        while True:
            if not self._seen().unanswered:
                break
            await asyncio.sleep(_LOOKS_AGAIN_S)
        await asyncio.sleep(practised_s * self._seen().pace)

    def _seen(self) -> PeopleDisturbances:
        """What is wrong with the operator now."""
        self._clock()
        return self.disturbances

    def _scanned(self, task: SimulatedTask) -> SimulatedTask:
        """The task with the lots that are really taken: with wrong_lot another one of the line, if there is one."""
        if not self._seen().wrong_lot or not task.consumes:
            return task
        others = [name for name in self._world.names if name not in task.consumes]
        return replace(task, consumes=(others[0], *task.consumes[1:])) if others else task

    def _unit(self, task: SimulatedTask) -> Unit:
        if task.unit is None or task.unit not in self._units:
            raise WorldError(f"there is no unit {task.unit!r}")
        unit = self._units[task.unit]
        if not isinstance(unit, Instrument):
            unit.advance(self._clock())
        return unit

    def _first(self, task: SimulatedTask) -> Lot:
        if not task.consumes:
            raise WorldError(f"{task.action} needs a lot")
        lot = self._world.lot(task.consumes[0])
        if lot.area_mm2 is None and task.area_mm2 is not None:
            lot.area_mm2 = self._world.true_area_mm2(task.area_mm2)
        return lot

    def _load(self, task: SimulatedTask) -> Lot | None:
        unit = self._unit(task)
        if isinstance(unit, Coater):
            if task.layer is None or task.slurry is None:
                raise WorldError("a coater is loaded with a slurry for a layer")
            substrate = task.adds[0] if task.adds else None
            for slurry in task.consumes:
                if not task.may_be_done or self._world.has(slurry):  # what was filled before is gone
                    self._world.use_up(slurry)
            unit.thread(Threaded(task.layer, task.slurry, substrate, task.area_mm2, task.zones_m))
            return None
        lot = self._first(task)
        if isinstance(unit, Instrument):
            unit.place(lot)
        else:
            unit.insert(lot)
        return lot

    def _unload(self, task: SimulatedTask) -> Lot | None:
        unit = self._unit(task)
        if isinstance(unit, Instrument):
            return self._remove(task)
        if isinstance(unit, Coater):
            if task.produces is None:
                raise WorldError("a coated sheet needs a lot name")
            return unit.take_off(task.produces, task.sheets)
        lot = unit.take_out()
        return self._world.rename(lot.name, task.produces or lot.name)

    def _cut(self, task: SimulatedTask) -> Lot:
        if task.produces is None or not task.consumes:
            raise WorldError("a sheet that is cut needs a web and a lot name")
        return self._world.cut(task.consumes[0], task.produces)

    def _stack(self, task: SimulatedTask) -> Lot:
        if task.produces is None:
            raise WorldError("a stack needs a lot name")
        lot = self._world.stack(task.consumes, task.produces, task.area_mm2)
        return self._changed(lot, task)

    def _scrap(self, task: SimulatedTask) -> None:
        """Takes what a broken-off coating left off the coater."""
        unit = self._unit(task)
        if not isinstance(unit, Coater):
            raise WorldError(f"there is nothing to scrap in {task.unit}")
        unit.clear()

    def _handle(self, task: SimulatedTask) -> Lot:
        """Peel, bag, unbag and dry, or a look by the laboratory: one lot stays one lot."""
        lot = self._first(task)
        if task.action == "bag":
            lot.bagged = True
        elif task.action == "unbag_and_dry":
            lot.bagged = False
        changed = self._changed(lot, task)
        return self._world.rename(changed.name, task.produces or changed.name)

    def _changed(self, lot: Lot, task: SimulatedTask) -> Lot:
        """Removes and adds foils."""
        for name in task.removes:
            foil = next((foil for foil in lot.foils if foil.name == name), None)
            if foil is None:
                raise WorldError(f"lot {lot.name} has no foil {name!r}")
            lot.foils.remove(foil)
        lot.foils.extend(self._world.true_foil(foil) for foil in task.adds)
        return lot

    def _mix(self, task: SimulatedTask) -> Lot:
        if task.produces is None:
            raise WorldError("a mixed slurry needs a lot name")
        return self._world.put(Lot(task.produces))

    def _roll_press(self, task: SimulatedTask) -> Lot:
        """Rolls the one layer of a lot to the density that is wanted, as well as rolls do."""
        lot = self._first(task)
        if len(lot.layers) != 1:
            raise WorldError(f"lot {lot.name} has {len(lot.layers)} layers, a roll press is set for one")
        wanted, _ = task.expected.get("layer_density", (0.0, 0.0))
        error = self._world.scenario.error(f"{lot.name}:rolled", ROLLED_BOUND)
        lot.layers[0].roll(wanted * (1.0 + error))
        return self._world.rename(lot.name, task.produces or lot.name)

    def _place(self, task: SimulatedTask) -> Lot:
        unit = self._unit(task)
        if not isinstance(unit, Instrument):
            raise WorldError(f"{task.unit} is no instrument")
        lot = self._first(task)
        unit.place(lot)
        lot.medium_mg_cm2 = max(lot.medium_mg_cm2, self.disturbances.wet_mg_cm2)
        return lot

    def _remove(self, task: SimulatedTask) -> Lot | None:
        unit = self._unit(task)
        if not isinstance(unit, Instrument):
            raise WorldError(f"{task.unit} is no instrument")
        lot = unit.lot
        unit.remove()
        return lot

    def _entries(self, task: SimulatedTask, lot: Lot | None) -> dict[str, float]:
        entries: dict[str, float] = {}
        for name in task.fields:
            if lot is None:
                raise WorldError(f"there is no lot to read {name!r} from")
            if task.action == "lab" and ":" not in name:
                continue  # the simulated laboratory knows a laminate's layers, and invents nothing else
            value, uncertainty = self._read(lot, name, task)
            entries[name] = value * self._slip(name, task)
            entries[f"u:{name}"] = uncertainty
        return entries

    def _slip(self, field: str, task: SimulatedTask) -> float:
        """What an entered value is over the one that was read; who is asked again types with care."""
        area = self.disturbances.area_factor if field in _AREAS else 1.0
        return area if task.is_again else area * self.disturbances.entry_factor

    def _read(self, lot: Lot, field: str, task: SimulatedTask) -> tuple[float, float]:
        if (entered := self._entered(lot, field, task)) is not None:
            return entered
        if field in _AREAS:
            if lot.area_mm2 is None:
                raise WorldError(f"lot {lot.name} has no area yet")
            error = self._world.scenario.error(f"{lot.name}:area_reading", AREA_READING_BOUND)
            return lot.area_mm2 * (1.0 + error), lot.area_mm2 * AREA_READING_BOUND / 3.0**0.5
        return self._laboratory.measure(self._sample(lot, field), field)

    def _sample(self, lot: Lot, field: str) -> Lot:
        """What the laboratory really has on its table: with lab_other_lot another lot with such a layer, if any."""
        if not self.disturbances.lab_other_lot:
            return lot
        layer = field.partition(":")[2]
        others = [self._world.lot(name) for name in self._world.names if name != lot.name]
        return next((other for other in others if any(part.name == layer for part in other.layers)), lot)

    def _entered(self, lot: Lot, field: str, task: SimulatedTask) -> tuple[float, float] | None:
        """What equipment without a simulator shows; None for what the world or the laboratory tells."""
        scenario, (wanted, tolerance) = self._world.scenario, task.expected.get(field, (0.0, 0.0))
        error = scenario.error(f"{lot.name}:{task.action}:{field}", 1.0)
        if task.action == "roll_press" and field == "layer_density":
            return lot.layers[0].density_g_cm3 * (1.0 + 0.001 * error), 0.001 * wanted
        if field in ("temperature", "environment_temperature"):
            return scenario.room_c + 0.2 * error, 0.2
        if field == "relative_humidity":
            return HUMIDITY_PCT + 2.0 * error, 1.0
        if task.action in ("roll_press", "rest"):
            return wanted * (1.0 + 0.005 * error), 0.005 * wanted
        if task.action == "mix":
            return wanted + ENTERED_BOUND * tolerance * error, ENTERED_BOUND * tolerance / 3.0**0.5
        return None
