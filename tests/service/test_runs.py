"""Runs in the hands of the service: ordered, carried out, commanded, let go."""

from __future__ import annotations

from tests.service.stage import Stage, play


def test_a_run_is_ordered_carried_out_and_let_go() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start(reason="first of the day")
            view = service.run(name)
            assert (view.state, view.is_open, view.by) == ("idle", True, "Ada")
            await stage.becomes(name, "complete", "held")
            view = service.run(name)
            assert view.state == "complete", view.reason
            assert (view.progress_pct, view.left_s) == (100.0, 0.0)
            assert service.line.owners == {}

    stage = play(acts)
    assert stage.events("run-1")[-1].kind == "run.closed"
