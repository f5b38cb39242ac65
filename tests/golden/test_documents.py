"""The register documents are written by hand; the profiles must say the same: tables, words, bits, ranges and times."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.profile import Profile, Signal
from drivers.profile_file import load_profile, shipped_profiles
from tests.golden.documents import Row, Rows, limits, number, tables, text_of

PROFILES = {name: load_profile(name) for name in shipped_profiles()}
MODBUS = [name for name, profile in PROFILES.items() if profile.protocol == "modbus"]
MACHINES = [name for name, profile in PROFILES.items() if profile.is_machine]
SICS = ("thickness-gauge-sics", "balance-sics")
COATERS = ("coater-generic", "coater-four-zone")
TABLES = {
    "Input registers": ("input", "r"),
    "Holding registers": ("holding", "rw"),
    "Coils": ("coil", "rw"),
    "Discrete inputs": ("discrete", "r"),
    "Registers": ("holding", "r"),
}
HEADINGS = {"Acknowledge": "result", "Reasons": "reason", "States": "packml_state", "Phases": "phase"}
OFFICIAL = "drivers/profiles/{}.yaml"


def document_of(profile: Profile) -> str:
    return Path(profile.document).stem


def heading(name: str) -> str:
    """A signal's or an enumeration's own heading."""
    return name.replace("_", " ").capitalize()


def pattern_of(answer: str) -> str:
    """An answer as the documents write it, with a profile's placeholders."""
    for told, name in (
        ("<command>", "{verb}"),
        ("<unit>", "{unit_text}"),
        ("<value>", "{value:10}"),
        ("<text>", "{text}"),
    ):
        answer = answer.replace(told, name)
    return answer


def check_signal(signal: Signal, row: Row, access: str = "r") -> None:
    """One row; a column that the table does not have is the usual: no scale, every write within the range."""
    assert (signal.type, signal.unit) == (row["Type"], row["Unit"]), signal.name
    assert signal.scale == float(row.get("Scale", "1")), signal.name
    assert signal.offset == float(row.get("Offset", "0")), signal.name
    assert signal.access == row.get("Access", access), signal.name
    if "Write range" in row:
        assert (signal.range, signal.write_range) == (limits(row["Range"]), limits(row["Write range"])), signal.name
    elif "w" in signal.access:
        assert signal.limits == limits(row["Range"]), signal.name
    else:
        assert signal.range == limits(row["Range"]), signal.name
    if "Poll" in row:
        assert signal.poll == (row["Poll"] == "yes"), signal.name
    told = re.search(r"\+-([\d.]+)", row["Meaning"])
    assert told is None or signal.accuracy == float(told[1]), signal.name
    assert row["Meaning"], signal.name


def check_rows(profile: Profile, rows: Rows, access: str = "r") -> None:
    for row in rows:
        check_signal(profile.signals[row["Name"]], row, access)


def test_nothing_is_missing_here() -> None:
    assert {*MODBUS, *MACHINES, *SICS} == set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_names_its_document_and_is_named_in_it(name: str) -> None:
    assert OFFICIAL.format(name) in text_of(document_of(PROFILES[name]))


@pytest.mark.parametrize("name", MODBUS)
def test_registers(name: str) -> None:
    profile, document = PROFILES[name], tables(name)
    told: set[str] = set()
    for title, (table, access) in TABLES.items():
        rows = document.get(title, [])
        check_rows(profile, rows, access)
        here = {s.name: s.address for s in profile.signals.values() if s.table == table}
        assert {row["Name"]: number(row["Address"]) for row in rows}.items() <= here.items()
        told |= {row["Name"] for row in rows}
    assert told == set(profile.signals)


@pytest.mark.parametrize("name", sorted({*MODBUS} & {*MACHINES}))
def test_what_is_polled(name: str) -> None:
    profile = PROFILES[name]
    echoes = {s.echo for s in profile.job}
    for signal in profile.signals.values():
        assert signal.poll == (signal.table == "input" and signal.name not in echoes), signal.name
    assert profile.signals["command_code"].enum == "command"


@pytest.mark.parametrize("name", MODBUS)
def test_what_holds_for_all_registers(name: str) -> None:
    profile, text = PROFILES[name], text_of(name)
    assert profile.modbus is not None
    long = [s for s in profile.signals.values() if s.words > 1]
    assert ("word first**" in text) == bool(long)
    for signal in long:
        assert f"**the {'high' if signal.word_order == 'big' else 'low'} word first**" in text
    assert f"nit number {profile.modbus.unit}" in text or f"and {profile.modbus.unit} if nobody changed it" in text
    assert re.search(rf"(\b|codes .*){profile.modbus.write_with} \(write", text)
    for pattern, most in (
        (r"read takes at most (\d+)", profile.modbus.max_registers),
        (r"write at most (\d+)", profile.modbus.max_write),
    ):
        told = re.search(pattern, text)
        assert told is None or int(told[1]) == most


