"""In which order a service ends: what sees the line outlives it, and the store outlives everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from controller.config import LineConfig
from controller.serving import served
from controller.serving.base import Clock
from controller.serving.logs import Log


class TheLineBegins(Exception):
    """As far as it has to go to be seen."""


async def test_trends_telemetry_pages_and_signals_outlive_the_line_and_the_store_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []

    def stands(name: str, value: Any = None) -> Callable[..., Any]:
        @asynccontextmanager
        async def standing(*_: Any, **__: Any) -> AsyncIterator[Any]:
            try:
                yield value
            finally:
                ended.append(name)

        return standing

    class Heard:
        def __init__(self, *_: Any) -> None: ...

        def __enter__(self) -> None: ...

        def __exit__(self, *_: Any) -> None:
            ended.append("signals")

    @asynccontextmanager
    async def line(*_: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            ended.append("line")

    async def has_users() -> bool:
        return True

    def begins(*_: Any) -> Any:
        raise TheLineBegins

    base = SimpleNamespace(
        accounts=SimpleNamespace(has_users=has_users),
        tls=None,
        journal=SimpleNamespace(stream=None),
        health=None,
        recipes=None,
    )
    monkeypatch.setattr(served, "standing", stands("store", base))
    monkeypatch.setattr(served, "background", stands("tasks", SimpleNamespace(start=lambda *_, **__: None)))
    monkeypatch.setattr(served, "Signals", Heard)
    monkeypatch.setattr(served, "line_in_use", lambda *_: _nothing())
    monkeypatch.setattr(served, "line_service", line)
    monkeypatch.setattr(served, "_settings", lambda *_: None)
    monkeypatch.setattr(served, "Trends", begins)  # the first thing behind the line
    monkeypatch.setattr(served, "listen", lambda *_: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(served, "listening_allowed", lambda *_, **__: None)
    clock = Clock(lambda: pytest.fail("no clock is asked"), lambda: "now")
    with pytest.raises(TheLineBegins):
        await served.serve(LineConfig("line", {}), clock, Log("json", "error", lambda: ""), lambda _: None, None)
    assert ended == ["line", "tasks", "signals", "store"]


@contextmanager
def _nothing() -> Iterator[None]:
    yield
