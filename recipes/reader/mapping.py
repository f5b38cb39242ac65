"""A small declarative reader over YAML mappings: ask for each key by its kind, then `finish`.

A wrong or missing value is told once and replaced by a harmless one (not a number, an empty text), so that reading goes
on and every mistake of a file is told together. Nothing read from a document with errors may be used.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator

import yaml

from recipes.findings import listed
from recipes.model import Location, Window
from recipes.reader.document import Document
from recipes.units import LARGEST, Dimension, QuantityError, parse_measure, parse_quantity, parse_range

_SCALAR_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp", "value", "merge")
)

LONGEST_NAME = 100
"""Characters of a name or a quantity; a message holds several of them (engineering judgement)."""
LONGEST_TEXT = 2000
"""Characters of what people read as prose, about a page (engineering judgement)."""
LISTED_PROSE = ("sources", "value")
PROSE = ("text", "title", "reason", "source")
QUANTITY_OF = "quantity of"
"""Names an item of a list by two of its keys: "mean_particle_size of se_particle"."""


class MappingReader:
    """One mapping of the document; `path` is its dotted place in the recipe ("" at the top)."""

    def __init__(self, document: Document, node: yaml.MappingNode, path: str) -> None:
        self.document, self.path, self.place = document, path, document.place(node)
        self.first_location = len(document.locations)
        self._values: dict[str, yaml.Node] = {}
        self._keys: dict[str, Location] = {}
        self._asked: list[str] = []
        for key, value in node.value:
            name = self._scalar(key, path, "a name") or ""
            if name in self._values:
                first = self._keys[name].line
                document.error(
                    document.place(key), f"{name!r} is written twice, first in line {first}", path or "the recipe"
                )
                continue
            self._values[name] = value
            self._keys[name] = document.place(key)
            document.locations[self.at(name)] = document.place(value)

    def at(self, key: str) -> str:
        """Dotted path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def location(self, key: str) -> Location:
        """Where a key's value stands; the mapping itself where the key is missing."""
        return self.document.locations.get(self.at(key), self.place)

    def has(self, key: str) -> bool:
        return key in self._values

    def names(self) -> tuple[str, ...]:
        """All keys, for mappings whose keys are names of the recipe's own."""
        return tuple(self._values)

    def wrong(self, key: str, what: str, expected: str | None = None) -> None:
        """Tells a mistake at a key's value."""
        self.document.error(self.location(key), what, self.at(key), expected)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        node = self._node(key, "a text", needed=default is None)
        if node is None:
            return default or ""
        longest = LONGEST_TEXT if key in PROSE else LONGEST_NAME
        return self._scalar(node, self.at(key), "a text", longest) or ""

    def choice(self, key: str, known: Collection[str], default: str | None = None) -> str:
        """One of the known names."""
        text = self.text(key, default)
        if text:
            self._known(self.location(key), self.at(key), text, known)
        return text

    def texts(self, key: str, known: Collection[str] | None = None, *, needed: bool = True) -> tuple[str, ...]:
        """A list of texts, no text twice; a single text counts as a list of one."""
        found: list[str] = []
        for place, path, node in self._items(key, "a list of names", needed=needed, single=True):
            text = self._scalar(node, path, "a name", LONGEST_TEXT if key in LISTED_PROSE else LONGEST_NAME)
            if not text:
                continue
            if text in found:
                self.document.error(place, f"{text!r} is there twice", path)
            elif known is None or self._known(place, path, text, known):
                found.append(text)
        return tuple(found)

    def number(self, key: str, default: float | None = None, *, above: float = -math.inf) -> float:
        """A number without a unit, greater than `above`."""
        node = self._node(key, "a number", needed=default is None)
        text = self._scalar(node, self.at(key), "a number") if node is not None else None
        if text is None:
            return default if default is not None else math.nan
        try:
            value = float(text.replace("_", "x"))  # Python's 1_000 is no number to anyone else
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value <= above or abs(value) > LARGEST:
            limit = f" greater than {above:g}" if above > -math.inf else ""
            self.wrong(key, f"{text!r} is not possible", f"a number{limit} without a unit")
        return value

    def quantity(
        self,
        key: str,
        dimension: Dimension,
        default: float | None = None,
        *,
        above: float = -math.inf,
        below: float = math.inf,
    ) -> float:
        """A quantity in its canonical unit, greater than `above` and less than `below`."""
        node = self._node(key, dimension.expected, needed=default is None)
        if node is None:
            return default if default is not None else math.nan
        return self._quantity(node, self.at(key), dimension, above, below)

    def measure(self, key: str, expected: str, default: tuple[float, str] | None = None) -> tuple[float, str]:
        """A number with a unit of any kind, as a rule pack may want it."""
        node = self._node(key, expected, needed=default is None)
        text = self._scalar(node, self.at(key), expected) if node is not None else None
        if text is None:
            return default or (math.nan, "")
        try:
            return parse_measure(text, expected)
        except QuantityError as error:
            self.wrong(key, error.what, error.expected)
            return math.nan, ""

    def know(self, key: str) -> None:
        """An optional key that is no mistake."""
        if key not in self._asked:
            self._asked.append(key)

    def is_list(self, key: str) -> bool:
        return isinstance(self._values.get(key), yaml.SequenceNode)

    def is_mapping(self, key: str) -> bool:
        return isinstance(self._values.get(key), yaml.MappingNode)

    def flag(self, key: str) -> bool:
        """Yes or no; no where nothing is written."""
        text = self.choice(key, ("yes", "no", "true", "false"), "no")
        return text in ("yes", "true")

    def windows(self, key: str, dimension: Dimension, around: tuple[float, ...]) -> tuple[Window, ...]:
        """Closed ranges, one each or one for all; each must hold its value of `around` (empty where none is known)."""
        nodes = self._items(key, dimension.expected_range, needed=True, single=True)
        if not nodes:
            return (Window(-math.inf, math.inf),) * len(around)
        if around and len(nodes) not in (1, len(around)):
            several = f"one range, or {len(around)}" if len(around) > 1 else "one range"
            self.wrong(key, f"{len(nodes)} ranges", several)
        found = [self._window(node, path, place, dimension) for place, path, node in nodes]
        windows = found * len(around) if len(found) == 1 else found[: len(around)]
        for window, value in zip(windows, around, strict=False):
            if not math.isnan(value) and not window.holds(value):
                what = f"{window.lower:g}..{window.upper:g} {dimension.canonical} does not hold {value:g}"
                self.wrong(key, f"{what} {dimension.canonical}, the value it surrounds")
        return tuple(windows)

    def quantities(self, key: str, dimension: Dimension, most: int, fewest: int = 1) -> tuple[float, ...]:
        """A list of `fewest` to `most` quantities; empty where another number is there."""
        count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        expected = f"a list of {count}, each {dimension.expected}"
        nodes = self._items(key, expected, needed=True, single=False)
        values = tuple(self._quantity(node, path, dimension) for _, path, node in nodes)
        if fewest <= len(values) <= most:
            return values
        if self.has(key) and nodes:
            self.wrong(key, f"{len(values)} {'value' if len(values) == 1 else 'values'}", expected)
        return ()

    def window(self, key: str, dimension: Dimension, around: float | None = None) -> Window:
        """A closed range; it must hold `around`, the value that it surrounds."""
        node = self._node(key, dimension.expected_range, needed=True)
        if node is None:
            return Window(-math.inf, math.inf)
        window = self._window(node, self.at(key), self.location(key), dimension)
        if around is not None and not math.isnan(around) and not window.holds(around):
            text = f"{window.lower:g}..{window.upper:g} {dimension.canonical}"
            self.wrong(key, f"{text} does not hold {around:g} {dimension.canonical}, the value it surrounds")
        return window

    def mapping(self, key: str, expected: str = "a mapping", *, needed: bool = True) -> MappingReader | None:
        """A mapping below this one."""
        node = self._node(key, expected, needed=needed)
        if node is None:
            return None
        return self._mapping(node, self.at(key), expected)

    def mappings(self, key: str, expected: str, name_key: str | None = None) -> Iterator[MappingReader]:
        """A list of mappings; with name_key, an item's path shows the name that it gives itself there."""
        for number, (_, path, node) in enumerate(self._items(key, expected, needed=True, single=False), start=1):
            shown = _own_name(node, name_key) or str(number)
            reader = self._mapping(node, f"{self.at(key)}[{shown}]", expected) if path else None
            if reader is not None:
                yield reader

    def finish(self) -> None:
        """Tells every key that nobody asked for, with the nearest one that is known."""
        free = [key for key in self._asked if key not in self._values]
        for name, place in self._keys.items():
            if name in self._asked:
                continue
            near = difflib.get_close_matches(name, free or self._asked, n=1)
            expected = f"{near[0]!r}" if near else f"one of {listed(self._asked)}"
            self.document.error(place, f"unknown key {name!r}", self.path or "the recipe", expected)

    def _node(self, key: str, expected: str, *, needed: bool) -> yaml.Node | None:
        self.know(key)
        node = self._values.get(key)
        if node is None and needed:
            self.document.error(self.place, f"{key!r} is missing", self.path or "the recipe", expected)
        return node

    def _items(self, key: str, expected: str, *, needed: bool, single: bool) -> list[tuple[Location, str, yaml.Node]]:
        node = self._node(key, expected, needed=needed)
        if node is None:
            return []
        if single and isinstance(node, yaml.ScalarNode):
            return [(self.location(key), self.at(key), node)]
        if not isinstance(node, yaml.SequenceNode) or not (node.value or not needed):
            self.wrong(
                key, "this is no list" if not isinstance(node, yaml.SequenceNode) else "the list is empty", expected
            )
            return []
        return [(self.document.place(item), f"{self.at(key)}[{n}]", item) for n, item in enumerate(node.value, start=1)]

    def _mapping(self, node: yaml.Node, path: str, expected: str) -> MappingReader | None:
        if isinstance(node, yaml.MappingNode):
            return MappingReader(self.document, node, path)
        self.document.error(self.document.place(node), "this is no mapping", path, expected)
        return None

    def _scalar(self, node: yaml.Node, path: str, expected: str, longest: int = LONGEST_NAME) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.document.error(self.document.place(node), "this is a list or a mapping", path, expected)
        elif node.tag == "tag:yaml.org,2002:null" or not node.value.strip():
            self.document.error(self.document.place(node), "nothing is written", path, expected)
        elif node.tag not in _SCALAR_TAGS:
            self.document.error(
                self.document.place(node), f"the tag {node.tag!r} is not used in recipes", path, expected
            )
        elif len(node.value) > longest:
            what = f"a text of {len(node.value)} characters"
            self.document.error(self.document.place(node), what, path, f"at most {longest} characters")
        elif (hidden := next((c for c in node.value if not c.isprintable() and c not in "\n\t"), None)) is not None:
            what = f"a character that nobody can see, U+{ord(hidden):04X}"
            self.document.error(self.document.place(node), what, path, expected)
        else:
            return str(node.value)
        return None

    def _quantity(
        self, node: yaml.Node, path: str, dimension: Dimension, above: float = -math.inf, below: float = math.inf
    ) -> float:
        text = self._scalar(node, path, dimension.expected)
        if text is None:
            return math.nan
        place = self.document.place(node)
        try:
            value = parse_quantity(text, dimension)
        except QuantityError as error:
            self.document.error(place, error.what, path, error.expected)
            return math.nan
        limits = {"greater than": above, "less than": below}
        if not above < value < below:
            words = " and ".join(
                f"{word} {limit:g} {dimension.canonical}" for word, limit in limits.items() if math.isfinite(limit)
            )
            self.document.error(place, f"{text} is not possible", path, f"{dimension.value.words} {words}")
            return math.nan
        return value

    def _window(self, node: yaml.Node, path: str, place: Location, dimension: Dimension) -> Window:
        text = self._scalar(node, path, dimension.expected_range)
        if text is None:
            return Window(-math.inf, math.inf)
        try:
            return parse_range(text, dimension)
        except QuantityError as error:
            self.document.error(place, error.what, path, error.expected)
            return Window(-math.inf, math.inf)

    def _known(self, place: Location, path: str, text: str, known: Collection[str]) -> bool:
        if text in known:
            return True
        near = difflib.get_close_matches(text, _alike(text, known), n=1)
        choices = f"one of {listed(known)}" if known else "a name that the recipe defines"
        self.document.error(place, f"unknown name {text!r}", path, f"{near[0]!r}, or {choices}" if near else choices)
        return False


_COMPARED = (
    50  # names that a mistyped one is compared with: one comparison takes 10 us, and a file can have 1000 of each
)


def _alike(text: str, known: Collection[str]) -> list[str]:
    """The names that a mistyped one is worth comparing with: all, or those of many that begin as it does."""
    if len(known) <= _COMPARED:
        return list(known)
    return [name for name in known if name[:3] == text[:3]][:_COMPARED]


def _own_name(node: yaml.Node, name_key: str | None) -> str | None:
    """What an item calls itself; "quantity of" takes two keys, because one quantity can be of several things."""
    if name_key is None or not isinstance(node, yaml.MappingNode):
        return None
    found = {
        key.value: value.value
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
    }
    if name_key == QUANTITY_OF:
        return f"{found['quantity']} of {found['of']}" if found.get("quantity") and found.get("of") else None
    return found.get(name_key) or None
