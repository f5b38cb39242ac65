"""The how-to's example, done: the file that it writes passes its check, is served, read and written to as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.controller.bench_for_tests import line_file, served
from tests.controller.test_cli import pressline

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "add-a-machine.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of this language, in the order of the page."""
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO, re.DOTALL)


@pytest.fixture
def press_60(tmp_path: Path) -> Path:
    """The shipped file with the differences that the how-to shows."""
    text = pressline("devices", "profile", "show", "uniaxial-press-generic", "--text").output
    (differences,) = blocks("diff")
    lines = differences.splitlines()
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        assert (old[0], new[0]) == ("-", "+")
        assert text.count(f"\n{old[1:]}\n") == 1, old
        text = text.replace(f"\n{old[1:]}\n", f"\n{new[1:]}\n")
    file = tmp_path / "press-60.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_example_does_what_the_how_to_says(press_60: Path, tmp_path: Path) -> None:
    checked = pressline("devices", "profile", "check", press_60)
    assert checked.exit_code == 0, checked.output
    assert checked.output.splitlines()[0].removeprefix(f"{tmp_path}/") in HOW_TO
    with served(str(press_60), unit=5, mode=2) as machine:
        on = (machine.url, "--profile", press_60)
        probed = pressline("devices", "probe", *on).output
        for line in probed.splitlines()[2:]:
            assert line in HOW_TO
        read = pressline("devices", "read", *on)
        assert read.exit_code == 0
        assert " force_pv_kn                       0   kN     good      load cell" in read.output
        store = ("--store", tmp_path / "store.sqlite", "--yes")
        refused = pressline("devices", "write", machine.url, "force_sp_kn=75", *on[1:], *store)
        assert refused.output.strip() in HOW_TO
        written = pressline("devices", "write", machine.url, "force_sp_kn=12.5", *on[1:], *store)
        assert written.output.startswith("applied: force_sp_kn = 12.5 kN")
        file = line_file(tmp_path / "line.toml", **{"press-60": machine})
        examined = pressline("doctor", file).output.splitlines()
        for told in (*examined[3:4], *examined[-7:-1]):
            assert told in HOW_TO
        assert re.fullmatch(r"\d+ ok, 1 broken, \d not checked", examined[-1])  # how many depends on this computer


def test_a_mistake_is_located_as_the_how_to_says(press_60: Path, tmp_path: Path) -> None:
    press_60.write_text(
        press_60.read_text(encoding="utf-8").replace("unit: kN, range: [-2, 66]", "unit: kn, range: [-2, 700]"),
        encoding="utf-8",
    )
    checked = pressline("devices", "profile", "check", press_60)
    assert checked.exit_code == 2
    for line in checked.output.splitlines():
        assert line.removeprefix(f"{tmp_path}/") in HOW_TO


def whole(file: Path, text: str) -> Path:
    """A profile of the page, which its check takes without a word."""
    file.write_text(text, encoding="utf-8")
    checked = pressline("devices", "profile", "check", file)
    assert checked.exit_code == 0, checked.output
    assert "no mistake" in checked.output
    assert "advice" not in checked.output
    return file


def test_the_short_profile_is_whole(tmp_path: Path) -> None:
    file = whole(tmp_path / "oven-2.yaml", blocks("yaml")[0])
    with served(str(file), pv_c=21.5) as oven:
        assert "21.5" in pressline("devices", "read", oven.url, "--profile", file).output


def test_the_gauge_that_speaks_text_is_whole(tmp_path: Path) -> None:
    file = whole(tmp_path / "gauge-7.yaml", blocks("yaml")[1])
    with served(str(file), thickness_um=125.0) as gauge:
        on = (gauge.url, "--profile", file)
        read = pressline("devices", "read", *on)
        assert read.exit_code == 0, read.output
        assert re.search(r"thickness_um +125 +um +good", read.output)
        assert pressline("devices", "identify", *on).exit_code == 0
        assert "line of text, gauge-7" in pressline("devices", "probe", *on, "--timeout", "0.1").output
        assert gauge.heard.count(b"*IDN?\n") >= 2
        assert gauge.heard.count(b"MEAS:THIC?\n") == 1


def test_the_mistakes_of_form_come_before_those_of_content(press_60: Path) -> None:
    text = press_60.read_text(encoding="utf-8").replace("unit: kN, range: [-2, 66]", "unit: kn, range: [-2, 66]")
    for form, told in (("range: 66", "two numbers in brackets"), ("range: [-2, 66]", "kN is meant?")):
        press_60.write_text(text.replace("range: [-2, 66]", form), encoding="utf-8")
        checked = pressline("devices", "profile", "check", press_60).output
        assert told in checked
        assert ("kN is meant?" in checked) == (told == "kN is meant?")


@pytest.mark.parametrize("page", ["how-to/add-a-machine.md", "how-to/record-and-replay.md", "reference/devices.md"])
def test_links_and_commands_of_the_pages_exist(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert ((DOCS / page).parent / link).exists(), link
    for command in set(re.findall(r"pressline (devices [a-z]+|doctor)", text)):
        assert pressline(*command.split(), "--help").exit_code == 0, command
