"""The description of a pack: a YAML file beside its CSV that says which document the rules come from.

The parser's events are read one after the other; nothing is built and nothing nests deeper than `subjects`, so a file
can neither run code nor exhaust the stack.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml

from recipes.findings import Finding, RecipeErrors
from recipes.model import Location
from recipes.rules.files import TextFile, fault, is_there, read_text

KEYS: Mapping[str, str] = {
    "document": "how the source is cited, such as US 2025/0260067 A1",
    "title": "one line for people",
    "about": "what one should know of the source",
    "subjects": "a mapping from a rule's subject to its words for people",
}
"""The keys of a description and what is expected; the first two are needed."""
NEEDED = ("document", "title")
_WHAT = "description of a rule pack"


@dataclass(frozen=True, slots=True)
class Description:
    """What a description says; places tells where its keys stand, "subjects.X" for one of the subjects."""

    file: TextFile
    document: str
    title: str
    about: str
    subjects: Mapping[str, str]
    places: Mapping[str, Location]


def description_file(pack: Path) -> Path:
    """Where the description of a pack in a CSV file is."""
    return pack.with_suffix(".yaml")


def read_description(pack: Path) -> Description:
    """The description beside a pack's CSV file. Raises RecipeErrors with every mistake located."""
    path = description_file(pack)
    if not is_there(path):
        message = f"{pack.name} has no description: write {path.name} beside it with two lines, "
        raise fault(path, message + " and ".join(f"`{key}: {KEYS[key]}`" for key in NEEDED))
    file = read_text(path, _WHAT)
    reader = _Reader(file)
    try:
        reader.read()
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or "this cannot be read"
        reader.stop(error.problem_mark or error.context_mark, f"not YAML: {problem}")
    except yaml.YAMLError as error:
        reader.stop(None, f"not YAML: {' '.join(str(error).split())}")
    if reader.errors:
        raise RecipeErrors(tuple(reader.errors))
    texts = {key: reader.texts.get(key, "") for key in KEYS}
    return Description(file, texts["document"], texts["title"], texts["about"], reader.subjects, reader.places)


@dataclass(slots=True)
class _Reader:
    """Reads the events of one file; what is wrong is collected in `errors`."""

    file: TextFile
    errors: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)

    def read(self) -> None:
        """Raises yaml.YAMLError, and RecipeErrors where nothing behind a mistake can be read."""
        events: Iterator[yaml.Event] = iter(yaml.parse(self.file.text, Loader=yaml.CSafeLoader))
        next(events)  # the stream's start
        if not isinstance(next(events), yaml.DocumentStartEvent):
            self.stop(None, "the file is empty")
        self._expect(next(events), yaml.MappingStartEvent, f"this is no mapping: expected {', '.join(KEYS)}")
        for key, value in self._entries(events, ""):
            self._known(key)
            if key == "subjects":
                self._expect(value, yaml.MappingStartEvent, f"subjects: expected {KEYS['subjects']}")
                for subject, words in self._entries(events, "subjects."):
                    self.subjects[subject] = self._text(words, f"subjects.{subject}", "its words for people")
            else:
                self.texts[key] = self._text(value, key, KEYS.get(key, "a text"))
        next(events)  # the document's end
        self._expect(next(events), yaml.StreamEndEvent, "expected one document only")
        for key in NEEDED:
            if key not in self.texts:
                self._wrong(None, f"{key!r} is missing: expected {KEYS[key]}")

    def _entries(self, events: Iterator[yaml.Event], path: str) -> Iterator[tuple[str, yaml.Event]]:
        """The keys of the mapping that has begun, each with the event that its value begins with."""
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._text(event, "a key", "a text")
            if f"{path}{key}" in self.places:
                self._wrong(event, f"{key!r} is written twice, first in line {self.places[path + key].line}")
            value = next(events)
            self.places[f"{path}{key}"] = self._place(value.start_mark)
            yield key, value

    def _known(self, key: str) -> None:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            expected = repr(near[0]) if near else f"one of {', '.join(KEYS)}"
            self.errors.append(Finding("error", f"unknown key {key!r}: expected {expected}", self.places[key]))

    def _text(self, event: yaml.Event, where: str, expected: str) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
            self.stop(event.start_mark, f"{where}: anchors, tags and lists are not used here: expected {expected}")
        text = "" if event.implicit[0] and event.value in ("~", "null") else event.value.strip()
        if not text:
            self._wrong(event, f"{where}: nothing is written: expected {expected}")
        return text

    def _expect(self, event: yaml.Event, kind: type[yaml.Event], message: str) -> None:
        anchored = getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None
        if not isinstance(event, kind) or anchored:
            self.stop(event.start_mark, message)

    def _wrong(self, event: yaml.Event | None, message: str) -> None:
        self.errors.append(Finding("error", message, self._place(event.start_mark if event is not None else None)))

    def stop(self, mark: object, message: str) -> NoReturn:
        """A mistake after which nothing can be read. Raises RecipeErrors with all that were found."""
        raise RecipeErrors((*self.errors, Finding("error", message, self._place(mark))))

    def _place(self, mark: object) -> Location:
        line, column = getattr(mark, "line", 0), getattr(mark, "column", 0)
        return Location(self.file.path, line + 1, column + 1)
