"""The outbox in SQLite and PostgreSQL: order, bounds, counted drops, restarts, disks that refuse."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from controller.database import DatabaseUnusable
from controller.outbox import Entry, Limits, Outbox, Priority, outbox_opened
from tests.postgres import PostgresServer

ALL = tuple(Priority)
HISTORY = (Priority.VALUE, Priority.STATE)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@asynccontextmanager
async def working(url: str, limits: Limits | None = None, line: str = "line") -> AsyncIterator[Outbox]:
    async with outbox_opened(url, line, limits) as outbox:
        task = asyncio.create_task(outbox.run())
        try:
            yield outbox
        finally:
            task.cancel()
            await asyncio.wait([task])


def entry(number: int, priority: Priority = Priority.EVENT, outlet: str = "json") -> Entry:
    return Entry(outlet, priority, f"t/{number}", b"%d" % number, 1_000_000 + number)


async def topics(outbox: Outbox, kinds: tuple[Priority, ...] = ALL, outlet: str = "json") -> list[str]:
    return [row.entry.topic for row in await outbox.take(outlet, kinds, limit=10_000)]


async def test_what_was_put_in_is_read_in_order_by_lane(url: str) -> None:
    async with working(url) as outbox:
        for number in range(6):
            outbox.put(entry(number, Priority(number % 3)))
        await outbox.flushed()
        assert await topics(outbox, (Priority.EVENT,)) == ["t/2", "t/5"]
        assert await topics(outbox, HISTORY) == ["t/0", "t/1", "t/3", "t/4"]
        assert outbox.waits("json", HISTORY) == 4


async def test_readers_go_on_after_a_number_and_never_see_what_was_removed(url: str) -> None:
    async with working(url) as outbox:
        for number in range(5):
            outbox.put(entry(number))
        await outbox.flushed()
        first = await outbox.take("json", ALL, limit=2)
        outbox.remove([first[0].number])
        assert await topics(outbox) == ["t/1", "t/2", "t/3", "t/4"]
        assert [row.entry.topic for row in await outbox.take("json", ALL, after=first[1].number)] == [
            "t/2",
            "t/3",
            "t/4",
        ]


async def test_another_process_finds_what_was_left_with_marks_topics_and_drops(url: str) -> None:
    async with working(url, Limits(messages=3)) as outbox:
        for number in range(5):
            outbox.put(Entry("json", Priority.EVENT, "t", b"x", number, (("journal", number),)))
        outbox.retain("a/b")
        outbox.retain("a/c")
        outbox.retain("a/c", kept=False)
        await outbox.set_mark("bdseq", 7)
    async with working(url) as outbox:
        assert (outbox.mark("journal"), outbox.mark("bdseq"), outbox.mark("other")) == (4, 7, None)
        assert outbox.retained == {"a/b"}
        assert [(drop.messages, drop.first_us, drop.last_us) for drop in outbox.drops] == [(2, 0, 1)]
        assert outbox.waits("json", ALL) == 3


async def test_lines_that_share_a_database_do_not_see_each_other(url: str) -> None:
    async with working(url, line="one") as one, working(url, line="two") as two:
        one.put(entry(1))
        await one.flushed()
        assert await topics(two) == []


async def test_numbers_are_never_used_again(url: str) -> None:
    async with working(url) as outbox:
        outbox.put(entry(1))
        await outbox.flushed()
        [row] = await outbox.take("json", ALL)
        outbox.remove([row.number])
        await outbox.flushed()
        outbox.put(entry(2))
        await outbox.flushed()
        [later] = await outbox.take("json", ALL)
        assert later.number > row.number


async def test_the_least_important_goes_first_and_of_it_the_oldest(url: str) -> None:
    async with working(url, Limits(messages=6)) as outbox:
        for number in range(9):
            outbox.put(entry(number, Priority(number % 3)))
        await outbox.flushed()
        assert await topics(outbox) == ["t/1", "t/2", "t/4", "t/5", "t/7", "t/8"]
        for number in range(9, 13):
            outbox.put(entry(number, Priority.EVENT))
        await outbox.flushed()
        assert await topics(outbox) == ["t/5", "t/8", "t/9", "t/10", "t/11", "t/12"]
        counted = {drop.priority: drop.messages for drop in outbox.drops}
        assert counted == {Priority.VALUE: 3, Priority.STATE: 3, Priority.EVENT: 1}


async def test_bytes_are_bounded_as_well(url: str) -> None:
    async with working(url, Limits(size=1_000)) as outbox:
        for number in range(20):
            outbox.put(Entry("json", Priority.VALUE, "t", b"x" * 99, number))
        await outbox.flushed()
        assert outbox.waits("json", ALL) == 10
        assert (await outbox.status()).size == 1_000


async def test_drops_are_forgotten_with_the_message_that_tells_of_them(url: str) -> None:
    async with working(url, Limits(messages=1)) as outbox:
        outbox.put(entry(1, Priority.VALUE))
        outbox.put(entry(2, Priority.VALUE))
        await outbox.flushed()
        outbox.told(outbox.drops, [entry(3)])
        await outbox.flushed()
        assert await topics(outbox) == ["t/3"]
        [drop] = outbox.drops  # the value that gave way to it
        assert drop.messages == 1


async def test_a_disk_that_refuses_loses_nothing_and_is_gone_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.outbox.outbox.RETRY_S", 0.02)
    changes: list[str | None] = []
    async with working(f"sqlite:///{tmp_path / 'o.sqlite'}") as outbox:
        outbox.on_change.append(lambda: changes.append(outbox.fault))
        working_run = outbox._database.run

        async def full(_: object) -> object:
            raise DatabaseUnusable("o.sqlite: database or disk is full")

        monkeypatch.setattr(outbox._database, "run", full)
        for number in range(3):
            outbox.put(entry(number))
        await asyncio.sleep(0.1)
        assert "full" in (outbox.fault or "")
        lent = outbox.lend("json", ALL, limit=2)
        assert [one.topic for one in lent] == ["t/0", "t/1"]
        outbox.put_back(lent)
        monkeypatch.setattr(outbox._database, "run", working_run)
        await outbox.flushed()
        assert outbox.fault is None
        assert await topics(outbox) == ["t/0", "t/1", "t/2"]
        assert outbox.lend("json", ALL) == []
    assert changes[0] is not None
    assert changes[-1] is None


async def test_memory_is_bounded_while_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.outbox.outbox.RETRY_S", 0.02)
    url = f"sqlite:///{tmp_path / 'o.sqlite'}"
    async with working(url, Limits(memory_messages=100)) as outbox:
        working_run = outbox._database.run

        async def full(_: object) -> object:
            raise DatabaseUnusable("full")

        monkeypatch.setattr(outbox._database, "run", full)
        for number in range(150):
            outbox.put(entry(number, Priority.EVENT if number % 3 == 0 else Priority.VALUE))
        await asyncio.sleep(0.05)
        monkeypatch.setattr(outbox._database, "run", working_run)
        await outbox.flushed()
        kept = await topics(outbox)
        assert [f"t/{n}" for n in range(0, 150, 3)] == [t for t in kept if int(t[2:]) % 3 == 0]
        assert sum(drop.messages for drop in outbox.drops) + len(kept) == 150
        assert {drop.priority for drop in outbox.drops} == {Priority.VALUE}


async def test_a_write_that_is_cancelled_in_the_middle_is_known_all_the_same(tmp_path: Path) -> None:
    async with outbox_opened(f"sqlite:///{tmp_path / 'o.sqlite'}", "line") as outbox:
        task = asyncio.create_task(outbox.run())
        for number in range(500):
            outbox.put(entry(number))
        await asyncio.sleep(0)  # the writer has begun
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await outbox.close()
        assert len(await topics(outbox)) == 500
        assert outbox.waits("json", ALL) == 500


CHILD = """
import asyncio, sys
from controller.outbox import Entry, Priority, outbox_opened

