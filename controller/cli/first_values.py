"""What `--set SIGNAL=VALUE` says that a served controller holds at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.devices.target import TargetUnusable
from controller.devices.writing import known_signal, number_of
from drivers.ascii_pattern import DIGITS
from drivers.encoding import type_limits
from drivers.profile import WORDS, Profile, Signal


def first_values(profile: Profile, texts: Iterable[str]) -> Mapping[str, float | str]:
    """The values of "SIGNAL=VALUE" texts: a number, a word, on or off, names of bits, or a text, as the signal is.

    A value outside of the signal's range is taken, so that its bad quality can be seen. Raises TargetUnusable for one
    that the signal's type cannot carry.
    """
    values: dict[str, float | str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise TargetUnusable(f"--set {text[:80]!r}: expected SIGNAL=VALUE, for example mode=MAINTENANCE")
        if name in profile.bit_places and name not in profile.signals:
            signal_name = profile.bit_places[name][0]
            raise TargetUnusable(f"--set {text[:80]}: {name} is a bit; write {signal_name}={name}")
        values[name] = _value(profile, known_signal(profile, name), value)
    return values


def _value(profile: Profile, signal: Signal, text: str) -> float | str:
    if signal.type == "text":
        return _printable(profile, signal, text)
    if signal.bits and (names := text.split(",")) and not text.strip().isdecimal():
        return _bits(signal, [name.strip() for name in names])
    number = number_of(profile, signal, text)
    if signal.type in WORDS:
        low, high = type_limits(signal.type, signal.scale, signal.offset)
        reached, reach = low <= number <= high, f"{signal.type} reaches {low:.9g} to {high:.9g} {signal.unit}".rstrip()
    else:
        reached, reach = abs(number) < 10.0**DIGITS, f"a line's number has at most {DIGITS} digits before its point"
    if not reached:
        raise TargetUnusable(f"--set {signal.name}={text[:40]}: {reach}")
    if signal.integer and number != int(number):
        raise TargetUnusable(f"--set {signal.name}={text[:40]}: must be a whole number")
    return number


def _bits(signal: Signal, names: Iterable[str]) -> float:
    value = 0
    for name in names:
        if name not in signal.bits:
            raise TargetUnusable(f"--set {signal.name}={name[:40]}: expected a number, or of {', '.join(signal.bits)}")
        value |= 1 << signal.bits.index(name)
    return float(value)


def _printable(profile: Profile, signal: Signal, text: str) -> str:
    """A text that the line can carry."""
    separator = profile.line.read.separator if profile.line is not None and profile.line.read is not None else ""
    if not text.isascii() or not text.isprintable() or (separator and separator in text):
        apart = f" and no {separator!r}, which stands between values" if separator else ""
        raise TargetUnusable(f"--set {signal.name}={text[:40]!r}: expected printable ASCII{apart}")
    return text
