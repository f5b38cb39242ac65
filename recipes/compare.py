"""What differs between two recipes, in words and engineering units: what is made, not how it is written.

The two values are walked field by field, so that a field which nobody thought of is told too. Two recipes without a
difference have the same canonical content, and so the same plan on the same line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from enum import StrEnum
from typing import Any, Final

from recipes.canonical import canonical_json
from recipes.comparing.fields import (
    NOTHING,
    change,
    described,
    has_unit_beside,
    is_number,
    key_of,
    made_fields,
    plain_of,
    quoted,
    shown,
    shown_together,
    unit_of,
)
from recipes.comparing.matching import Matched, matched, moved, name_fields, name_of, paired_steps
from recipes.comparing.places import Path, dotted, item_path, place
from recipes.model import (
    Coat,
    DecisionRule,
    DeclaredFact,
    Inspect,
    Laminate,
    Location,
    Recipe,
    Slurry,
    Step,
    Task,
    Window,
)
from recipes.units import converted


class Section(StrEnum):
    """What a difference is about; the most important first."""

    RULES = "purpose and rules"
    SETPOINTS = "setpoints and windows"
    MATERIALS = "materials"
    STEPS = "lots and steps"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: in words, where it stands in both files, and both values (in `unit`, if they have one).

    path is dotted as in the reader's messages, in the second file; in the first where the second has nothing there.
    """

    section: Section
    message: str
    path: str
    first: Location
    second: Location
    before: Any = None
    after: Any = None
    unit: str = ""


_SECTIONS: Final[Mapping[tuple[type, str], Section]] = {
    (Recipe, "name"): Section.WORDS,
    (Recipe, "title"): Section.WORDS,
    (Recipe, "sources"): Section.WORDS,
    (Recipe, "comparative_reason"): Section.WORDS,
    (Recipe, "laminate"): Section.MATERIALS,
    (Recipe, "polymers"): Section.MATERIALS,
    (Recipe, "slurries"): Section.MATERIALS,
    (Recipe, "facts"): Section.MATERIALS,
    (Recipe, "steps"): Section.STEPS,
    (Step, "role"): Section.RULES,
    (Step, "coat"): Section.SETPOINTS,
    (Step, "press"): Section.SETPOINTS,
    (Step, "roll_press"): Section.SETPOINTS,
    (Step, "rest"): Section.SETPOINTS,
    (Step, "gate"): Section.SETPOINTS,
    (DeclaredFact, "source"): Section.WORDS,
    (Task, "entries"): Section.SETPOINTS,
    (Task, "text"): Section.WORDS,
    (Inspect, "lab"): Section.SETPOINTS,
    (Coat, "layer"): Section.MATERIALS,
    (Coat, "substrate"): Section.MATERIALS,
    (Coat, "slurry"): Section.MATERIALS,
}
"""Where a field belongs if not to the section of what it is in; at the top that is the most important one."""
_SILENT: Final = frozenset({"laminate", "coat", "task", "press", "roll_press", "rest", "inspect"})
"""Parts that are not named in front of what is in them: "densifying: pressure"."""
_NOUNS: Final[Mapping[str, str]] = {"OwnBound": "rule", "DeclaredFact": "fact", "LabMeasure": "laboratory value"}
"""What a part is called where the name of its class is not the word."""


def differences(first: Recipe, second: Recipe) -> tuple[Difference, ...]:
    """Everything that differs in what is made, the most important first; none for the same canonical content."""
    walk = _Walk(first, second)
    walk.fields(first, second, _At(Section.RULES))
    order = list(Section)
    return tuple(sorted(walk.found, key=lambda difference: order.index(difference.section)))


