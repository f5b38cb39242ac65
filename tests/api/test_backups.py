"""A backup over the API: asked for by an administrator, made beside the work, one at a time, and told in the record."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controller.authority import Role
from controller.backups import check_backup
from tests.api.site import Site, events_of

ADDRESS = "/api/v1/backups"
WHY = {"reason": "before the new press"}


async def test_a_backup_is_made_while_the_service_works(site: Site, tmp_path: Path) -> None:
    async with site.client(Role.ENGINEER, **{"Idempotency-Key": "1"}) as engineer:
        assert (await engineer.post(ADDRESS, json=WHY)).status_code == 403
    async with site.client(Role.ADMINISTRATOR) as client:
        begun = await client.post(ADDRESS, json=WHY, headers={"Idempotency-Key": "1"})
        assert (begun.status_code, begun.json()["state"]) == (202, "going on")
        second = await client.post(ADDRESS, json=WHY, headers={"Idempotency-Key": "2"})
        assert (second.status_code, second.json()["type"]) == (409, "urn:pressline:problem:conflict")
        async with asyncio.timeout(60):
            while (found := (await client.get(begun.headers["location"])).json())["state"] == "going on":  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # as a page would
        assert (found["state"], found["why"]) == ("done", "")
        assert [one["id"] for one in (await client.get(ADDRESS)).json()] == ["1"]
        assert (await client.get(f"{ADDRESS}/2")).status_code == 404
    folder = tmp_path / "backups" / found["folder"]
    assert check_backup(folder).records == found["records"] > 0
    assert found["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
    asked = [event.data for event in events_of(site, "person.asked")]
    assert [(data["what"], data["reason"]) for data in asked] == [("back up the store", WHY["reason"])]
