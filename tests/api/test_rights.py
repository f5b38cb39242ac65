"""Every role at every endpoint: what the table of rights says, and nothing else."""

from __future__ import annotations

import pytest

from controller.api.openapi import action_of, routes_of
from controller.authority import AUTHORITY, Action, Role
from tests.api.site import PASSWORD, Site

OPEN = {"sign_in", "use_way_in", "begin_openid", "finish_openid", "health_live", "health_ready"}
"""Where nobody has to be known."""
STREAMS = {"stream_events"}
ENDS_ITS_OWN = {"sign_out"}
OWN_OR_ANYBODYS = {"end_session"}
"""What is one's own anybody ends; of another's the accounts decide: 403 says nothing of the endpoint there."""


def path_of(template: str) -> str:
    return template.format_map(dict.fromkeys(("version",), "1") | dict.fromkeys(NAMES, "none"))


NAMES = (
    "unit",
    "run",
    "prompt",
    "name",
    "lot",
    "alarm",
    "tag",
    "session",
    "token",
    "user",
    "row",
    "signature",
    "backup",
)


@pytest.mark.parametrize("role", [*Role, None])
async def test_every_role_at_every_endpoint(site: Site, role: Role | None) -> None:
    wrong = []
    async with await site.page(role) as client:
        client.headers["Idempotency-Key"] = "one"
        for route in routes_of(site.app):
            if route.operation_id in OPEN | STREAMS | ENDS_ITS_OWN:
                continue
            name = action_of(route)
            assert name is not None, f"{route.operation_id} asks for no right"
            for method in route.methods or ():
                answer = await client.request(method, path_of(route.path), json={} if method != "GET" else None)
                may = role is not None and Action[name] in AUTHORITY[role]
                refused = 401 if role is None else 403
                if role is not None and route.operation_id in OWN_OR_ANYBODYS:
                    continue
                if (answer.status_code == refused) is may:
                    wrong.append((route.operation_id, role, answer.status_code))
    assert wrong == []


async def test_an_open_endpoint_asks_for_nothing(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/health/live")).json() == {"status": "live"}
        assert (await client.get("/health/ready")).json() == {"ready": True}


async def test_a_release_needs_more_than_the_right_to_keep_back(site: Site) -> None:
    said = {"meaning": "released for use", "reason": "looks fine", "password": PASSWORD}
    async with site.client(Role.OPERATOR) as client:
        answer = await client.post("/api/v1/lots/run-1/sheet/release", json=said)
    assert answer.status_code == 403
    assert "release a lot" in answer.json()["detail"]


async def test_the_last_sign_of_a_right_that_is_gone(site: Site) -> None:
    """Disabled: the token of before opens nothing."""
    async with site.client(Role.ADMINISTRATOR) as admin, site.client(Role.VIEWER) as viewer:
        assert (await viewer.get("/api/v1/line")).status_code == 200
        session = await site.accounts.sign_in("administrator-1", PASSWORD, "10.0.0.1")
        cookie = {"Cookie": f"pressline_session={session.token}", "X-CSRF-Token": session.csrf}
        async with site.client(None, **cookie) as browser:
            changed = await browser.patch("/api/v1/users/viewer-1", json={"enabled": False, "reason": "left"})
            assert changed.json()["enabled"] is False
        assert (await viewer.get("/api/v1/line")).status_code == 401
        assert (await admin.patch("/api/v1/users/viewer-1", json={"enabled": True})).status_code == 403  # a token