@dataclass(frozen=True, slots=True)
class _At:
    """Where the walk is: the section, what it is about in words, and the paths in both files."""

    section: Section
    subject: tuple[str, ...] = ()
    first: Path = ()
    second: Path = ()

    def about(self, *words: str) -> _At:
        return replace(self, subject=(*self.subject, *words))

    def field(self, a: Any, b: Any, name: str) -> _At:
        """At a field of two dataclasses."""
        section = _SECTIONS.get((type(b), name), self.section)
        subject = ("laminate",) if isinstance(b, Laminate) else self.subject
        return _At(section, subject, self.first + _segments(a, name), self.second + _segments(b, name))


def _segments(owner: Any, name: str) -> Path:
    if name == "consumes" and isinstance(owner, Step) and owner.inspect is not None:
        return ("inspect", "lot")
    return (key_of(type(owner), name),)


class _Walk:
    """One walk through two recipes; `found` grows in its order."""

    def __init__(self, first: Recipe, second: Recipe) -> None:
        self._first, self._second = first, second
        self.found: list[Difference] = []

    def fields(self, a: Any, b: Any, at: _At) -> None:
        """Compares every field of two dataclasses of one class."""
        for name in sorted(made_fields(b), key=lambda name: name == "steps"):  # materials before what is done with them
            before, after = plain_of(a, name), plain_of(b, name)
            units = unit_of(a, name), unit_of(b, name)
            is_same = canonical_json([before, units[0]]) == canonical_json([after, units[1]])
            if is_same or (name == "unit" and _is_told_with_numbers(a, b)):
                continue
            here = at.field(a, b, name)
            words = here.second[-1].replace("_", " ")
            if isinstance(b, Recipe) and name == "steps":
                self._steps(before, after, here)
            elif isinstance(b, Coat) and name == "slurry":
                self._slurry(before, after, here.about(words))
            elif isinstance(after, Mapping):
                self._mapping(before, after, replace(here, subject=()))
            elif _holds_parts(before) or _holds_parts(after):
                self._list(before, after, words, here)
            elif _is_part(before) and _is_part(after):
                self.fields(before, after, here if name in _SILENT else here.about(words))
            elif _is_part(before) or _is_part(after):
                self._one_only(words, before, after, here)
            elif isinstance(b, DecisionRule) and name == "confidence":
                old, new = shown_together((before, after), "%")
                self._tell(f"{_acceptance(old)} -> {_acceptance(new)}", here, before, after, "%")
            else:
                self._value(words, before, after, units, here)

    def _value(self, words: str, before: Any, after: Any, units: tuple[str, str], at: _At) -> None:
        if units[0] == units[1] or None in (before, after):
            unit = units[0] or units[1]
            old, new = shown_together((before, after), unit)
            how = change(before, after, unit)
        else:
            old, new = shown(before, units[0]), shown(after, units[1])
            same = converted(before, *units) if is_number(before) else None
            how = "" if same is None else "the same" if same == after else change(same, after, units[1])
        self._tell(f"{words} {old} -> {new}" + (f" ({how})" if how else ""), at, before, after, units[1] or units[0])

    def _mapping(self, before: Mapping[str, Any], after: Mapping[str, Any], at: _At) -> None:
        """Parts by name, whose order in the file means nothing."""
        for name in dict.fromkeys((*after, *before)):
            a, b = before.get(name), after.get(name)
            noun = _noun(a if b is None else b)
            title = name if noun in name.lower().split() else f"{noun} {name}"
            here = replace(at, first=(*at.first, name), second=(*at.second, name))
            if a is None or b is None:
                self._one_only(title, a, b, here, without=("name",))
            else:
                self.fields(a, b, here.about(title))

    def _list(self, before: Sequence[Any], after: Sequence[Any], words: str, at: _At) -> None:
        """Parts in a list: by name where they have one, otherwise by number."""
        pairs = matched(before, after)
        for number, (a, b) in enumerate(pairs.both, start=1):
            self.fields(a, b, self._item(a, b, before, after, at).about(_title(b) or f"{words} {number}"))
        for a in pairs.removed:
            here = self._item(a, None, before, after, at)
            self._one_only(_title(a) or words, a, None, here, without=name_fields(a))
        for b in pairs.added:
            here = self._item(None, b, before, after, at)
            self._one_only(_title(b) or words, None, b, here, without=name_fields(b))
        if _moves(before, pairs):
            self._tell(f"{words} in another order", replace(at, section=Section.WORDS))

    def _item(self, a: Any, b: Any, before: Sequence[Any], after: Sequence[Any], at: _At) -> _At:
        first = at.first if a is None else item_path(self._first, at.first, a, before)
        second = at.second if b is None else item_path(self._second, at.second, b, after)
        return replace(at, first=first, second=second)

    def _steps(self, before: Sequence[Step], after: Sequence[Step], at: _At) -> None:
        pairs = paired_steps(before, after)
        for a in pairs.removed:
            here = self._item(a, None, before, after, at)
            self._tell(f"step {quoted(a.name)} removed ({a.kind.value}, {_where(a, before)})", here, a.name, None)
        for b in pairs.added:
            here = self._item(None, b, before, after, at)
            words = ", ".join(described(b, without=("name", "kind")))
            self._tell(f"step {quoted(b.name)} added {_where(b, after)} ({b.kind.value}: {words})", here, None, b.name)
        moves = _moves(before, pairs)
        for number, (a, b) in enumerate(pairs.both):
            here = self._item(a, b, before, after, at)
            if number in moves:
                self._tell(f"step {quoted(b.name)} moved: {_where(a, before)} -> {_where(b, after)}", here)
            self.fields(a, b, here.about(b.name))

    def _slurry(self, before: Slurry, after: Slurry, at: _At) -> None:
        """The slurry of a coating: a named one is told once, among the slurries."""
        is_named = before.name and after.name
        known = [self._first.slurries.get(before.name), self._second.slurries.get(after.name)] == [before, after]
        if not is_named or not known:
            self.fields(before, after, at)
        elif before.name != after.name:
            self._tell(f"{shown(before.name, '')} -> {shown(after.name, '')}", at, before.name, after.name)

    def _one_only(self, words: str, a: Any, b: Any, at: _At, without: tuple[str, ...] = ()) -> None:
        """A part that only one of the recipes has."""
        what = ", ".join(described(a if b is None else b, without))
        how = "removed" if b is None else "added"
        self._tell(f"{words} {how}" + (f" ({what})" if what else ""), at, a, b)

    def _tell(self, message: str, at: _At, before: Any = None, after: Any = None, unit: str = "") -> None:
        about = f"{', '.join(at.subject)}: " if at.subject else ""
        first, second = place(self._first, at.first), place(self._second, at.second)
        path = dotted(at.second if len(at.second) >= len(at.first) else at.first)
        self.found.append(Difference(at.section, about + message, path, first, second, before, after, unit))


