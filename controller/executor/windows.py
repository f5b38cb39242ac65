"""Judging a pressing machine's samples against the step's operating windows and the claimed limits, poll by poll.

Two sensors: the lower reading counts for "at least", the higher for limits. The operating window holds the run; so does
the claim's own window (a claimed range that is judged during the step), at the precision that the source prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.executor.dwell import LaminateTemperature, Reached, Trace
from controller.executor.pace import Pace, limits_s
from drivers.isostatic_press import sensors_agree
from drivers.reading import Snapshot
from drivers.wording import beside, limit_text
from recipes.model import Press
from recipes.rules.rule import Rule

BUILDING = frozenset({"ramp", "dwell"})
LAMINATE_LAG_S = {"isostatic_press": 30.0, "uniaxial_press": 0.0}


class Untrusted(str):
    """A reason that leaves nothing to hold on to: pressure is not kept on sensors that disagree."""

    __slots__ = ()


class Remark(str):
    """What a person has to know although nothing can be held: the pressure is being let off already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class PressView:
    """How to read a laminate's pressure and temperature off a press: kind, tare (kN) and confirmed area (mm2)."""

    kind: str
    tare_kn: float
    area_mm2: float

    def pressures_mpa(self, snapshot: Snapshot) -> tuple[float, float]:
        """Lower and higher reading of the pressure on the laminate."""
        if self.kind == "isostatic_press":
            readings = (snapshot.value("pressure_a_mpa"), snapshot.value("pressure_b_mpa"))
            return min(readings), max(readings)
        pressure = self.laminate_mpa(snapshot.value("force_pv_kn"))
        return pressure, pressure

    def laminate_mpa(self, force_kn: float) -> float:
        """(force - tare) / area; 1 kN on 1 mm2 is 1,000 MPa."""
        return 1000 * (force_kn - self.tare_kn) / self.area_mm2

    def temperatures_c(self, snapshot: Snapshot) -> tuple[float, float]:
        """Lower and higher reading of what heats the laminate."""
        names = ("medium_a_c", "medium_b_c") if self.kind == "isostatic_press" else ("platen_top_c", "platen_bottom_c")
        readings = (snapshot.value(names[0]), snapshot.value(names[1]))
        return min(readings), max(readings)


