"""Every sample of some trends as a file, made in another process from the store: reading never takes from the loop."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from fastapi.responses import StreamingResponse

from controller.api.workers import Workers
from controller.historian import RangeRefused, Seal, StoredTag
from controller.historian.csv_export import export_csv
from controller.historian.looking import StoredTrends, look_at
from controller.historian.sealing import chosen_tags, seal

MOST_SAMPLES = 20_000_000
"""In one file; an hour of 250 signals at 20 Hz (engineering judgement: some 10 s as Parquet, a minute as CSV)."""
CHUNK_BYTES = 256 * 1024


class TrendForm(StrEnum):
    """In which form trends are wanted."""

    CSV = "csv"
    PARQUET = "parquet"


MEDIA_TYPES = {TrendForm.CSV: "text/csv; charset=utf-8", TrendForm.PARQUET: "application/vnd.apache.parquet"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported: tags, or those of the units (name -> kind), or all where there are neither.

    Times are UTC microseconds, to_us not included. run and plan_hash are told in the file, "" for none.
    """

    from_us: int
    to_us: int
    form: TrendForm
    tags: tuple[str, ...] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    plan_hash: str = ""


def exported(url: str, line: str, wanted: Wanted, file: Path) -> None:
    """Writes the file. Raises TagUnknown, RangeRefused, ExportRefused, DatabaseUnusable."""

    async def work() -> None:
        database = look_at(url)
        try:
            trends = StoredTrends(database, line)
            chosen = await chosen_tags(trends, wanted.tags, wanted.units)
            refuse_too_many(chosen, wanted.from_us, wanted.to_us)
            names = [one.tag.name for one in chosen]
            if wanted.form is TrendForm.CSV:
                await export_csv(trends, names, wanted.from_us, wanted.to_us, file)
            else:
                about = Seal(wanted.from_us, wanted.to_us, wanted.run, wanted.plan_hash, wanted.units, names)
                await seal(trends, about, file)
        finally:
            database.close()

    asyncio.run(work())


def refuse_too_many(chosen: list[StoredTag], from_us: int, to_us: int) -> None:
    """Raises RangeRefused where there would be too many samples, reckoned by how fast each tag was recorded."""
    about = 0.0
    for one in chosen:
        if one.first_us is not None and one.last_us is not None:
            inside_us = min(to_us, one.last_us + 1) - max(from_us, one.first_us)
            about += one.count * max(0, inside_us) / (one.last_us + 1 - one.first_us)
    if about > MOST_SAMPLES:
        words = (
            f"about {about:,.0f} samples; at most {MOST_SAMPLES:,} go into one file: ask for less time or fewer tags"
        )
        raise RangeRefused(f"{words}, or use `pressline trends export`")


async def download(workers: Workers, url: str, line: str, wanted: Wanted, name: str) -> StreamingResponse:
    """The file as an answer. It has no name any more by then, so that nothing is left of it whoever goes away."""
    folder = Path(tempfile.mkdtemp(prefix="pressline-export-"))
    try:
        file = folder / name
        await workers.export(exported, url, line, wanted, file)
        opened = file.open("rb")
        size = file.stat().st_size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(_parts(opened), media_type=MEDIA_TYPES[wanted.form], headers=headers)


def _parts(opened: BinaryIO) -> Iterator[bytes]:
    with opened:
        while part := opened.read(CHUNK_BYTES):
            yield part