def _is_part(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, Window)


def _holds_parts(value: Any) -> bool:
    return isinstance(value, tuple) and any(_is_part(item) for item in value)


def _is_told_with_numbers(a: Any, b: Any) -> bool:
    """Whether the unit beside numbers is told with them, as in "3 Pa.s"."""
    return has_unit_beside(b) and any(is_number(getattr(part, name)) for part in (a, b) for name in made_fields(part))


def _noun(part: Any) -> str:
    return _NOUNS.get(type(part).__name__, type(part).__name__.lower())


def _title(part: Any) -> str:
    """A part of a list in words: "component SBR"; "" if it has no name."""
    return f"{_noun(part)} {name_of(part)}" if name_fields(part) else ""


def _acceptance(confidence: str) -> str:
    return "simple acceptance" if confidence == NOTHING else f"guarded acceptance at {confidence}"


def _where(step: Step, steps: Sequence[Step]) -> str:
    number = next(number for number, other in enumerate(steps) if other is step)
    return f"after {quoted(steps[number - 1].name)}" if number else "at the beginning"


def _moves(before: Sequence[Any], pairs: Matched[Any]) -> frozenset[int]:
    places = {id(part): number for number, part in enumerate(before)}
    return moved([places[id(a)] for a, _ in pairs.both])
