"""The rows that every machine has: its state, its safety chain, its link, its latched alarms, and writes by hand."""

from __future__ import annotations

from collections.abc import Iterator

from controller.interlocks import conditions as c
from controller.interlocks.conditions import bit_off, bit_on
from controller.interlocks.row import (
    DOCUMENTS,
    EVERY_COMMAND,
    ONLY_RESTART,
    OR_RESET,
    WORKING,
    Effect,
    Group,
    Latch,
    Row,
    Use,
    interlock,
    permissive,
)

_UNIAXIAL, _ISOSTATIC, _COATER, _ROLL = DOCUMENTS
_HOLD, _STOP = Effect.HOLD, Effect.STOP


def common(kind: str) -> Iterator[Row]:
    """What every machine has to fulfil."""
    document = DOCUMENTS[kind]
    yield interlock(
        kind,
        "remote mode",
        Group.STATE,
        c.REMOTE,
        "is not in remote mode; switch it at the machine",
        f"{document}, input mode: commands are obeyed in remote",
        _HOLD,
        permits=EVERY_COMMAND | OR_RESET,
        trip_words="was switched to {mode}",
    )
    yield permissive(
        kind,
        "idle",
        Group.STATE,
        c.IDLE,
        "is not idle; reset it when it is safe to",
        f"{document}, Commands",
    )
    yield permissive(
        kind,
        "finished",
        Group.STATE,
        c.FINISHED,
        "has no job that is over",
        f"{document}, Commands",
        permits=OR_RESET,
    )
    yield permissive(
        kind,
        "no machine alarm",
        Group.STATE,
        c.NO_ALARM,
        "has a latched alarm; look at the machine and reset it there",
        f"{document}, Alarm bits",
    )
    yield permissive(
        kind,
        "no other alarm",
        Group.STATE,
        c.ONLY_LINK_ALARM,
        "has a latched alarm; look at the machine and reset it there",
        f"{document}, Alarm bits and Watchdog",
        permits=ONLY_RESTART,
    )
    yield interlock(
        kind,
        "safety chain",
        Group.SAFETY,
        bit_on("estop_ok"),
        "has an open safety chain",
        f"{document}, Status bits; ISO 13850 (title only)",
        _STOP,
        permits=EVERY_COMMAND | OR_RESET,
        trip_words="the safety chain is open",
    )
    yield interlock(
        kind,
        "machine hears us",
        Group.LINK,
        bit_on("link_ok"),
        "does not hear our heartbeat",
        f"{document}, Status bits and Watchdog; report 3.5",
        _HOLD,
        permits=EVERY_COMMAND | OR_RESET,
        trip_words="the machine does not hear our heartbeat",
    )


ALARMS: tuple[tuple[str, str, Group, Effect], ...] = (
    (_UNIAXIAL, "over_force", Group.PRESSURE, _STOP),
    (_UNIAXIAL, "over_temperature", Group.HEAT, _STOP),
    (_UNIAXIAL, "tilt", Group.GEOMETRY, _STOP),
    (_UNIAXIAL, "force_leak", Group.PRESSURE, _STOP),
    (_UNIAXIAL, "link_lost", Group.LINK, _HOLD),
    (_UNIAXIAL, "guard_opened", Group.SAFETY, _STOP),
    (_UNIAXIAL, "two_hand_released", Group.SAFETY, _STOP),
    (_ISOSTATIC, "over_pressure", Group.PRESSURE, _STOP),
    (_ISOSTATIC, "over_temperature", Group.HEAT, _STOP),
    (_ISOSTATIC, "sensor_disagreement", Group.PRESSURE, _STOP),
    (_ISOSTATIC, "pressure_leak", Group.PRESSURE, _STOP),
    (_ISOSTATIC, "link_lost", Group.LINK, _HOLD),
    (_ISOSTATIC, "closure_fault", Group.CLOSURE, _STOP),
    (_COATER, "lel_high", Group.AIR, _HOLD),
    (_COATER, "web_break", Group.MATERIAL, _HOLD),
    (_COATER, "over_temperature", Group.HEAT, _HOLD),
    (_COATER, "exhaust_low", Group.AIR, _HOLD),
    (_COATER, "link_lost", Group.LINK, _HOLD),
    (_COATER, "guard_opened", Group.SAFETY, _HOLD),
    (_COATER, "web_stopped", Group.AIR, _HOLD),
    (_COATER, "tension_low", Group.MATERIAL, _HOLD),
    (_ROLL, "over_load", Group.PRESSURE, _STOP),
    (_ROLL, "over_temperature", Group.HEAT, _STOP),
    (_ROLL, "gap_uneven", Group.GEOMETRY, _HOLD),
    (_ROLL, "line_load_lost", Group.MATERIAL, _HOLD),
    (_ROLL, "link_lost", Group.LINK, _HOLD),
    (_ROLL, "nip_guard_opened", Group.SAFETY, _STOP),
    (_ROLL, "web_break", Group.MATERIAL, _HOLD),
)
"""Latched machine alarms and what they do to a run. Nothing is kept on a leak, on sensors that disagree or on too much
force; a coater's and a roll press's hold ends everything that their stop ends (register documents, Alarm bits)."""


def alarm(kind: str, bit: str, group: Group, effect: Effect) -> Row:
    words = bit.replace("_", " ")
    return Row(
        kind,
        f"alarm {words}",
        group,
        bit_off(bit),
        f"shows the alarm {words}",
        f"{DOCUMENTS[kind]}, Alarm bits",
        frozenset(),
        WORKING,
        effect,
        Latch.MACHINE,
        f"reports {bit}",
    )


BY_HAND: tuple[Row, ...] = (
    Row(
        "",
        "maintenance mode",
        Group.STATE,
        c.MAINTENANCE,
        "is not in mode MAINTENANCE; switch it at the machine",
        "register documents, input mode",
        frozenset({Use.WRITE}),
    ),
    Row(
        "",
        "at rest",
        Group.STATE,
        c.RESTING,
        "is not at rest; wait for the end of what it does, or stop it",
        "register documents, States",
        frozenset({Use.WRITE}),
    ),
    Row(
        "",
        "nobody's",
        Group.LINK,
        c.UNOWNED,
        "is owned by another controller; end the service that controls it",
        "register documents, Master",
        frozenset({Use.WRITE}),
    ),
)
"""Manual operation: for every unit with a handshake, whatever its kind."""
