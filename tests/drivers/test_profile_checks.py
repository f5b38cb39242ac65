"""Every check of a whole profile, with the line and column at which its mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drivers.profile_text import COATER, GAUGE, INSTRUMENT, PRESS, changed, expect, located, told


def test_the_bases_have_no_mistake(tmp_path: Path) -> None:
    for text in (INSTRUMENT, GAUGE, PRESS, COATER):
        assert told(tmp_path, text) == ([], [])


SIGNALS = [
    # the shape
    ("type: int16, scale", "type: int17, scale", "int17", "'int17' is none of bool, uint16, "),
    ("name: pv_c", "name: PV_C", "PV_C", "a name is small letters, digits and underscores"),
    ("meaning: model}", "meening: model}", "model}\n", "is no key that is known here"),
    (
        "address: 1, type: int16, scale",
        "address: '1', type: int16, scale",
        "'1'",
        "must be a whole number, not '1', without quotes",
    ),
    ("address: 1, type: int16, scale", "type: int16, scale", "{name: pv_c", "table and address are missing"),
    ("state: {idle: 0, busy: 1}", "state: {off: 0, busy: 1}", "{off", "put the word in quotes"),
    ("profile: oven\n", "profile: oven\nkind: coater\n", "temperature_controller", "kind stands twice"),
    ("profile: oven\n", "", "kind:", "profile is missing"),
    ("identity: {model_number: 7}", "identity: {model_number 7", ": {max_gap", "did not find expected"),
    # what YAML itself takes otherwise
    ("range: [0, 400]", "range: [0, 0400]", "0400", "0400 is read as another number"),
    ("table: input, address: 1,", "table: input, address: 1:30,", "1:30", "1:30 is read as another number"),
    ("meaning: model}", "meaning: &m model}\n  - *m", "&m", "aliases are not for profiles"),
    # names
    ("name: state,", "name: pv_c,", "pv_c, table: input, address: 2", "is there 2 times"),
    ("bits: [hot, cold]", "bits: [hot, pv_c]", "pv_c]", "the name pv_c is there 2 times"),
    # units
    ("unit: degC, range: [-50", "unit: Celsius, range: [-50", "Celsius", "'Celsius' is no unit that is known here"),
    ("unit: degC, range: [-50", "unit: degc, range: [-50", "degc", "degC is meant?"),
    # types and tables
    ("type: int16, enum", "type: integer, enum", "integer", "integer does not belong to modbus"),
    (
        "table: coil, address: 0, type: bool",
        "table: coil, address: 0, type: uint16",
        "uint16, access",
        "does not lie in",
    ),
    ("address: 0, type: uint16", "address: 0, type: bool", "bool, meaning: model", "does not lie in the table input"),
    ("type: bool, access", "type: bool, unit: s, access", "s, access", "a bool has no unit"),
    ("address: 3, type", "address: 2, type", "2, type: uint16", "overlaps state"),
    ("address: 0, type: float32", "address: 65535, type: float32", "65535", "reaches past the last address"),
    ("scale: 0.1", "scale: 0", "0, unit", "must not be 0"),
    # ranges
    ("range: [-50, 500]", "range: [500, -50]", "[500", "the lower limit must be below the upper"),
    ("range: [-50, 500]", "range: [-50, 5000]", "[-50", "reaches -3276.8 to 3276.7 only"),
    ("range: [0, 400]", "write_range: [0, 1.0e+39]", "[0, 1.0e", "float32 with this scale and offset reaches"),
    ("range: [-50, 500]", "write_range: [0, 1]", "[0, 1]", "can never be written: the access is r"),
    ("range: [0, 400]", "range: [0, 400], write_range: [0, 500]", "[0, 500]", "reaches past the range 0 to 400"),
    (", range: [0, 400]", "", "{name: sp_c", "range or write_range is missing"),
    # words and bits
    ("enum: state", "enum: states", "states", "there is no enumeration states"),
    ("type: float32, access: rw", "type: float32, access: rw, enum: state", "state, unit", "a float32 has no words"),
    ("busy: 1}", "busy: 40000}", "state, meaning: state", "busy is 40000, which int16 does not reach"),
    ("busy: 1}", "busy: 0}", "0, busy", "the number 0 is there 2 times"),
    ("bits: [hot, cold]", f"bits: [{', '.join(f'b{i}' for i in range(17))}]", "[b0", "17 bits do not fit into the 16"),
    ("bits: [hot, cold]", "bits: [hot, cold], enum: state", "[hot", "words or bits, not both"),
    ("bits: [hot, cold]", "bits: [hot, cold], scale: 0.5", "{name: alarms", "neither scale nor offset"),
    ("scale: 0.1, unit: degC, range: [-50", "scale: 0.1, bits: [x], unit: degC, range: [-50", "{name: pv_c", "neither"),
    ("type: float32, access: rw", "type: float32, bits: [x], access: rw", "[x]", "a float32 has no bits"),
    # unreachable writes and reads
    (
        "input, address: 1, type: int16",
        "input, access: rw, address: 1, type: int16",
        "rw, address",
        "cannot be written",
    ),
    ("holding, address: 0", "holding, address: 49", "49", "nothing can be read"),
    ("[[50, 59]]", "[[59, 50]]", "[[59", "59 is above 50"),
    ("max_gap: 4", "max_registers: 1", "float32", "takes 2 registers, one request reads 1"),
    ("max_gap: 4", "max_write: 1", "float32", "takes 2 registers, one request writes 1"),
    ("max_gap: 4", "write_with: 6", "float32", "takes 2 registers, function 6 writes one"),
    ("access: rw, unit", "access: w, poll: true, unit", "true", "what is only written cannot be polled"),
    # identity and times
    ("{model_number: 7}", "{modell: 7}", "7}", "there is no signal modell that can be read"),
    ("{model_number: 7}", "{model_number: seven}", "seven", "'seven' is not what a signal of type uint16 gives"),
    ("{model_number: 7}", "{firmware_min: 7}", "7}", "there is no signal firmware that can be read"),
    ("value: 0.1,", "value: 0,", "0, reason", "must be above 0"),
    ("  quiet_s:", "  quite_s:", "{value: 0.1", "is no key that is known here"),
    ("  quiet_s:", "  quite_s:", "response_timeout_s", "quiet_s is missing"),
    # what belongs to another protocol or kind
    ("enums:", "blocks: [{name: A, signals: [pv_c]}]\nenums:", "[{name: A", "take the blocks out"),
    ("enums:", "line: {terminator: x}\nenums:", "{terminator", "a Modbus profile has no text line"),
    ("enums:", "commands: {start: {code: 1}}\nenums:", "{start", "it obeys no commands"),
    (
        "enums:",
        "safe_state: {command: stop, states: [IDLE], within_s: quiet_s}\nenums:",
        "{command",
        "an instrument has no safe state",
    ),
    ("range: [0, 400]", "range: [0, 400], echo: sp_c", "sp_c, meaning", "an instrument has no job"),
]


@pytest.mark.parametrize(("old", "new", "at", "what"), SIGNALS)
def test_an_instrument_of_registers(tmp_path: Path, old: str, new: str, at: str, what: str) -> None:
    expect(tmp_path, INSTRUMENT, old, new, at, what)


MACHINE = [
    ("echo: force_sp_kn_echo", "echo: nothing", "nothing, range", "there is no signal nothing"),
    ("echo: force_sp_kn_echo", "echo: job_id_echo", "job_id_echo, range: [0, 600]", "differs in type, unit"),
    (
        "type: float32, poll: false, unit: kN,",
        "type: float32, poll: false, unit: N,",
        "force_sp_kn_echo, range",
        "differs",
    ),
    (
        "address: 16, type: float32, access: rw",
        "address: 16, type: float32, access: r",
        "r, unit",
        "is written: access",
    ),
    (
        "address: 26, type: float32, access: rw",
        "address: 30, type: float32, access: rw",
        "30, type: float32, access: rw",
        "contiguous",
    ),
    ("{word_order: big}", "{max_write: 17}", "{max_write", "the job is longer than the 17 registers"),
    ("{word_order: big}", "{write_with: 6}", "6}", "a job needs one request"),
    ("name: force_sp_kn,", "name: force_kn,", "force_sp_kn_echo, range", "the job of a uniaxial_press has no force_kn"),
    ("name: force_sp_kn,", "name: force_kn,", "- {name: model_code", "force_sp_kn is missing in the job"),
    ("name: platen_top_c", "name: platen_c", "- {name: model_code", "platen_top_c is missing: a uniaxial_press is"),
    ("ram_top,", "ram_up,", "- {name: model_code", "ram_top is missing: a uniaxial_press is supervised by it"),
    ("unit: kN, range: [-20, 700], accuracy: 1.5, meaning: load", "unit: N, meaning: load", "{name: force_pv", "in kN"),
    ("echo: force_sp_kn_echo", "echo: dwell_sp_s_echo", "dwell_sp_s_echo, range: [0, 600]", "the echo of two values"),
    ("20, type: float32", "20, poll: false, type: float32", "{name: force_pv_kn", "must be read at every poll"),
    ("16, type: uint16", "16, poll: false, type: uint16", "{name: status_bits", "must be read at every poll"),
    ("13, type: uint16", "13, type: uint16, scale: 2", "{name: acknowledged", "must be a whole number without scale"),
    ("name: heartbeat_machine", "name: heartbeat", "- {name: model_code", "heartbeat_machine is missing"),
    ("name: command_sequence", "name: sequence", "- {name: model_code", "command_sequence is missing"),
    (
        "holding, address: 1, type",
        "holding, address: 4, type",
        "4, type: uint16, access: rw, meaning: a new",
        "command_sequence must follow",
    ),
    (
        "holding, address: 3, type",
        "holding, address: 4, type",
        '4, type: uint16, access: rw, meaning: "our',
        "lease_request must follow",
    ),
    ("address: 0, type: uint16, access", "address: 0, type: int16, access", "{name: command_code", "must be a uint16"),
    ("name: lease_owner", "name: leased_to", "- {name: model_code", "lease_owner is missing: who owns"),
    ("name: lease_request", "name: request", "{name: lease_owner", "there is no lease_request"),
    ("  stale_after_s", "  # stale_after_s", "response_timeout_s", "stale_after_s is missing"),
    ("{value: 0.3,", "{value: 1.5,", "1.5, reason: 'the controller", "must be below stale_after_s (1.5 s)"),
    ("{value: 0.3,", "{value: 2.0,", "2.0, reason: 'the controller", "must be below acknowledge_timeout_s"),
    ("{value: 0.5, reason: ten", "{value: 5, reason: ten", "5, reason: ten", "must be below watchdog_s (5 s)"),
    ("{value: 1.0, reason: nothing", "{value: 2, reason: nothing", "2, reason: nothing", "must be below stale_after_s"),
    ("model_code: 4101, ", "", "{firmware_min", "model_code is missing: a machine must prove what it is"),
    ("hold: {code: 3,", "hold: {code: 2,", "2, lowers_risk", "the code 2 is there 2 times"),
    ("  restart:", "  resume:", "load_job:", "restart is missing"),
    ("stop: {code: 5, lowers_risk: true", "stop: {code: 5", "{code: 5", "must have lowers_risk: true"),
    ("enum: packml_state", "enum: phase", "{name: machine_state", "machine_state needs the enumeration packml_state"),
    ("HELD: 11, ", "", "{CLEARING", "HELD is missing"),
    ("enums:\n", "enums:\n  command: {start: 2}\n", "{start: 2}", "is made of the commands: take it out"),
    ("safe_state: {command: abort", "safe_state: {command: halt", "halt", "there is no command halt"),
    ("safe_state: {command: abort", "safe_state: {command: reset", "reset, states", "must have lowers_risk: true"),
    ("states: [IDLE", "states: [SAFE", "SAFE", "there is no machine state SAFE"),
    (
        "within_s: decompression_s",
        "within_s: decompression",
        "decompression, meaning",
        "there is no time",
    ),
    ("safe_state:", "enums: {}\nsafe_state:", "packml_state: {", "enums stands twice"),
    ("kind: uniaxial_press", "kind uniaxial_press", "protocol:", ""),
]


@pytest.mark.parametrize(("old", "new", "at", "what"), MACHINE)
def test_a_machine_of_registers(tmp_path: Path, old: str, new: str, at: str, what: str) -> None:
    expect(tmp_path, PRESS, old, new, at, what)


def test_a_machine_needs_a_safe_state(tmp_path: Path) -> None:
    text = "\n".join(line for line in PRESS.splitlines() if not line.startswith("safe_state:"))
    assert any("safe_state is missing: how is the machine made safe?" in line for line in told(tmp_path, text)[0])


SEVERAL = """\
profile: three-gauges
kind: gauge
protocol: ascii
timing:
  response_timeout_s: {value: 0.5, reason: a slow instrument}
  quiet_s: {value: 0.1, reason: longer than any answer}
