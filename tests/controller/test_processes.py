"""Whole programs on real sockets and serial lines: a killed controller, an interrupted one, a pulled cable."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymodbus.client import ModbusTcpClient

from controller.app import wire_line
from controller.cli.login import at_terminal
from controller.cli.recipes import planned
from controller.config import LineConfig, UnitConfig
from controller.dryrun import SimulatedPerson
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.executor.run import Run
from controller.journal import Journal, JournalError, read_events, verify
from controller.session import Surroundings, carry_out, unattended
from drivers.profile_file import load_profile
from simulators.clock import run_scaled
from simulators.line import SimulatedLine
from simulators.wire.serve import serve_line
from tests.controller.recipes_for_tests import quick, variant

SPEED = 20.0
SMALL = Path(__file__).with_name("small.yaml")
"""One sheet through every machine: 13 minutes of the line's time, a third of those of a shortened Example 1."""
PRESSLINE = [sys.executable, "-m", "controller.cli.main"]


@contextmanager
def program(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A pressline command in a process of its own, which is ended with the block."""
    process = subprocess.Popen(
        [*PRESSLINE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def ended(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PRESSLINE, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=dict(os.environ),
    )


def wait_for(what: Callable[[], Any], limit_s: float, process: subprocess.Popen[str] | None = None) -> Any:
    """Polls until something is there; fails when it is not within the limit (wall seconds) or the process has ended."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if (found := what()) is not None:
            return found
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the program ended with {process.returncode}: {process.communicate()[0]}")
        time.sleep(0.05)
    raise AssertionError(f"nothing within {limit_s} s")


def reached(store: Path, unit: str, phase: str) -> Event | None:
    """The record that says so, once it is in the store."""
    try:
        events = read_events(store)
    except JournalError:
        return None
    wanted = {"unit": unit, "phase": phase}
    return next((event for event in events if event.kind == "step.phase" and event.data == wanted), None)


class ForeignView:
    """The isostatic press seen by a Modbus client that is not ours."""

    def __init__(self, line_file: Path) -> None:
        url = urlsplit(tomllib.loads(line_file.read_text())["units"]["isostatic-press-1"]["url"])
        self._client = ModbusTcpClient(str(url.hostname), port=int(url.port or 0))
        assert self._client.connect()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

    def pressure_mpa(self) -> float:
        low, high = self._client.read_input_registers(20, count=2).registers
        value: float = struct.unpack(">f", struct.pack(">HH", high, low))[0]
        return value

    def zero_is_proven(self) -> bool:
        return bool(self._client.read_input_registers(16, count=1).registers[0] >> 3 & 1)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # as above


def test_a_controller_killed_while_it_pressurises(tmp_path: Path) -> None:
    """The machine ends pressurisation within its watchdog time and comes down; the record is whole and says held."""
    store, line_file, recipe = tmp_path / "store.sqlite", tmp_path / "line.toml", SMALL
    timing = load_profile("isostatic-press-generic").timing
    with program("simulate", "--speed", "20", "--line", line_file):
        wait_for(lambda: line_file.exists() or None, 20)
        with program("run", recipe, "--line", line_file, "--store", store) as controller:
            wait_for(lambda: reached(store, "isostatic-press-1", "ramp"), 90, controller)
            view = ForeignView(line_file)
            wait_for(lambda: view.pressure_mpa() > 100 or None, 20)
            controller.send_signal(signal.SIGKILL)
            controller.wait()
        killed = time.monotonic()
        time.sleep(timing.watchdog_s / SPEED + 0.2)
        peak = view.pressure_mpa()
        samples = []
        while not view.zero_is_proven():
            samples.append(view.pressure_mpa())
            assert time.monotonic() - killed < (timing.watchdog_s + timing.decompression_s) / SPEED + 1
            time.sleep(0.02)
        assert peak > 100
        assert max(samples) < peak + 8, "no pressurisation after the watchdog time, beyond the sensor's accuracy"
        view.close()

        shown = ended("show", "--store", store, "--json")
        (run,) = json.loads(shown.stdout)["runs"]
        assert run["state"] == "held"
        assert "the controller ended without closing the run in step densifying" in run["reason"]
        events = read_events(store)
        assert verify(events) == []
        finished = [event.data["name"] for event in events if event.kind == "step.finished"]
        assert finished[-1] == "bagging"
        text = ended("show", run["run"], "--store", store)
        assert text.returncode == 1
        assert "look at them before anything else" in text.stdout
        assert "Traceback" not in text.stdout + text.stderr

        rearmed = ("run", recipe, "--line", line_file, "--store", store, "--rearm")
        again = ended(*rearmed[:-1])
        assert again.returncode == 1
        assert re.search(r"isostatic-press-1 is in state ABORT(ED|ING); look at it, .* --rearm", again.stderr)
        wait_for(lambda: None if "state ABORTING" in ended(*rearmed[:-1]).stderr else True, 30)
        with program(*rearmed) as controller:
            wait_for(lambda: [e.kind for e in read_events(store)].count("run.created") == 2 or None, 60, controller)
            controller.send_signal(signal.SIGINT)
            controller.communicate(timeout=30)
        resets = [event.data for event in read_events(store) if event.data.get("command") == "reset"]
        assert {"unit": "isostatic-press-1", "command": "reset"} in resets
        found = [event for event in read_events(store, run["run"]) if event.kind == "run.state"][-1]
        assert found.data["state"] == "held"
        assert re.search(r"isostatic-press-1 is ABORT(ED|ING), proven to be without pressure", found.data["reason"])
        (listed, other) = json.loads(ended("runs", "--store", store, "--json").stdout)["runs"]
        assert (listed["run"], listed["is_open"], listed["can_continue"]) == (run["run"], True, True)
        assert not other["can_continue"]
        nobody = ended("resume", run["run"], "--line", line_file, "--store", store)
        assert (nobody.returncode, "nobody is at a terminal" in nobody.stderr) == (2, True)
        closed = ended(
            "close", run["run"], "--reason", "the laminate is scrap", "--who", "shift lead", "--store", store
        )
        assert (closed.returncode, "the laminate is scrap" in closed.stdout) == (0, True), closed.stderr
        again = ended("close", run["run"], "--reason", "once more", "--who", "shift lead", "--store", store)
        assert (again.returncode, "closed already" in again.stderr) == (1, True)


def test_a_controller_killed_in_a_pressing_is_started_again_and_goes_on_to_the_end(tmp_path: Path) -> None:
    """kill -9 of the process; the simulated line is another one and goes on; `pressline resume` carries the run on."""
    store, line_file = tmp_path / "store.sqlite", tmp_path / "line.toml"
    faster = (("ramp: 5 MPa/s", "ramp: 10 MPa/s"), ("release: 5 MPa/s", "release: 10 MPa/s"))
    warmer = ("temperature_window: 117..132 degC", "temperature_window: 117..145 degC")  # it is heated by its pressure
    recipe = variant(tmp_path / "faster.yaml", *faster, warmer, source=quick(tmp_path / "quick.yaml"))
    with program("simulate", "--speed", "20", "--line", line_file):
        wait_for(lambda: line_file.exists() or None, 20)
        with program("run", recipe, "--line", line_file, "--store", store) as controller:
            wait_for(lambda: reached(store, "uniaxial-press-1", "dwell"), 90, controller)
            controller.send_signal(signal.SIGKILL)
            controller.wait()
        before = read_events(store)
        name = before[0].run
        recipe.unlink()  # what is run is what was approved, whatever became of the file
        decided = ("--decide", "restart", "--who", "shift lead", "--reason", "the press is empty of pressure")
        with program("resume", name, "--line", line_file, "--store", store, *decided) as controller:
            output, _ = controller.communicate(timeout=110)
    assert controller.returncode == 1, "nothing is claimed of what nobody saw pressed"
    assert "Traceback" not in output
    assert "restart: does first joining again" in output
    events = read_events(store)
    assert verify(events) == []
    assert [event.hash for event in events[: len(before)]] == [event.hash for event in before], "nothing is rewritten"
    finished = [event.data["name"] for event in events if event.kind == "step.finished"]
    created = next(event for event in events if event.kind == "run.created")
    assert finished == [step["name"] for step in created.data["steps"]], "each once, in order"
    assert [e.data["state"] for e in events if e.kind == "run.state"][-1] == "complete"
    assert {e.data["who"] for e in events if e.kind == "run.state" and e.data["state"] == "restarting"} == {
        "shift lead"
    }
    (run,) = json.loads(ended("runs", "--store", store, "--json").stdout)["runs"]
    assert (run["state"], run["is_open"], run["can_continue"]) == ("complete", False, False)


@pytest.mark.parametrize(("interrupts", "state"), [(1, "stopped"), (2, "aborted")])
def test_ctrl_c_stops_and_a_second_one_aborts(tmp_path: Path, interrupts: int, state: str) -> None:
    store = tmp_path / "store.sqlite"
    with program("run", SMALL, "--simulate", "--speed", "20", "--store", store) as controller:
        wait_for(lambda: reached(store, "uniaxial-press-1", "dwell"), 90, controller)
        for _ in range(interrupts):
            controller.send_signal(signal.SIGINT)
            time.sleep(0.1)
        output, _ = controller.communicate(timeout=30)
    assert controller.returncode == 1
    assert "stopping; a second Ctrl-C aborts" in output
    assert "uniaxial-press-1 is proven to be without pressure" in output
    assert "Traceback" not in output
    (run,) = json.loads(ended("show", "--store", store, "--json").stdout)["runs"]
    assert run["state"] == state
    assert at_terminal() in {e.data.get("who") for e in read_events(store) if e.kind == "command.done"}
    events = read_events(store)
    assert verify(events) == []
    assert events[-1].kind == "run.closed"


def test_several_laminates_run_on_wires_and_ctrl_c_stops_them_all(tmp_path: Path) -> None:
    store, recipe = tmp_path / "store.sqlite", quick(tmp_path / "quick.yaml")
    with program("run", recipe, "--simulate", "--speed", "20", "--laminates", "2", "--store", store) as controller:

        def both() -> bool | None:
            try:
                kinds = {(event.run[-2:], event.kind) for event in read_events(store)}
            except JournalError:
                return None
            return True if kinds >= {("01", "prompt.asked"), ("02", "run.waiting")} else None

        wait_for(both, 60, controller)
        (first, second) = json.loads(ended("runs", "--store", store, "--json").stdout)["runs"]
        controller.send_signal(signal.SIGINT)
        output, _ = controller.communicate(timeout=60)
    assert controller.returncode == 1
    assert "Traceback" not in output
    assert second["now"] == f"it waits for coater-1 for coat cathode: coater-1 works for {first['run']}"
    assert f"{second['run']}      waits for coater-1 for coat cathode: coater-1 works for {first['run']}" in output
    assert "2 laminates, 2 people at the line" in output
    states = {run["run"]: run["state"] for run in json.loads(ended("runs", "--store", store, "--json").stdout)["runs"]}
    assert states == {first["run"]: "stopped", second["run"]: "stopped"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_during_a_task_stops_without_a_trace(tmp_path: Path, number: signal.Signals) -> None:
    store, recipe = tmp_path / "store.sqlite", quick(tmp_path / "quick.yaml")
    with program("run", recipe, "--simulate", "--speed", "20", "--store", store) as controller:

        def asked() -> bool | None:
            try:
                return any(event.kind == "prompt.asked" for event in read_events(store)) or None
            except JournalError:
                return None

        wait_for(asked, 30, controller)
        controller.send_signal(number)
        output, _ = controller.communicate(timeout=30)
    assert controller.returncode == 1
    assert "Traceback" not in output
    assert f"interrupted by {number.name}" in output
    assert read_events(store)[-1].kind == "run.closed"


def test_a_reader_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    store, recipe = tmp_path / "store.sqlite", quick(tmp_path / "quick.yaml")
    with program("run", recipe, "--simulate", "--speed", "20", "--store", store) as controller:
        assert controller.stdout is not None
        controller.stdout.readline()
        controller.stdout.close()
        wait_for(lambda: reached(store, "coater-1", "run_out"), 60, controller)
        controller.send_signal(signal.SIGINT)
        controller.wait(timeout=30)
    states = [event.data["state"] for event in read_events(store) if event.kind == "run.state"]
    assert states[-1] == "stopped"


def test_simulate_takes_its_line_file_away_with_it(tmp_path: Path) -> None:
    line = tmp_path / "line.toml"
    with program("simulate", "--speed", "20", "--line", line) as simulator:
        wait_for(lambda: line.exists() or None, 20, simulator)
        urls = [unit["url"] for unit in tomllib.loads(line.read_text())["units"].values()]
        simulator.send_signal(signal.SIGTERM)
        output, _ = simulator.communicate(timeout=20)
    assert simulator.returncode == 0, output
    assert "Traceback" not in output
    assert not line.exists()
    assert not [url for url in urls if url.startswith("serial://") and Path(urlsplit(url).path).exists()]


def test_ctrl_c_before_anything_was_started(tmp_path: Path) -> None:
    line = tmp_path / "line.toml"
    line.write_text(
        '[units.isostatic-press-1]\nkind = "isostatic_press"\nprofile = "isostatic-press-generic"\nurl = "tcp://127.0.0.1:1?unit=1"\n'
        '[units.uniaxial-press-1]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:1?unit=2"\n'
        '[units.coater-1]\nkind = "coater"\nprofile = "coater-generic"\nurl = "serial:///dev/no-such-port?baudrate=9600"\n'
        '[units.thickness-gauge-1]\nkind = "gauge"\nprofile = "thickness-gauge-sics"\nurl = "serial:///dev/no-such-port-2?baudrate=9600"\n'
        '[units.balance-1]\nkind = "balance"\nprofile = "balance-sics"\nurl = "serial:///dev/no-such-port-3?baudrate=9600"\n',
        encoding="utf-8",
    )
    recipe = quick(tmp_path / "quick.yaml")
    unreachable = ended("run", recipe, "--line", line, "--store", tmp_path / "store.sqlite")
    assert unreachable.returncode == 3
    for unit in ("isostatic-press-1", "uniaxial-press-1", "coater-1", "thickness-gauge-1", "balance-1"):
        assert re.search(f"^{unit}: ", unreachable.stderr, re.MULTILINE), unreachable.stderr
    assert "Traceback" not in unreachable.stderr
    store = tmp_path / "interrupted.sqlite"
    with program("run", recipe, "--line", line, "--store", store) as controller:
        while not store.exists():  # its imports are done, and its journal is open
            time.sleep(0.05)
        time.sleep(2)  # it tries to connect for 10 s
        controller.send_signal(signal.SIGINT)
        output, _ = controller.communicate(timeout=30)
    assert controller.returncode == 1
    assert "interrupted; nothing was started" in output


@pytest.mark.parametrize("unit", ["uniaxial-press-1", "isostatic-press-1"])
def test_a_pulled_cable_on_a_real_wire(unit: str) -> None:
    """A pseudo-terminal or a socket is closed during a dwell: held, told clearly, the press at zero by itself."""
    plan = planned(SMALL, None)

    async def main() -> tuple[list[Event], dict[str, float]]:
        loop = asyncio.get_running_loop()
        simulated = SimulatedLine(seed=1, clock=loop.time)
        journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00Z")
        tasks: list[asyncio.Task[None]] = []
        async with serve_line(simulated.machines, loop.time) as wires:
            config = LineConfig(
                "test",
                {n: UnitConfig(n, m.profile.kind, m.profile.name, wires[n]) for n, m in simulated.machines.items()},
                SPEED,
            )

            async def pull(run: Run) -> None:
                with run.journal.stream.subscribe() as events:
                    while (event := await events.get()).kind != "step.phase" or event.data != {
                        "unit": unit,
                        "phase": "dwell",
                    }:
                        pass
                await asyncio.sleep(10)
                await wires.unplug(unit)

            surroundings = Surroundings(
                wire_line(config),
                journal,
                SimulatedPerson(simulated),
                unattended,
                speed=SPEED,
                announce=lambda run: tasks.append(asyncio.create_task(pull(run))),
            )
            await carry_out(plan, surroundings, "run")
            for task in tasks:
                task.cancel()  # a run that was held before has no dwell to wait for
            await asyncio.gather(*tasks, return_exceptions=True)
            machine = simulated.machines[unit]
            machine.advance(loop.time())  # type: ignore[union-attr]
            assert verify(journal.events()) == []
            return journal.events("run"), dict(machine.tags)  # type: ignore[union-attr]

    events, tags = run_scaled(main(), SPEED)
    record = document(events, alive=False)
    assert record["state"] == "held"
    assert unit in record["reason"]
    assert any("could not be reached" in message for message in record["messages"])
    assert tags["force_pv_kn" if unit == "uniaxial-press-1" else "pressure_a_mpa"] < 5.0
