"""Messages to a person about a recipe, each with its place in the file and, where one applies, its rule and source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from recipes.model import Location

Level = Literal["error", "refused", "would_refuse", "consistency", "advice"]


LONGEST_MESSAGE = 500
"""Characters; a message of long names hides what it says."""


def one_line(text: str) -> str:
    """A text that can be printed on one line: invisible characters by their number, the end of a long one left out."""
    begun = text[: LONGEST_MESSAGE + 1]
    seen = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in begun)
    return seen if len(text) <= LONGEST_MESSAGE >= len(seen) else f"{seen[:LONGEST_MESSAGE]}..."


@dataclass(frozen=True, slots=True)
class Finding:
    """One message to a person.

    level is "error" (unusable input), "refused" (a claim or a required rule is broken, or a machine cannot do it),
    "would_refuse" (the same in a comparative recipe), "consistency" (numbers of the recipe that do not fit each other)
    or "advice" (every weaker rule, and what cannot be judged yet).
    source names the document and the paragraph or claim, for example "US 2025/0260067 A1 claim 3". A message is one
    line that can be printed, whatever names and values it holds.
    """

    level: Level
    message: str
    location: Location | None
    rule_id: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(self.message))

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location is not None else ""
        reference = ", ".join(part for part in (self.rule_id, self.source) if part is not None)
        return f"{place}{self.message} ({reference})" if reference else f"{place}{self.message}"


MOST_LISTED = 12
"""Names in one message; a reader looks the rest up in the file."""


def listed(names: Iterable[str]) -> str:
    """Names in a message: all of them, or the first ones and how many more there are."""
    known = list(names)
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return ", ".join(known[:MOST_LISTED]) + more


def by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the weightiest level first. Those of one level keep their order."""
    return tuple(sorted(findings, key=lambda finding: get_args(Level).index(finding.level)))


def in_file_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings sorted by their place; those without one come last. Equal places keep their order."""
    return tuple(
        sorted(
            findings,
            key=lambda f: (f.location is None, *((f.location.line, f.location.column) if f.location else (0, 0))),
        )
    )


class RecipeErrors(Exception):
    """A file is not a recipe. `findings` holds every error that was found, in file order."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings
