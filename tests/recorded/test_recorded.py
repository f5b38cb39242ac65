"""Recorded runs give the same decisions with today's code, or the difference is named with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from controller.events import Event
from controller.journal import verify
from tests.recorded.record import line_of, read, recordings
from tests.recorded.replay import DECISIONS, decisions, differences, interval_tolerance_s
from tests.recorded.scenes import played, scenes

NAMED = Path(__file__).parent / "differences.md"


def named_differences(text: str) -> dict[tuple[str, str], str]:
    """The rows of differences.md: run and difference, with the reason."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {(row[0].strip(), row[1].strip()): row[2].strip() for row in rows if row[0].strip() != "run"}


@pytest.mark.parametrize("file", recordings(), ids=lambda file: file.name.partition(".")[0])
def test_a_recorded_run_decides_the_same_today(file: Path) -> None:
    scene, then = read(file)
    assert verify(then, then[0].sequence, then[0].previous_hash) == []
    found = {difference.replace("|", "/") for difference in differences(then, played(scene))}
    named = {words for name, words in named_differences(NAMED.read_text(encoding="utf-8")) if name == scene.name}
    assert found - named == set(), f"name them in {NAMED.name} with their reason, if they are meant"
    assert named - found == set(), f"they do not occur any more: take them out of {NAMED.name}"


def test_every_run_is_recorded_and_every_named_difference_has_a_reason() -> None:
    assert {file.name.partition(".")[0] for file in recordings()} == {scene.name for scene in scenes()}
    named = named_differences(NAMED.read_text(encoding="utf-8"))
    assert {name for name, _ in named} <= {scene.name for scene in scenes()}
    assert all(len(reason) > 20 for reason in named.values())


def test_the_recorded_runs_show_many_ends_and_kinds_of_decisions() -> None:
    runs = [read(file)[1] for file in recordings()]
    ends = {event.data["state"] for events in runs for event in events if event.kind == "run.closed"}
    assert {"complete", "stopped", "aborted"} <= ends
    kinds = {event.kind for events in runs for event in events}
    assert len(kinds & set(DECISIONS)) >= 15


# ---------------------------------------------------------------------- the comparison itself can fail


@pytest.fixture(scope="module")
def run() -> list[Event]:
    return read(next(file for file in recordings() if "held-and-restarted" in file.name))[1]


def first(events: Sequence[Event], kind: str) -> int:
    return next(index for index, event in enumerate(events) if event.kind == kind)


def test_the_same_run_has_no_difference(run: list[Event]) -> None:
    assert list(differences(run, run)) == []
    assert len(decisions(run)) > 100


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("run.state", {"state": "stopped"}),
        ("run.state", {"who": "somebody"}),
        ("command.requested", {"command": "start"}),
        ("prompt.asked", {"text": "Do something else"}),
        ("step.started", {"unit": "roll-press-1"}),
        ("certificate", {"pass": 0}),
        ("certificate", {"rules": []}),
    ],
)
def test_another_decision_is_a_difference(run: list[Event], kind: str, change: dict[str, object]) -> None:
    index = first(run, kind)
    other = [*run]
    other[index] = replace(run[index], data={**run[index].data, **change})
    told = list(differences(run, other))
    assert any(words.startswith(f"no more: {kind}") for words in told)
    assert any(words.startswith(f"new: {kind}") for words in told)


def test_a_decision_more_or_less_is_a_difference(run: list[Event]) -> None:
    index = first(run, "command.done")
    assert [words[:21] for words in differences(run, [*run[:index], *run[index + 1 :]])] == ["no more: command.done"]
    twice = [*run[: index + 1], *run[index:]]
    assert [words[:17] for words in differences(run, twice)] == ["new: command.done"]


def test_another_setpoint_is_a_difference_and_noise_is_none(run: list[Event]) -> None:
    index = first(run, "command.requested")
    job = run[index].data["job"]
    name = next(key for key, value in job.items() if key != "job_id" and value)
    for share, count in ((1.0005, 0), (1.002, 1)):
        other = [*run]
        changed = {**job, name: job[name] * share}
        other[index] = replace(run[index], data={**run[index].data, "job": changed})
        assert len(list(differences(run, other))) == count
    other = [*run]
    other[index] = replace(run[index], data={**run[index].data, "job": {**job, "more": 1.0}})
    assert "the job has other values: more" in next(differences(run, other))


def test_an_instant_may_move_by_two_polls_and_no_more(run: list[Event]) -> None:
    index = first(run, "command.done")
    for shift_s, is_told in ((0.9 * interval_tolerance_s(), False), (1.1 * interval_tolerance_s(), True)):
        other = [*run[:index], *(replace(event, time_s=event.time_s + shift_s) for event in run[index:])]
        assert bool(list(differences(run, other))) is is_told


def test_numbers_in_sentences_are_no_decisions(run: list[Event]) -> None:
    index = first(run, "run.state")
    one = replace(
        run[index], data={**run[index].data, "reason": "press: 912.31 MPa is above its window, plan 82319c300e13"}
    )
    two = replace(
        run[index], data={**run[index].data, "reason": "press: 913.02 MPa is above its window, plan 12ab9c300e13"}
    )
    assert decisions([one])[0].words == decisions([two])[0].words


def test_rows_of_named_differences_are_read() -> None:
    text = "| run | difference | reason |\n|---|---|---|\n| a-run | new: run.state {} | it is safer like that |\n"
    assert named_differences(text) == {("a-run", "new: run.state {}"): "it is safer like that"}


def test_a_recording_is_the_journal_as_it_was(run: list[Event]) -> None:
    assert line_of(run[0]).startswith('[1,"recorded","run.created",{')
