"""The guard command by command: what it journals, in which order it sends, and what keeps it from sending."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from controller.authority import Role
from controller.calibration import CYCLES, Fitness
from controller.events import EventStream
from controller.guard import Guard, HandWrite, JobRefused, PermissiveMissing
from controller.interlocks import Bypasses
from controller.journal import Journal, JournalError
from drivers.errors import CommandRejected, DriverError, LinkDown
from drivers.profile import Profile
from drivers.reading import Quality, Reading
from drivers.writing import Outcome, Written
from simulators.clock import run_virtual
from tests.controller.interlock_snapshots import PROFILES, snapshot, well, with_bit
from tests.controller.test_bypasses import Clock, bypass

PRESS = PROFILES["isostatic_press"]
NOW = "2026-01-01T00:00:00.000+00:00"
JOB = SimpleNamespace(signals={"job_id": 1.0, "pressure_sp_mpa": 980.0})
NO_NUMBER = SimpleNamespace(signals={"job_id": 1.0, "pressure_sp_mpa": math.nan})


class Machine:
    """A machine that shows what it is given, and journals with `log` what it is sent; `fails` may refuse it."""

    def __init__(self, log: list[Any], values: dict[str, float] | None = None) -> None:
        self.unit, self.profile, self.log = "press", PRESS, log
        self.values = well(PRESS) if values is None else values
        self.fails: Exception | None = None
        self.unread: Exception | None = None
        self.looks = 0
        for name in ("start", "restart", "reset", "hold", "stop", "abort"):
            setattr(self, name, self._sends(name))

    async def snapshot(self) -> Any:
        self.looks += 1
        assert self.looks < 50, "it is looked at without end"
        if self.unread is not None:
            raise self.unread
        return snapshot(self.profile, self.values)

    async def download(self, values: Any) -> None:
        await self._sends("load_job")()

    def _sends(self, name: str) -> Callable[[], Any]:
        async def send() -> None:
            self.log.append(("sent", name))
            if self.fails is not None:
                raise self.fails

        return send


class Desk:
    """A guard, its machine, and everything that happens in its order: events and what goes to the wire."""

    def __init__(self, **more: Any) -> None:
        self.log: list[Any] = []
        self.machine: Any = Machine(self.log)
        self.journal = Journal(EventStream(), lambda: NOW)
        publish = self.journal.stream.publish

        def told(event: Any) -> None:
            assert event.run == "run"
            self.log.append((event.kind, dict(event.data)))
            publish(event)

        self.journal.stream.publish = told  # type: ignore[method-assign]
        self.guard = Guard(self.journal, "run", **more)

    def kinds(self) -> list[str]:
        return [what if isinstance(data, dict) else f"{what} {data}" for what, data in self.log]

    def data(self, kind: str) -> dict[str, Any]:
        [found] = [data for what, data in self.log if what == kind]
        return dict(found)


def played(work: Callable[[Desk], Any], desk_of: Callable[[], Desk] = Desk) -> Desk:
    async def main() -> Desk:
        desk = desk_of()
        await work(desk)
        return desk

    return run_virtual(main())


async def reset(desk: Desk) -> None:
    """A reset of a machine that has just finished, and shows what it showed before else."""
    desk.machine.values = {**desk.machine.values, "machine_state": float(PRESS.number("packml_state", "COMPLETE"))}
    await desk.guard.reset(desk.machine)


RISING: dict[str, Callable[[Desk], Any]] = {
    "start": lambda desk: desk.guard.start(desk.machine),
    "restart": lambda desk: desk.guard.restart(desk.machine, "A. Person"),
    "reset": reset,
    "load_job": lambda desk: desk.guard.load(desk.machine, JOB, None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("command", list(RISING))
def test_what_raises_risk_is_journalled_then_sent_then_told(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])
    desk = played(RISING[command])
    assert desk.kinds() == ["command.requested", f"sent {command}", "command.done"]
    assert desk.data("command.done") == {"unit": "press", "command": command}
    more = {"restart": {"who": "A. Person"}, "load_job": {"job": JOB.signals}}.get(command, {})
    requested = desk.data("command.requested")
    assert {**requested, "job": 0} == {"unit": "press", "command": command, **more, "job": 0}
    assert requested.get("job") == more.get("job")


@pytest.mark.parametrize("command", list(RISING))
def test_after_a_hold_was_asked_for_nothing_that_raises_risk_is_sent(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])

    async def work(desk: Desk) -> None:
        with pytest.raises(PermissiveMissing, match=f"press was not sent {command}: hold, stop or abort was asked for"):
            await RISING[command](desk)

    assert played(work, lambda: Desk(halted=lambda: True)).kinds() == ["command.requested"]


@pytest.mark.parametrize("command", list(RISING))
def test_a_command_that_fails_is_told_and_raised(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])

    async def work(desk: Desk) -> None:
        desk.machine.fails = LinkDown("it would not")
        with pytest.raises(LinkDown):
            await RISING[command](desk)

    desk = played(work)
    assert desk.kinds() == ["command.requested", f"sent {command}", "command.failed"]
    assert desk.data("command.failed") == {"unit": "press", "command": command, "error": "it would not"}


@pytest.mark.parametrize("command", list(RISING))
def test_what_cannot_be_journalled_is_not_sent(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])

    async def broken(*_: Any) -> None:
        raise JournalError("the disk is full")

    async def work(desk: Desk) -> None:
        desk.journal.append = broken  # type: ignore[method-assign, assignment]
        with pytest.raises(JournalError):
            await RISING[command](desk)

    assert played(work).kinds() == []


@pytest.mark.parametrize("command", ["hold", "stop", "abort"])
def test_what_lowers_risk_is_sent_and_then_noted(command: str) -> None:
    async def work(desk: Desk) -> None:
        assert await desk.guard.lower(desk.machine, command, "tilt", "A. Person") is True

    desk = played(work)
    assert desk.kinds() == [f"sent {command}", "command.done"]
    told = {"unit": "press", "command": command, "reason": "tilt", "who": "A. Person"}
    assert desk.data("command.done") == told


def test_what_lowers_risk_and_does_not_arrive_is_told_and_not_raised() -> None:
    async def work(desk: Desk) -> None:
        desk.machine.fails = LinkDown("press: not connected")
        assert await desk.guard.lower(desk.machine, "stop", "tilt", "A. Person") is False

    desk = played(work)
    assert desk.kinds() == ["sent stop", "command.undelivered"]
    told = {"unit": "press", "command": "stop", "reason": "tilt", "who": "A. Person", "error": "press: not connected"}
    assert desk.data("command.undelivered") == told


def shown(**values: float) -> dict[str, float]:
    """What a vessel at rest shows, but for these."""
    return {**well(PRESS), **values}


def state(word: str) -> float:
    return float(PRESS.number("packml_state", word))


NOT_ZERO = with_bit(PRESS, shown(machine_state=state("COMPLETE")), "zero_pressure_switch", on=False)


@pytest.mark.parametrize(
    ("word", "was"),
    [
        ("IDLE", "was not working"),
        ("COMPLETE", "had ended by itself"),
        ("STOPPED", "had ended by itself"),
        ("ABORTED", "had ended by itself"),
    ],
)
def test_a_refusal_by_a_machine_that_is_at_rest_lowers_no_less(word: str, was: str) -> None:
    async def work(desk: Desk) -> None:
        desk.machine.fails = CommandRejected("stop", "not working")
        desk.machine.values = shown(machine_state=state(word))
        assert await desk.guard.lower(desk.machine, "stop", "tilt", "A. Person") is True

    desk = played(work)
    assert desk.kinds() == ["sent stop", "command.undelivered"]
    words = f"press {was} before the stop: it is {word}, proven to be without pressure"
    assert desk.data("command.undelivered")["needless"] == words


@pytest.mark.parametrize(
    ("fails", "values", "unread"),
    [
        (CommandRejected("stop", "busy"), shown(machine_state=state("EXECUTE")), None),
        (CommandRejected("stop", "busy"), NOT_ZERO, None),
        (CommandRejected("stop", "busy"), shown(machine_state=state("IDLE")), LinkDown("press: gone")),
        (CommandRejected("stop", "busy"), shown(machine_state=math.nan), None),
        (LinkDown("press: not connected"), shown(machine_state=state("IDLE")), None),
    ],
    ids=["it works", "pressure is not ruled out", "it cannot be seen", "its state is not known", "it heard nothing"],
)
def test_a_machine_that_may_be_at_work_was_not_told(
    fails: DriverError, values: dict[str, float], unread: DriverError | None
) -> None:
    async def work(desk: Desk) -> None:
        desk.machine.fails, desk.machine.values, desk.machine.unread = fails, values, unread
        assert await desk.guard.lower(desk.machine, "stop", "tilt", "A. Person") is False

    told = played(work).data("command.undelivered")
    assert "needless" not in told
    assert told["error"] == str(fails)


# ---------------------------------------------------------------------- permissives


def test_a_permissive_that_is_missing_is_looked_at_until_it_should_have_settled() -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = with_bit(PRESS, well(PRESS), "estop_ok", on=False)
        with pytest.raises(PermissiveMissing, match=r"^press has an open safety chain$"):
            await desk.guard.start(desk.machine)
        assert asyncio.get_running_loop().time() == pytest.approx(3.0)
        assert desk.machine.looks == 7  # every half second

    desk = played(work)
    assert desk.kinds() == ["command.refused"]
    assert desk.data("command.refused") == {
        "unit": "press",
        "command": "start",
        "missing": ["has an open safety chain"],
    }


@pytest.mark.parametrize("command", ["load_job", "restart", "reset"])
def test_no_other_command_passes_an_open_safety_chain(command: str) -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = with_bit(PRESS, well(PRESS), "estop_ok", on=False)
        with pytest.raises(PermissiveMissing, match=r"^press has an open safety chain$"):
            await RISING[command](desk)

    assert played(work).data("command.refused")["command"] == command


def test_a_permissive_that_comes_while_it_settles_is_enough() -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = with_bit(PRESS, well(PRESS), "estop_ok", on=False)
        asyncio.get_running_loop().call_later(1.2, setattr, desk.machine, "values", well(PRESS))
        await desk.guard.start(desk.machine)
        assert asyncio.get_running_loop().time() == pytest.approx(1.5)

    assert played(work).kinds() == ["command.requested", "sent start", "command.done"]


def test_a_machine_that_cannot_be_read_is_sent_nothing() -> None:
    async def work(desk: Desk) -> None:
        desk.machine.unread = LinkDown("no answer")
        with pytest.raises(PermissiveMissing, match=r"^press cannot be read: no answer$"):
            await desk.guard.start(desk.machine)

    assert played(work).data("command.refused")["missing"] == ["cannot be read: no answer"]


def test_what_has_to_be_done_before_a_job_is_named() -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(PermissiveMissing, match=r"^press leak test; bag$"):
            await desk.guard.load(desk.machine, JOB, None, ["leak test", "bag"])  # type: ignore[arg-type]
        assert desk.machine.looks == 0

    desk = played(work)
    assert desk.data("command.refused") == {"unit": "press", "command": "load_job", "missing": ["leak test", "bag"]}


def test_a_job_that_the_plan_does_not_allow_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def wrong(*given: Any) -> list[str]:
        asked.append(given)
        return ["too much", "too long"]

    monkeypatch.setattr("controller.guard.wrong_setpoints", wrong)

    async def work(desk: Desk) -> None:
        words = "^press was not sent a job that the plan does not allow: too much; too long$"
        with pytest.raises(JobRefused, match=words):
            await desk.guard.load(desk.machine, NO_NUMBER, "the work")  # type: ignore[arg-type]

    desk = played(work)
    assert desk.kinds() == ["command.refused"]
    job = {"job_id": 1.0, "pressure_sp_mpa": "nan"}
    missing = ["too much", "too long"]
    assert desk.data("command.refused") == {"unit": "press", "command": "load_job", "missing": missing, "job": job}
    [(work_given, profile, seen, values)] = asked
    assert (work_given, profile, values) == ("the work", PRESS, NO_NUMBER.signals)
    assert seen.text("machine_state") == "IDLE"


# ---------------------------------------------------------------------- cycles


@pytest.mark.parametrize(
    ("command", "done", "kinds"),
    [
        ("load_job", 89.0, ["condition", "command.requested", "sent load_job", "command.done"]),
        ("load_job", 90.0, ["condition", "command.requested", "sent load_job", "command.done"]),
        ("load_job", 99.0, ["condition", "command.requested", "sent load_job", "command.done"]),
        ("load_job", 100.0, ["condition", "command.refused"]),
        ("start", 99.0, ["command.requested", "sent start", "command.done"]),
        ("start", 100.0, ["command.refused"]),
        ("restart", 200.0, ["command.requested", "sent restart", "command.done"]),  # what is held must be able to end
        ("reset", 200.0, ["command.requested", "sent reset", "command.done"]),
    ],
)
def test_after_its_last_cycle_a_unit_gets_no_new_job(
    command: str, done: float, kinds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])
    asked: list[str] = []

    def fitness(unit: str) -> Fitness:
        asked.append(unit)
        return Fitness(max_cycles=100)

    async def work(desk: Desk) -> None:
        desk.machine.values = {**well(PRESS), CYCLES: done}
        try:
            await RISING[command](desk)
        except PermissiveMissing as error:
            words = f"has done {done:g} cycles, all of the 100 that the line file allows"
            assert str(error) == f"press {words}"  # noqa: PT017  the other cases raise nothing

    desk = played(work, lambda: Desk(fitness=fitness))
    assert desk.kinds() == kinds
    assert set(asked) <= {"press"}
    if "condition" in kinds:
        assert desk.data("condition") == {
            "name": "cycles_near_limit",
            "unit": "press",
            "active": done >= 90.0,
            "message": f"press has done {done:g} of the 100 cycles that the line file allows",
        }


def test_wear_is_told_when_it_changes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])

    async def work(desk: Desk) -> None:
        for done in (10.0, 11.0, 90.0, 91.0, 5.0):
            desk.machine.values = {**well(PRESS), CYCLES: done}
            await RISING["load_job"](desk)

    desk = played(work, lambda: Desk(fitness=lambda _: Fitness(max_cycles=100)))
    assert [data["active"] for what, data in desk.log if what == "condition"] == [False, True, False]


COUNTLESS = replace(PRESS, signals={name: signal for name, signal in PRESS.signals.items() if name != CYCLES})


@pytest.mark.parametrize(
    ("profile", "cycles"), [(PRESS, math.nan), (COUNTLESS, 1.0)], ids=["bad value", "no such signal"]
)
def test_cycles_that_are_not_shown_refuse(profile: Profile, cycles: float) -> None:
    async def work(desk: Desk) -> None:
        desk.machine.profile = profile
        desk.machine.values = {**well(PRESS), CYCLES: cycles}
        words = r"^press does not show its cycles, of which the line file allows 9: "
        with pytest.raises(PermissiveMissing, match=words):
            await desk.guard.start(desk.machine)

    assert played(work, lambda: Desk(fitness=lambda _: Fitness(max_cycles=9))).kinds() == ["command.refused"]


# ---------------------------------------------------------------------- bypasses


def test_a_bypass_is_told_once_as_met_and_once_as_counted() -> None:
    async def main() -> list[Any]:
        bypasses, clock = Bypasses(), Clock()
        journal = Journal(EventStream(), clock)
        await bypasses.begin(journal, "isostatic_press", bypass(unit="press"))
        guard = Guard(journal, "run", bypasses=bypasses)
        assert guard.bypassed("press") == guard.bypassed("press") == ("bag tight",)
        assert guard.bypassed("other") == ()
        guard.bypass_counted("press", ["estop"])
        assert not [event for event in journal.events("run") if event.data["counted"]]
        guard.bypass_counted("press", ["bag tight"])
        guard.bypass_counted("press", ["bag tight"])
        wanted = bypass(unit="press")
        for event in journal.events("run"):
            told = {**event.data, "counted": None}
            assert told == {**wanted.data, "counted": None, "message": wanted.words}
        return [(event.kind, event.data["counted"]) for event in journal.events("run")]

    assert run_virtual(main()) == [("bypass.met", False), ("bypass.met", True)]


@pytest.mark.parametrize(("bag_ok", "estop_ok", "counted"), [(False, True, 1), (True, True, 0), (False, False, 0)])
def test_a_bypass_counts_where_it_lets_a_command_pass(bag_ok: bool, estop_ok: bool, counted: int) -> None:
    async def main() -> int:
        bypasses, journal = Bypasses(), Journal(EventStream(), Clock())
        await bypasses.begin(journal, "isostatic_press", bypass(unit="press"))
        guard, machine = Guard(journal, "run", bypasses=bypasses), Machine([])
        machine.values = with_bit(PRESS, with_bit(PRESS, well(PRESS), "bag_ok", on=bag_ok), "estop_ok", on=estop_ok)
        try:
            await guard.start(machine)  # type: ignore[arg-type]
        except PermissiveMissing:
            assert not estop_ok
        return sum(event.data["counted"] for event in journal.events("run") if event.kind == "bypass.met")

    assert run_virtual(main()) == counted


def test_without_bypasses_nothing_is_bypassed() -> None:
    async def work(desk: Desk) -> None:
        assert desk.guard.bypassed("press") == ()

    assert played(work).kinds() == []


# ---------------------------------------------------------------------- values written by hand


def hand(desk: Desk, send: Any, **more: Any) -> HandWrite:
    look = desk.machine.snapshot
    plain: dict[str, Any] = {"unit": "press", "url": "memory:", "signal": "pressure_a_mpa", "value": 2.0, "who": "A"}
    return HandWrite(**(plain | {"profile": PRESS, "look": look, "send": send, "is_out": lambda: False} | more))


def maintained() -> dict[str, float]:
    """A press that may be written to by hand."""
    return {**well(PRESS), "mode": float(PRESS.number("mode", "MAINTENANCE")), "pressure_a_mpa": 0.1}


WANTED = {"unit": "press", "url": "memory:", "signal": "pressure_a_mpa", "value": 2.0, "who": "A", "role": "engineer"}


def written_by(send: Any, **more: Any) -> Desk:
    async def work(desk: Desk) -> None:
        desk.machine.values = maintained()

        async def sends() -> Written:
            desk.log.append(("sent", "write"))
            result: Written = await send()
            return result

        found = await desk.guard.write(hand(desk, sends, **more))
        assert (found.outcome, found.wanted) == (Outcome.APPLIED, 2.0)

    return played(work)


def outcome(read_back: float | None) -> Any:
    async def send() -> Written:
        seen = None if read_back is None else Reading(read_back, "MPa", 0.0, Quality.GOOD)
        return Written(PRESS.signals["pressure_a_mpa"], 2.0, seen, Outcome.APPLIED, "as wanted")

    return send


@pytest.mark.parametrize(("seen", "told"), [(2.0, 2.0), (None, None), (math.nan, None), (math.inf, None)])
def test_a_written_value_is_journalled_before_and_after(seen: float | None, told: float | None) -> None:
    desk = written_by(outcome(seen))
    assert desk.kinds() == ["write.requested", "sent write", "write.done"]
    assert desk.data("write.requested") == {**WANTED, "was": pytest.approx(0.1)}
    assert desk.data("write.done") == {**WANTED, "outcome": "applied", "read_back": told, "why": "as wanted"}


def test_who_may_not_write_is_refused() -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = maintained()
        with pytest.raises(PermissiveMissing, match=r"^press was not written to: "):
            await desk.guard.write(hand(desk, outcome(2.0), role=Role.OPERATOR))
        assert desk.machine.looks == 0

    refused = played(work).data("write.refused")
    assert {**refused, "missing": 0} == {**WANTED, "role": "operator", "missing": 0}
    assert len(refused["missing"]) == 1


@pytest.mark.parametrize(("value", "told"), [(1100.5, 1100.5), (-1.0, -1.0), (math.nan, "nan"), (math.inf, "inf")])
def test_a_value_outside_its_limits_is_refused_by_the_guard_itself(value: float, told: float | str) -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = maintained()
        with pytest.raises(PermissiveMissing, match=r"^press was not written to: pressure_sp_mpa = "):
            await desk.guard.write(hand(desk, outcome(2.0), signal="pressure_sp_mpa", value=value))
        assert desk.machine.looks == 0

    desk = played(work)
    assert desk.kinds() == ["write.refused"]
    refused = desk.data("write.refused")
    assert {**refused, "missing": 0} == {**WANTED, "signal": "pressure_sp_mpa", "value": told, "missing": 0}
    assert len(refused["missing"]) == 1


@pytest.mark.parametrize(("lease", "passes"), [(7, True), (8, False), (0, False)])
def test_a_machine_is_written_to_by_whoever_has_it(lease: int, passes: bool) -> None:
    async def sends() -> Written:
        return Written(PRESS.signals["pressure_a_mpa"], 2.0, None, Outcome.APPLIED)

    async def work(desk: Desk) -> None:
        desk.machine.values = {**maintained(), "lease_owner": 7.0}
        if passes:
            await desk.guard.write(hand(desk, sends, lease=lease))
            return
        with pytest.raises(PermissiveMissing, match="owned by another controller"):
            await desk.guard.write(hand(desk, sends, lease=lease))

    assert played(work).kinds()[0] == ("write.requested" if passes else "write.refused")


@pytest.mark.parametrize("owner", [1.0, -1.0])
def test_who_names_no_lease_writes_to_nothing_that_somebody_has(owner: float) -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = {**maintained(), "lease_owner": owner}
        with pytest.raises(PermissiveMissing, match="owned by another controller"):
            await desk.guard.write(hand(desk, outcome(2.0)))

    assert played(work).kinds() == ["write.refused"]


def test_a_machine_at_work_is_not_written_to() -> None:
    async def work(desk: Desk) -> None:
        desk.machine.values = well(PRESS)  # not in maintenance
        with pytest.raises(PermissiveMissing, match=r"^press "):
            await desk.guard.write(hand(desk, outcome(2.0)))

    desk = played(work)
    assert desk.kinds() == ["write.refused"]
    refused = desk.data("write.refused")
    assert {**refused, "missing": 0} == {**WANTED, "missing": 0}
    assert refused["missing"]


def test_a_write_that_fails_is_told_and_raised() -> None:
    async def fails() -> Written:
        raise LinkDown("not connected")

    async def work(desk: Desk) -> None:
        desk.machine.values = maintained()
        with pytest.raises(LinkDown):
            await desk.guard.write(hand(desk, fails))

    desk = played(work)
    assert desk.kinds() == ["write.requested", "write.failed"]
    assert desk.data("write.failed") == {**WANTED, "error": "not connected"}


@pytest.mark.parametrize(
    ("is_out", "outcome_told", "why"),
    [
        (True, "unknown", "nobody waited for the answer"),
        (False, "not sent", "it was given up before anything went out"),
    ],
)
def test_a_write_that_is_given_up_says_whether_anything_went_out(is_out: bool, outcome_told: str, why: str) -> None:
    async def gives_up() -> Written:
        raise asyncio.CancelledError

    async def work(desk: Desk) -> None:
        desk.machine.values = maintained()
        with pytest.raises(asyncio.CancelledError):
            await desk.guard.write(hand(desk, gives_up, is_out=lambda: is_out))

    desk = played(work)
    assert desk.data("write.done") == {**WANTED, "read_back": None, "outcome": outcome_told, "why": why}
