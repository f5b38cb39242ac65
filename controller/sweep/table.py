"""The results as one Parquet file. Loads pyarrow only here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.sweep.sample import Row

RESULTS = "results.parquet"


def columns_of(rows: Iterable[Row]) -> list[str]:
    """All columns: in the order in which rows have them, rules by their names at the end."""
    found = dict.fromkeys(name for row in rows for name in row)
    rules = sorted(name for name in found if name.startswith("rule."))
    return [*(name for name in found if not name.startswith("rule.")), *rules]


def write_table(file: Path, rows: Sequence[Row], about: Mapping[str, str]) -> None:
    """Writes rows in the order of their samples, in one move; `about` becomes the file's key-value metadata.

    :raises OSError: if the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    ordered = sorted(rows, key=lambda row: int(row["sample"]))
    arrays = {name: _array(pa, [row.get(name) for row in ordered]) for name in columns_of(ordered)}
    table = pa.table(arrays).replace_schema_metadata(dict(about))
    draft = file.with_name(f"{file.name}.part")
    pq.write_table(table, draft)
    draft.replace(file)


def _array(pa: Any, values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and float in kinds:
        return pa.array(values, pa.float64())  # a whole number among others, such as 0, is one of them
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        return pa.array(values, pa.int64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())
