"""A write by hand passes the guard: permissives, journal before and after, and the truth about an outcome."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from controller.authority import Role
from controller.events import EventStream
from controller.guard import Guard, HandWrite, PermissiveMissing
from controller.interlocks import MAINTENANCE_SIGNALS, missing_for_maintenance
from controller.journal import Journal, verify
from drivers.errors import LinkDown
from drivers.profile_file import load_profile
from drivers.reading import Quality, Reading, Snapshot
from drivers.writing import Outcome, Written

PRESS = load_profile("uniaxial-press-generic")
GAUGE = load_profile("thickness-gauge-sics")
SIGNAL = PRESS.signals["force_sp_kn"]
READY = {"mode": 2, "machine_state": 4, "lease_owner": 0, "force_sp_kn": 10.0}


def snapshot(**values: float) -> Snapshot:
    return Snapshot.of("press", PRESS, 0.0, {**READY, **values})


def test_a_ready_machine_misses_nothing_and_an_instrument_has_nothing_to_miss() -> None:
    assert missing_for_maintenance(PRESS, snapshot()) == []
    assert missing_for_maintenance(GAUGE, Snapshot.of("gauge", GAUGE, 0.0, {})) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"mode": 1}, "is not in mode MAINTENANCE; switch it at the machine"),
        ({"mode": 0}, "is not in mode MAINTENANCE; switch it at the machine"),
        ({"mode": 9}, "mode cannot be judged"),
        ({"machine_state": 6}, "is not at rest"),
        ({"machine_state": 11}, "is not at rest"),
        ({"lease_owner": 4711}, "is owned by another controller"),
    ],
)
def test_each_permissive_is_missed_in_words(value: dict[str, float], words: str) -> None:
    (missing,) = missing_for_maintenance(PRESS, snapshot(**value))
    assert words in missing


@pytest.mark.parametrize(
    ("owner", "lease", "words"),
    [
        (4711, 4711, []),
        (4711, 4712, ["is owned by another controller"]),
        (4711, 0, ["is owned by another controller"]),
        (0, 4711, []),
        (0, 0, []),
        (math.nan, 4711, ["cannot be judged"]),
    ],
)
def test_a_machine_may_be_ours_and_nobody_elses(owner: float, lease: int, words: list[str]) -> None:
    missing = missing_for_maintenance(PRESS, snapshot(lease_owner=owner), lease)
    assert len(missing) == len(words)
    assert all(word in told for word, told in zip(words, missing, strict=True))


@pytest.mark.parametrize("owner", [1, -1])
def test_who_names_no_lease_owns_nothing(owner: int) -> None:
    (missing,) = missing_for_maintenance(PRESS, snapshot(lease_owner=owner))
    assert "is owned by another controller" in missing


def test_a_lease_lets_nothing_else_pass() -> None:
    (missing,) = missing_for_maintenance(PRESS, snapshot(lease_owner=4711, machine_state=6), 4711)
    assert "is not at rest" in missing


def test_an_instrument_that_calls_a_value_mode_misses_nothing() -> None:
    enums = {**GAUGE.enums, "mode": {"off": 0, "auto": 1}}
    meter = replace(GAUGE, signals={**GAUGE.signals, "mode": PRESS.signals["mode"]}, enums=enums)
    assert missing_for_maintenance(meter, Snapshot.of("gauge", meter, 0.0, {"mode": 0})) == []


def test_a_press_that_a_profile_calls_an_instrument_is_a_press() -> None:
    press = replace(PRESS, kind="temperature_controller", commands={})
    assert not press.is_machine
    assert missing_for_maintenance(press, snapshot()) == []
    (missing,) = missing_for_maintenance(
        press, Snapshot.of("press", press, 0.0, {"mode": 1, "machine_state": 4, "lease_owner": 0})
    )
    assert "MAINTENANCE" in missing


def test_what_is_read_for_a_write_is_enough_to_judge_it() -> None:
    assert (
        missing_for_maintenance(PRESS, Snapshot.of("press", PRESS, 0.0, {n: READY[n] for n in MAINTENANCE_SIGNALS}))
        == []
    )
    assert len(MAINTENANCE_SIGNALS) == len(set(MAINTENANCE_SIGNALS))


def test_what_was_not_read_is_missing() -> None:
    assert len(missing_for_maintenance(PRESS, Snapshot.of("press", PRESS, 0.0, {}))) == 3


def hand(seen: Snapshot, send: Callable[[], Awaitable[Written]], *, is_out: bool = False) -> HandWrite:
    async def look() -> Snapshot:
        return seen

    return HandWrite("press", "tcp://x:1", "force_sp_kn", 20.0, "A. Person", PRESS, look, send, lambda: is_out)


def journal() -> Journal:
    return Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")


async def test_a_write_is_journalled_before_it_is_sent_and_with_its_outcome() -> None:
    kept = journal()
    journalled_before: list[str] = []

    async def send() -> Written:
        journalled_before.extend(event.kind for event in kept.events())
        return Written(SIGNAL, 20.0, Reading(20.0, "kN", 1.0, Quality.GOOD), Outcome.APPLIED)

    written = await Guard(kept, "maintenance").write(hand(snapshot(), send))
    assert written.outcome is Outcome.APPLIED
    assert journalled_before == ["write.requested"]
    requested, done = kept.events("maintenance")
    assert requested.data["was"] == 10.0
    assert requested.data["who"] == "A. Person"
    assert (done.kind, done.data["outcome"], done.data["read_back"]) == ("write.done", "applied", 20.0)
    assert verify(kept.events()) == []


async def test_a_missing_permissive_is_journalled_and_nothing_is_sent() -> None:
    kept = journal()

    async def send() -> Written:
        raise AssertionError("sent")

    with pytest.raises(PermissiveMissing, match="press is not in mode MAINTENANCE"):
        await Guard(kept, "maintenance").write(hand(snapshot(mode=1), send))
    (refused,) = kept.events()
    assert (refused.kind, len(refused.data["missing"])) == ("write.refused", 1)


async def test_a_write_that_was_not_sent_is_journalled_as_failed() -> None:
    kept = journal()

    async def send() -> Written:
        raise LinkDown("gone")

    with pytest.raises(LinkDown):
        await Guard(kept, "maintenance").write(hand(snapshot(), send))
    assert [event.kind for event in kept.events()] == ["write.requested", "write.failed"]


@pytest.mark.parametrize(("is_out", "outcome"), [(True, "unknown"), (False, "not sent")])
async def test_a_write_that_nobody_waited_for_is_of_unknown_outcome_once_it_went_out(
    is_out: bool, outcome: str
) -> None:
    kept = journal()
    sent = asyncio.Event()

    async def send() -> Written:
        sent.set()
        await asyncio.sleep(60)
        raise AssertionError("nobody cancelled")

    work = asyncio.create_task(Guard(kept, "maintenance").write(hand(snapshot(), send, is_out=is_out)))
    await sent.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert kept.events()[-1].data["outcome"] == outcome


async def test_a_value_that_is_no_number_can_be_journalled() -> None:
    kept = journal()

    async def send() -> Written:
        return Written(SIGNAL, 20.0, Reading(float("nan"), "kN", 1.0, Quality.BAD), Outcome.REFUSED, "it holds nan")

    await Guard(kept, "maintenance").write(hand(snapshot(force_sp_kn=float("nan")), send))
    assert [event.data.get("was", event.data.get("read_back")) for event in kept.events()] == [None, None]
    assert verify(kept.events()) == []


async def test_an_operator_does_not_write_by_hand_and_the_unit_is_not_even_looked_at() -> None:
    kept = journal()

    async def untouched() -> Snapshot:
        raise AssertionError("looked at")

    async def send() -> Written:
        raise AssertionError("sent")

    asked = replace(hand(snapshot(), send), look=untouched, role=Role.OPERATOR)
    with pytest.raises(PermissiveMissing, match="the role operator may not write a value by hand; engineer may"):
        await Guard(kept, "maintenance").write(asked)
    (refused,) = kept.events()
    assert (refused.kind, refused.data["role"]) == ("write.refused", "operator")


async def test_the_role_of_who_writes_is_kept() -> None:
    kept = journal()

    async def send() -> Written:
        return Written(SIGNAL, 20.0, Reading(20.0, "kN", 1.0, Quality.GOOD), Outcome.APPLIED)

    await Guard(kept, "maintenance").write(hand(snapshot(), send))
    assert [event.data["role"] for event in kept.events()] == ["engineer", "engineer"]


@pytest.mark.parametrize("name", ["uniaxial-press", "isostatic-press", "coater", "roll-press"])
def test_manual_operation_of_every_machine_is_covered(name: str) -> None:
    """A machine in a run is remote, works and is owned: each alone keeps a person's write out."""
    profile = load_profile(f"{name}-generic")
    assert {signal in profile.block_of for signal in MAINTENANCE_SIGNALS} == {True}
    held_by_a_run = {"mode": 1.0, "machine_state": 6.0, "lease_owner": 4711.0}
    assert len(missing_for_maintenance(profile, Snapshot.of("unit", profile, 0.0, held_by_a_run))) == 3
    ready = {"mode": 2.0, "machine_state": 4.0, "lease_owner": 0.0}
    assert missing_for_maintenance(profile, Snapshot.of("unit", profile, 0.0, ready)) == []
    for signal, value in held_by_a_run.items():
        assert len(missing_for_maintenance(profile, Snapshot.of("unit", profile, 0.0, {**ready, signal: value}))) == 1
