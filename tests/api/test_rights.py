"""Every role at every endpoint: what the table of rights says, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.api.openapi import action_of, routes_of
from controller.authority import AUTHORITY, Action, Role
from controller.executor.states import TABLE, RunState, Trigger
from controller.service.views import RunView
from simulators.clock import run_virtual
from tests.api.site import PASSWORD, PEOPLE, Site
from tests.api.site import site as opened

RIGHTS: Mapping[str, Action | None] = {
    "show_line": Action.VIEW,
    "list_units": Action.VIEW,
    "show_unit": Action.VIEW,
    "list_bypasses": Action.VIEW,
    "set_unit": Action.UNIT,
    "reset_unit": Action.WRITE,
    "write_value": Action.WRITE,
    "ask_for_bypass": Action.BYPASS,
    "bypass": Action.BYPASS,
    "lower_unit": Action.LOWER,
    "end_bypass": Action.END_BYPASS,
    "list_runs": Action.VIEW,
    "start_run": Action.START,
    "show_run": Action.VIEW,
    "restart_run": Action.RESTART,
    "go_on_run": Action.PAUSE,
    "close_run": Action.CLOSE,
    "hold_run": Action.LOWER,
    "stop_run": Action.LOWER,
    "abort_run": Action.LOWER,
    "pause_run": Action.PAUSE,
    "show_record": Action.VIEW,
    "list_measurements": Action.VIEW,
    "list_events": Action.VIEW,
    "show_certificate": Action.VIEW,
    "list_prompts": Action.VIEW,
    "answer_prompt": Action.ANSWER,
    "validate_recipe": Action.VIEW,
    "plan_recipe": Action.VIEW,
    "diff_recipes": Action.VIEW,
    "list_recipes": Action.VIEW,
    "add_version": Action.RECIPE,
    "list_versions": Action.VIEW,
    "show_version": Action.VIEW,
    "show_plan": Action.VIEW,
    "comment_version": Action.RECIPE,
    "ask_for_approval": Action.APPROVE,
    "approve_version": Action.APPROVE,
    "withdraw_approval": Action.APPROVE,
    "list_lots": Action.VIEW,
    "show_lot": Action.VIEW,
    "show_genealogy": Action.VIEW,
    "release_lot": Action.RELEASE,
    "act_on_lot": Action.LOT,
    "list_alarms": Action.VIEW,
    "shelve_alarm": Action.ACKNOWLEDGE,
    "silence_alarm": Action.SILENCE,
    "acknowledge_alarms": Action.ACKNOWLEDGE,
    "reset_alarm": Action.ACKNOWLEDGE,
    "unshelve_alarm": Action.ACKNOWLEDGE,
    "restore_alarm": Action.SILENCE,
    "list_tags": Action.VIEW,
    "show_trend": Action.VIEW,
    "export_trends": Action.VIEW,
    "list_past_runs": Action.VIEW,
    "list_backups": Action.STORE,
    "make_backup": Action.STORE,
    "show_backup": Action.STORE,
    "show_session": Action.VIEW,
    "sign_in": None,
    "sign_out": Action.VIEW,
    "use_way_in": None,
    "change_password": Action.VIEW,
    "list_sessions": Action.VIEW,
    "end_session": Action.VIEW,
    "list_tokens": Action.VIEW,
    "make_token": Action.VIEW,
    "revoke_token": Action.VIEW,
    "begin_openid": None,
    "finish_openid": None,
    "list_signatures": Action.VIEW,
    "second_signature": Action.VIEW,
    "withdraw_signature": Action.VIEW,
    "list_users": Action.USERS,
    "add_user": Action.USERS,
    "show_user": Action.USERS,
    "change_user": Action.USERS,
    "give_way_in": Action.USERS,
    "unlock_user": Action.USERS,
    "search_audit": Action.AUDIT,
    "show_configuration": Action.CONFIGURATION,
    "stream_events": Action.VIEW,
    "health_live": None,
    "health_ready": None,
    "metrics": Action.VIEW,
}
"""Which right each operation asks for, written by hand, what is new too. None: nobody has to be known."""
STREAM = "stream_events"  # it does not end; tests/api/test_stream.py
ENDS_ITS_OWN = "sign_out"
OWN_OR_ANYBODYS = "end_session"  # one's own anybody ends; of another's the accounts decide
COMMANDS: Mapping[str, Trigger] = {
    "hold_run": Trigger.HOLD,
    "stop_run": Trigger.STOP,
    "abort_run": Trigger.ABORT,
    "pause_run": Trigger.PAUSE,
    "go_on_run": Trigger.RESUME,
    "restart_run": Trigger.RESTART,
}
NAMES = ("unit", "prompt", "name", "lot", "alarm", "tag", "session", "token", "user", "row", "signature", "backup")
UNDONE = {"state": "running", "version": 10**6}
"""A state that no run was ever seen in: who may command is told so (409), and nothing is done."""


class Door:
    """The API without a client's cost: one operation asked by somebody."""

    def __init__(self, site: Site) -> None:
        self._app, self._operations = site.app, {route.operation_id: route for route in routes_of(site.app)}

    async def asked(self, operation: str, run: str, who: Mapping[str, str], body: Any = None) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        route = self._operations[operation]
        names = dict.fromkeys(NAMES, "none") | {"version": "1", "run": run}
        (method,) = route.methods or {"GET"}
        sent = b"" if method == "GET" else json.dumps(body or {}).encode()
        headers = {"host": "line.example", "content-type": "application/json", **who}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": route.path.format_map(names), "raw_path": b"", "query_string": b"", "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("10.0.0.7", 1), "server": ("line.example", 80),
        }  # fmt: skip
        told: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        await self._app(scope, receive, send)
        return int(told[0]["status"]), b"".join(part.get("body", b"") for part in told[1:])


