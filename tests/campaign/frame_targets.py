"""The protocols of the frame campaign, each on a wire in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.transport.ascii_line import AsciiUnit
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from tests.campaign.frame_lines import CoaterTarget, SicsTarget
from tests.campaign.frame_modbus import QUIET_S, TIMEOUT_S, UNIT, ModbusTarget
from tests.campaign.frame_target import Target
from tests.campaign.frame_wire import ScriptedWire
from tests.campaign.frames import Framing

_profile = cache(load_profile)


def _modbus(wire: ScriptedWire, framing: Framing, *, can_be_lost: bool) -> ModbusTarget:
    # no gap between frames: a line waits for so short a time turn by turn, and virtual time stands still meanwhile
    line = Line(wire, numbered=framing == "tcp")
    unit = ModbusUnit(line, UNIT, framing, response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
    return ModbusTarget(framing, unit, can_be_lost=can_be_lost)


def _text(wire: ScriptedWire, profile: Profile) -> AsciiUnit:
    timing = profile.timing
    return AsciiUnit(Line(wire), 1, response_timeout_s=timing.response_timeout_s, quiet_s=timing.quiet_s)


def _tcp() -> tuple[Target, ScriptedWire]:
    wire = ScriptedWire(drops=True, late_ends=True)
    return _modbus(wire, "tcp", can_be_lost=True), wire


def _rtu() -> tuple[Target, ScriptedWire]:
    wire = ScriptedWire(drops=False, late_ends=False)
    return _modbus(wire, "rtu", can_be_lost=False), wire


def _rtu_over_tcp() -> tuple[Target, ScriptedWire]:
    wire = ScriptedWire(drops=True, late_ends=False)
    return _modbus(wire, "rtu", can_be_lost=True), wire


def _coater() -> tuple[Target, ScriptedWire]:
    wire, profile = ScriptedWire(drops=False, late_ends=False), _profile("coater-generic")
    return CoaterTarget(profile, _text(wire, profile)), wire


def _sics() -> tuple[Target, ScriptedWire]:
    wire, profile = ScriptedWire(drops=False, late_ends=False), _profile("balance-sics")
    return SicsTarget(profile, _text(wire, profile)), wire


TARGETS: Mapping[str, Callable[[], tuple[Target, ScriptedWire]]] = {
    "tcp": _tcp,
    "rtu": _rtu,
    "rtu+tcp": _rtu_over_tcp,
    "coater": _coater,
    "sics": _sics,
}


def target_of(name: str) -> tuple[Target, ScriptedWire]:
    """Our side, still closed, and the wire that a machine is to be put on."""
    return TARGETS[name]()
