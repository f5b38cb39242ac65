"""Real processes, really killed: `python -m tests.crash.killing --kills 6`; on wall time, on a line 20 times as fast.

A line is served by one process; another presses a shortened Example 1 on it and is killed with SIGKILL as soon as its
journal holds a drawn number of records. Foreign clients read the presses: pressurisation ends within the watchdog time,
and pressure is zero within the decompression time that the profile states. The store opens, no record is lost that was
seen, the run is held; `pressline resume` carries it on, to the next kill or to its end.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from controller.journal import canonical, read_events, verify
from drivers.profile_file import load_profile
from tests.controller.recipes_for_tests import quick
from tests.controller.test_processes import PRESSLINE, ended, program, wait_for

SPEED = 20.0
PRESSES = {"uniaxial-press-1": "uniaxial-press-generic", "isostatic-press-1": "isostatic-press-generic"}
AT_ZERO = {"uniaxial-press-1": 2.0, "isostatic-press-1": 2.0}
"""kN and MPa below which a press shows zero: its sensor's accuracy (1.5 kN, 1 MPa) and its noise."""
AT_PRESSURE = (
    ("uniaxial-press-1", "dwell"),
    ("isostatic-press-1", "ramp"),
    ("isostatic-press-1", "dwell"),
    ("isostatic-press-1", "release"),
)
LOOKS_S = 0.02
MARGIN_S = 1.0
"""Of wall time: a client's connection and its turn on a loaded computer."""


class Foreign:
    """The two presses as Modbus clients see them that are not ours."""

    def __init__(self, line_file: Path) -> None:
        units = tomllib.loads(line_file.read_text())["units"]
        self._clients: dict[str, tuple[Any, int]] = {}
        for unit in PRESSES:
            url = urlsplit(units[unit]["url"])
            asked = {key: values[0] for key, values in parse_qs(url.query).items()}
            number = int(asked.get("unit", "1"))
            client: Any
            if url.scheme == "tcp":
                client = ModbusTcpClient(str(url.hostname), port=int(url.port or 0))
            else:
                client = ModbusSerialClient(url.path, baudrate=int(asked["baudrate"]), timeout=0.3)
            assert client.connect(), unit
            self._clients[unit] = client, number

    def loads(self) -> dict[str, float]:
        """kN of the uniaxial press, MPa of the isostatic one; what gives no answer this time is left out."""
        found = {}
        for unit, (client, number) in self._clients.items():
            with suppress(Exception):
                low_high = client.read_input_registers(20, count=2, device_id=number).registers
                found[unit] = struct.unpack(">f", struct.pack(">HH", *_ordered(unit, low_high)))[0]
        return found

    def close(self) -> None:
        for client, _ in self._clients.values():
            client.close()


def _ordered(unit: str, words: Sequence[int]) -> Sequence[int]:
    """High word first; the isostatic press sends the low one first, by its register document."""
    return words if unit == "uniaxial-press-1" else words[::-1]


Moment: TypeAlias = int | tuple[str, str]
"""A number of records in the store, or a unit and the phase that it enters."""


@dataclass(slots=True)
class Kill:
    """One kill and what was seen. highest: the load of each press when the watchdog time was over, and later."""

    wanted: Moment
    records: int = 0
    where: str = ""
    at_watchdog: dict[str, float] = field(default_factory=dict)
    highest: dict[str, float] = field(default_factory=dict)
    zero_after_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        loads = ", ".join(f"{unit} {load:.1f}" for unit, load in self.at_watchdog.items())
        zero = f"zero {self.zero_after_s:.0f} s of the line's time after the kill"
        return f"killed at record {self.records} ({self.where}): {loads} at the end of the watchdog time, {zero}"


def records(store: Path, wanted: Moment, since: int) -> tuple[int, bool]:
    """How many records a store holds, read beside its writer, and whether the moment has come after record `since`."""
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as database:
            count = int(database.execute("SELECT max(sequence) FROM events").fetchone()[0] or 0)
            if isinstance(wanted, int):
                return count, count >= wanted
            phase = canonical({"unit": wanted[0], "phase": wanted[1]})
            asked = "SELECT 1 FROM events WHERE kind = 'step.phase' AND data = ? AND sequence > ?"
            return count, database.execute(asked, (phase, since)).fetchone() is not None
    except sqlite3.Error:
        return 0, False


