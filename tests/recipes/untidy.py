"""Recipes as somebody writes them who never saw the documentation; tests of the layout start from these."""

from __future__ import annotations

import random
from typing import Any

import yaml

from recipes.keys.kinds import Kind, Named, Part, Parts, Quantity, Range, TextOrPart
from recipes.keys.recipe import RECIPE


class Untidy:
    """Writes data as somebody might who never saw the documentation: any order, indent, style, with comments."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._comments = 0

    def text(self, data: Any) -> str:
        return "\n".join([*self._alone(0), *self._block(data, RECIPE, 0), *self._alone(0)]) + "\n"

    def _alone(self, indent: int) -> list[str]:
        """Lines of comments and blank lines, mostly none."""
        found = [self._comment(" " * max(0, indent + self._chance.randint(-2, 3))) for _ in range(self._few())]
        return [*found, *([""] * self._few())]

    def _few(self) -> int:
        return max(0, self._chance.randint(-7, 2))

    def _comment(self, before: str) -> str:
        self._comments += 1
        return f"{before}# comment {self._comments}"

    def _behind(self) -> str:
        return self._comment(" " * self._chance.randint(1, 20)) if self._chance.random() < 0.15 else ""

    def _block(self, data: Any, kind: Kind | None, indent: int) -> list[str]:
        lines: list[str] = []
        deeper = indent + self._chance.randint(1, 5)
        for key, value, inner in self._items(data, kind):
            lines += self._alone(indent)
            begin = " " * indent + ("-" if key is None else f"{self._key(key)}:")
            if isinstance(value, str) and " " in value and self._chance.random() < 0.1:
                lines += self._lines_of_text(begin, value, indent + 6)  # deeper than any comment below it
            elif isinstance(value, str):
                lines.append(f"{begin} {self._scalar(value, inner)}{self._behind()}")
            elif not value or self._chance.random() < 0.3:
                first, *more = self._flow(value, inner, deeper)
                lines += [f"{begin} {first}", *more]
                lines[-1] += self._behind()
            elif key is None and self._chance.random() < 0.7:
                inside = self._block(value, inner, indent + 2)
                head = next(number for number, line in enumerate(inside) if line.strip()[:1] not in ("", "#"))
                lines += [*inside[:head], f"{begin} {inside[head].lstrip()}", *inside[head + 1 :]]
            else:
                lines += [f"{begin}{self._behind()}", *self._block(value, inner, deeper)]
        return lines

    def _lines_of_text(self, begin: str, text: str, indent: int) -> list[str]:
        """A text on several lines: literal, folded, in quotes or plain."""
        words = text.split(" ")
        style = self._chance.choice(["|-", ">-", '"', "'"])
        inside = [" " * indent + word for word in words] if style != "|-" else [" " * indent + text]
        if style in ("|-", ">-"):
            return [f"{begin} {style}{self._behind()}", *inside]
        if style in text or "\\" in text:
            return [f"{begin} {self._scalar(text, None)}"]
        return [f"{begin}{self._behind()}", *self._alone(indent), *self._quoted(inside, style, indent)]

    def _quoted(self, lines: list[str], quote: str, indent: int) -> list[str]:
        first, *more = lines
        found = [" " * indent + quote + first.lstrip(), *more]
        return [*found[:-1], found[-1] + quote + self._behind()]

    def _flow(self, data: Any, kind: Kind | None, indent: int) -> list[str]:
        """A collection in brackets, on one line or on several."""
        several = self._chance.random() < 0.3
        opening, closing = "{}" if isinstance(data, dict) else "[]"
        lines = [opening]
        items = self._items(data, kind)
        for number, (key, value, inner) in enumerate(items, start=1):
            name = "" if key is None else f"{self._key(key)}: "
            texts = [self._scalar(value, inner)] if isinstance(value, str) else self._flow(value, inner, indent + 1)
            lines[-1] += name + texts[0]
            lines += texts[1:]
            lines[-1] += "," + " " * self._chance.randint(1, 2) if number < len(items) else ""
            if several and number < len(items):
                lines[-1] += self._behind()
                lines += [*self._alone(indent), " " * indent]
        lines[-1] += closing
        return lines

    def _items(self, data: Any, kind: Kind | None) -> list[tuple[str | None, Any, Kind | None]]:
        if not isinstance(data, dict):
            return [(None, item, kind.part if isinstance(kind, Parts) else None) for item in data]
        part = kind.part if isinstance(kind, TextOrPart) else kind
        items: list[tuple[str | None, Any, Kind | None]] = []
        for name, value in data.items():
            if isinstance(part, Named):
                items.append((name, value, part.known.get(name, part.part)))
            else:
                items.append((name, value, part.by_name[name].kind if isinstance(part, Part) else None))
        if isinstance(part, Part):
            self._chance.shuffle(items)
        return items

    def _key(self, key: str) -> str:
        return f'"{key}"' if self._chance.random() < 0.1 else key

    def _scalar(self, text: str, kind: Kind | None) -> str:
        if isinstance(kind, Quantity | Range) and self._chance.random() < 0.5:
            text = text.replace(" ", " " * self._chance.randrange(3)).replace("degC", "°C").replace("um", "µm")
            text = text.replace("..", " .. ")
        plain = yaml.safe_dump([text], width=10_000, default_flow_style=True, allow_unicode=True).strip()[1:-1]
        return self._chance.choice([plain, f"'{text}'" if "'" not in text else plain])
