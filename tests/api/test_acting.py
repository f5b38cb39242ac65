"""A question that takes too long is given up; a command that began comes to its end, whoever goes away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.api import Limits
from controller.authority import Role
from tests.api.site import Site, events_of
from tests.api.site import site as opened

ADDRESS = "/api/v1/units/coater-1/service"
OUT = {"in_service": False, "reason": "a seal is worn"}
KEY = {"Idempotency-Key": "0001"}


async def test_an_answer_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: Any) -> list[Any]:
        await asyncio.sleep(60)
        return []

    async with opened(tmp_path, limits=Limits(answer_s=0.05)) as site, site.client(Role.VIEWER) as client:
        monkeypatch.setattr("controller.api.records.Records.of_run", slow)
        answer = await client.get("/api/v1/runs/run-1/events")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:pressline:problem:late-answer")
        assert answer.headers["retry-after"]


@pytest.mark.parametrize("is_half_done", [False, True])
async def test_a_command_is_finished_though_its_sender_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, is_half_done: bool
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    append = site.service.journal.append

    async def slow(run: str, kind: str, data: Any) -> Any:
        event = await append(run, kind, data) if is_half_done else None
        begun.set()
        await go_on.wait()
        return event or await append(run, kind, data)

    async with site.client(Role.OPERATOR, **KEY) as client:
        with monkeypatch.context() as patched:
            patched.setattr(site.service.journal, "append", slow)
            asking = asyncio.create_task(client.post(ADDRESS, json=OUT))
            await begun.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            go_on.set()
            await site.parts.begun.settled()
        assert site.service.unit("coater-1").out_of_service
        assert [event.data["what"] for event in events_of(site, "person.asked")] == ["take out of service"]
        again = await client.post(ADDRESS, json=OUT)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")


async def test_a_fault_of_a_command_that_nobody_waits_for_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def broken(*_: Any, **__: Any) -> None:
        begun.set()
        await go_on.wait()
        raise RuntimeError("the disk fell out of the window")

    monkeypatch.setattr(site.service, "set_unit", broken)
    async with site.client(Role.OPERATOR, **KEY) as client:
        asking = asyncio.create_task(client.post(ADDRESS, json=OUT))
        await begun.wait()
        asking.cancel()
        go_on.set()
        await asyncio.gather(asking, return_exceptions=True)
        await site.parts.begun.settled()
        assert [str(fault) for fault in site.faults] == ["the disk fell out of the window"]
        site.faults.clear()
        again = await client.post(ADDRESS, json=OUT)
    assert again.json()["type"] == "urn:pressline:problem:outcome-unknown"
