"""A recorder that is killed at any moment: what was durable is there, in order, once; the gap is marked."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.historian import MarkKind
from tests.controller.historian.stores import DAY_US, START_US, bits, opened, ramp


@pytest.mark.parametrize("seed", range(2))
def test_nothing_durable_is_lost_when_the_recorder_is_killed(url: str, seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    output = tmp_path / "said"
    with output.open("w", encoding="utf-8") as said:
        command = [sys.executable, "-m", "tests.controller.historian.writer_to_kill", url]
        process = subprocess.Popen(command, stdout=said, cwd=Path(__file__).parents[3])
        try:
            while len(output.read_text(encoding="utf-8").splitlines()) < 2:
                assert process.poll() is None
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.5))
        finally:
            process.kill()
            process.wait()
    durable = [int(line) for line in output.read_text(encoding="utf-8").splitlines()[:-1]]
    with opened(url) as store:
        for tag in ("a", "b"):
            for found in store.both(tag):
                assert len(found) >= durable[-1]
                assert bits(found) == bits(ramp(len(found), every_us=1000))
        [mark] = store.database.run_now(lambda c: store.others.marks(c, START_US - DAY_US, START_US + DAY_US))
        assert mark.kind is MarkKind.STOPPED
        assert mark.words.startswith("the recorder died")
