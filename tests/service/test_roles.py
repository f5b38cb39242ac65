"""Every command of the service x every role: who may not is refused before anything happens, and that is told."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from controller.authority import AUTHORITY, Action, Actor, NotAuthorised, Role
from controller.service import Given, LineService, LotAct, ManualCommand, RunOrder, ServiceError, Write
from tests.service.stage import SECOND, Stage, play

PRESS = "uniaxial-press-2"
Asks = Callable[[LineService, Stage, Actor], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    action: Action
    asks: Asks


COMMANDS: Mapping[str, Row] = {
    "start_run": Row(Action.START, lambda s, stage, by: s.start_run(RunOrder(plan=stage.plan), by=by)),
    "hold": Row(Action.LOWER, lambda s, _, by: s.hold("run-1", "why", by=by)),
    "stop": Row(Action.LOWER, lambda s, _, by: s.stop("run-9", "why", by=by)),
    "abort": Row(Action.LOWER, lambda s, _, by: s.abort("run-9", "why", by=by)),
    "restart": Row(Action.RESTART, lambda s, _, by: s.restart("run-1", "why", by=by)),
    "pause": Row(Action.PAUSE, lambda s, _, by: s.pause("run-1", "why", by=by)),
    "go_on": Row(Action.PAUSE, lambda s, _, by: s.go_on("run-1", "why", by=by)),
    "close": Row(Action.CLOSE, lambda s, _, by: s.close("run-1", "why", by=by)),
    "answer": Row(Action.ANSWER, lambda s, _, by: s.answer("run-1.1", Given(), by=by)),
    "set_unit out": Row(Action.UNIT, lambda s, _, by: s.set_unit(PRESS, in_service=False, reason="why", by=by)),
    "set_unit in": Row(Action.UNIT, lambda s, _, by: s.set_unit(PRESS, in_service=True, reason="why", by=by)),
    "operate stop": Row(Action.LOWER, lambda s, _, by: s.operate(PRESS, ManualCommand.STOP, "why", by=by)),
    "operate reset": Row(Action.UNIT, lambda s, _, by: s.operate(PRESS, ManualCommand.RESET, "why", by=by)),
    "operate write": Row(Action.WRITE, lambda s, _, by: s.operate(PRESS, Write("force_sp_kn", 1.0), "why", by=by)),
    "bypass": Row(
        Action.BYPASS, lambda s, _, by: s.bypass("isostatic-press-1", "bag tight", 60.0, "why", by=by, second=SECOND)
    ),
    "end_bypass": Row(Action.END_BYPASS, lambda s, _, by: s.end_bypass("isostatic-press-1", "bag tight", "why", by=by)),
    "lot": Row(Action.LOT, lambda s, _, by: s.lot(LotAct.SCRAP, "run-1/sheet", "why", by=by)),
    "lot release": Row(Action.RELEASE, lambda s, _, by: s.lot(LotAct.RELEASE, "run-1/sheet", "why", by=by)),
    "acknowledge": Row(Action.ACKNOWLEDGE, lambda s, _, by: s.acknowledge(["link_down@coater-1"], "why", by=by)),
    "reset": Row(Action.ACKNOWLEDGE, lambda s, _, by: s.reset("link_down@coater-1", "why", by=by)),
    "shelve": Row(Action.ACKNOWLEDGE, lambda s, _, by: s.shelve("link_down@coater-1", 60.0, "why", by=by)),
    "unshelve": Row(Action.ACKNOWLEDGE, lambda s, _, by: s.unshelve("link_down@coater-1", "why", by=by)),
    "silence": Row(Action.SILENCE, lambda s, _, by: s.silence("link_down@coater-1", "why", by=by)),
    "restore": Row(Action.SILENCE, lambda s, _, by: s.restore("link_down@coater-1", "why", by=by)),
    "asked_for_backup": Row(Action.STORE, lambda s, _, by: s.asked_for_backup("why", by=by)),
}


def test_every_command_of_the_service_is_in_this_table() -> None:
    commands = {
        name
        for name, member in inspect.getmembers(LineService, inspect.iscoroutinefunction)
        if "by" in inspect.signature(member).parameters
    }
    assert commands == {name.partition(" ")[0] for name in COMMANDS}
    others = {
        name
        for name, member in inspect.getmembers(LineService, inspect.iscoroutinefunction)
        if not name.startswith("_") and name not in commands
    }
    assert others == {"shut_down"}, "what is not a person's command"


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_a_role_does_what_the_table_says_and_nothing_else(role: Role) -> None:
    refused: set[str] = set()
    taken: set[str] = set()

    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            await stage.start()
            await stage.becomes("run-1", "running")
            version = service.run("run-1").version
            before = stage.journal.events()[-1].sequence
            for name, row in COMMANDS.items():
                try:
                    await row.asks(service, stage, Actor("Max", role, "token"))
                except NotAuthorised:
                    refused.add(name)
                except ServiceError:
                    taken.add(name)
                else:
                    taken.add(name)
            told = [event for event in stage.journal.events() if event.sequence > before]
            asked = [event.data for event in told if event.kind in ("person.asked", "person.refused")]
            by_max = [data for data in asked if data["who"] == "Max"]
            assert all((data["role"], data["means"]) == (role.value, "token") for data in by_max)
            assert len({(data["what"], data["about"]) for data in by_max}) >= len(COMMANDS) - 2, "every one is told"
            if role is Role.VIEWER:
                assert service.run("run-1").version == version

    play(acts)
    assert refused == {name for name, row in COMMANDS.items() if row.action not in AUTHORITY[role]}
    assert taken == COMMANDS.keys() - refused
