"""A plant whose network goes away without a word, in real time: what waits for it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.plant.network import cables
from tests.plant.plants import AT_ONCE, Line, at_plant
from tests.postgres import PostgresServer


async def seen(wanted: Callable[[], bool]) -> None:
    while not wanted():  # noqa: ASYNC110  what is waited for may be anything
        await asyncio.sleep(0.01)


async def test_a_plant_that_answers_nothing_is_hung_up_on(tmp_path: Path, postgres: PostgresServer) -> None:
    """The network is gone without a word in the middle of the work: nobody's thread waits for it for ever."""
    line, made = Line(tmp_path / "line"), postgres.new_database()
    await line.tell(2)
    told: list[Mapping[str, Any]] = []
    with cables(postgres.port) as (cable,):
        url = made.replace(f":{postgres.port}/", f":{cable.port}/")
        copier = line.copier(url, told, options=replace(AT_ONCE, answer_s=0.5))
        task = asyncio.create_task(copier.run())
        try:
            async with asyncio.timeout(30):
                await seen(lambda: copier.progress.records == 2)
                told.clear()
                cable.cut()
                await line.tell(30)
                await seen(lambda: bool(told))
                assert (told[0]["name"], told[0]["active"]) == ("plant_away", True)
                cable.mend()
                await seen(lambda: copier.progress.records == 32)
                cable.cut()
                await asyncio.sleep(0.1)
        finally:
            task.cancel()
            async with asyncio.timeout(20):  # also while it is cut
                await asyncio.gather(task, return_exceptions=True)
    assert await at_plant(made) == line.events()