line:
  terminator: "\\n"
  read: {send: 'READ {block}', reply: '{values}', separator: ','}
  write: {send: 'SET {name} {value}', reply: OK}
blocks:
  - {name: POS, signals: [gap_um, state]}
  - {name: FUL, signals: [force_n, gap_mm]}
  - {name: PRG, signals: [program]}
signals:
  - {name: gap_um, type: decimal, unit: um, meaning: gap}
  - {name: state, type: integer, meaning: state}
  - {name: force_n, type: decimal, unit: N, meaning: force}
  - {name: gap_mm, type: decimal, unit: mm, meaning: gap}
  - {name: program, type: integer, access: rw, range: [0, 9], meaning: program}
"""
UNITLESS = """\
profile: counter
kind: gauge
protocol: ascii
timing:
  response_timeout_s: {value: 0.5, reason: a slow instrument}
  quiet_s: {value: 0.1, reason: longer than any answer}
line:
  read: {send: '{block}', reply: '{block} {value}'}
  actions: {zero: {send: ZERO, reply: Z}}
blocks: [{name: C, signals: [count]}]
signals: [{name: count, type: integer, meaning: pieces}]
"""
TEXT_LINES = [
    (COATER, "signals: [model_code, firmware", "signals: [model_kode, firmware", "model_kode", "there is no signal"),
    (COATER, "{name: PV, signals", "{name: ST, signals", "ST, signals: [web", "the block ST is there 2 times"),
    (COATER, "[model_code, firmware,", "[model_code, phase,", "phase, serial", "phase is read 2 times"),
    (COATER, "firmware, serial_number]", "serial_number]", "{name: firmware", "no block reads firmware"),
    (COATER, "[heartbeat_machine, ", "[heartbeat_machine, job_id, ", "job_id", "job_id can only be written"),
    (COATER, "{name: PV, signals", "{name: PV, poll: false, signals", "{name: web_speed_m_min", "at every poll"),
    (COATER, "  write_job:", "  #", "terminator", "write_job is missing"),
    (COATER, "  heartbeat:", "  #", "terminator", "heartbeat is missing"),
    (COATER, "{name: zone1_sp_c,", "{name: zone3_sp_c,", "- {name: model_code", "zone1_sp_c is missing in the job"),
    (COATER, "{name: zone2_sp_c,", "{name: zone3_sp_c,", "- {name: model_code", "zone2_sp_c is missing in the job"),
    (
        COATER,
        "{name: zone2_sp_c,",
        "{name: zone3_sp_c,",
        "- {name: model_code",
        "zone3_c is missing: a coater is supervised",
    ),
    (
        COATER,
        "{name: zone2_sp_c,",
        "{name: zone5_sp_c,",
        "zone2_sp_c_echo, range",
        "the job of a coater has no zone5_sp_c",
    ),
    (COATER, "{name: zone2_sp_c,", "{name: zone5_sp_c,", "- {name: model_code", "zone2_sp_c is missing in the job"),
    (COATER, "'CM {command_code},{command_sequence}'", "'CM {command_code}'", "'CM", "command_sequence"),
    (
        COATER,
        "'HB {heartbeat_controller},{lease_request}'",
        "'HB {heartbeat_controller}'",
        "{name: lease_owner",
        "no lease",
    ),
    (GAUGE, "protocol: ascii", "protocol: modbus", "terminator", "a Modbus profile has no text line"),
    (GAUGE, "signals:\n", "modbus: {unit: 2}\nsignals:\n", "{unit: 2", "a text line has no registers"),
    (GAUGE, "type: decimal,", "type: float32,", "float32", "float32 does not belong to ascii"),
    (GAUGE, "type: decimal,", "type: decimal, table: input,", "input", "belongs to registers"),
    (GAUGE, "type: decimal,", "type: decimal, access: rw,", "rw", "no request of the line writes one value"),
    (GAUGE, "type: decimal,", "type: decimal, access: rw, scale: 0.1,", "{name: thickness_um", "is sent as it is"),
    (GAUGE, "  identify:", "  #", "PL-TG50", "no identify request"),
    (GAUGE, "  read:", "  #", "terminator", "read is missing"),
    (GAUGE, "{block}', reply", "{blok}', reply", "'{blok}'", "blok"),
    # what no answer can bring
    (SEVERAL, "'{values}'", "'{value}'", "[gap_um, state]", "POS has 2 signals, and the line's read has one {value}"),
    (SEVERAL, "'{values}'", "'{values} {unit_text}'", "[gap_um, state]", "state: no unit, and the line's read has"),
    (SEVERAL, "'{values}'", "'{values} {unit_text}'", "[force_n, gap_mm]", "FUL has values in several units"),
    (
        SEVERAL,
        "reply: OK",
        "reply: 'OK {unit_text}'",
        "{name: program",
        "program has no unit, and the line's write has",
    ),
    (UNITLESS, "reply: Z", "reply: 'Z {unit_text}'", "'Z {unit_text}'", "has {unit_text}, and no signal has a unit"),
    # terminators that are the names of line ends
    (
        SEVERAL,
        '"\\n"',
        "'\\n'",
        "'\\n'",
        """'\\n' would be sent as these characters: write it in double quotes, "\\n\"""",
    ),
    (SEVERAL, '"\\n"', "LF", "LF", '"\\n"'),
    (SEVERAL, '"\\n"', "<CR><LF>", "<CR><LF>", 'write it in double quotes, "\\r\\n"'),
    (SEVERAL, '"\\n"', "0x0D", "0x0D", "must be a text"),
    (SEVERAL, '"\\n"', "'0x0D'", "'0x0D'", 'write it in double quotes, "\\r"'),
    (SEVERAL, '"\\n"', "END", "END", 'a line feed is "\\n" in double quotes'),
]


