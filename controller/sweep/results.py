"""The folder of a sweep: what was asked (`sweep.json`), a line for every sample that is done (`rows.jsonl`).

A row is appended and flushed as soon as it is there, so a sweep that is killed loses the samples that were being worked
on and no others; when the power fails, also what the system had not yet written. A line that was cut off is dropped,
and its sample done again.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from controller.sweep.sample import Row

MANIFEST, ROWS = "sweep.json", "rows.jsonl"


class ResultsRefused(Exception):
    """The folder cannot be used for this sweep; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes two sweeps the same sweep. How many processes work on it, and where, is no part of it."""

    recipe: str
    recipe_sha256: str
    packs: tuple[tuple[str, str], ...]
    vary: tuple[str, ...]
    samples: int
    seed: int
    scenario: str
    sampling: str
    kind: str
    version: str


_WORDS = {
    "recipe": "the recipe's name",
    "recipe_sha256": "the recipe's text",
    "packs": "the rule packs",
    "vary": "--vary",
    "samples": "--samples",
    "seed": "--seed",
    "scenario": "--scenario",
    "sampling": "the way of sampling",
    "kind": "--estimate",
    "version": "the version of pressline",
}
_UNTOLD = ("recipe_sha256", "packs")  # nobody reads a hash


class Results:
    """The folder while this process alone writes it; `rows` are those that it holds already, by sample."""

    def __init__(self, folder: Path, rows: dict[int, Row], stream: IO[bytes]) -> None:
        self.folder, self.rows, self._stream = folder, rows, stream

    def add(self, row: Row) -> None:
        """Writes a row down.

        :raises ResultsRefused: if it cannot be written.
        """
        try:
            self._stream.write(json.dumps(row).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            raise ResultsRefused(f"{self.folder / ROWS}: cannot be written: {error.strerror or error}") from error
        self.rows[row["sample"]] = row


@contextmanager
def opened(folder: Path, asked: Asked) -> Iterator[Results]:
    """The results of this sweep: a new folder, or one in which the same sweep was begun.

    :raises ResultsRefused: if it holds another sweep or something else, is in use, or cannot be written.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _must_be_free(folder)
            stream = held.enter_context((folder / ROWS).open("ab+"))
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _settle(folder, asked)
            rows = _kept(stream)
        except BlockingIOError as error:
            raise ResultsRefused(f"{folder}: another sweep is writing there") from error
        except OSError as error:
            raise ResultsRefused(f"{error.filename or folder}: cannot be used: {error.strerror or error}") from error
        yield Results(folder, rows, stream)


def _must_be_free(folder: Path) -> None:
    if not (folder / MANIFEST).exists() and (other := next(folder.iterdir(), None)) is not None and other.name != ROWS:
        raise ResultsRefused(f"{folder}: holds other files ({other.name}); give --output a folder of its own")


def _settle(folder: Path, asked: Asked) -> None:
    """Writes down what is asked, or compares it with what was asked here before."""
    manifest = folder / MANIFEST
    wanted = json.loads(json.dumps(asdict(asked)))  # tuples as lists, as they come back
    if not manifest.exists():
        draft = manifest.with_suffix(".part")
        draft.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        draft.replace(manifest)
        return
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultsRefused(f"{manifest}: cannot be read ({error}); give another --output") from error
    if not isinstance(known, Mapping):
        raise ResultsRefused(f"{manifest}: is no sweep's; give another --output")
    if other := [
        _difference(name, known.get(name), value) for name, value in wanted.items() if known.get(name) != value
    ]:
        raise ResultsRefused(
            f"{folder}: holds another sweep: {'; '.join(other)}. Give another --output, or the command that began it"
        )


def _difference(name: str, before: Any, now: Any) -> str:
    if name in _UNTOLD:
        return f"{_WORDS[name]} was another"
    told = [", ".join(map(str, value)) if isinstance(value, list) else str(value) for value in (before, now)]
    return f"{_WORDS[name]} was {told[0]}, is {told[1]}"


def _kept(stream: IO[bytes]) -> dict[int, Row]:
    """Rows that are whole; the file is cut after its last whole line."""
    stream.seek(0)
    rows: dict[int, Row] = {}
    end = 0
    for line in stream:
        if not line.endswith(b"\n"):
            break
        end += len(line)
        try:
            row = json.loads(line)
            rows[row["sample"]] = row
        except (ValueError, TypeError, KeyError):
            continue  # a damaged line costs its sample alone, which is done again
    stream.truncate(end)
    return rows
