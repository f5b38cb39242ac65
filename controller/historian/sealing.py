"""Trends of a run, or of any time, as one Parquet file that any tool opens: every sample and what to know of it.

One row a sample, ordered by tag and time. The file's own metadata says where it comes from and what its columns mean;
its SHA-256 is for the journal, whose chain then covers the trends as well.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.historian.errors import TagUnknown
from controller.historian.looking import Trends, pages
from controller.historian.model import Mark, StoredTag
from controller.historian.new_file import begun, finished, refused, sha256_of
from controller.historian.reading import check_range
from controller.historian.samples import QUALITIES, Samples

COLUMNS: Mapping[str, str] = {
    "tag": "unit of the line and signal: press_1.pressure_a_mpa",
    "time": "UTC of the answer that the value came in, microseconds",
    "value": "the value in `unit`; an enumeration or a bit field as its number; NaN where it could not be decoded",
    "unit": "unit of the value; empty for pure numbers",
    "quality": "good, uncertain or bad, as the driver judged it; only a good value satisfies a condition",
}
SCHEMA = "1"
PREFIX = "pressline."


@dataclass(frozen=True, slots=True)
class Seal:
    """What is sealed: from_us up to to_us (UTC microseconds); units are the profiles of the units by name.

    `tags` None takes those of the units, or all where there are no units. run and plan_hash are "" for what is no run.
    """

    from_us: int
    to_us: int
    run: str = ""
    plan_hash: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file, for the journal: sha256 in hexadecimal, rows and tags that it holds."""

    file: str
    sha256: str
    rows: int
    tags: int
    bytes: int


async def seal(trends: Trends, wanted: Seal, file: Path) -> Sealed:
    """Writes the file in one move, durably, and beside the loop.

    Raises ExportRefused, TagUnknown, RangeRefused, DatabaseUnusable.
    """
    check_range(wanted.from_us, wanted.to_us)
    chosen = await chosen_tags(trends, wanted.tags, wanted.units)
    marks = await trends.marks(wanted.from_us, wanted.to_us)
    schema = await asyncio.to_thread(_schema, trends.line, wanted, chosen, marks)
    rows, draft, one_by_one = 0, begun(file), threading.Lock()
    try:
        with refused(file):
            writer = await asyncio.to_thread(_writer, draft, schema)
            try:
                for stored in chosen:
                    async for samples in pages(trends, stored, wanted.from_us, wanted.to_us):
                        await asyncio.to_thread(_alone, one_by_one, _write, writer, schema, stored, samples)
                        rows += len(samples)
            finally:
                await asyncio.to_thread(_alone, one_by_one, writer.close)
            digest, size = await asyncio.to_thread(sha256_of, draft), draft.stat().st_size
        await asyncio.to_thread(finished, draft, file)
    finally:
        draft.unlink(missing_ok=True)
    return Sealed(str(file), digest, rows, len(chosen), size)


def _alone(one_by_one: threading.Lock, work: Callable[..., None], *arguments: Any) -> None:
    """One thing at a time: whoever is cancelled leaves a thread that still writes."""
    with one_by_one:
        work(*arguments)


def _writer(draft: Path, schema: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(draft, schema, compression="zstd", use_dictionary=["tag", "unit", "quality"])


async def chosen_tags(
    trends: Trends, names: Sequence[str] | None, units: Mapping[str, str] | None = None
) -> list[StoredTag]:
    """The tags of these names, those of the units, or all; by name. Raises TagUnknown."""
    known = {stored.tag.name: stored for stored in await trends.tags()}
    if names is None:
        return [stored for name, stored in known.items() if not units or name.partition(".")[0] in units]
    if missing := [name for name in names if name not in known]:
        raise TagUnknown(f"there are no trends of {missing[0]!r}; `pressline trends list` names every tag")
    return [known[name] for name in sorted(set(names))]


def utc_of(us: int) -> str:
    """Microseconds since 1970 in ISO 8601."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _schema(line: str, wanted: Seal, chosen: Sequence[StoredTag], marks: Sequence[Mark]) -> Any:
    import pyarrow as pa

    kinds = {"time": pa.timestamp("us", tz="UTC"), "value": pa.float64()}
    fields = [
        pa.field(name, kinds.get(name, pa.string()), nullable=False, metadata={"description": words})
        for name, words in COLUMNS.items()
    ]
    about = {
        "schema": SCHEMA,
        "line": line,
        "run": wanted.run,
        "plan_hash": wanted.plan_hash,
        "units": json.dumps(dict(wanted.units), ensure_ascii=False, sort_keys=True),
        "from_utc": utc_of(wanted.from_us),
        "to_utc": utc_of(wanted.to_us),
        "columns": json.dumps(dict(COLUMNS)),
        "tags": json.dumps({stored.tag.name: _about(stored) for stored in chosen}, ensure_ascii=False),
        "marks": json.dumps([_mark(mark) for mark in marks], ensure_ascii=False),
    }
    return pa.schema(fields, metadata={PREFIX + name: text for name, text in about.items()})


def _about(stored: StoredTag) -> dict[str, Any]:
    data = {name: value for name, value in asdict(stored.tag).items() if value and name != "name"}
    return data | ({"left_out": stored.left_out} if stored.left_out else {})


def _mark(mark: Mark) -> dict[str, Any]:
    until = None if mark.to_us is None else utc_of(mark.to_us)
    data = {"kind": mark.kind.value, "scope": mark.scope, "from_utc": utc_of(mark.from_us), "to_utc": until}
    return data | {"lost": mark.lost, "words": mark.words}


def _write(writer: Any, schema: Any, stored: StoredTag, samples: Samples) -> None:
    import numpy as np
    import pyarrow as pa

    count = len(samples)

    def repeated(words: Sequence[str], places: Any) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(words)).cast(pa.string())

    zeros = np.zeros(count, np.int8)
    columns = [
        repeated([stored.tag.name], zeros),
        pa.array(samples.times_us).cast(schema.field("time").type),
        pa.array(samples.values),
        repeated([stored.tag.unit], zeros),
        repeated([str(quality) for quality in QUALITIES], samples.qualities.astype(np.int8)),
    ]
    writer.write_table(pa.Table.from_arrays(columns, schema=schema))