@pytest.mark.parametrize(("base", "old", "new", "at", "what"), TEXT_LINES)
def test_a_text_line(tmp_path: Path, base: str, old: str, new: str, at: str, what: str) -> None:
    base = (
        changed(base, "{name: job_id, type: integer, access: rw", "{name: job_id, type: integer, access: w")
        if ("can only be written" in what)
        else base
    )
    expect(tmp_path, base, old, new, at, what)


ADVICE = [
    (INSTRUMENT, "access: rw, unit", "access: w, unit", "w, unit", "nobody can read back what was written"),
    (INSTRUMENT, ", range: [-50, 500]", "", "{name: pv_c", "pv_c has no range: whatever is read is trusted"),
    (INSTRUMENT, "name: state", "name: state_kn", "{name: state_kn", "is named as if it were in kN"),
    (INSTRUMENT, "{model_number: 7}", "{}", "{}", "any controller that answers"),
    (INSTRUMENT, "meaning: an oven\n", "", "profile:", "meaning is missing"),
    (INSTRUMENT, "document: a manual\n", "", "profile:", "document is missing"),
    (INSTRUMENT, "  state: {", "  unused: {a: 1}\n  state: {", "{a: 1}", "no signal has this enumeration"),
    (INSTRUMENT, "  poll_idle_s", "  # poll_idle_s", "response_timeout_s", "poll_idle_s is missing"),
    (PRESS, ", firmware_min: 100", "", "{model_code", "firmware_min is missing"),
    (INSTRUMENT, "holding, address: 0", "holding, address: 40003", "40003", "counted as in 4xxxx? then it is 2"),
    (INSTRUMENT, "input, address: 1", "input, address: 30002", "30002", "counted as in 3xxxx? then it is 1"),
    (INSTRUMENT, "input, address: 1", "input, address: 40003", "40003", "then it is 2 in the table holding"),
    (SEVERAL, '"\\n"', "';'", "';'", 'is a character that is printed; a line feed is "\\n" in double quotes'),
]


