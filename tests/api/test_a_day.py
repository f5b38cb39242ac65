"""From a recipe to a certificate over the API, on virtual time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from controller.authority import Role
from simulators.clock import run_virtual
from tests.api.site import PASSWORD, PEOPLE, SMALL, Site
from tests.api.site import site as opened

SECOND = "engineer-2"


def played(acts: Callable[[Site], Awaitable[None]], **changes: Any) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Path(folder), **changes) as site:
                await acts(site)

    run_virtual(play())


async def until(client: httpx.AsyncClient, where: str, is_so: Callable[[Any], bool], every_s: float = 1.0) -> Any:
    """What is there once it is so."""
    while not is_so(found := (await client.get(where)).json()):  # noqa: ASYNC110  as a program that polls
        await asyncio.sleep(every_s)
    return found


class Keys:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> dict[str, str]:
        self.number += 1
        return {"Idempotency-Key": f"key-{self.number}"}


async def approved(site: Site, key: Keys) -> str:
    """The small recipe as an approved version; two engineers sign."""
    admin = await site.accounts.sign_in(PEOPLE[Role.ADMINISTRATOR], PASSWORD, "10.0.0.1")
    await site.accounts.users.add(SECOND, "engineer", by=admin.actor)
    given = await site.accounts.users.way_in(SECOND, by=admin.actor)
    await site.accounts.use_way_in(given.token, PASSWORD, "10.0.0.1")
    async with await site.page(Role.ENGINEER) as engineer:
        text = {"file": "small.yaml", "text": SMALL.read_text(encoding="utf-8")}
        added = await engineer.post("/api/v1/recipes", json=text | {"comment": "first"}, headers=key())
        assert added.status_code == 201, added.text
        where = added.headers["location"]
        meaning = {"meaning": "may be made"}
        asked = (await engineer.post(f"{where}/approval-requests", json=meaning, headers=key())).json()
        early = await engineer.post(f"{where}/approve", json=meaning | {"signature": asked["id"]}, headers=key())
        assert early.status_code == 409
        seen = {"password": PASSWORD, "sha256": asked["what"]["sha256"]}
        own = await engineer.post(f"/api/v1/signatures/{asked['id']}/second", json=seen | {"name": "engineer-1"})
        assert own.status_code == 409
        second = await engineer.post(f"/api/v1/signatures/{asked['id']}/second", json=seen | {"name": SECOND})
        assert second.json()["state"] == "signed", second.text
        done = await engineer.post(f"{where}/approve", json=meaning | {"signature": asked["id"]}, headers=key())
        assert done.status_code == 200, done.text
        assert [approval["by"] for approval in done.json()["approvals"]] == ["engineer-1", SECOND]
        twice = await engineer.post(f"{where}/approve", json=meaning | {"signature": asked["id"]}, headers=key())
        assert twice.status_code == 409
        return str(done.json()["recipe"])


def test_from_a_recipe_to_a_certificate() -> None:
    async def acts(site: Site) -> None:
        key = Keys()
        recipe = await approved(site, key)
        async with site.client(Role.OPERATOR) as operator:
            started = await operator.post("/api/v1/runs", json={"recipe": recipe}, headers=key())
            assert started.status_code == 201, started.text
            where = started.headers["location"]
            goes_on = await operator.get(f"{where}/certificate")
            assert goes_on.status_code == 409
            await until(operator, where, lambda view: not view["is_open"], every_s=60)
            assert (await operator.get(where)).json()["state"] == "complete"
            record = (await operator.get(f"{where}/record")).json()
            assert record["state"] == "complete"
            measured = (await operator.get(f"{where}/measurements")).json()
            assert {item["kind"] for item in measured} >= {"measurement"}
            answer = await operator.get(f"{where}/certificate")
            assert answer.status_code == 200, answer.text
            certificate = answer.json()
            assert certificate["run"] == started.json()["name"]
            page = await operator.get(f"{where}/certificate", params={"form": "html"})
            assert certificate["sha256"] in page.text
            document = await operator.get(f"{where}/certificate", params={"form": "pdf"})
            assert document.content.startswith(b"%PDF-")
            events = (await operator.get(f"{where}/events", params={"limit": 3})).json()
            after = (await operator.get(f"{where}/events", params={"after": events[-1]["sequence"]})).json()
            assert after[0]["sequence"] > events[-1]["sequence"]
            lots = (await operator.get("/api/v1/lots")).json()
            name = lots[0]["lot"]
            tree = (await operator.get(f"/api/v1/lots/{name}/genealogy")).json()
            assert tree["nodes"]
            kept = await operator.post(
                f"/api/v1/lots/{name}/acts", json={"act": "quarantine", "reason": "a scratch"}, headers=key()
            )
            assert kept.json()["status"] == "quarantine", kept.text
        async with await site.page(Role.ENGINEER) as engineer:
            told = (await engineer.get("/api/v1/audit", params={"who": "operator-1"})).json()
            assert {"start a run", "quarantine"} <= {str(entry["more"].get("what", "")) for entry in told}, told

    played(acts)


def test_commands_are_meant_for_the_run_as_it_was_seen() -> None:
    async def acts(site: Site) -> None:
        key = Keys()
        run = await site.run()
        where = f"/api/v1/runs/{run}"
        async with site.client(Role.OPERATOR) as operator:
            await until(operator, where, lambda view: view["state"] == "running")
            seen = {name: (await operator.get(where)).json()[name] for name in ("state", "version")}
            held = await operator.post(f"{where}/hold", json={"reason": "look", "expected": seen})
            assert held.status_code == 200, held.text
            await until(operator, where, lambda view: view["version"] > seen["version"])
            late = await operator.post(f"{where}/pause", json={"reason": "later", "expected": seen}, headers=key())
            assert (late.status_code, late.json()["type"]) == (409, "urn:pressline:problem:outdated")
            assert late.json()["present"]["version"] > seen["version"]
            await until(operator, where, lambda view: view["state"] == "held")
            seen = {name: (await operator.get(where)).json()[name] for name in ("state", "version")}
            body = {"reason": "it was a reflection", "expected": seen}
            again = await operator.post(f"{where}/restart", json=body, headers=key())
            assert again.status_code == 200, again.text
            await asyncio.sleep(10)
            assert (await operator.post(f"{where}/abort", json={"reason": "enough"})).status_code == 200

    played(acts)


def test_prompts_are_answered_and_wrong_answers_are_found() -> None:
    async def acts(site: Site) -> None:
        key = Keys()
        await site.run()
        async with site.client(Role.OPERATOR) as operator:
            asked = await until(operator, "/api/v1/prompts", bool)
            where = f"/api/v1/prompts/{asked[0]['id']}/answer"
            wrong = await operator.post(where, json={"lots": ["none/such"]}, headers=key())
            assert wrong.status_code == 422, wrong.text
            assert wrong.json()["findings"][0]["place"]["pointer"].startswith("/")
            values = {entry["name"]: entry["expected"] for entry in asked[0]["entries"]}
            right = await operator.post(where, json={"lots": asked[0]["lots"], "values": values}, headers=key())
            assert right.status_code == 204, right.text
            await asyncio.sleep(5)
            assert asked[0]["id"] not in {prompt["id"] for prompt in (await operator.get("/api/v1/prompts")).json()}

    played(acts, has_operator=False)


def test_recipes_are_examined_as_text_with_places() -> None:
    async def acts(site: Site) -> None:
        text = SMALL.read_text(encoding="utf-8")
        broken = text.replace("porosity: 45 %", "porosity: 145 %")
        async with site.client(Role.VIEWER) as viewer:
            good = (await viewer.post("/api/v1/drafts/plan", json={"file": "a.yaml", "text": text})).json()
            assert (good["is_recipe"], len(good["hash"])) == (True, 64)
            assert good["plan"]["steps"]
            bad = (await viewer.post("/api/v1/drafts/validate", json={"file": "a.yaml", "text": broken})).json()
            places = [finding["place"] for finding in bad["findings"] if finding["level"] == "error"]
            line = broken[: broken.index("145 %")].count("\n") + 1
            assert (places[0]["file"], places[0]["line"]) == ("a.yaml", line)
            for path in ("", "/etc/passwd", "../a.csv", "a.yaml", "a/../../b.csv"):
                lost = {"file": "a.yaml", "text": text, "packs": {path: "id"}}
                answer = await viewer.post("/api/v1/drafts/validate", json=lost)
                assert answer.status_code == 422, path
                assert "pressline-" not in answer.text
            first, second = ({"file": "a.yaml", "text": text}, {"file": "b.yaml", "text": text.replace("45 %", "44 %")})
            found = (await viewer.post("/api/v1/drafts/diff", json={"first": first, "second": second})).json()
            assert [item["first"]["file"] for item in found] == ["a.yaml"]

    played(acts)


def test_a_bypass_needs_two_people() -> None:
    async def acts(site: Site) -> None:
        key = Keys()
        admin = await site.accounts.sign_in(PEOPLE[Role.ADMINISTRATOR], PASSWORD, "10.0.0.1")
        await site.accounts.users.add(SECOND, "engineer", by=admin.actor)
        given = await site.accounts.users.way_in(SECOND, by=admin.actor)
        await site.accounts.use_way_in(given.token, PASSWORD, "10.0.0.1")
        body = {"row": "dry_room", "minutes": 30.0, "reason": "the sensor is being changed"}
        async with await site.page(Role.ENGINEER) as engineer:
            asked = (await engineer.post("/api/v1/units/coater-1/bypass-requests", json=body, headers=key())).json()
            seen = {"name": SECOND, "password": PASSWORD, "sha256": asked["what"]["sha256"]}
            await engineer.post(f"/api/v1/signatures/{asked['id']}/second", json=seen)
            signed = {"signature": asked["id"]}
            other = await engineer.post(
                "/api/v1/units/coater-1/bypasses", json=body | signed | {"minutes": 600.0}, headers=key()
            )
            assert other.status_code == 409  # not what was signed
            done = await engineer.post("/api/v1/units/coater-1/bypasses", json=body | signed, headers=key())
            assert done.status_code in (200, 409, 422), done.text

    played(acts)
