"""The README shows what the program prints: the same text but for the figures that follow the wires' timing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from controller.cli.main import app
from controller.cli.recipes import planned
from controller.dryrun import dry_run
from controller.reports.run_table import print_run
from tests.controller.recipes_for_tests import EXAMPLE, variant
from tests.controller.test_cli import pressline

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def masked(text: str) -> list[str]:
    """Lines with every number replaced and blanks folded, without those that name a single run."""
    lines = [re.sub(r"\d+(\.\d+)?", "0", re.sub(r"[ ─]+", " ", line)).strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(("run ", "0 min of line time"))]


def test_the_demo_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_run(dry_run(planned(EXAMPLE, None), scenario="realistic", seed=1))
    printed = masked(capsys.readouterr().out)
    shown = masked(README[README.index("COATING STEPS") : README.index("### `make test`")].split("```")[0])
    assert shown == printed


def test_the_refusal_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "second-joining-80.yaml"
    variant(tmp_path / name, ("290 MPa\n", "80 MPa\n"), ("284.2..295.8 MPa", "78.4..81.6 MPa"))
    monkeypatch.chdir(tmp_path)
    result = pressline("validate", name)
    assert result.exit_code == 1
    refused = result.output[: result.output.index("  does not fit together:")]
    assert refused in README


def test_every_command_of_the_readme_exists() -> None:
    commands = set(re.findall(r"`pressline ([a-z-]+)", README))
    program: Any = typer.main.get_command(app)
    assert commands == set(program.commands)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()
