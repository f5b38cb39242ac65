"""A thousand damaged recipes, rule packs and line files: each is used, refused or told where it is wrong."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.reader import mapping
from recipes.units import Dimension, parse_quantity
from tests.campaign import check
from tests.campaign.check import distinct
from tests.campaign.mutate import mutant
from tests.campaign.recipe_campaign import SUFFIXES, kind_of, made, main, tally

SEEDS = 1000
BLOCK = 125
GROWTH_MB = 600
"""What a process may grow by with its largest file, which has 10 MB."""


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_whatever_is_written_is_used_refused_or_told_where_it_is_wrong(first: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = tally(range(first, first + BLOCK))
    told = [f"seed {failure.seed} ({failure.kind}): {failure.faults[0]}" for failure in result.failures]
    assert not told, "\n".join([*told, "python -m tests.campaign.recipe_campaign --first SEED --seeds 1"])
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < GROWTH_MB
    assert result.outcomes["planned"] >= 3  # else the files are so broken that only the parser is tried
    assert result.outcomes["unreadable"] >= 20


def test_a_planted_error_for_a_rare_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(text: str, dimension: Dimension) -> float:
        if "e-" in text:
            raise KeyError(text)
        return parse_quantity(text, dimension)

    monkeypatch.setattr(mapping, "parse_quantity", planted)
    result = tally(range(BLOCK))
    kinds = distinct(fault for failure in result.failures for fault in failure.faults)
    assert any(kind.startswith("KeyError in") for kind in kinds), kinds
    assert all(b"e-" in made(failure.seed).data for failure in result.failures if "KeyError" in failure.faults[0])


def test_a_planted_loop_that_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(text: str, dimension: Dimension) -> float:
        while text:
            pass
        return 0.0

    monkeypatch.setattr(mapping, "parse_quantity", planted)
    monkeypatch.setattr(check, "HANG_S", 0.2)
    result = tally(range(1, 3))
    assert all("no answer after 0.2 s" in failure.faults[0] for failure in result.failures)
    assert result.outcomes["broken"] == len(result.failures) >= 1


def test_a_seed_gives_the_same_file_in_any_process() -> None:
    seeds = (5, 399, 777)
    program = f"from tests.campaign.mutate import mutant; print([mutant(n).data.hex()[:4000] for n in {seeds}])"
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == str([mutant(seed).data.hex()[:4000] for seed in seeds])
    assert len({mutant(seed).data for seed in range(50)}) > 45


def test_the_seeds_make_every_kind_of_file() -> None:
    assert {kind_of(seed) for seed in range(BLOCK)} == set(SUFFIXES)


def test_a_failure_is_told_with_its_seed_and_written_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def at_home(first: int, seeds: int, jobs: int) -> list[object]:
        return [tally(range(first, first + seeds))]

    monkeypatch.setattr(check, "LONGEST_MESSAGE", 5)
    monkeypatch.setattr("tests.campaign.recipe_campaign.campaign", at_home)
    seed = next(seed for seed in range(BLOCK) if "delete" in mutant(seed).damages and kind_of(seed) == "recipe")
    assert main(["--first", str(seed), "--seeds", "1", "--folder", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert f"--first {seed} --seeds 1" in told
    assert (tmp_path / f"{seed}.yaml").read_bytes() == mutant(seed).data
