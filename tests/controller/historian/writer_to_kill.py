"""A program that records until it is killed; it says how many samples were durable when."""

from __future__ import annotations

import asyncio
import sys

import numpy as np

from controller.database import open_database
from controller.historian import HistorianOptions, recording
from controller.historian.tables import TABLES
from tests.controller.historian.stores import START_US


async def main(url: str) -> None:
    database = open_database(url, TABLES)
    count = 0

    def now_us() -> int:
        return START_US + count * 1000

    options = HistorianOptions(flush_s=1e6)
    async with recording(database, "line", utc_us=now_us, tell=lambda _: None, options=options) as historian:
        while True:
            numbers = np.arange(count, count + 1000)
            for tag in ("a", "b"):
                historian.write(tag, START_US + numbers * 1000, numbers.astype(np.float64))
            count += 1000
            await historian.flush()
            print(count, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