async def at_the_page(site: Site, role: Role) -> dict[str, str]:
    """Somebody of a role, signed in: people sign and manage users, tokens do not."""
    session = await site.accounts.sign_in(PEOPLE[role], PASSWORD, "10.0.0.7")
    return {"cookie": f"pressline_session={session.token}", "x-csrf-token": session.csrf}


def test_every_operation_stands_in_the_table_of_this_test(site: Site) -> None:
    found = {route.operation_id: action_of(route) for route in routes_of(site.app)}
    assert found == {name: None if action is None else action.name for name, action in RIGHTS.items()}


async def sweep(door: Door, who: Mapping[Role | None, Mapping[str, str]], run: str, view: RunView) -> list[Any]:
    """Every role at every operation while a run is in a state: what is not as the tables say. Nothing is changed."""
    wrong: list[Any] = []
    expected = {"state": view.state, "version": view.version}
    for role, shown in who.items():
        for operation, action in RIGHTS.items():
            may = action is None or (role is not None and action in AUTHORITY[role])
            if (operation == STREAM and may) or (operation in (ENDS_ITS_OWN, OWN_OR_ANYBODYS) and role is not None):
                continue
            if operation not in COMMANDS:
                status, _ = await door.asked(operation, "none", shown)
                refused = None if may else 401 if role is None else 403
                if status >= 500 or (refused is None) is (status in (401, 403)) or refused not in (None, status):
                    wrong.append((view.state, role, operation, status))
                continue
            key = {**shown, "idempotency-key": f"{operation} {view.state} {view.version}"}
            status, told = await door.asked(operation, run, key, {"reason": "why", "expected": UNDONE})
            if status != (409 if may else 401 if role is None else 403):
                wrong.append((view.state, role, operation, status, told))
            if may and (RunState(view.state), COMMANDS[operation]) not in TABLE:
                key["idempotency-key"] += " now"
                status, told = await door.asked(operation, run, key, {"reason": "why", "expected": expected})
                if status != 409:
                    wrong.append((view.state, role, operation, status, told))
    return wrong


def test_every_role_at_every_operation_in_every_state_of_a_run(tmp_path: Path) -> None:
    """The run is held and waits; its state is then set to each one, since some last for no more than a moment."""
    wrong: list[Any] = []

    async def asked() -> None:
        async with opened(tmp_path) as site:
            who: dict[Role | None, dict[str, str]] = {role: await at_the_page(site, role) for role in Role}
            door, name = Door(site), await site.run()
            while site.service.run(name).state == "idle":  # noqa: ASYNC110  as a page would
                await asyncio.sleep(0.05)
            assert (await door.asked("hold_run", name, who[Role.OPERATOR]))[0] == 200
            while site.service.run(name).state != "held":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            run = site.service._runs.live(name)
            for state in RunState:
                run.state = state
                view = site.service.run(name)
                wrong.extend(await sweep(door, who | {None: {}}, name, view))
                assert (run.state, run.version) == (state, view.version), "nothing is done"
            run.state = RunState.HELD

    run_virtual(asked())
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
