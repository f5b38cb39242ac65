"""What `make mutation` prints and with which code it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import run
from tests.mutation.equivalents import Key, judge

MODULE = "recipes/rules/rule.py"
KEY = Key(MODULE, "f", "x = 1", "x = 2")


def row(result: str) -> dict[str, Any]:
    return {**KEY._asdict(), "number": 7, "operator": "NumberReplacer", "line": 3, "result": result}


@pytest.mark.parametrize(
    ("results", "listed", "fault", "code", "words"),
    [
        (["killed", "timeout", "unloadable"], [], "", 0, "3 mutants: 1 killed, 1 too slow, 1 not loadable, 0"),
        (["survived", "killed"], [KEY], "", 0, "1 killed, 0 too slow, 0 not loadable, 1 equivalent, 0 survived"),
        (["survived"], [], "", 1, f"survived: {MODULE}:3 #7 NumberReplacer\n```diff\n@@ f @@\n- x = 1\n+ x = 2\n```"),
        (["killed"], [KEY], "", 1, f"listed as equivalent, but a test kills it: {MODULE}\n```diff"),
        ([], [KEY], "", 1, f"listed as equivalent, but there is no such mutant: {MODULE}\n```diff"),
        (["unjudged"], [], "", 1, f"not judged: {MODULE}:3 #7"),
        ([], [KEY], "its tests fail without any mutation", 1, f"{MODULE}: its tests fail without any mutation"),
    ],
)
def test_the_code_is_0_only_where_nothing_is_left_to_be_judged(
    results: list[str],
    listed: list[Key],
    fault: str,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [row(result) for result in results]
    monkeypatch.setattr(run, "played", lambda module, *_: run.Told(module, rows, judge(rows, listed), fault))
    assert run.main([MODULE]) == code
    assert words in capsys.readouterr().out


def test_a_module_without_mutants_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run.main(["controller/gurad.py"])
    assert "no mutants are made of controller/gurad.py; tests/mutation/targets.py names" in capsys.readouterr().err


def test_what_a_module_says_is_kept_and_why_it_could_not_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"import sys; print({json.dumps(row('killed'))!r}); sys.exit('Traceback\\nthe reason')"
    judging = tmp_path / "judging"
    judging.write_text(f"#!{sys.executable}\n{said}\n")
    judging.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(judging))
    told = run.played(MODULE, "", tmp_path / "out")
    assert (told.rows, told.fault, told.is_well) == ([row("killed")], "the reason", False)
    assert [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()] == told.rows
