"""The register documents are written by hand; the profiles must say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.profile import Profile
from drivers.profile_file import load_profile

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "machines"
MODBUS = ("uniaxial-press-generic", "isostatic-press-generic")
MACHINES = (*MODBUS, "coater-generic")
Rows = list[list[str]]


def tables(document: str) -> dict[str, Rows]:
    """The rows of every table, by the heading that it stands under, without head and rule."""
    found: dict[str, Rows] = {}
    heading = ""
    for line in (FOLDER / f"{document}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("|"):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split("|")])
    return {name: [row for row in rows[1:] if not set(row[0]) <= {"-"}] for name, rows in found.items()}


def limits(text: str) -> tuple[float, float] | None:
    low, _, high = text.partition(" to ")
    return (float(low), float(high)) if high else None


def signal_rows(profile: Profile, rows: Rows) -> None:
    for _, name, kind, unit, span, meaning in rows:
        signal = profile.signals[name]
        assert (signal.type, signal.unit, signal.range) == (kind, unit, limits(span)), name
        assert meaning


@pytest.mark.parametrize("name", MODBUS)
def test_registers(name: str) -> None:
    profile, document = load_profile(name), tables(name)
    for heading, table in (("Input registers", "input"), ("Holding registers", "holding")):
        rows = document[heading]
        signal_rows(profile, rows)
        here = {s.name: s.address for s in profile.signals.values() if s.table == table}
        assert here == {row[1]: int(row[0]) for row in rows}


def test_the_word_order_is_the_documents() -> None:
    for name in MODBUS:
        text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
        order = load_profile(name).word_order
        assert f"**the {'high' if order == 'big' else 'low'} word first**" in text


def test_coater_groups() -> None:
    profile, document = load_profile("coater-generic"), tables("coater-generic")
    for block in profile.blocks:
        rows = document[f"Group {block.name}"]
        signal_rows(profile, rows)
        assert list(block.signals) == [row[1] for row in rows]
        assert [row[0] for row in rows] == [str(i) for i in range(len(rows))]
    signal_rows(profile, document["Job values"])
    assert [s.name for s in profile.job] == [row[1] for row in document["Job values"]]


@pytest.mark.parametrize("name", MACHINES)
def test_bits(name: str) -> None:
    profile, document = load_profile(name), tables(name)
    for heading, signal in (("Status bits", "status_bits"), ("Alarm bits", "alarm_bits")):
        assert profile.signals[signal].bits == tuple(row[1] for row in document[heading])
        assert [int(row[0]) for row in document[heading]] == list(range(len(document[heading])))


@pytest.mark.parametrize("name", MACHINES)
def test_enumerations(name: str) -> None:
    profile, document = load_profile(name), tables(name)
    headings = {
        "Commands": "command",
        "Acknowledge": "result",
        "Reasons": "reason",
        "States": "packml_state",
        "Phases": "phase",
    }
    for heading, enum in headings.items():
        assert profile.enums[enum] == {row[1]: int(row[0]) for row in document[heading]}


@pytest.mark.parametrize("name", MACHINES)
def test_times(name: str) -> None:
    profile = load_profile(name)
    text = " ".join((FOLDER / f"{name}.md").read_text(encoding="utf-8").split())
    assert f"stands still for {profile.timing.watchdog_s:.0f} s" in text
    assert f"at least every {profile.timing.heartbeat_period_s:g} s" in text
    assert f"at most {profile.timing.decompression_s:.0f} s" in text
    assert f"always {profile.identity['model_code']}" in text
    assert f"at least {profile.identity['firmware_min']}" in text


def test_instruments() -> None:
    for name, model, signal, unit, span in tables("mt-sics")["Values"]:
        profile = load_profile(name)
        assert profile.identity["model"] == model
        assert (profile.signals[signal].unit, profile.signals[signal].range) == (unit, limits(span))
