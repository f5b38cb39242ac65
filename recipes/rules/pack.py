"""Rule packs: one CSV file with the rules, one row a rule, and beside it a YAML file that describes their source."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from recipes.findings import Finding, RecipeErrors
from recipes.model import Location
from recipes.rules.description import read_description
from recipes.rules.files import TextFile, read_text
from recipes.rules.rows import COLUMNS, read_rules, unit_conflicts
from recipes.rules.rule import Rule, Stage

__all__ = ["COLUMNS", "Pack", "load_pack", "load_packs", "read_pack", "shipped_packs"]

_SHIPPED = Path(__file__).with_name("packs")


@dataclass(frozen=True, slots=True)
class Pack:
    """All rules of one source, in the order of its file.

    document is how the source is cited, subjects the words for people that its description gives to subjects. sha256 is
    that of the CSV file's bytes followed by the description's, so that a plan can say exactly what it was judged by.
    """

    name: str
    document: str
    rules: tuple[Rule, ...]
    title: str = ""
    about: str = ""
    subjects: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def at(self, stage: Stage, role: str | None = None) -> tuple[Rule, ...]:
        """The rules that are judged at a stage; with a role, those that speak of that step only."""
        return tuple(rule for rule in self.rules if stage in rule.stages and (role is None or rule.role == role))


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs that come with pressline."""
    return tuple(sorted(file.stem for file in _SHIPPED.glob("*.csv")))


@cache
def load_pack(name: str = "honda") -> Pack:
    """A shipped pack.

    Raises:
        RecipeErrors: there is no such pack, or its files have mistakes, all of them with file, line and column (the
            number of the cell in a CSV file).
    """
    known = shipped_packs()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"; {near[0]} is nearest" if near else ""
        message = (
            f"cannot read the rule pack {name[:80]!r}: shipped are {', '.join(known)}{meant}; any other is named by the"
        )
        raise RecipeErrors((Finding("error", f"{message} path of its CSV file, such as ./site.csv", None),))
    return read_pack(_SHIPPED / f"{name}.csv")


def read_pack(path: Path, document: str | None = None) -> Pack:
    """The pack in a CSV file, with the description beside it. Raises RecipeErrors as load_pack does.

    With `document`, how its source is cited, no description is needed or read.
    """
    file = read_text(path, "rule pack")
    if document is not None:
        return Pack(path.stem, document, read_rules(file, document), sha256=sha256(file.data).hexdigest())
    try:
        described = read_description(path)
    except RecipeErrors as errors:
        raise RecipeErrors((*errors.findings, *_row_faults(file))) from errors
    rules = read_rules(file, described.document)
    digest = sha256(file.data + described.file.data).hexdigest()
    return Pack(path.stem, described.document, rules, described.title, described.about, described.subjects, digest)


def _row_faults(file: TextFile) -> tuple[Finding, ...]:
    try:
        read_rules(file, "")
    except RecipeErrors as errors:
        return errors.findings
    return ()


def load_packs(basis: Sequence[str], recipe_dir: Path, place: Location | None = None) -> tuple[Pack, ...]:
    """The packs that a recipe names; an entry with a "/" or ending in ".csv" is a path relative to recipe_dir.

    A rule that two packs share word for word is kept once, in the first. place is where the recipe names its packs.

    Raises:
        RecipeErrors: a pack cannot be read or is named twice, or two packs contradict each other.
    """
    packs: list[Pack] = []
    faults: list[Finding] = []
    for entry in basis:
        try:
            pack = read_pack(recipe_dir / entry) if "/" in entry or entry.endswith(".csv") else load_pack(entry)
        except RecipeErrors as errors:
            faults += [finding if finding.location else replace(finding, location=place) for finding in errors.findings]
            continue
        if pack.name in shipped_packs() and ("/" in entry or entry.endswith(".csv")):
            what = f"the rule pack {entry!r} is called like a shipped one, {pack.name}: give the file another name"
            faults.append(Finding("error", what, place))
            continue
        same = [other.name for other in packs if pack.name == other.name or pack.sha256 == other.sha256]
        if same:
            faults.append(Finding("error", f"the rule pack {entry!r} is there twice, as {same[0]}", place))
        else:
            packs.append(pack)
    if faults:
        raise RecipeErrors(tuple(faults))
    return _without_shared(packs)


def _without_shared(packs: Sequence[Pack]) -> tuple[Pack, ...]:
    known: dict[str, tuple[Pack, Rule]] = {}
    faults: list[Finding] = []
    kept: list[Pack] = []
    for pack in packs:
        own: list[Rule] = []
        for rule in pack:
            first_pack, first = known.setdefault(rule.id, (pack, rule))
            if first is rule:
                own.append(rule)
            elif first != rule:
                message = f"id: {rule.id} is another rule in the pack {first_pack.name}"
                faults.append(Finding("error", message, rule.location, rule.id))
        kept.append(replace(pack, rules=tuple(own)))
    faults += unit_conflicts(rule for pack in kept for rule in pack)
    if faults:
        raise RecipeErrors(tuple(faults))
    return tuple(kept)