def watched(kill: Kill, line_file: Path, killed_s: float) -> None:
    """Sees the presses from outside until they are at zero, for as long as that may take."""
    timings = [load_profile(profile).timing for profile in PRESSES.values()]
    watchdog_s = max(timing.watchdog_s for timing in timings) / SPEED
    limit_s = watchdog_s + max(timing.decompression_s for timing in timings) / SPEED + MARGIN_S
    view = Foreign(line_file)
    try:
        while (since_s := time.monotonic() - killed_s) < limit_s:
            loads = view.loads()
            if since_s > watchdog_s + MARGIN_S / 2:
                for unit, load in loads.items():
                    kill.at_watchdog.setdefault(unit, load)
                    kill.highest[unit] = max(kill.highest.get(unit, load), load)
                if loads.keys() == PRESSES.keys() and all(load < AT_ZERO[unit] for unit, load in loads.items()):
                    break
            time.sleep(LOOKS_S)
        else:
            kill.faults.append(f"not at zero within {limit_s * SPEED:.0f} s of the line's time")
    finally:
        view.close()
    kill.zero_after_s = (time.monotonic() - killed_s) * SPEED
    for unit, profile in PRESSES.items():
        signal_of = "force_pv_kn" if unit == "uniaxial-press-1" else "pressure_a_mpa"
        slack = 2.0 * (load_profile(profile).signals[signal_of].accuracy or 0.0)
        if kill.highest.get(unit, 0.0) > kill.at_watchdog.get(unit, 0.0) + slack:
            kill.faults.append(f"{unit} rose to {kill.highest[unit]:.1f} after the watchdog time")


def looked_at(kill: Kill, store: Path, run: str) -> None:
    """The store after a kill: whole, nothing lost that was seen, the run held."""
    events = read_events(store)
    kill.faults += verify(events)
    if len(events) < kill.records:
        kill.faults.append(f"{kill.records - len(events)} records are lost")
    steps = [event.data["name"] for event in events if event.kind == "step.started"]
    phases = [f"{event.data['unit']} {event.data['phase']}" for event in events if event.kind == "step.phase"]
    kill.where = ", ".join([*steps[-1:], *phases[-1:]]) or "before the first step"
    shown = json.loads(ended("show", run, "--store", store, "--json").stdout)
    if shown["state"] != "held":
        kill.faults.append(f"the run is shown as {shown['state']}")


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    """A simulated line in a process of its own; its line file."""
    line_file = folder / "line.toml"
    with program("simulate", "--speed", f"{SPEED:g}", "--line", line_file) as simulator:
        wait_for(lambda: line_file.exists() or None, 30, simulator)
        yield line_file


def killed_at(wanted: Moment, command: Sequence[str | Path], store: Path, limit_s: float = 240.0) -> Kill | None:
    """Starts a controller and kills it at a moment; None if it ended before."""
    kill, until_s = Kill(wanted), time.monotonic() + limit_s
    since, _ = records(store, 0, 0)
    with subprocess.Popen(
        [*PRESSLINE, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        has_come = False
        while not has_come:
            kill.records, has_come = records(store, wanted, since)
            if run.poll() is not None:
                return None
            if time.monotonic() > until_s:
                run.kill()
                raise AssertionError(f"{wanted} was not reached: there are {kill.records} records")
            time.sleep(0.005)
        run.send_signal(signal.SIGKILL)
        run.wait()
    return kill


def session(kills: Sequence[Moment], folder: Path, *, to_the_end: bool = True) -> tuple[list[Kill], str]:
    """One run that is killed at each of these records in turn; the kills, and the state in which it ended."""
    store, recipe = folder / "store.sqlite", quick(folder / "quick.yaml")
    done: list[Kill] = []
    run = ""
    with served(folder) as line_file:
        command: tuple[str | Path, ...] = ("run", recipe, "--line", line_file, "--store", store)
        for wanted in kills:
            kill = killed_at(wanted, command, store)
            if kill is None:
                break
            watched(kill, line_file, time.monotonic())
            run = next(event.run for event in read_events(store) if event.kind == "run.created")
            looked_at(kill, store, run)
            done.append(kill)
            print(kill, *kill.faults, sep="\n  ", flush=True)
            decision = ("--decide", "restart", "--who", "the campaign")
            command = ("resume", run, "--line", line_file, "--store", store, *decision)
        if not to_the_end:
            closed = ended("close", run, "--store", store, "--reason", "only looked", "--who", "the campaign")
            return done, closed.stderr or "closed"
        finished = subprocess.run([*PRESSLINE, *map(str, command)], capture_output=True, text=True, timeout=400)  # noqa: PLW1510  its end is in the store
    events = read_events(store)
    state = [event.data["state"] for event in events if event.kind == "run.state"][-1]
    if verify(events) or state != "complete":
        done[-1].faults.append(f"it ends {state}: {finished.stderr.strip()}")
        print(done[-1].faults[-1], flush=True)
    return done, state


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Kills a controller, again and again, and carries its run on.")
    parser.add_argument("--kills", type=int, default=6, help="how many kills of one run, beside those at pressure")
    parser.add_argument("--seed", type=int, default=1, help="draws the records at which it is killed")
    options = parser.parse_args(arguments)
    began, rng = time.monotonic(), Random(options.seed)
    wanted: list[Moment] = [*sorted(rng.sample(range(10, 200), options.kills)), *AT_PRESSURE]
    with TemporaryDirectory() as folder:
        kills, state = session(wanted, Path(folder))
    bad = sum(bool(kill.faults) for kill in kills)
    print(f"{len(kills)} kills of one run, which ended {state}; {bad} in which something was that must not be")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
