"""A contact thickness gauge and a balance that speak MT-SICS level 0, the command set of laboratory balances.

S gives a stable value, SI one at once, Z zeroes, T tares, I2 and I4 identify, @ resets. A value stands right-aligned in
ten characters between status and unit. What is not understood is answered with ES.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.profile import Profile
from simulators.disturbances import InstrumentDisturbances
from simulators.scenarios import Scenario
from simulators.world import Lot, WorldError

CRLF = b"\r\n"


class Instrument:
    """One instrument with its reading error: all parts together stay within the stated accuracy.

    `truth` gives the value that a perfect instrument would show for a lot, in the instrument's unit.
    """

    def __init__(
        self, profile: Profile, scenario: Scenario, unit: str, truth: Callable[[Lot], float], digits: int
    ) -> None:
        self.profile, self.unit = profile, unit
        self.lot: Lot | None = None
        self.disturbances = InstrumentDisturbances()
        self._truth = truth
        self._digits = digits
        (signal,) = profile.signals.values()
        self._symbol = signal.unit
        self._low, self._high = signal.range or (float("-inf"), float("inf"))
        bound = signal.accuracy or 0.0
        self._offset = scenario.error(f"{unit}:offset", 0.3 * bound)
        self._gain_error = scenario.error(f"{unit}:gain", 0.5 * bound)
        self._noise = scenario.noise(unit)
        self._noise_bound = 0.0 if scenario.exact else 0.15 * bound
        self._reads = 0
        self._zero = self._tare = 0.0

    def place(self, lot: Lot) -> None:
        """A person lays a lot on.

        :raises WorldError: if there is one already.
        """
        if self.lot is not None:
            raise WorldError(f"{self.lot.name} lies on {self.unit}")
        self.lot = lot

    def remove(self) -> None:
        """A person takes off what is there.

        :raises WorldError: if nothing is there.
        """
        if self.lot is None:
            raise WorldError(f"nothing lies on {self.unit}")
        self.lot = None

    def answer(self, request: bytes) -> bytes | None:
        """The answer to one line; None for an empty one, and while it is silent."""
        if self.disturbances.silent:
            return None
        words = request.decode("ascii", errors="replace").strip().split()
        if not words:
            return None
        simple = {"S": self._stable, "SI": self._stable, "Z": self._zeroed, "T": self._tared, "@": self._reset}
        told = {"I2": f'I2 A "{self.profile.identity["model"]} {self._high:g} {self._symbol}"', "I4": self._serial()}
        if len(words) > 1:
            return b"EL" + CRLF if words[0] in simple or words[0] in told else b"ES" + CRLF
        if words[0] in told:
            return told[words[0]].encode("ascii") + CRLF
        act = simple.get(words[0])
        return (b"ES" if act is None else act().encode("ascii")) + CRLF

    def _raw(self) -> float:
        self._reads += 1
        value = 0.0 if self.lot is None else self._truth(self.lot)
        shift = 0.0 if self.lot is None else self._gain_error
        return value + shift + self._shift() + self._noise_bound * self._noise.at(self._reads)

    def _shift(self) -> float:
        return self._offset + self.disturbances.zero_drift

    def _field(self, value: float) -> str:
        return f"{value:10.{self._digits}f} {self._symbol}"

    def _stable(self) -> str:
        value = self._raw() - self._zero
        if value > self._high:
            return "S +"
        if value < self._low - 10.0 * 10.0**-self._digits - abs(self._tare) - self._noise_bound - abs(self._shift()):
            return "S -"
        return f"S S {self._field(value - self._tare)}"

    def _zeroed(self) -> str:
        if self.lot is not None:
            return "Z I"
        self._zero, self._tare = self._raw(), 0.0
        return "Z A"

    def _tared(self) -> str:
        self._tare = self._raw() - self._zero
        return f"T S {self._field(self._tare)}"

    def _reset(self) -> str:
        self._tare = 0.0
        return self._serial()

    def _serial(self) -> str:
        return f'I4 A "{1000 + sum(self.unit.encode("ascii"))}"'


def thickness_gauge(profile: Profile, scenario: Scenario, unit: str) -> Instrument:
    """Shows a lot's total thickness in um, hundredths resolved."""
    return Instrument(profile, scenario, unit, lambda lot: lot.thickness_um, 2)


def balance(profile: Profile, scenario: Scenario, unit: str) -> Instrument:
    """Shows a lot's mass in g, tenths of a milligram resolved."""
    return Instrument(profile, scenario, unit, lambda lot: lot.mass_g, 4)
