"""Whatever people ask in whatever order: no unit belongs to a run that is gone, no task and no timer is left behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.authority import NotAuthorised
from controller.service import Leave, ManualCommand, RunOrder, ServiceError
from controller.service.by_hand import BY_HAND
from tests.service.stage import ENGINEER, OPERATOR, Stage, play

UNITS = ("uniaxial-press-1", "isostatic-press-1", "coater-1", "thickness-gauge-1")
RUNS = ("run-1", "run-2", "run-3")
OF_RUNS = ("hold", "stop", "abort", "restart", "pause", "go_on", "close")

ACTS = st.one_of(
    st.tuples(st.just("start"), st.integers(-1, 2), st.booleans()),
    st.tuples(st.sampled_from(OF_RUNS), st.sampled_from(RUNS), st.just(0)),
    st.tuples(
        st.sampled_from(["out", "in", "unplug", "plug", "stop unit", "reset unit"]), st.sampled_from(UNITS), st.just(0)
    ),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 20.0, 120.0, 400.0]), st.just(0)),
    st.tuples(st.sampled_from(["end", "kill"]), st.sampled_from(list(Leave)), st.just(0)),
)


async def act(stage: Stage, what: str, about: Any, more: Any) -> None:
    service = stage.service
    match what:
        case "start":
            await service.start_run(RunOrder(plan=stage.plan, priority=about, rearm=bool(more)), by=OPERATOR)
        case "out" | "in":
            await service.set_unit(about, in_service=what == "in", reason="looked at it", by=OPERATOR)
        case "stop unit" | "reset unit":
            command = ManualCommand.STOP if what == "stop unit" else ManualCommand.RESET
            await service.operate(about, command, "looked at it", by=ENGINEER)
        case "unplug":
            stage.unplug(str(about))
        case "plug":
            stage.plug(str(about))
        case "wait":
            await asyncio.sleep(float(str(about)))
        case _:
            await getattr(service, what)(about, "looked at it", by=OPERATOR)


def whole(stage: Stage) -> None:
    """What must be so at any time."""
    book, hosted = stage.line.allocation, stage.service._runs.hosted
    for unit, owner in book.owners.items():
        assert owner in hosted or unit in book.kept or owner.startswith(BY_HAND), (unit, owner)
    for view in (*stage.service.runs(), *stage.service.units(), stage.service.overview()):
        assert view is not None
    assert stage.service._runs.stories.of.keys() == hosted.keys() == stage.service._runs.desk._desks.keys()
    assert set(book.needs) <= set(hosted)
    assert set(book._places) <= set(hosted)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTS, min_size=3, max_size=14))
def test_nothing_is_left_behind_by_any_order_of_commands(acts: list[tuple[str, Any, Any]]) -> None:
    async def played(stage: Stage) -> None:
        todo = list(acts)
        while todo:
            async with stage.hosted() as service:
                while todo:
                    what, about, more = todo.pop(0)
                    if what == "kill":
                        stage.kill()
                        break
                    if what == "end":
                        await service.shut_down(about, "the end")
                        break
                    with suppress(ServiceError, NotAuthorised):
                        await act(stage, what, about, more)
                    await asyncio.sleep(0.5)
                    whole(stage)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left

    play(played)
