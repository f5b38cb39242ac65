"""The stream by itself: numbers, what is told again, who is dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.stream.hub import Client, Full, Hub, HubLimits, Why
from controller.api.stream.messages import Position, differences, text_of


class Line:
    """Topics that change when a test says so."""

    def __init__(self) -> None:
        self.topics: dict[str, dict[str, Any]] = {"line": {"n": 0}}

    def hub(self, **limits: Any) -> Hub:
        return Hub(lambda: {topic: dict(fields) for topic, fields in self.topics.items()}, str, HubLimits(**limits))

    def change(self) -> None:
        self.topics["line"]["n"] += 1


async def taken(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await asyncio.wait_for(client.next(), 1)).text)
    return found


async def test_a_snapshot_and_then_what_changes() -> None:
    line = Line()
    hub = line.hub()
    with hub.listening() as client:
        first = await taken(client)
        line.change()
        line.topics["runs/a"] = {"state": "idle"}
        hub.tick()
        second = await taken(client)
        del line.topics["runs/a"]
        hub.tick()
        third = await taken(client)
    assert (first["type"], first["topics"]) == ("snapshot", {"line": {"n": 0}})
    assert second["set"] == {"line": {"n": 1}, "runs/a": {"state": "idle"}}
    assert (third["set"], third["removed"]) == ({}, ["runs/a"])
    assert [first["sequence"] + 1, first["sequence"] + 2] == [second["sequence"], third["sequence"]]


async def test_one_text_is_made_for_all() -> None:
    line = Line()
    hub = line.hub()
    with hub.listening() as one, hub.listening() as other:
        assert await one.next() is await other.next()
        line.change()
        hub.tick()
        assert await one.next() is await other.next()


async def test_whoever_comes_back_gets_what_was_missed_and_nothing_twice() -> None:
    line = Line()
    hub = line.hub(replay=10)
    with hub.listening() as client, hub.listening():
        seen = Position.of((await taken(client))["position"])
        for _ in range(10):
            line.change()
            hub.tick()
        with hub.listening(seen) as again:
            assert [(await taken(again))["set"]["line"]["n"] for _ in range(10)] == list(range(1, 11))
        line.change()
        hub.tick()
        with hub.listening(seen) as late:  # eleven changes, and ten are kept
            assert (await taken(late))["type"] == "snapshot"
        with hub.listening(hub.position) as present:
            assert (await taken(present))["type"] == "heartbeat"


@pytest.mark.parametrize("position", ["", "0-0", "0123456789abcdef-1", "0123456789abcdef--1", "x" * 60])
async def test_a_position_of_another_stream_gives_a_snapshot(position: str) -> None:
    hub = Line().hub()
    with hub.listening(Position.of(position)) as client:
        assert (await taken(client))["type"] == "snapshot"


async def test_a_position_that_was_never_reached_gives_a_snapshot() -> None:
    hub = Line().hub()
    with hub.listening(Position(hub.position.stream, 999)) as client:
        assert (await taken(client))["type"] == "snapshot"


async def test_who_does_not_keep_up_is_dropped_and_others_are_not() -> None:
    line = Line()
    hub = line.hub(buffered=5)
    with hub.listening() as slow, hub.listening() as quick:
        await quick.next()
        for number in range(1, 11):
            line.change()
            hub.tick()
            assert (await taken(quick))["set"]["line"]["n"] == number
        assert slow.over.result() is Why.SLOW
        assert not quick.over.done()
        assert (hub.clients, hub.dropped) == (1, 1)


async def test_as_many_as_may_listen() -> None:
    hub = Line().hub(clients=1)
    with hub.listening(), pytest.raises(Full), hub.listening():
        pass
    with hub.listening():
        pass
    hub.end()
    with pytest.raises(Full, match="ends"), hub.listening():
        pass


async def test_the_line_is_not_looked_at_while_nobody_listens() -> None:
    looks: list[int] = []

    def topics() -> dict[str, dict[str, Any]]:
        looks.append(1)
        return {"line": {}}

    hub = Hub(topics, str, HubLimits(period_s=0.001))
    task = asyncio.create_task(hub.run())
    await asyncio.sleep(0.02)
    assert looks == []
    with hub.listening():
        await asyncio.sleep(0.02)
        assert looks
    await asyncio.sleep(0.01)
    count = len(looks)
    await asyncio.sleep(0.02)
    assert len(looks) == count
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_heartbeat_comes_where_nothing_changes() -> None:
    hub = Line().hub(period_s=0.001, heartbeat_s=0.005)
    task = asyncio.create_task(hub.run())
    with hub.listening() as client:
        kinds = [(await taken(client))["type"] for _ in range(3)]
    assert kinds == ["snapshot", "heartbeat", "heartbeat"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


TOPICS = st.dictionaries(
    st.sampled_from(["line", "runs/a", "runs/b", "units/x"]),
    st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(), st.none(), st.lists(st.integers()))),
)


def followed(topics: Mapping[str, Any], changed: Mapping[str, Any], removed: list[str]) -> dict[str, Any]:
    """What a client has after a change, by the words of the AsyncAPI document."""
    kept = {topic: fields for topic, fields in topics.items() if topic not in removed}
    return kept | {topic: {**kept.get(topic, {}), **fields} for topic, fields in changed.items()}


@given(TOPICS, TOPICS)
def test_a_client_that_follows_the_changes_has_the_line(before: dict[str, Any], now: dict[str, Any]) -> None:
    changed, removed = differences(before, now)
    assert followed(before, changed, removed) == now
    if before == now:
        assert (changed, removed) == ({}, [])


def test_a_number_that_is_none_is_null() -> None:
    assert text_of({"a": [float("nan"), float("inf"), 1.5]}) == '{"a":[null,null,1.5]}'


async def test_a_change_that_cannot_be_told_is_told_when_it_can() -> None:
    line = Line()
    hub = line.hub()
    with hub.listening() as client:
        first = Position.of((await taken(client))["position"])
        line.topics["line"]["n"] = object()  # what no JSON holds
        with pytest.raises(TypeError):
            hub.tick()
        line.topics["line"]["n"] = 2
        hub.tick()
        assert (await taken(client))["set"] == {"line": {"n": 2}}
    with hub.listening(first) as back:
        assert (await taken(back))["set"] == {"line": {"n": 2}}
