"""The same seed gives the same journal, byte for byte, in whatever process; on wires it gives the same decisions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.cli.recipes import planned
from controller.dryrun import memory_line
from simulators.line import SimulatedLine
from tests.controller.recipes_for_tests import quick

ROOT = Path(__file__).parents[2]


def journal(file: Path, seed: int, held: str, hash_seed: str, zone: str) -> str:
    """The canonical journal that a process with this hash seed and time zone makes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.controller.journal_of", str(file), "realistic", str(seed), held],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
    )
    return done.stdout


def records(text: str) -> list[tuple[str, dict[str, Any], float, str]]:
    """Kind, data, time and UTC of each record."""
    return [(kind, data, time_s, utc) for _, _, kind, data, time_s, utc, _, _ in map(json.loads, text.splitlines())]


@pytest.mark.parametrize("held", ["unheld", "held"])
def test_two_processes_write_the_same_journal(tmp_path: Path, held: str) -> None:
    file = quick(tmp_path / "quick.yaml")
    one = journal(file, 7, held, hash_seed="1", zone="UTC")
    two = journal(file, 7, held, hash_seed="4242", zone="Asia/Tokyo")
    assert one == two
    states = [data["state"] for kind, data, _, _ in records(one) if kind == "run.state"]
    assert states[-1] == "complete", "a run that failed at once would be the same too"
    assert ("held" in states) == (held == "held")


def test_another_seed_writes_another_journal(tmp_path: Path) -> None:
    file = quick(tmp_path / "quick.yaml")
    one, two = (records(journal(file, seed, "unheld", hash_seed="1", zone="UTC")) for seed in (7, 8))
    assert [kind for kind, *_ in one] == [kind for kind, *_ in two]
    assert one != two


def test_utc_is_the_declared_epoch_plus_the_loops_time(tmp_path: Path) -> None:
    found = records(journal(quick(tmp_path / "quick.yaml"), 7, "unheld", hash_seed="1", zone="America/Lima"))
    for _, _, time_s, utc in found:
        day, _, clock = utc.partition("T")
        hours, minutes, seconds = clock.removesuffix("+00:00").split(":")
        assert day == "2026-01-01"
        assert 3600 * int(hours) + 60 * int(minutes) + float(seconds) == pytest.approx(time_s, abs=0.0011)


def decisions(record: dict[str, Any]) -> dict[str, Any]:
    """What was decided, without what was measured and when."""
    return {
        "state": record["state"],
        "reason": record["reason"],
        "steps": [(step["name"], step["unit"], step["done"]) for step in record["steps"]],
        "verdicts": {rule["id"]: rule["verdict"] for rule in record["certificate"]["rules"]},
    }


def test_twenty_times_faster_on_wires_it_decides_the_same(tmp_path: Path) -> None:
    file = ROOT / "recipes" / "library" / "zeon-example-1.yaml"
    common = [str(file), "--seed", "5", "--json"]
    wires = ["run", *common, "--simulate", "--speed", "20", "--store", str(tmp_path / "store.sqlite")]
    dry, scaled = (
        json.loads(
            subprocess.run(
                [sys.executable, "-m", "controller.cli.main", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=110,
                cwd=ROOT,
            ).stdout
        )
        for arguments in (["dry-run", *common], wires)
    )
    assert decisions(dry) == decisions(scaled)
    assert dry["state"] == "complete"
    assert dry["sim_seconds"] == pytest.approx(scaled["sim_seconds"], rel=0.05)


def test_a_dry_run_connects_the_machines_of_its_plan_and_every_instrument() -> None:
    simulated = SimulatedLine("nominal")
    plan = planned(ROOT / "recipes" / "library" / "zeon-example-1.yaml", None)
    line = memory_line(simulated, plan)
    assert set(line.machines) == {"coater-1"}
    assert set(line.instruments) == {name for name, unit in simulated.machines.items() if not unit.profile.is_machine}
    assert set(memory_line(simulated).machines) > set(line.machines)
