"""Keys of a line file as data: what each may be, is read from, and means; reader, schema and reference follow from it.

A table is a frozen dataclass whose fields are made by `setting`; the kinds (line_kinds.py) say what a value may be.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable
from dataclasses import MISSING, dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from controller.line_kinds import Kind, Named

T = TypeVar("T")
SHOWN = 80  # characters of a wrong value that a message repeats


class Table:
    """A table of a line file; a subclass is a frozen dataclass."""

    LIVE: ClassVar[bool] = False
    """Whether all of it is taken over by `pressline reload`."""
    TOGETHER: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Keys of which the first needs the second."""
    APART: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Keys of which only one may be given."""
    SECRETS: ClassVar[tuple[str, ...]] = ()
    """What is asked for by NAME_file or NAME_env, and never stands in the file itself."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key beside its name. `live` says that `pressline reload` changes it."""

    kind: Kind | type[Table]
    meaning: str
    absent: str = ""
    live: bool = False


def setting(
    kind: Kind | type[Table], meaning: str, default: Any = MISSING, *, absent: str = "", live: bool = False
) -> Any:
    """A field of a table; without a default it has to be given. `absent` says what follows where it is not there."""
    found = {"key": Key(kind, meaning, absent, live)}
    if default is MISSING:
        return dataclasses.field(metadata=found)
    return dataclasses.field(default=default, metadata=found)


def keys_of(table: type[Table]) -> dict[str, tuple[Key, Any]]:
    """The keys of a table with their defaults; MISSING where one has to be given."""
    fields = dataclasses.fields(table)  # type: ignore[arg-type]  # each subclass is a dataclass
    return {field.name: (field.metadata["key"], field.default) for field in fields}


def near(word: str, known: Iterable[str]) -> str:
    """ "; meant: NAME" where one is like the word, else nothing."""
    like = difflib.get_close_matches(word, list(known), n=1)
    return f"; meant: {like[0]}" if like else ""


def shown(value: Any) -> str:
    """A wrong value for a message: short, and with no password in it."""
    text = str(value) if isinstance(value, date | time) else repr(value)
    if any(sign in text.lower() for sign in ("@", "password", "secret")):
        return "(not shown: it may hold a password)"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def read_table(table: type[T], raw: Any, file: Path, name: str, faults: list[str]) -> T | None:
    """The table `name` of a line file; None, with what is wrong added to `faults`, where it cannot be used."""
    where = f"{file}: {name}"
    if not issubclass(table, Table):
        raise TypeError(f"{table.__name__} is no Table")
    if not isinstance(raw, dict):
        faults.append(f"{where} is {shown(raw)}; expected a table [{name}]")
        return None
    before, known, values = len(faults), keys_of(table), dict[str, Any]()
    faults += [_unknown(table, word, where, known) for word in raw if word not in known]
    for word, (found, default) in known.items():
        if word not in raw:
            faults += [f"{where}.{word} is missing; expected {_expected(found)}"] if default is MISSING else []
        elif isinstance(found.kind, type):
            values[word] = read_table(found.kind, raw[word], file, f"{name}.{word}", faults)
        elif found.kind.accepts(raw[word]):
            values[word] = found.kind.settled(raw[word], file.parent)
        else:
            hidden = word.removesuffix("_file").removesuffix("_env") in table.SECRETS
            told = "is none" if hidden else f"is {shown(raw[word])}"
            faults.append(f"{where}.{word} {told}; expected {found.kind.expected}")
    for first, second in table.TOGETHER:
        if first in raw and second not in raw:
            faults.append(f"{where}.{first} needs {name}.{second} too")
    for first, second in table.APART:
        if first in raw and second in raw:
            faults.append(f"{where}.{first} and {name}.{second} are both given; expected one of them")
    return table(**values) if len(faults) == before else None


def _expected(found: Key) -> str:
    return "a table" if isinstance(found.kind, type) else found.kind.expected


def _unknown(table: type[Table], word: str, where: str, known: Iterable[str]) -> str:
    if word in table.SECRETS:
        return f"{where}.{word}: a secret never stands in this file; expected {word}_file or {word}_env"
    return f"{where}.{word} is unknown{near(word, known)}; known: {', '.join(sorted(known))}"


def table_schema(table: type[Table]) -> dict[str, Any]:
    """The JSON Schema of a table."""
    known = keys_of(table)
    properties = {
        word: {
            **(table_schema(found.kind) if isinstance(found.kind, type) else found.kind.schema()),
            "description": found.meaning,
        }
        for word, (found, _) in known.items()
    }
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if needed := [word for word, (_, default) in known.items() if default is MISSING]:
        schema["required"] = needed
    if table.TOGETHER:
        schema["dependentRequired"] = {
            first: [b for a, b in table.TOGETHER if a == first] for first, _ in table.TOGETHER
        }
    if table.APART:
        schema["allOf"] = [{"not": {"required": list(pair)}} for pair in table.APART]
    return schema


def table_toml(name: str, table: Table) -> str:
    """The table that `read_table` reads back as the same; only what is not as it is without it."""
    lines, below = [f"[{name}]"], []
    for word, (found, default) in keys_of(type(table)).items():
        value = getattr(table, word)
        if isinstance(value, Table):
            below.append(table_toml(f"{name}.{word}", value))
        elif isinstance(found.kind, Named):
            entries = [f"{toml_text(name_of)} = {toml_text(one)}" for name_of, one in value]
            below += ["\n".join([f"[{name}.{word}]", *entries])] if entries else []
        elif value is not None and value != default:
            lines.append(f"{word} = {toml_text(value)}")
    return "\n\n".join(["\n".join(lines), *below])


def toml_text(value: Any) -> str:
    """A text, number, flag or list as TOML writes it; a JSON one is one."""
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
