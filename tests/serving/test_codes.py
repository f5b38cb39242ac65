"""By its code a service that does not start says whether a plain retry makes sense: what systemd goes by."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from controller.accounts import WayIn
from controller.cli import up
from controller.journal.lock import locked
from controller.serving.served import Started
from tests.controller.test_cli import pressline
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
UNIT = '[units.press]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:502"\n'
PASSWORD = "hunter2-of-the-plant"  # noqa: S105


@pytest.fixture(autouse=True)
def _same_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", lambda _: 0)  # the service's own process has one; this is the tests'


def line(tmp_path: Path, store: str) -> Path:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    file = tmp_path / "line.toml"
    file.write_text(f"{UNIT}[service]\nport = 0\n[store]\n{store}\n")
    return file


def test_a_store_whose_server_does_not_answer_may_be_there_soon(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://line@127.0.0.1:{free_port()}/press"
    result = pressline("up", "--line", line(tmp_path, f'url = "{url}"\npassword_file = "password"\nfolder = "state"'))
    said = capfd.readouterr().err + result.output
    assert result.exit_code == 3, said
    assert "Connection refused" in said
    assert PASSWORD not in said


def test_a_store_that_another_program_has_is_free_when_that_ends(tmp_path: Path) -> None:
    with locked(tmp_path / "store.sqlite"):
        result = pressline("up", "--line", line(tmp_path, 'url = "sqlite:///store.sqlite"'))
    assert result.exit_code == 1, result.output


def test_what_a_person_has_to_mend_is_not_tried_again(tmp_path: Path) -> None:
    result = pressline("up", "--line", line(tmp_path, 'url = "sqlite:///none/store.sqlite"'))
    assert result.exit_code == 2
    unit = (ROOT / "packaging" / "pressline.service").read_text(encoding="utf-8")
    assert re.search(r"^RestartPreventExitStatus=2$", unit, re.MULTILINE)
    assert re.search(r"^StartLimitIntervalSec=0$", unit, re.MULTILINE)
    assert int(re.findall(r"^RestartSec=(\d+)$", unit, re.MULTILINE)[0]) >= 10


def test_a_way_in_that_cannot_be_written_is_no_end_of_the_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "_is_logged", lambda: True)
    started = Started("http://127.0.0.1:8540", WayIn("administrator", "2026-11-22T07:00:00Z", "a word for once"))
    up._announce(started, tmp_path / "none" / "way-in")
    said = capsys.readouterr().out
    assert "cannot be put into" in said
    assert "a word for once" not in said


def test_a_unit_that_cannot_be_served_is_told_by_the_reload_and_not_by_the_next_restart(tmp_path: Path) -> None:
    file = line(tmp_path, "")
    file.write_text(file.read_text().replace("uniaxial-press-generic", "uniaxial-press-genric"))
    result = pressline("reload", "--line", file)
    assert result.exit_code == 2
    assert "units.press.profile" in result.output
    assert "nothing was changed" in result.output


@pytest.mark.parametrize("option", ["--speed=2", "--port=9000", "--folder=x", "--scenario=nominal", "--seed=7"])
def test_what_goes_with_the_demonstration_is_not_read_over(tmp_path: Path, option: str) -> None:
    result = pressline("up", "--line", line(tmp_path, ""), option)
    assert result.exit_code == 2
    assert "with --demo; " in result.output


def test_a_demonstration_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = pressline("up", "--demo", "--folder", tmp_path / "file" / "demo")
    assert result.exit_code == 2
    assert "cannot be made (Not a directory); name another one" in result.output
