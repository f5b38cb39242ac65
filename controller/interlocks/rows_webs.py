"""The rows of the machines that move a web: coater and roll press."""

from __future__ import annotations

from controller.interlocks import conditions as c
from controller.interlocks.conditions import bit_on
from controller.interlocks.row import (
    A_NEW_JOB,
    DOCUMENTS,
    EVERY_COMMAND,
    OR_RESET,
    WORKING,
    Effect,
    Group,
    Row,
    interlock,
    permissive,
)

_COATER, _ROLL = "coater", "roll_press"
_C, _R = DOCUMENTS[_COATER], DOCUMENTS[_ROLL]
_HOLD, _STOP = Effect.HOLD, Effect.STOP

ROWS: tuple[Row, ...] = (
    # ---- coater
    interlock(
        _COATER,
        "guards closed",
        Group.SAFETY,
        bit_on("guard_closed"),
        "has an open guard",
        f"{_C}, Status bits and alarm bit 5; ISO 14119 (title only)",
        _HOLD,
        permits=A_NEW_JOB,
        trip_words="a guard is open",
    ),
    interlock(
        _COATER,
        "exhaust",
        Group.AIR,
        bit_on("exhaust_ok"),
        "has no exhaust",
        f"{_C}, Status bits and alarm bit 3; report 3.3; EN 1539 (title only)",
        _HOLD,
        permits=A_NEW_JOB,
        trip_words="the exhaust is low",
    ),
    interlock(
        _COATER,
        "fan",
        Group.AIR,
        bit_on("fan_running"),
        "has no running fan",
        f"{_C}, Status bits; report 3.3: no heat without fan",
        _HOLD,
        permits=A_NEW_JOB,
        trip_words="the fan stands",
    ),
    permissive(
        _COATER,
        "no vapour",
        Group.AIR,
        c.NO_VAPOUR,
        "has solvent vapour in its oven",
        f"{_C}, status bit 7; report 3.3",
    ),
    interlock(
        _COATER,
        "vapour below its trip",
        Group.AIR,
        c.BELOW_TRIP,
        "has solvent vapour in its oven",
        f"{_C}, alarm bit 0; report 3.3",
        _HOLD,
        trip_words="solvent vapour is at {lel_pct:.0f} % of the lower explosive limit",
    ),
    interlock(
        _COATER,
        "web",
        Group.MATERIAL,
        bit_on("web_ok"),
        "has no intact web",
        f"{_C}, Status bits; report 3.3: tension loss stops",
        _HOLD,
        permits=A_NEW_JOB,
        phases=WORKING - {"held"},
        trip_words="the web is not whole or not tight",
    ),
    permissive(
        _COATER,
        "web at rest",
        Group.STATE,
        c.WEB_AT_REST,
        "has a moving web or a closed head",
        f"{_C}, inputs web_speed_m_min and head_closed",
        permits=A_NEW_JOB | OR_RESET,
    ),
    # ---- roll press
    interlock(
        _ROLL,
        "nip guard closed",
        Group.SAFETY,
        bit_on("nip_guard_closed"),
        "has an open guard before the nip",
        f"{_R}, Status bits and alarm bit 5; report 3.4; ISO 14119 (title only)",
        _STOP,
        permits=EVERY_COMMAND,
        trip_words="the guard of the nip is open",
    ),
    permissive(
        _ROLL,
        "nip open",
        Group.PRESSURE,
        c.NIP_OPEN,
        "is not proven to be without line load",
        f"{_R}, Status bits and input line_load_n_mm; drivers/roll_press.py",
        permits=A_NEW_JOB | OR_RESET,
    ),
    permissive(
        _ROLL,
        "web at rest",
        Group.STATE,
        c.ROLLS_AT_REST,
        "has a moving web",
        f"{_R}, input web_speed_m_min; drivers/roll_press.py",
        permits=A_NEW_JOB | OR_RESET,
    ),
    interlock(
        _ROLL,
        "web",
        Group.MATERIAL,
        bit_on("web_ok"),
        "has no whole web",
        f"{_R}, Status bits and alarm bit 6; report 3.4",
        _HOLD,
        permits=EVERY_COMMAND,
        phases=WORKING - {"held"},
        trip_words="the web is not whole",
    ),
)