@dataclass(slots=True)
class PressWatch:
    """Collects what a pressing reaches and names what leaves a window or does not come to its end.

    is_building: pressure was being raised. has_leaked: the bag was whole before this job and is not any more.
    dwell_before_s: what the machine had counted when this watch began. on_release is called once, with the first
    snapshot of the release.
    held_s: time under pressure in holds of the dwell, below_s: time in them without the window's pressure, outside_s:
    time that the machine's dwell timer counted outside a window. left_claim: how a claim was left under pressure.
    reached: what the pressing came to, once its whole dwell is on record; whatever becomes of its release, it counts.
    """

    press: Press
    view: PressView
    unit: str
    claims: Sequence[Rule] = ()
    final_mpa_s: float = 1.0
    pressure: Trace = field(default_factory=Trace)
    temperature: Trace = field(default_factory=Trace)
    pressure_max_mpa: float = 0.0
    dwell_began_s: float | None = None
    dwell_seen_s: float | None = None
    is_building: bool = False
    held_s: float = 0.0
    dwell_before_s: float = 0.0
    on_release: Callable[[Snapshot], None] | None = None
    below_s: float = 0.0
    outside_s: float = 0.0
    left_claim: str | None = None
    has_leaked: bool = False
    reached: Reached | None = None
    laminate: LaminateTemperature = field(init=False)
    _seen_s: float | None = None
    _pace: Pace = field(default_factory=Pace)
    _limits_s: Mapping[str, float] = field(default_factory=dict)
    _was_whole: bool = False
    _remarked: bool = False

    def __post_init__(self) -> None:
        self.laminate = LaminateTemperature(LAMINATE_LAG_S[self.view.kind])

    def __call__(self, snapshot: Snapshot) -> str | None:
        phase = snapshot.text("phase")
        if snapshot.value("alarm_bits"):
            return f"{self.unit} reports {', '.join(snapshot.bits('alarm_bits'))}"
        pressures, temperatures = self.view.pressures_mpa(snapshot), self.view.temperatures_c(snapshot)
        if self.view.kind == "isostatic_press" and not sensors_agree(snapshot):
            return Untrusted(f"{self.unit}: pressure sensors show {pressures[0]:.1f} and {pressures[1]:.1f} MPa")
        self.pressure_max_mpa = max(self.pressure_max_mpa, pressures[1])
        medium_c = sum(temperatures) / 2
        laminate_c = self.laminate.follow(medium_c, snapshot.time_s)
        laminate = (laminate_c + temperatures[0] - medium_c, laminate_c + temperatures[1] - medium_c)
        if phase == "held":
            self._held(snapshot.time_s, pressures[0], laminate)
        self._seen_s = snapshot.time_s
        if phase == "dwell":
            self.dwell_began_s = snapshot.time_s if self.dwell_began_s is None else self.dwell_began_s
            elapsed_s = snapshot.value("dwell_elapsed_s")
            if self.dwell_seen_s is not None and self._high_or_low(pressures, temperatures) is not None:
                self.outside_s += max(0.0, elapsed_s - self.dwell_seen_s)
            self.dwell_seen_s = elapsed_s
            self.pressure.add(*pressures)
            self.temperature.add(*laminate)
            self.laminate.dwelling(medium_c)
        late = self._late(phase, pressures, temperatures, snapshot.time_s)
        if phase == "release":
            if self.on_release is not None:
                told, self.on_release = self.on_release, None
                told(snapshot)
            return self._remark(late or self._high("temperature", temperatures[1], self._hottest_c, "degC"))
        if (reason := self._bag(snapshot) or late) is not None or phase not in BUILDING:
            return reason
        self.is_building = True
        if phase != "dwell":
            return self._too_high(pressures[1], temperatures[1])
        self.left_claim = self.left_claim or self._claimed("temperature", laminate, "degC")
        return self._high_or_low(pressures, temperatures) or self._claimed("temperature", laminate, "degC")

    def _held(self, time_s: float, pressure_mpa: float, laminate_c: tuple[float, float]) -> None:
        """What a hold in the dwell does to the dwell: it lasts under pressure or without, inside the claims or not."""
        if self.dwell_began_s is None or self._seen_s is None:
            return
        if pressure_mpa < self.press.pressure_window_mpa.lower:
            self.below_s += time_s - self._seen_s
        else:
            self.held_s += time_s - self._seen_s
            self.left_claim = self.left_claim or self._claimed("temperature", laminate_c, "degC")

    def _too_high(self, pressure_mpa: float, temperature_c: float) -> str | None:
        return self._high("pressure", pressure_mpa, self.press.pressure_window_mpa.upper, "MPa") or self._high(
            "temperature", temperature_c, self._hottest_c, "degC"
        )

    def _high_or_low(self, pressures: tuple[float, float], temperatures: tuple[float, float]) -> str | None:
        """How the dwell's windows are left, if they are."""
        return (
            self._too_high(pressures[1], temperatures[1])
            or self._low("pressure", pressures[0], self.press.pressure_window_mpa.lower, "MPa")
            or self._low("temperature", temperatures[0], self.press.temperature_window_c.lower, "degC")
        )

    @property
    def _hottest_c(self) -> float:
        return self.press.temperature_window_c.upper

    def _late(
        self, phase: str, pressures: tuple[float, float], temperatures: tuple[float, float], time_s: float
    ) -> str | None:
        """What is told of a phase that lasts longer than it may, with what the machine has come to by now."""
        if not self._limits_s or (phase == "prepare" and self._pace.phase != "prepare"):
            away_k = max(abs(value - self.press.temperature_c) for value in temperatures)
            self._limits_s = limits_s(self.press, self.view.kind, away_k, self.final_mpa_s)
        lasted_s = self._pace.late_s(phase, time_s, self._limits_s)
        if lasted_s is None:
            return None
        now = f"{pressures[0]:.1f} MPa and {temperatures[0]:.1f} degC"
        return f"{self.unit}: phase {phase} has lasted {lasted_s:.0f} s and does not come to its end, at {now}"

    def _remark(self, reason: str | None) -> str | None:
        """Tells of a release once."""
        if reason is None or self._remarked:
            return None
        self._remarked = True
        return Remark(reason)

    def _bag(self, snapshot: Snapshot) -> str | None:
        """A bag that was whole and is not any more; told once, as a restart presses on knowing it."""
        if self.view.kind != "isostatic_press" or self.has_leaked:
            return None
        try:
            is_whole = snapshot.bit("bag_ok")
        except KeyError:  # this press does not see its bag, as its profile says
            return None
        self._was_whole |= is_whole
        self.has_leaked = self._was_whole and not is_whole
        return f"{self.unit}: the bag leaks, the medium gets at the laminate" if self.has_leaked else None

    def _high(self, what: str, value: float, limit: float, unit: str) -> str | None:
        return self._outside(what, value, limit, f"{unit} is above its window", unit) if value > limit else None

    def _low(self, what: str, value: float, limit: float, unit: str) -> str | None:
        return self._outside(what, value, limit, f"{unit} is below its window", unit) if value < limit else None

    def _outside(self, what: str, value: float, limit: float, words: str, unit: str) -> str:
        return f"{self.unit}: {what} {beside(value, limit)} {words}, {limit_text(limit)} {unit}"

    def _claimed(self, quantity: str, readings: tuple[float, float], unit: str) -> str | None:
        for rule in self.claims:
            if rule.quantity != quantity:
                continue
            low, high = (_at_precision(value, rule.resolution) for value in readings)
            if rule.lower is not None and low < rule.lower:
                shown = beside(readings[0], rule.lower)
            elif rule.upper is not None and high > rule.upper:
                shown = beside(readings[1], rule.upper)
            else:
                continue
            return f"{self.unit}: {quantity} {shown} {unit} is outside the claim ({rule.id}, {rule.source})"
        return None


def _at_precision(value: float, resolution: float | None) -> float:
    return value if resolution is None else round(value / resolution) * resolution
