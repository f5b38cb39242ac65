"""The loop that `pressline up` runs on."""

from __future__ import annotations

import asyncio
import sys

import pytest

from controller.cli.up import YIELDS_S, on_loop


@pytest.mark.parametrize(
    ("speed", "module", "yields_s"), [(1.0, "uvloop", YIELDS_S), (20.0, "simulators.clock", 0.005)]
)
def test_a_real_line_has_a_loop_that_is_on_time(speed: float, module: str, yields_s: float) -> None:
    """On uvloop, and no thread that computes keeps the interpreter from it for as long as Python lets it."""
    seen: list[tuple[str, float]] = []

    async def main() -> None:
        seen.append((type(asyncio.get_running_loop()).__module__, sys.getswitchinterval()))

    on_loop(main(), speed)
    [(loop, yields)] = seen
    assert loop == module
    assert yields == pytest.approx(yields_s)
    assert sys.getswitchinterval() == pytest.approx(0.005)
