"""From a file to YAML nodes: what is refused before anyone looks at a key.

The C parser's `compose` gives nodes with marks (line and column) and builds no objects, so a recipe can neither run
code nor lose the place of a value. Anchors and aliases are refused: a recipe is read top to bottom by people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml

from recipes.findings import Finding, RecipeErrors
from recipes.model import Location

LARGEST_BYTES = 1_000_000
"""The six library recipes are below 10 kB; a file a hundred times that is no recipe (engineering judgement)."""
MOST_EVENTS = 100_000
"""Values and brackets; 2,000 steps have about 80,000."""
DEEPEST = 20
"""A recipe nests six levels; the limit keeps a malicious file from exhausting the parser's stack."""


class Mark(Protocol):
    """A parser's place, counted from 0; the C parser and the Python one have classes of their own for it."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@dataclass(slots=True)
class Document:
    """A file that is being read: errors found so far and where each dotted path stands.

    data is its content where that is known already, for example because something was varied in it.
    """

    file: Path
    errors: list[Finding] = field(default_factory=list)
    locations: dict[str, Location] = field(default_factory=dict)
    data: bytes | None = None

    def place(self, node: yaml.Node) -> Location:
        return self.at(node.start_mark)

    def at(self, mark: Mark | None) -> Location:
        """A parser's mark counted from 1; the beginning of the file where the parser gives none."""
        return Location(self.file, mark.line + 1, mark.column + 1) if mark is not None else Location(self.file, 1, 1)

    def error(self, location: Location, what: str, path: str, expected: str | None = None) -> None:
        """Collects one error: what is wrong, where in the recipe, what is expected."""
        where = f", in {path}" if path else ""
        message = f"{what}{where}" + (f": expected {expected}" if expected else "")
        self.errors.append(Finding("error", message, location))

    def fail(self, location: Location, what: str, path: str = "", expected: str | None = None) -> RecipeErrors:
        """An error after which nothing else can be read."""
        self.error(location, what, path, expected)
        return RecipeErrors(tuple(self.errors))


def compose(document: Document) -> yaml.MappingNode:
    """The mapping at the top of the document's file. Raises RecipeErrors."""
    text = _text(document)
    _refuse_nesting_and_anchors(document, text)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _syntax(document, text, error) from error
    start = Location(document.file, 1, 1)
    if node is None:
        raise document.fail(start, "the file is empty", expected="a recipe")
    if not isinstance(node, yaml.MappingNode):
        raise document.fail(
            document.place(node), "this is no recipe", expected="keys such as recipe, laminate and steps"
        )
    return node


def _text(document: Document) -> str:
    start = Location(document.file, 1, 1)
    try:
        data = document.data
        if data is None:
            with document.file.open("rb") as stream:
                data = stream.read(LARGEST_BYTES + 1)  # one byte more than allowed tells without reading it all
    except OSError as error:
        raise document.fail(start, f"cannot read the file: {error.strerror or error}") from error
    if len(data) > LARGEST_BYTES:
        raise document.fail(start, f"the file is larger than {LARGEST_BYTES} bytes", expected="a recipe")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise document.fail(_after(document.file, before), what, expected="text in UTF-8") from error


def _refuse_nesting_and_anchors(document: Document, text: str) -> None:
    """Goes through the parser's events, which need no stack, and refuses what compose must not meet."""
    depth = count = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            count += 1
            if count > MOST_EVENTS:
                raise document.fail(document.at(event.start_mark), "the file has more values than any recipe")
            if depth > DEEPEST:
                raise document.fail(document.at(event.start_mark), f"nested deeper than {DEEPEST} levels")
            anchor = getattr(event, "anchor", None)
            if anchor is not None:
                mark = "*" if isinstance(event, yaml.AliasEvent) else "&"
                what = f"{mark}{anchor}: anchors and aliases are not used in recipes"
                document.error(document.at(event.start_mark), what, "", "the value itself")
    except yaml.YAMLError as error:
        raise _syntax(document, text, error) from error
    if document.errors:
        raise RecipeErrors(tuple(document.errors))


def _syntax(document: Document, text: str, error: yaml.YAMLError) -> RecipeErrors:
    if isinstance(error, yaml.MarkedYAMLError):
        problem = error.problem or error.context or "this cannot be read"
        return document.fail(document.at(error.problem_mark or error.context_mark), f"not YAML: {problem}")
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode()[: error.position].decode(errors="replace")
        return document.fail(_after(document.file, before), f"not YAML: {error.reason}")
    return document.fail(Location(document.file, 1, 1), f"not YAML: {' '.join(str(error).split())}")


def _after(file: Path, text: str) -> Location:
    """The place of the first character behind a file's beginning."""
    return Location(file, text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)
