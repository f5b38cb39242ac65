"""What a journal promises, in SQLite and in PostgreSQL alike: order, chain, one writer, an end, and a bad disk."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.journal import JournalError, StoreBusy, StoreUnusable, anchor_path, read_anchor, verify
from controller.journal.rescue import rescue_path
from tests.journal.stores import Store


async def test_what_was_appended_is_read_back_in_order_and_the_chain_holds(store: Store) -> None:
    journal = store.journal()
    await journal.append("a", "first", {"x": 1.5, "tiny": 1e-300, "long": 0.1 + 0.2})
    journal.note("a", "second", {"y": "ü %s ? \u0001 \\ '", "deep": [{"a": None}]})
    await journal.append("b", "third", {})
    own = journal.events()
    await journal.close()
    assert journal.broken is None
    again = store.journal()
    assert list(again.earlier) == own
    await again.append("b", "fourth", {})
    await again.close()
    last = store.journal()
    assert verify(last.earlier) == []
    assert [event.kind for event in last.earlier] == ["first", "second", "third", "fourth"]
    await last.close()


async def test_a_second_writer_is_kept_away(store: Store) -> None:
    journal = store.journal()
    await journal.append("a", "first", {})
    with pytest.raises(StoreBusy, match="is using this store"):
        store.journal()
    await journal.close()
    await store.journal().close()


async def test_the_end_is_anchored_and_the_rescue_file_goes(store: Store) -> None:
    journal = store.journal()
    for number in range(70):
        await journal.append("a", "k", {"n": number})
    anchor = read_anchor(anchor_path(store.beside))
    assert anchor is not None
    assert anchor.sequence == 64
    assert rescue_path(store.beside).exists()
    await journal.close()
    anchor = read_anchor(anchor_path(store.beside))
    assert anchor is not None
    assert (anchor.sequence, anchor.hash) == (70, store.hashes()[-1])
    assert not rescue_path(store.beside).exists()


async def test_what_fails_is_told_refuses_what_raises_risk_and_is_written_when_it_is_mended(store: Store) -> None:
    journal = store.journal()
    await journal.append("a", "first", {})
    insert = journal._medium.insert

    def fails(rows: Any) -> None:
        raise OSError("broken")

    journal._medium.insert = fails  # type: ignore[method-assign]
    with pytest.raises(JournalError, match=r"the journal cannot be written: .*broken"):
        await journal.append("a", "start", {})
    journal.note("a", "stop", {})
    assert journal.broken is not None
    journal._medium.insert = insert  # type: ignore[method-assign]
    await journal.append("a", "mended", {})
    assert (journal.broken or "nothing") == "nothing"
    await journal.close()
    kinds = [row[0] for row in store.execute("SELECT kind FROM events ORDER BY sequence")]
    assert kinds == ["first", "start", "condition", "stop", "mended", "condition"]
    again = store.journal()
    assert verify(again.earlier) == []
    await again.close()


async def test_what_was_rescued_is_taken_in_once(store: Store) -> None:
    journal = store.journal()
    await journal.append("a", "first", {})
    journal._medium.insert = _refused  # type: ignore[method-assign]
    journal.note("a", "stop", {})
    await journal.close()
    content = rescue_path(store.beside).read_bytes()
    again = store.journal()
    assert again.rescued == 1
    await again.close()
    rescue_path(store.beside).write_bytes(content)  # it died before the file was gone
    third = store.journal()
    assert (third.rescued, verify(third.earlier)) == (0, [])
    assert [event.data.get("name") for event in third.earlier].count("journal_rescued") == 1
    await third.close()


@pytest.mark.parametrize(
    "how",
    [
        "UPDATE events SET data = '{\"n\":9}' WHERE sequence = 2",
        "UPDATE events SET time_s = time_s + 1 WHERE sequence = 2",
        "DELETE FROM events WHERE sequence = 2",
        "UPDATE events SET data = 'no json' WHERE sequence = 2",
        "DELETE FROM events",
    ],
)
async def test_a_store_that_was_changed_is_refused(store: Store, how: str) -> None:
    journal = store.journal()
    for number in range(3):
        await journal.append("a", "k", {"n": number})
    await journal.close()
    store.execute(how)
    with pytest.raises(StoreUnusable, match="the journal is damaged"):
        store.journal()


def _refused(rows: Any) -> None:
    raise OSError("broken")


async def test_a_cancellation_that_comes_with_the_answer_is_not_lost(store: Store) -> None:
    """A task that goes on although it was told to end would hold up everything that waits for its end."""
    journal = store.journal()
    task = asyncio.create_task(journal.append("one", "k", {}))
    await asyncio.sleep(0)
    assert journal._turn is not None
    journal._turn.add_done_callback(lambda _: task.cancel())
    await asyncio.wait([task])
    assert task.cancelled()
    await journal.close()
    assert len(store.hashes()) == 1
