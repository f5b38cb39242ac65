"""The tags of a line and their numbers."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from controller.historian import tables
from controller.historian.batch import Batch
from controller.historian.model import Tag


def about(tag: Tag) -> str:
    """What a tag is, for its row."""
    words = {str(number): word for number, word in tag.words.items()}
    data = {"unit": tag.unit, "meaning": tag.meaning, "profile": tag.profile, "words": words, "bits": list(tag.bits)}
    return json.dumps({name: value for name, value in data.items() if value}, ensure_ascii=False)


def tag_of(name: str, data: str) -> Tag:
    """The reverse."""
    known: dict[str, Any] = json.loads(data)
    words = {int(number): word for number, word in known.get("words", {}).items()}
    return Tag(
        name,
        known.get("unit", ""),
        known.get("meaning", ""),
        known.get("profile", ""),
        words,
        tuple(known.get("bits", ())),
    )


class TagBook:
    """The numbers of a line's tags, read once."""

    def __init__(self, line: str) -> None:
        self.line = line
        self._known: dict[str, tuple[int, str]] = {}

    def read(self, connection: Connection) -> None:
        """As they are in the database."""
        table = tables.tags
        rows = connection.execute(select(table.c.name, table.c.id, table.c.about).where(table.c.line == self.line))
        self._known = {row.name: (row.id, row.about) for row in rows}

    def number(self, name: str) -> int | None:
        """None for a tag that nobody recorded."""
        return self._known[name][0] if name in self._known else None

    def numbers(self, connection: Connection, batch: Batch) -> dict[str, int]:
        """The numbers of a batch's tags; those that are new, or are something else now, are written."""
        table = tables.tags
        texts = {name: about(tag) for name, tag in batch.tags.items()}
        names = {*batch.samples, *texts, *batch.left_out}
        if new := sorted(name for name in names if name not in self._known):
            rows = [
                {"line": self.line, "name": name, "about": texts.get(name, "{}"), "waits_from": 0, "left_out": 0}
                for name in new
            ]
            connection.execute(insert(table), rows)
            self.read(connection)
        for name, words in texts.items():
            number, known = self._known[name]
            if known != words:
                connection.execute(update(table).where(table.c.id == number).values(about=words))
                self._known[name] = number, words
        if batch.left_out:
            query = update(table).where(table.c.id == bindparam("tag"))
            counts = [{"tag": self._known[name][0], "more": more} for name, more in batch.left_out.items()]
            connection.execute(query.values(left_out=table.c.left_out + bindparam("more")), counts)
        return {name: self._known[name][0] for name in names}
