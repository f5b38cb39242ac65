"""What a run tells of its surroundings: a recording that broke off, and units that cannot be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller import app
from controller.app import line_in_use, wire_line
from controller.cli import runs
from controller.config import ConfigError, load_line
from controller.connection import _reached
from controller.line import Line
from controller.session import MachineNotReady, UnitUnreachable
from drivers.transport.recording import Recorder
from tests.controller.bench_for_tests import line_file, served
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.test_cli import pressline

PRESS = "uniaxial-press-generic"


class FullDisk(Recorder):
    """The last bytes do not fit any more."""

    def close(self) -> None:
        super().close()
        self.fault = f"{self.path}: recording has ended (No space left on device)"


def test_a_recording_that_broke_off_is_told_at_the_end_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_ready(*_: Any) -> None:
        raise MachineNotReady("the press is not ready")

    monkeypatch.setattr(app, "Recorder", FullDisk)
    monkeypatch.setattr(runs, "carry_out", not_ready)
    wire = tmp_path / "wire.jsonl"
    result = pressline("run", EXAMPLE, "--simulate", "--store", tmp_path / "store.sqlite", "--record", wire)
    assert result.exit_code == 1, result.output
    assert f"{wire}: recording has ended (No space left on device)" in result.stderr
    assert "the press is not ready" in result.stderr


def test_a_whole_recording_and_none_are_not_told_of(tmp_path: Path) -> None:
    with served(PRESS) as press:
        config = load_line(line_file(tmp_path / "line.toml", press=press))
    told: list[str] = []
    for record in (tmp_path / "wire.jsonl", None):
        with line_in_use(config, "", record, told.append):
            pass
    assert told == []
    with (
        pytest.raises(ConfigError, match="cannot be written"),
        line_in_use(config, "", tmp_path / "wire.jsonl", told.append),
    ):
        pass


async def test_a_unit_that_cannot_be_reached_is_named_once(tmp_path: Path) -> None:
    with served(PRESS, model_code=9) as press, served("thickness-gauge-sics") as gauge:
        file = line_file(tmp_path / "line.toml", press=press, gauge=gauge)
        text = file.read_text(encoding="utf-8").replace("thickness-gauge-sics", "balance-sics")
        file.write_text(text.replace('kind = "gauge"', 'kind = "balance"'), encoding="utf-8")
        line: Line = wire_line(load_line(file))
        with pytest.raises(UnitUnreachable) as caught:
            await _reached(line, {"press"}, 0.0)
        await line.machines["press"]._link.close()
        await line.instruments["gauge"].close()
    told = str(caught.value).splitlines()
    assert [line.count("press: ") for line in told] == [1, 0]
    assert told[0] == "press: model 9 answers, 4101 was expected"
    assert told[1].startswith("gauge: ")
    assert told[1].count("gauge: ") == 1
