"""A fault as data: what it is called, what it does to whom, its sizes, and when it is to come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Value = float | str
Group = Literal["wire", "machine", "uniaxial", "isostatic", "coater", "roll_press", "evidence", "clock", "people"]
Target = Literal["machine", "control", "people", "wire", "clock", "reboot"]


class FaultError(ValueError):
    """An injection that cannot be made; the message says what would be possible. A retry changes nothing."""


class UnknownFaultError(FaultError):
    """There is no fault of this name."""


class UnknownInjectionError(FaultError):
    """There is no injection of this number."""


class NotApplicableError(FaultError):
    """The fault cannot happen to this unit, or there is no such unit."""


class BadParameterError(FaultError):
    """A parameter, trigger or duration that is unknown or outside its range."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A size of a fault in `unit`, within low..high; where the default is a word, one of `choices`, or any word."""

    name: str
    default: Value
    meaning: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()

    def checked(self, value: object, fault: str) -> Value:
        """The value, as a number where the parameter is one.

        :raises BadParameterError: if it does not fit.
        """
        where = f"{fault}: {self.name} is {value!r}; expected"
        if isinstance(self.default, str):
            if not isinstance(value, str) or (self.choices and value not in self.choices):
                raise BadParameterError(f"{where} {'one of ' + ', '.join(self.choices) if self.choices else 'a word'}")
            return value
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            unit = f" {self.unit}" if self.unit else ""
            raise BadParameterError(f"{where} a number from {self.low:g} to {self.high:g}{unit}")
        return number


@dataclass(frozen=True, slots=True)
class From:
    """The value of an injection's parameter."""

    parameter: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    kinds: the kinds of machine that it can happen to; empty means any unit. expected: what a good controller does.
    needs_person: whether somebody has to look before the line may go on. target and sets: which object of the
    simulation the fault changes, and to what; `From` stands for a parameter's value.
    """

    name: str
    group: Group
    kinds: tuple[str, ...]
    meaning: str
    expected: str
    needs_person: bool
    parameters: tuple[Parameter, ...] = ()
    target: Target = "machine"
    sets: Mapping[str, object] = field(default_factory=dict)

    @property
    def needs_unit(self) -> bool:
        """Whether it happens to one unit; a clock and a person are the whole line's."""
        return self.target not in ("people", "clock")

    def checked(self, parameters: Mapping[str, object]) -> Mapping[str, Value]:
        """All parameters with their values.

        :raises BadParameterError: for one that is unknown or outside its range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := sorted(parameters.keys() - known.keys()):
            have = f"it has {', '.join(known)}" if known else "it has none"
            raise BadParameterError(f"{self.name}: there is no parameter {', '.join(unknown)}; {have}")
        given = {p.name: p.checked(parameters.get(p.name, p.default), self.name) for p in self.parameters}
        return MappingProxyType(given)


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a fault begins, in the line's seconds.

    At at_s; or after_s after `unit` (by default the fault's own) enters `phase`, the next time that it does, or at once
    if it is in it; with neither, after_s after the injection.
    """

    at_s: float | None = None
    unit: str | None = None
    phase: str | None = None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault, once: on which unit, when, for how long (None: until cleared), how strong.

    The seed draws its chances.
    """

    fault: str
    unit: str | None = None
    trigger: Trigger = Trigger()
    duration_s: float | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 1
