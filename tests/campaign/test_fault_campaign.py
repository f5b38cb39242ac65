"""Every fault on three seeds, on the real executor, drivers and simulators; the same seed gives the same journal."""

from __future__ import annotations

from functools import cache

import pytest

from simulators.faults import FAULTS
from tests.campaign.fault_campaign import Verdict, campaign, examined, main, summary
from tests.campaign.fault_cases import GAPS, NOT_PLAYED, OWN_CASES
from tests.campaign.fault_draw import drawn
from tests.campaign.fault_wire_cases import ALL_CASES, played_faults

SEEDS = (1, 2, 3)


@cache
def once(fault: str, seed: int) -> Verdict:
    """The verdict on a run that several tests look at."""
    return examined(fault, seed)


def test_every_fault_of_the_catalogue_is_played_or_says_why_not() -> None:
    assert set(ALL_CASES) - set(OWN_CASES) | set(NOT_PLAYED) == set(FAULTS)
    assert not set(ALL_CASES) & set(NOT_PLAYED)
    assert set(played_faults()) == set(ALL_CASES)
    for fault, cases in ALL_CASES.items():
        for case in cases:
            needs_person = FAULTS[fault].needs_person if fault in FAULTS else True
            assert case.told is None or case.why or case.told == needs_person, f"{fault} says otherwise without a why"
            assert case.cause or not needs_person or case.told is False, f"{fault} needs a person and nothing is told"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", played_faults())
def test_a_fault_does_no_harm(fault: str, seed: int) -> None:
    verdict = once(fault, seed)
    assert list(verdict.findings) == [], f"{verdict.state}: {verdict.reason}\nreplay: {verdict.replay}"


@pytest.mark.parametrize("fault", sorted(GAPS))
def test_a_known_gap_is_still_one(fault: str) -> None:
    assert once(fault, 1).gaps, f"{fault} is told of by now: take it from GAPS"


@pytest.mark.parametrize("fault", ["isostatic.sensors_disagree", "wire.noise", "people.mistyped", "machine.reboot"])
def test_the_same_seed_gives_the_same_journal_and_another_seed_another(fault: str) -> None:
    first, again, other = once(fault, 2), examined(fault, 2), once(fault, 3)
    assert first.journal_sha256 == again.journal_sha256
    assert first.journal_sha256 != other.journal_sha256


def test_seeds_draw_moments_strengths_and_people() -> None:
    acts = [drawn("uniaxial.leak", seed)[0] for seed in range(1, 20)]
    assert {stage.people for stage in acts} == {"absent", "mends", "late"}
    assert len({stage.act.after_s for stage in acts if stage.act is not None}) == len(acts)
    visits = {stage.act.visit for stage in acts if stage.act is not None}
    assert visits == {1, 2, 3}


def test_a_failing_seed_is_told_with_the_command_that_replays_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(fault: str, seed: int) -> Verdict:
        return Verdict(fault, seed, "absent", "stopped", "", 0.1, "", ("[1 limits] at 3.0 s: too much",))

    monkeypatch.setattr("tests.campaign.fault_campaign.examined", failing)
    assert main(["--fault", "uniaxial.tilt", "--first", "7", "--seeds", "1"]) == 1
    printed = capsys.readouterr().out
    assert "uniaxial.tilt seed 7" in printed
    assert "too much" in printed
    replay = next(line for line in printed.splitlines() if "--first" in line).split()
    assert replay[:3] == ["python", "-m", "tests.campaign.fault_campaign"]
    monkeypatch.undo()
    assert main(replay[3:]) == 0
    assert "1 runs of 1 faults" in capsys.readouterr().out


def test_the_summary_counts_runs_findings_and_gaps() -> None:
    verdicts = list(campaign(["uniaxial.tilt", "uniaxial.thickness_stuck"], 1, 1, 1))
    told = "\n".join(summary(verdicts))
    assert "2 runs of 2 faults" in told
    assert "0 runs in which something was that must not be" in told
    assert "known gap, 1 runs: uniaxial.thickness_stuck" in told
