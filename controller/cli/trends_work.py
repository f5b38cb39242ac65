"""What the commands of `pressline trends` do: a document, or None where they have printed text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.historian.csv_export import export_csv
from controller.historian.looking import StoredTrends, lines, look_at, trends_file
from controller.historian.model import Bucket, Mark, StoredTag, Trend
from controller.historian.sealing import Seal, chosen_tags, seal, utc_of

Range = tuple[str | None, str | None]


class UnusableTrends(Exception):
    """What was asked for cannot be understood, or is not there; the message is for the user. Not retryable."""


def listed(store: str, line: str | None, *, as_json: bool) -> dict[str, Any] | None:
    """Prints every tag."""

    async def work() -> dict[str, Any] | None:
        async with _looked(store, line) as trends:
            stored = await trends.tags()
        if as_json:
            return {"line": trends.line, "tags": [_tag_data(one) for one in stored]}
        _print(_tag_rows(stored) or [["no tag"]])
        return None

    return asyncio.run(work())


def shown(store: str, line: str | None, tag: str, when: Range, points: int, *, as_json: bool) -> dict[str, Any] | None:
    """Prints one tag."""

    async def work() -> dict[str, Any] | None:
        async with _looked(store, line) as trends:
            [stored] = await chosen_tags(trends, [tag])
            from_us, to_us = _range(when, [stored])
            found = await trends.trend(tag, from_us, to_us, points)
        if as_json:
            return trend_data(found)
        _print(_trend_rows(found))
        for mark in found.marks:
            print(_mark_words(mark))
        return None

    return asyncio.run(work())


def exported(
    store: str, line: str | None, tags: list[str] | None, when: Range, output: Path, *, as_json: bool
) -> dict[str, Any] | None:
    """Writes a file."""
    kind = output.suffix.lower()
    if kind not in {".csv", ".parquet"}:
        raise UnusableTrends(f"{output}: expected a name that ends in .csv or .parquet")

    async def work() -> dict[str, Any]:
        async with _looked(store, line) as trends:
            chosen = await chosen_tags(trends, tags)
            from_us, to_us = _range(when, chosen)
            names = [stored.tag.name for stored in chosen]
            if kind == ".csv":
                rows = await export_csv(trends, names, from_us, to_us, output)
                return {"file": str(output), "rows": rows, "tags": len(names)}
            return asdict(await seal(trends, Seal(from_us, to_us, tags=names), output))

    document = asyncio.run(work())
    if as_json:
        return document
    print(f"{output}: {document['rows']} rows of {document['tags']} tags")
    return None


def trend_data(trend: Trend) -> dict[str, Any]:
    """A trend as JSON; times in UTC."""
    times = ("from_us", "to_us", "min_us", "max_us")
    buckets = []
    for bucket in trend.buckets:
        data = bucket._asdict()
        for name in times:
            data[name.replace("_us", "_utc")] = None if data[name] is None else utc_of(data.pop(name))
        buckets.append({name: value for name, value in data.items() if name not in times})
    return {
        "tag": _about(trend.tag),
        "from_utc": utc_of(trend.from_us),
        "to_utc": utc_of(trend.to_us),
        "buckets": buckets,
        "marks": [_mark_data(mark) for mark in trend.marks],
        "left_out": trend.left_out,
    }


@asynccontextmanager
async def _looked(store: str, line: str | None) -> AsyncIterator[StoredTrends]:
    """The trends of a store. Raises UnusableTrends, DatabaseUnusable."""
    url = store
    if "://" not in store:
        file = trends_file(Path(store))
        if not file.is_file():
            raise UnusableTrends(f"{file}: there is no such file; a service records trends beside its store")
        url = f"sqlite:///{file}"
    database = look_at(url)
    try:
        known = await database.run(lines)
        if line is None and len(known) > 1:
            raise UnusableTrends(f"{store} holds the trends of {', '.join(known)}; --line says whose")
        if line is not None and line not in known:
            raise UnusableTrends(f"{store} holds no trends of a line {line!r}; it has {', '.join(known) or 'none'}")
        yield StoredTrends(database, line or (known[0] if known else ""))
    finally:
        database.close()


def _range(when: Range, stored: list[StoredTag]) -> tuple[int, int]:
    """From and up to, in microseconds; what is not said is where the samples begin and end."""
    since, until = (None if text is None else _us(text) for text in when)
    firsts = [one.first_us for one in stored if one.first_us is not None]
    lasts = [one.last_us for one in stored if one.last_us is not None]
    if not firsts or not lasts:
        raise UnusableTrends("nothing is recorded of that yet")
    return min(firsts) if since is None else since, max(lasts) + 1 if until is None else until


def _us(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnusableTrends(f"{text!r} is no time; expected for example 2026-11-22T06:00 (UTC)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def _about(tag: Any) -> dict[str, Any]:
    return {**asdict(tag), "words": {str(number): word for number, word in tag.words.items()}}


def _tag_data(stored: StoredTag) -> dict[str, Any]:
    utc = {
        "first_utc": None if stored.first_us is None else utc_of(stored.first_us),
        "last_utc": None if stored.last_us is None else utc_of(stored.last_us),
    }
    counts = {"samples": stored.count, "stored_bytes": stored.stored_bytes, "left_out": stored.left_out}
    return _about(stored.tag) | utc | counts


def _mark_data(mark: Mark) -> dict[str, Any]:
    until = None if mark.to_us is None else utc_of(mark.to_us)
    data = {"kind": mark.kind.value, "scope": mark.scope, "from_utc": utc_of(mark.from_us), "to_utc": until}
    return data | {"lost": mark.lost, "words": mark.words}


def _mark_words(mark: Mark) -> str:
    since = "" if mark.from_us == 0 else f" from {_short(mark.from_us)}"
    until = "" if mark.to_us is None else f" to {_short(mark.to_us)}"
    return f"{mark.kind.value}{since}{until}: {mark.words}"


def _tag_rows(stored: list[StoredTag]) -> list[list[str]]:
    head = ["tag", "unit", "samples", "first", "last"]
    rows = [
        [
            one.tag.name,
            one.tag.unit,
            str(one.count),
            *("" if at is None else _short(at) for at in (one.first_us, one.last_us)),
        ]
        for one in stored
    ]
    return [head, *rows] if rows else []


def _trend_rows(trend: Trend) -> list[list[str]]:
    unit = f" {trend.tag.unit}" if trend.tag.unit else ""
    head = ["from", "samples", f"min{unit}", "at", f"mean{unit}", f"max{unit}", "at", "quality"]
    return [head, *(_bucket_row(bucket, trend) for bucket in trend.buckets)] if trend.buckets else [["no sample"]]


def _bucket_row(bucket: Bucket, trend: Trend) -> list[str]:
    low, high = (_value(value, trend) for value in (bucket.min, bucket.max))
    mean = _number(bucket.mean)
    at = ["" if us is None else _short(us) for us in (bucket.min_us, bucket.max_us)]
    return [_short(bucket.from_us), str(bucket.count), low, at[0], mean, high, at[1], str(bucket.quality)]


def _value(value: float | None, trend: Trend) -> str:
    """A word where the tag has words."""
    return _number(value) if value is None or value not in trend.tag.words else trend.tag.words[int(value)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.7g}"


def _short(us: int) -> str:
    return utc_of(us)[:23] + "Z"


def _print(rows: list[list[str]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
