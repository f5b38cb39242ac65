"""`pressline faults` beside a served line, and `pressline simulate` with a line file of one's own."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.controller.test_processes import ended, program, wait_for


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("served") / "line.toml"
    with program("simulate", "--line", file) as simulator:
        wait_for(lambda: file.exists() or None, 30, simulator)
        yield file


def test_a_fault_is_injected_shown_and_cleared(line: Path) -> None:
    injected = ended(
        "faults", "inject", "uniaxial.leak", "--line", line, "--set", "rate_kn_s=2", "--for", "600", "--json"
    )
    assert injected.returncode == 0, injected.stderr
    number = json.loads(injected.stdout)["number"]
    shown = ended("faults", "status", "--line", line)
    assert shown.returncode == 0
    assert "uniaxial.leak" in shown.stdout
    assert "acts for" in shown.stdout
    assert "rate_kn_s=2.0" in shown.stdout
    told = json.loads(ended("faults", "status", "--line", line, "--json").stdout)
    assert [active["number"] for active in told["active"]] == [number]
    cleared = ended("faults", "clear", str(number), "--line", line)
    assert (cleared.returncode, cleared.stdout) == (0, "1 cleared\n")
    assert "nothing is wrong" in ended("faults", "status", "--line", line).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["inject", "uniaxial.lek"], 1, "known are uniaxial.no_rise"),
        (["inject", "uniaxial.leak", "--set", "rate=2"], 1, "it has rate_kn_s"),
        (["inject", "machine.busy"], 1, "needs a unit"),
        (["inject", "uniaxial.leak", "--set", "fast"], 2, "expected NAME=VALUE"),
        (["clear", "99"], 1, "there is no injection 99"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(line: Path, arguments: list[str], code: int, words: str) -> None:
    told = ended("faults", *arguments, "--line", line)
    assert told.returncode == code
    assert words in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert told.stdout == ""


def test_the_page_is_announced_and_answers(tmp_path: Path) -> None:
    file = tmp_path / "line.toml"
    with program("simulate", "--line", file, "--json") as simulator:
        wait_for(lambda: file.exists() or None, 30, simulator)
        assert simulator.stdout is not None
        url = json.loads(simulator.stdout.readline())["faults"]
        with urlopen(url, timeout=10) as page:  # noqa: S310  the page of the simulator that was just started
            assert b'<h2 id="h-faults">' in page.read()
        simulator.send_signal(signal.SIGTERM)
        assert simulator.wait(20) == 0


def test_lists_need_no_line() -> None:
    told = json.loads(ended("faults", "list", "--json").stdout)
    assert {"wire", "machine", "uniaxial", "people", "clock"} <= {fault["group"] for fault in told["faults"]}
    listed = ended("faults", "list", "coater")
    assert "coater.web_break" in listed.stdout
    assert "uniaxial" not in listed.stdout
    assert ended("faults", "list", "weather").returncode == 2
    assert "careless-operator" in ended("faults", "scenarios").stdout


def test_without_a_simulated_line_it_says_where_one_would_be(tmp_path: Path) -> None:
    told = ended("faults", "status", "--line", tmp_path / "none.toml")
    assert told.returncode == 2
    assert "pressline simulate" in told.stderr
    real = tmp_path / "real.toml"
    unit = '[units.v]\nkind = "isostatic_press"\nprofile = "isostatic-press-generic"\nurl = "tcp://127.0.0.1:1"\n'
    real.write_text(unit)
    assert "simulated lines only" in ended("faults", "status", "--line", real).stderr
    real.write_text(unit + '[operator]\nurl = "tcp://127.0.0.1:1"\n')
    told = ended("faults", "status", "--line", real)
    assert told.returncode == 3
    assert "no simulated line answers" in told.stderr


def test_a_line_file_of_ones_own_is_simulated_and_kept(tmp_path: Path) -> None:
    given, output, link = tmp_path / "plant.toml", tmp_path / "served.toml", tmp_path / "port"
    text = (
        '[line]\nname = "plant"\n'
        f'[units.press]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "serial://{link}?unit=4"\n'
        '[units.vessel]\nkind = "isostatic_press"\nprofile = "isostatic-press-generic"\nurl = "tcp://10.9.8.7:502"\n'
    )
    given.write_text(text)
    with program("simulate", "--line", given, "--output", output) as simulator:
        wait_for(lambda: output.exists() or None, 30, simulator)
        read = ended("devices", "read", "press", "model_code", "--line", output, "--json")
        assert read.returncode == 0, read.stdout + read.stderr
        assert "4101" in read.stdout
        simulator.send_signal(signal.SIGTERM)
        assert simulator.wait(20) == 0
    assert given.read_text() == text
    assert not output.exists()
    assert not link.is_symlink()


def test_a_line_file_that_cannot_be_served_is_told_before_anything_is(tmp_path: Path) -> None:
    given = tmp_path / "plant.toml"
    given.write_text('[units.press]\nkind = "uniaxial_press"\nprofile = "no-such"\nurl = "tcp://10.9.8.7:502"\n')
    told = ended("simulate", "--line", given, "--output", tmp_path / "served.toml")
    assert told.returncode == 2
    assert "units.press.profile" in told.stderr
    told = ended("simulate", "--line", given, "--output", given)
    assert told.returncode == 2
    assert "nothing was written" in told.stderr
