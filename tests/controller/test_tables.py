"""Tables for people: no value is cut, however narrow the terminal is, and layers stand as they lie."""

from __future__ import annotations

import os
import sys

import pytest

from controller.reports import run_table


@pytest.fixture(params=[20, 60, 80, 200])
def narrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    size = os.terminal_size((request.param, 40))
    monkeypatch.setattr("controller.reports.run_table.shutil.get_terminal_size", lambda: size)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)


@pytest.mark.usefixtures("narrow")
def test_no_value_is_cut_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run_table.table("STEPS", "step", ">MPa set / reached / max", "window", "finding")
    rows.add_row("densifying", "980 / 979.6 / 982.0", "960.4..999.6", "a long finding in words " * 5)
    run_table.print_text(rows)
    said = capsys.readouterr().out
    assert "…" not in said
    assert {"densifying", "960.4..999.6", "979.6", "982.0", "finding"} <= set(said.split())


def test_layers_stand_as_they_lie_whatever_order_the_journal_keeps_them_in() -> None:
    stored = {"cathode": 1, "intermediate": 2, "solid_electrolyte": 3, "of_my_own": 4}
    assert run_table.in_order(stored) == [
        ("cathode", 1),
        ("solid_electrolyte", 3),
        ("intermediate", 2),
        ("of_my_own", 4),
    ]