async def main():
    async with outbox_opened(sys.argv[1], "line") as outbox:
        task = asyncio.create_task(outbox.run())
        for number in range(100_000):
            outbox.put(Entry("json", Priority.EVENT, "t", b"%d" % number, number, (("journal", number),)))
            if number % 50 == 49:
                await outbox.flushed()
                print(number, flush=True)

asyncio.run(main())
"""


def test_a_kill_loses_nothing_that_was_written_and_keeps_the_mark_with_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'o.sqlite'}"
    with subprocess.Popen([sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [int(child.stdout.readline()) for _ in range(10)][-1]
        child.kill()

    async def look() -> tuple[list[int], int | None]:
        async with outbox_opened(url, "line") as outbox:
            rows = await outbox.take("json", ALL, limit=100_000)
            return [int(row.entry.payload) for row in rows], outbox.mark("journal")

    found, mark = asyncio.run(look())
    assert found == list(range(len(found)))
    assert len(found) > said
    assert mark == found[-1]


async def test_a_full_outbox_is_read_and_kept_in_bounds_without_sorting_it(tmp_path: Path) -> None:
    """With a million messages a sort for each read would take longer than the messages take to be sent."""
    asked: list[tuple[str, Any]] = []
    async with working(f"sqlite:///{tmp_path / 'o.sqlite'}", Limits(messages=4)) as outbox:
        engine = outbox._database.engine
        event.listen(engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        for number in range(9):
            outbox.put(entry(number, Priority(number % 3), ("json", "sparkplug")[number % 2]))
        await outbox.flushed()
        await outbox.take("json", HISTORY)
        await outbox.status()
        reads = [one for one in asked if one[0].startswith("SELECT") and "ORDER BY outbox.number" in one[0]]
        assert len(reads) > 3

        def plans(connection: Connection) -> list[str]:
            return [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", asks).all()) for sql, asks in reads]

        assert all("USING INDEX ix_outbox_order" in plan for plan in await outbox._database.run(plans))
        assert not any("TEMP B-TREE" in plan for plan in await outbox._database.run(plans))


async def test_nothing_is_lost_when_writing_is_cancelled_while_a_disk_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with outbox_opened(f"sqlite:///{tmp_path / 'o.sqlite'}", "line") as outbox:

        async def full(_: object) -> None:
            writing.cancel()
            await asyncio.sleep(0.01)
            raise DatabaseUnusable("outbox.sqlite: database or disk is full")

        outbox.put(entry(1))
        writing = asyncio.create_task(outbox.run())
        with monkeypatch.context() as patched:
            patched.setattr(outbox._database, "run", full)
            await asyncio.wait([writing])
        assert writing.cancelled()
        await outbox.close()
        assert await topics(outbox) == ["t/1"]