@pytest.mark.parametrize(("base", "old", "new", "at", "what"), ADVICE)
def test_advice_stops_nobody(tmp_path: Path, base: str, old: str, new: str, at: str, what: str) -> None:
    text = changed(base, old, new)
    mistakes, advice = told(tmp_path, text)
    assert mistakes == []
    assert any(located(text, at) in line and what in line for line in advice), advice


def test_a_table_that_is_counted_from_1_is_told_once(tmp_path: Path) -> None:
    text = INSTRUMENT
    for address in range(4):
        text = changed(text, f"input, address: {address},", f"input, address: {30001 + address},")
    assert [line.partition("address: ")[2] for line in told(tmp_path, text)[1]] == ["counted as in 3xxxx? then it is 0"]


def test_an_instruments_signals_may_be_called_as_a_machines_handshake(tmp_path: Path) -> None:
    """Their types and places are their own, and so are the limits of what is written."""
    text = changed(INSTRUMENT, "name: sp_c", "name: command_code")
    assert told(tmp_path, text)[0] == []
    expect(tmp_path, text, ", range: [0, 400]", "", "{name: command_code", "range or write_range is missing")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = PRESS
    for old, new in (
        ("unit: MPa", "unit: mpa"),
        ("hold: {code: 3,", "hold: {code: 2,"),
        ("range: [0, 600]", "range: [6, 0]"),
    ):
        text = changed(text, old, new)
    mistakes, _ = told(tmp_path, text)
    assert [line.partition(": ")[2].partition(": ")[2] for line in mistakes] == [
        "'mpa' is no unit that is known here; MPa is meant?",
        "the lower limit must be below the upper",
        "the code 2 is there 2 times",
        "the code 2 is there 2 times",
    ]
