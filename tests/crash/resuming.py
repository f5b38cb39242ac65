"""The power of the controller is cut at an operation of its disk; the machines go on; another controller comes later.

`python -m tests.crash.resuming --points 40` plays a sample of boundaries of a shortened Example 1: the machines alone
end pressurisation in time, the run is found and held, and it is carried to its end or closed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

import apsw

from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.executor.states import ENDED
from controller.journal import SqliteJournal, read_events, verify
from controller.people import run_truth
from controller.recovery import open_runs
from controller.resuming import close_run, continue_run
from controller.session import Surroundings, carry_out, unattended
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from simulators.operator_link import truth
from tests.campaign.fault_limits import PRESSING, UNLOADED
from tests.campaign.observer import Observer, Seen
from tests.controller.killing import Outliving
from tests.controller.scene import restarting
from tests.crash.boundaries import fast_folder
from tests.crash.disk import Disk, Left, Recorder
from tests.crash.recording import RUN, STORE
from tests.crash.storage import short_plan
from tests.crash.vfs import FileSystem

RISE_KN_MPA = 0.5
"""What a press may still show as a rise once it does not pressurise any more: the ripple and creep of its loop."""


class End(StrEnum):
    """What a person does with a run that was left."""

    FINISH = "finished"
    CLOSE = "closed"


class CutRecorder(Recorder):
    """Writes down every operation until the power is cut; then nothing is done any more. `cut` is called once."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at
        self.is_off = False
        self.cut: Any = lambda: None

    def _witness(self) -> None:
        if not self.is_off and len(self.operations) >= self.at:
            self.is_off = True
            self.cut()
        if self.is_off:
            raise apsw.IOError("there is no power")

    def writes(self, file: str, offset: int, data: bytes) -> None:
        self._witness()
        super().writes(file, offset, data)

    def truncates(self, file: str, size: int) -> None:
        self._witness()
        super().truncates(file, size)

    def syncs(self, file: str) -> None:
        self._witness()
        super().syncs(file)

    def deletes(self, file: str, *, durably: bool) -> None:
        self._witness()
        super().deletes(file, durably=durably)

    def creates(self, file: str) -> None:
        self._witness()
        super().creates(file)


@dataclass(slots=True)
class Resumed:
    """One cut and what came of it."""

    at: int
    left: Left
    gap_s: float
    end: End
    cut_s: float = 0.0
    was_created: bool = False
    first_state: str = ""
    choices: Sequence[str] = ()
    state: str = ""
    reason: str = ""
    faults: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __str__(self) -> str:
        return f"operation {self.at}, {self.left}, {self.gap_s:.0f} s later, {self.end}: {self.state} {self.reason}"


def resumed(at: int, left: Left, gap_s: float, end: End, seed: int = 1) -> Resumed:
    """Plays a shortened Example 1, cuts the power before operation `at`, and takes it up again after a while."""
    story = Resumed(at, left, gap_s, end)
    with fast_folder() as first, fast_folder() as second:
        run_virtual(_play(story, first, second, seed))
    return story


async def _play(story: Resumed, first: Path, second: Path, seed: int) -> None:
    clock = asyncio.get_running_loop().time
    simulated = SimulatedLine(seed=seed, clock=clock)
    observer = Observer(simulated)
    disk = await _until_cut(story, simulated, first)
    story.cut_s = clock()
    await asyncio.sleep(story.gap_s)
    observer.look(clock())
    story.faults += _silence(story, observer, clock())
    image = next(i for i in disk.images(Random(story.at), [story.left]) if i.left in (story.left, Left.KEPT))
    for name, content in image.files.items():
        (second / name).write_bytes(content)
    await _taken_up(story, simulated, second)


async def _until_cut(story: Resumed, simulated: SimulatedLine, folder: Path) -> Disk:
    """The first controller, up to its death; what its disk had seen by then."""
    loop, recorder = asyncio.get_running_loop(), CutRecorder(story.at)
    line = memory_line(simulated)
    dead = asyncio.Event()

    def cut() -> None:  # in the journal's thread: nothing reaches a machine from this instant on
        for machine in line.machines.values():
            transport: Any = machine._link.layer.transport
            transport.unplug()
        loop.call_soon_threadsafe(dead.set)

    recorder.cut = cut
    try:
        journal = SqliteJournal(
            EventStream(), lambda: virtual_utc(loop.time()), folder / STORE, FileSystem(recorder).connect
        )
    except Exception:
        if not recorder.is_off:
            raise
        return _disk_of(recorder)
    surroundings = Surroundings(line, journal, Outliving(SimulatedPerson(simulated)), unattended)
    work = asyncio.create_task(carry_out(short_plan(), surroundings, RUN), name="the controller that dies")
    waits = asyncio.create_task(dead.wait())
    await asyncio.wait({work, waits}, return_when=asyncio.FIRST_COMPLETED)
    if not recorder.is_off:
        raise AssertionError(f"the run had ended before operation {story.at}: {len(recorder.operations)}")
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    waits.cancel()
    await journal.close()  # it cannot write any more: what it rescues is not on the disk that is looked at
    return _disk_of(recorder)


def _disk_of(recorder: Recorder) -> Disk:
    disk = Disk()
    for operation in recorder.operations:
        disk.apply(operation)
    return disk


