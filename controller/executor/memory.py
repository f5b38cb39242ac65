"""What a run learns, in the order in which it learns it, so that its record can give it back after a crash.

Facts and measurements are told to the memory as they are taken in; the record of a finished step carries them. A step
is known as a whole or not at all: what a broken-off step had learned is learned again when it is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.executor.prompts import Answer, Prompt
from controller.metrology import Metrology
from recipes.facts import Fact, FactBook
from recipes.materials.estimate import Innovation
from recipes.model import Laminate
from recipes.rules.kept import kept_fact

Learned = dict[str, Any]
"""One operation as the journal can hold it: {"do": its name, and its arguments by name}."""
Learn = Callable[[Learned], None]


class RememberedFacts(FactBook):
    """A book of facts that tells what is new in it."""

    def __init__(self, learn: Learn) -> None:
        super().__init__()
        self._learn = learn

    def add(self, facts: Iterable[Fact]) -> None:
        new = [fact for fact in facts if fact not in self.of(fact.subject, fact.quantity)]
        super().add(new)
        if new:
            self._learn({"do": "facts", "facts": [kept_fact(fact) for fact in new]})

    def forget(self, is_lost: Callable[[Fact], bool]) -> None:
        lost = [fact for fact in self if is_lost(fact)]
        if lost:
            keys = [[fact.subject, fact.quantity, fact.evidence.value] for fact in lost]
            self._learn({"do": "forget", "facts": keys})
        super().forget(lambda fact: fact in lost)


class RememberedMetrology(Metrology):
    """Metrology that tells everything that changes its estimates."""

    def __init__(self, laminate: Laminate, learn: Learn) -> None:
        super().__init__(laminate)
        self._learn = learn

    def confirm_area(self, area_mm2: float) -> None:
        self._learn({"do": "confirm_area", "area_mm2": area_mm2})
        super().confirm_area(area_mm2)

    def press(
        self,
        step: str,
        layers: Sequence[str],
        pressure: tuple[float, float],
        temperature: tuple[float, float],
        dwell_s: float,
        ramp_s: float,
    ) -> None:
        self._learn(
            {
                "do": "press",
                "step": step,
                "layers": list(layers),
                "pressure": list(pressure),
                "temperature": list(temperature),
                "dwell_s": dwell_s,
                "ramp_s": ramp_s,
            }
        )
        super().press(step, layers, pressure, temperature, dwell_s, ramp_s)

    def weigh(
        self, layer: str, mass_g: float, uncertainty_g: float, foils: Iterable[str], solvent_pct: float
    ) -> tuple[float, float, bool]:
        there = list(foils)
        known = {"layer": layer, "mass_g": mass_g, "uncertainty_g": uncertainty_g, "foils": there}
        self._learn({"do": "weigh", **known, "solvent_pct": solvent_pct})
        return super().weigh(layer, mass_g, uncertainty_g, there, solvent_pct)

    def thickness(
        self, value_um: float, uncertainty_um: float, layers: Sequence[str], foils: Iterable[str]
    ) -> Innovation:
        there = list(foils)
        known = {"value_um": value_um, "uncertainty_um": uncertainty_um, "layers": list(layers), "foils": there}
        self._learn({"do": "thickness", **known})
        return super().thickness(value_um, uncertainty_um, layers, there)

    def lab(self, layer: str, quantity: str, value: float, uncertainty: float) -> None:
        known = {"layer": layer, "quantity": quantity, "value": value, "uncertainty": uncertainty}
        self._learn({"do": "lab", **known})
        super().lab(layer, quantity, value, uncertainty)

    def lose_track(self, layers: Iterable[str]) -> None:
        lost = list(layers)
        self._learn({"do": "lose_track", "layers": lost})
        super().lose_track(lost)

    def doubt(self, layers: Iterable[str], reason: str) -> None:
        doubted = list(layers)
        self._learn({"do": "doubt", "layers": doubted, "reason": reason})
        super().doubt(doubted, reason)


@dataclass(slots=True)
class BrokenOff:
    """What the record says of a step that was begun and not finished.

    asked and answered are prompts, oldest first. job is the last one that was loaded into the unit, with its number;
    is_started: its start was asked for, and whether it took place only the machine knows; starts counts those of the
    step. reached is what the step's work came to, where it came to its end. lost are layers of which nothing is known
    any more since. was_held: the run was held or ended in this job, for whatever reason; its watch is gone, and with it
    what speaks against going on. sent_back: the number of the re-pressing for which its gate has sent the lot back;
    what was learned before that is known, and everything else here is since then. rejoins: its machine was found
    holding the job, which is to go on; gap_s is how long it may have been held unseen. supplier is the run off whose
    web the step's sheet is cut, "" for none; web_ended_s is when it had done the step, on the loop's clock.
    """

    step: str
    unit: str | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    answered: list[Mapping[str, Any]] = field(default_factory=list)
    job: Mapping[str, float] | None = None
    is_started: bool = False
    starts: int = 0
    reached: Mapping[str, Any] | None = None
    lost: list[str] = field(default_factory=list)
    phase: str = ""
    was_held: bool = False
    sent_back: int = 0
    rejoins: bool = False
    gap_s: float = 0.0
    supplier: str = ""
    web_ended_s: float = 0.0

    def answer(self, prompt: Prompt) -> Answer | None:
        """The values that a person entered for this prompt, if any; each answer is given back once."""
        for data in self.answered:
            if _is_of(data, prompt) and data["values"] and not data["wrong"]:
                self.answered.remove(data)
                return Answer(data["by"], data["values"], data.get("uncertainties", {}))
        return None

    @property
    def is_unknown(self) -> bool:
        """Whether a job was begun whose end is not in the record: nobody knows what it did."""
        return self.starts > (0 if self.reached is None else 1)

    @property
    def pressed_again(self) -> int:
        """How many re-pressings of its gate were begun."""
        return self.sent_back - (1 if self.sent_back and self.starts == 0 else 0)

    def send_back(self, number: int) -> None:
        """A gate sends the lot back for its number-th re-pressing; what was done before is learned and done."""
        self.sent_back = number
        self.starts, self.reached, self.job, self.is_started = 0, None, None, False
        for known in (self.asked, self.answered, self.lost):
            known.clear()

    def was_never_pressed(self) -> None:
        """The machine was found before it built any pressure: its job does not count."""
        self.starts, self.is_started = 0, False

    def was_asked(self, prompt: Prompt) -> bool:
        """Whether somebody may have done already what this prompt asks for."""
        return any(_is_of(data, prompt) for data in self.asked)

    def forget(self, prompt: Prompt) -> None:
        """What this prompt asks for was undone since: nobody has done it before."""
        self.asked = [data for data in self.asked if not _is_of(data, prompt)]


@dataclass(slots=True)
class Memory:
    """What was learned since the last step was finished; which steps are finished; and, after a crash, what was not."""

    learned: list[Learned] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    broken_off: BrokenOff | None = None

    def learn(self, what: Learned) -> None:
        self.learned.append(what)

    def of_step(self) -> list[Learned]:
        """What was learned since this was last asked for."""
        learned, self.learned = self.learned, []
        return learned

    def finish(self, step: str) -> None:
        """The step is done and its record is durable."""
        self.finished.append(step)
        self.broken_off = None

    def reached(self) -> Mapping[str, Any] | None:
        """What the present step's work came to before the controller died, if it had come to its end."""
        return None if self.broken_off is None else self.broken_off.reached

    @property
    def is_at_gate(self) -> bool:
        """Whether the controller died after the present step's gate had sent its lot back to the press."""
        return self.broken_off is not None and self.broken_off.sent_back > 0

    def held_job(self) -> Mapping[str, float] | None:
        """The job that the present step's machine was found holding, if it is to be taken up again; told once."""
        if self.broken_off is None or not self.broken_off.rejoins:
            return None
        self.broken_off.rejoins = False
        return self.broken_off.job


def _is_of(data: Mapping[str, Any], prompt: Prompt) -> bool:
    """Whether a record is of this prompt; what was asked again has words before the same text."""
    asked = (data["action"], tuple(data["lots"]), data["unit"])
    return asked == (prompt.action, prompt.consumes, prompt.unit) and data["text"].endswith(prompt.text)
