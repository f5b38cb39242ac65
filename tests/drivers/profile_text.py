"""Profiles as text, changed in one place, and what is told of them there."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import profile_file
from drivers.errors import ProfileError
from drivers.profile_file import check_profile, read_profile

SHIPPED = Path(profile_file.__file__).parent / "profiles"
INSTRUMENT = """\
profile: oven
kind: temperature_controller
protocol: modbus
meaning: an oven
document: a manual
identity: {model_number: 7}
modbus: {max_gap: 4, unreadable: [[50, 59]]}
timing:
  response_timeout_s: {value: 0.5, reason: two scans of 100 ms and margin}
  quiet_s: {value: 0.1, reason: longer than the longest answer}
  poll_idle_s: {value: 1.0, reason: ovens are slow}
signals:
  - {name: model_number, table: input, address: 0, type: uint16, meaning: model}
  - {name: pv_c, table: input, address: 1, type: int16, scale: 0.1, unit: degC, range: [-50, 500], meaning: oven}
  - {name: state, table: input, address: 2, type: int16, enum: state, meaning: state}
  - {name: alarms, table: input, address: 3, type: uint16, bits: [hot, cold], meaning: alarms}
  - {name: heating, table: coil, address: 0, type: bool, access: rw, meaning: heater}
  - {name: sp_c, table: holding, address: 0, type: float32, access: rw, unit: degC, range: [0, 400], meaning: setpoint}
enums:
  state: {idle: 0, busy: 1}
"""
GAUGE = (SHIPPED / "thickness-gauge-sics.yaml").read_text(encoding="utf-8")
PRESS = (SHIPPED / "uniaxial-press-generic.yaml").read_text(encoding="utf-8")
COATER = (SHIPPED / "coater-generic.yaml").read_text(encoding="utf-8")


def told(folder: Path, text: str) -> tuple[list[str], list[str]]:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    mistakes, advice = check_profile(path)
    if mistakes:
        with pytest.raises(ProfileError) as caught:
            read_profile(path)
        assert str(caught.value).splitlines() == mistakes
    else:
        read_profile(path)
    return mistakes, advice


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def located(text: str, at: str) -> str:
    """mine.yaml:line:column of the first place where `at` stands."""
    before = text[: text.index(at)]
    line = before.count("\n") + 1
    return f"mine.yaml:{line}:{len(before) - before.rfind(chr(10))}: "


def expect(folder: Path, base: str, old: str, new: str, at: str, what: str) -> None:
    text = changed(base, old, new)
    mistakes, _ = told(folder, text)
    where = located(text, at)
    assert any(where in line and what in line for line in mistakes), f"{where}... {what}\n" + "\n".join(mistakes)