async def _taken_up(story: Resumed, simulated: SimulatedLine, folder: Path) -> None:
    """The next controller."""
    clock = asyncio.get_running_loop().time

    async def told_truth(lot: str, jobs: Any) -> dict[str, Any]:
        return run_truth(truth(simulated, lot), jobs)

    journal = SqliteJournal(EventStream(), lambda: virtual_utc(clock()), folder / STORE)
    earlier = list(journal.earlier)
    story.was_created = any(event.kind == "run.created" for event in earlier)
    if open_runs(earlier):
        person, attendant = Outliving(SimulatedPerson(simulated)), restarting(after_s=2.0, times=30)
        surroundings = Surroundings(memory_line(simulated), journal, person, attendant, told_truth)
        if story.end is End.FINISH:
            await continue_run(RUN, surroundings)
        else:
            await close_run(RUN, surroundings, "not to be continued", "shift lead")
    await journal.close()
    story.events = read_events(folder / STORE)
    story.faults += verify(story.events)
    if journal.broken is not None:
        story.faults.append(journal.broken)
    _look_at_states(story, story.events[len(earlier) :])


def _look_at_states(story: Resumed, later: Sequence[Event]) -> None:
    states = [event for event in later if event.kind == "run.state"]
    if states:
        story.first_state, story.choices = states[0].data["state"], states[0].data.get("choices", ())
    all_states = [event for event in story.events if event.kind == "run.state"]
    if all_states:
        story.state, story.reason = all_states[-1].data["state"], all_states[-1].data["reason"]
    if story.was_created and open_runs(story.events):
        story.faults.append("the run is still open")
    ended = any(e.kind == "run.state" and e.data["state"] == "complete" for e in story.events[: -len(later) or None])
    if later and story.was_created and story.state not in ENDED:
        story.faults.append(f"it ends {story.state}")
    wanted = "held" if story.end is End.FINISH else "stopped"
    if later and story.was_created and not ended and story.first_state != wanted:
        story.faults.append(f"it was found {story.first_state or 'in no state'}, not {wanted}")


def _silence(story: Resumed, observer: Observer, now_s: float) -> Iterator[str]:
    """No pressure rises after the watchdog time, and it is zero within the decompression time that is stated."""
    for seen in observer.seen.values():
        if seen.profile.kind not in UNLOADED:
            continue
        timing = seen.profile.timing
        ends_s = max([story.cut_s, *seen.beats_s[-1:]]) + timing.watchdog_s
        yield from _rises(seen, ends_s)
        zero_by_s = ends_s + timing.decompression_s
        after = [scan for scan in seen.scans if scan.time_s > zero_by_s]
        if after and after[0].load > UNLOADED[seen.profile.kind]:
            yield f"{seen.unit} is at {after[0].load:.1f}, {timing.decompression_s:g} s after its watchdog time"
        if not after and now_s > zero_by_s:
            yield f"{seen.unit} was not seen"


def _rises(seen: Seen, from_s: float) -> Iterator[str]:
    lowest = None
    for scan in seen.scans:
        if scan.time_s < from_s:
            continue
        if lowest is not None and scan.load > lowest + RISE_KN_MPA and scan.load > PRESSING[seen.profile.kind]:
            yield f"{seen.unit} rises to {scan.load:.1f} after its watchdog time"
            return
        lowest = scan.load if lowest is None else min(lowest, scan.load)


def operations_of_a_run(seed: int = 1) -> int:
    """How many operations of the disk a shortened Example 1 makes from its start to the record of its end."""
    with fast_folder() as folder:
        return run_virtual(_whole(CutRecorder(sys.maxsize), folder, seed))


async def _whole(recorder: Recorder, folder: Path, seed: int) -> int:
    clock = asyncio.get_running_loop().time
    simulated = SimulatedLine(seed=seed, clock=clock)
    journal = SqliteJournal(EventStream(), lambda: virtual_utc(clock()), folder / STORE, FileSystem(recorder).connect)
    person = Outliving(SimulatedPerson(simulated))
    await carry_out(short_plan(), Surroundings(memory_line(simulated), journal, person, unattended), RUN)
    count = len(recorder.operations)
    await journal.close()
    return count


def sample(points: int, operations: int, seed: int = 1) -> Iterator[tuple[int, Left, float, End]]:
    """Cuts spread over a run, with what is left of the last writes, how long nobody is there, and what is done then."""
    rng = Random(seed)
    step = (operations - 60) / points  # the last ones are those of closing
    for number in range(points):
        at = 20 + int(step * number + rng.random() * step) - 20 * (number == 0)
        gap_s, left = rng.choice([2.0, 60.0, 1800.0]), rng.choice([Left.KEPT, Left.DROPPED])
        yield at, left, gap_s, End.CLOSE if number % 4 == 3 else End.FINISH


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Cuts the controller's power and takes the run up again.")
    parser.add_argument("--points", type=int, default=40, help="how many cuts, spread over the run")
    parser.add_argument("--seed", type=int, default=1, help="draws the instants, the gaps and what is done")
    options = parser.parse_args(arguments)
    began, stories = time.monotonic(), []
    for at, left, gap_s, end in sample(options.points, operations_of_a_run(), options.seed):
        stories.append(story := resumed(at, left, gap_s, end))
        print(story, flush=True)
        print("".join(f"    {fault}\n" for fault in story.faults), end="", flush=True)
    print("\n".join(summary(stories)))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if any(story.faults for story in stories) else 0


def summary(stories: Sequence[Resumed]) -> Iterator[str]:
    """The figures in words."""
    yield f"{len(stories)} cuts of a run, {sum(story.was_created for story in stories)} after it was created"
    ends = Counter(f"{story.end}: {story.state or 'never begun'}" for story in stories)
    yield from (f"  {count:4} {words}" for words, count in sorted(ends.items()))
    yield f"  {sum(bool(story.faults) for story in stories)} in which something was that must not be"


if __name__ == "__main__":
    sys.exit(main())