@pytest.mark.parametrize("name", COATERS)
def test_coater_groups(name: str) -> None:
    profile, document = PROFILES[name], tables(name)
    for block in profile.blocks:
        rows = document[f"Group {block.name}"]
        check_rows(profile, rows)
        assert list(block.signals) == [row["Name"] for row in rows]
        assert [row["Position"] for row in rows] == [str(i) for i in range(len(rows))]
    check_rows(profile, document["Job values"], "rw")
    assert [s.name for s in profile.job] == [row["Name"] for row in document["Job values"]]


@pytest.mark.parametrize("name", PROFILES)
def test_bits(name: str) -> None:
    profile, document = PROFILES[name], tables(document_of(PROFILES[name]))
    for signal in profile.signals.values():
        if signal.bits:
            rows = document[heading(signal.name)]
            assert signal.bits == tuple(row["Name"] for row in rows), signal.name
            assert [number(row["Bit"]) for row in rows] == list(range(len(rows))), signal.name
            assert all(row["Set when"] for row in rows)


@pytest.mark.parametrize("name", PROFILES)
def test_enumerations(name: str) -> None:
    profile, document = PROFILES[name], tables(document_of(PROFILES[name]))
    titles = {enum: title for title, enum in HEADINGS.items()}
    for enum, words in profile.enums.items():
        if enum not in ("command", "mode"):
            rows = document[titles.get(enum, heading(enum))]
            assert words == {row["Name"]: number(row["Value"]) for row in rows}, enum
    used = {s.enum for s in profile.signals.values() if s.enum}
    assert used <= set(profile.enums)
    assert set(profile.enums) - used <= {"command"}


@pytest.mark.parametrize("name", MACHINES)
def test_modes(name: str) -> None:
    told = ", ".join(f"{number} {word.lower()}" for word, number in PROFILES[name].enums["mode"].items())
    assert f"{told}; commands are obeyed in remote" in text_of(name)


@pytest.mark.parametrize("name", MACHINES)
def test_commands(name: str) -> None:
    profile, rows = PROFILES[name], tables(name)["Commands"]
    told = {row["Name"]: (number(row["Code"]), row["Lowers risk"] == "yes") for row in rows}
    assert {c.name: (c.code, c.lowers_risk) for c in profile.commands.values()} == told
    assert profile.safe_state is not None
    assert profile.safe_state.command in profile.safe_commands


@pytest.mark.parametrize("name", MACHINES)
def test_times(name: str) -> None:
    profile, text = PROFILES[name], text_of(name)
    assert f"stands still for {profile.timing.watchdog_s:.0f} s" in text
    assert f"at least every {profile.timing.heartbeat_period_s:g} s" in text
    assert f"at most {profile.timing.decompression_s:.0f} s" in text
    assert f"always {profile.identity['model_code']}" in text
    assert f"at least {profile.identity['firmware_min']}" in text


def test_identity_of_instruments() -> None:
    assert "`decimal_point` must be 1" in text_of("omron-e5cc")
    assert PROFILES["omron-e5cc"].identity == {"decimal_point": 1}
    assert "the profile has no identity" in text_of("eurotherm-3216")
    assert PROFILES["eurotherm-3216"].identity == {}


@pytest.mark.parametrize(
    ("name", "title"), [*((name, "Errors") for name in COATERS), *((name, "Refusals") for name in SICS)]
)
def test_refusals(name: str, title: str) -> None:
    rows = tables(document_of(PROFILES[name]))[title]
    line = PROFILES[name].line
    assert line is not None
    told = [(pattern_of(row["Answer"]), row["Means"], number(row["Code"] or "0")) for row in rows]
    assert [(refusal.reply, refusal.means, refusal.code) for refusal in line.refusals] == told


@pytest.mark.parametrize("name", SICS)
def test_sics_commands(name: str) -> None:
    line = PROFILES[name].line
    assert line is not None
    assert line.read is not None
    assert line.identify is not None
    (block,) = PROFILES[name].blocks
    known = {request.send: request.reply for request in (line.identify, *line.actions.values())}
    known[line.read.send.format(block=block.name)] = line.read.reply.replace("{block}", block.name)
    rows = tables("mt-sics")["Commands"]
    assert {row["Command"]: pattern_of(row["Answer"]) for row in rows} == known


@pytest.mark.parametrize("name", COATERS)
def test_coater_lines(name: str) -> None:
    line = PROFILES[name].line
    assert line is not None
    rows = tables(name)["Line"]
    known = [line.read, line.write_job, line.command, line.heartbeat]
    assert [row["Verb"] for row in rows] == [request.send.split(" ")[0] for request in known if request is not None]
    assert line.terminator == "\r\n"
    assert line.check_kind == "xor"
    assert "the exclusive or of all bytes between `@` and `*`" in text_of(name)


def test_sics_instruments() -> None:
    rows = tables("mt-sics")["Values"]
    assert {row["Profile"] for row in rows} == set(SICS)
    for row in rows:
        profile = PROFILES[row["Profile"]]
        assert profile.identity["model"] == row["Model"]
        assert (profile.signals[row["Name"]].unit, profile.signals[row["Name"]].range) == (
            row["Unit"],
            limits(row["Range"]),
        )
