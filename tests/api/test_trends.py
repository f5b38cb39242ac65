"""Trends over the API: reduced, with the extremes, and refused where they make no sense."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from controller.authority import Role
from controller.database import open_database
from controller.historian import TABLES, Tag
from controller.historian import recording as recorded
from tests.api.site import site as opened

NAME = "uniaxial-press-1.pressure"
BEGIN_US = 1_800_000_000_000_000  # 2027-01-15T08:00:00Z


async def test_a_trend_is_reduced_and_keeps_its_spike(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'trends.sqlite'}", TABLES)
    values = np.zeros(10_000)
    values[4321] = 1000.0
    times_us = BEGIN_US + np.arange(10_000, dtype=np.int64) * 1000
    async with recorded(database, "line", utc_us=lambda: BEGIN_US, tell=lambda *_: None) as historian:
        historian.describe([Tag(NAME, "MPa", "pressure")])
        historian.write(NAME, times_us, values, np.zeros(10_000, dtype=np.uint8))
        await historian.flush()
        async with opened(tmp_path, trends=historian) as site, site.client(Role.VIEWER) as client:
            assert [tag["tag"]["name"] for tag in (await client.get("/api/v1/trends")).json()] == [NAME]
            span = {"from": "2027-01-15T08:00:00Z", "to": "2027-01-15T09:00:10+01:00", "points": "100"}
            found = (await client.get(f"/api/v1/trends/{NAME}", params=span)).json()
            assert len(found["buckets"]) <= 100
            assert max(bucket["max"] for bucket in found["buckets"]) == 1000.0
            none = await client.get("/api/v1/trends/nothing.there", params=span)
            assert none.status_code == 404
            turned = await client.get(f"/api/v1/trends/{NAME}", params=span | {"to": "2027-01-15T07:00:00Z"})
            assert turned.status_code == 422
            hour: dict[str, Any] = {"from": span["from"], "to": "2027-01-15T09:00:00Z", "tag": NAME}
            table = await client.get("/api/v1/trend-file", params=hour)
            rows = table.text.splitlines()
            assert (len(rows), rows[0]) == (10_001, f"time_utc,{NAME} [MPa],{NAME} quality")
            assert table.headers["content-disposition"].endswith('.csv"')
            columns = await client.get("/api/v1/trend-file", params=hour | {"form": "parquet"})
            assert pq.read_table(io.BytesIO(columns.content)).num_rows == 10_000
            for wrong, status in (
                ({"tag": "nothing.there"}, 404),
                ({"unit": "none", "tag": []}, 404),
                ({"run": "none"}, 404),
                ({"unit": "coater-1"}, 422),
                ({"to": span["from"]}, 422),
            ):
                assert (await client.get("/api/v1/trend-file", params=hour | wrong)).status_code == status, wrong
            day = await client.get(f"/api/v1/trends/{NAME}", params=span | {"to": "2027-02-30T00:00:00Z"})
            assert day.status_code == 422
    database.close()
