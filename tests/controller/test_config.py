"""Line files: what is written is read back, and every fault is told with its place, all at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from controller.app import wire_line
from controller.calibration import Calibration, Fitness, ZeroTerms
from controller.config import ConfigError, LineConfig, UnitConfig, line_toml, load_line
from controller.line import capability
from drivers.profile_file import load_profile
from recipes.model import Window


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "line.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_file_survives_writing_and_reading(tmp_path: Path) -> None:
    config = LineConfig(
        "pilot",
        {"coater-1": UnitConfig("coater-1", "coater", "coater-generic", "serial:///dev/ttyUSB0?baudrate=9600")},
        20.0,
        "tcp://127.0.0.1:4000",
    )
    assert load_line(written(tmp_path, line_toml(config))) == config


def test_a_profile_beside_the_line_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("profile: mine", encoding="utf-8")
    text = '[units.press]\nkind = "uniaxial_press"\nprofile = "mine.yaml"\nurl = "tcp://127.0.0.1:502"'
    assert load_line(written(tmp_path, text)).units["press"].profile == str(tmp_path / "mine.yaml")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = """
        [line]
        nmae = "x"
        speed = 40
        [units.a]
        kind = "oven"
        profile = 3
        [units.b]
        kind = "coater"
        profile = "coater-generic"
        url = "serial:///dev/ttyUSB0"
        baud = 9600
        [extra]
    """
    with pytest.raises(ConfigError) as caught:
        load_line(written(tmp_path, text))
    message = str(caught.value)
    for part in (
        "unknown key line.nmae",
        "line.speed is 40",
        "units.a.kind is 'oven'; expected one of uniaxial_press",
        "units.a.profile is 3",
        "units.a.url is missing; expected a text",
        "units.b.baud is unknown",
        "unknown table [extra]",
    ):
        assert part in message
    assert all(line.startswith(str(tmp_path)) for line in message.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no unit"),
        ("[line]\nname = = 3", "at line 2"),
        ('[line]\nspeed = 2\n[units.a]\nkind="coater"\nprofile="x"\nurl="y"', "only a simulated line"),
        ("units = 3", "expected a table [units]"),
        ('[units."a b"]\nkind="coater"\nprofile="x"\nurl="y"', "is no name for a unit"),
        ('[operator]\nurl = 5\n[units.a]\nkind="coater"\nprofile="x"\nurl="y"', "operator.url is 5; expected tcp://"),
        (
            '[operator]\nurl = "tcp://localhost:99999"\n[units.a]\nkind="coater"\nprofile="x"\nurl="y"',
            "operator.url is 'tcp://localhost:99999'; expected tcp://",
        ),
        ('[line]\nspeed = true\n[units.a]\nkind="coater"\nprofile="x"\nurl="y"', "line.speed is True"),
    ],
)
def test_unusable_line_files(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected.replace("[", r"\[").replace("]", r"\]")):
        load_line(written(tmp_path, text))


def test_a_missing_line_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_line(tmp_path / "none.toml")


def test_units_share_a_port_and_not_a_number() -> None:
    def unit(name: str, kind: str, profile: str, number: int) -> UnitConfig:
        return UnitConfig(name, kind, profile, f"serial:///dev/ttyUSB0?baudrate=19200&unit={number}")

    press = unit("press-1", "uniaxial_press", "uniaxial-press-generic", 1)
    oven = unit("oven-1", "temperature_controller", "eurotherm-3216", 2)
    line = wire_line(LineConfig("pilot", {"press-1": press, "oven-1": oven}))
    assert set(line.machines) == {"press-1"}
    assert line.instrument("temperature_controller").unit == "oven-1"
    twin = unit("oven-2", "temperature_controller", "eurotherm-3216", 2)
    with pytest.raises(ConfigError, match="oven-1 is unit 2 on /dev/ttyUSB0 already"):
        wire_line(LineConfig("pilot", {"oven-1": oven, "oven-2": twin}))


def test_a_roll_press_can_do_what_its_profile_lets_be_written() -> None:
    profile = load_profile("roll-press-generic")
    able = capability("roll-press-1", profile)
    assert able.web_speed_m_min == Window(0.1, 20)
    assert able.temperature_c == Window(20, 150)
    assert able.limits["length_m"] == Window(0.1, 500)


# ---------------------------------------------------------------------- calibration, zero, cycles, time outside

STATED = """
    [units.gauge]
    kind = "gauge"
    profile = "thickness-gauge-sics"
    url = "serial:///dev/ttyUSB0"
    max_cycles = 20000

    [units.gauge.calibration]
    date = 2026-03-02
    due = 2027-03-01
    certificate = 'DKD "4711"'
    who = "Metrology Ltd"

    [units.gauge.zero]
    tolerance = 0.5
    max_age_h = 8

    [lots]
    max_out_h = 2

    [foils]
    copper = "CU 7"
    "old foil" = 'say "no"'
"""


def test_the_state_of_a_unit_is_read_and_written_back(tmp_path: Path) -> None:
    config = load_line(written(tmp_path, STATED))
    known = config.units["gauge"].fitness
    assert known.calibration == Calibration(date(2026, 3, 2), date(2027, 3, 1), 'DKD "4711"', "Metrology Ltd")
    assert known.zero == ZeroTerms(0.5, 28800.0)
    assert known.max_cycles == 20000
    assert config.max_out_s == 7200.0
    assert config.foil_batches == {"copper": "CU 7", "old foil": 'say "no"'}
    assert load_line(written(tmp_path, line_toml(config))) == config
    exact = STATED.replace("tolerance = 0.5", "tolerance = 0.12345678").replace(
        "max_age_h = 8", "max_age_h = 8.12345678"
    )
    config = load_line(written(tmp_path, exact.replace("max_out_h = 2", "max_out_h = 2.12345678")))
    assert load_line(written(tmp_path, line_toml(config))) == config


def test_where_a_line_file_says_nothing_of_a_unit_nothing_is_assumed(tmp_path: Path) -> None:
    text = '[units.a]\nkind = "coater"\nprofile = "coater-generic"\nurl = "tcp://127.0.0.1:502"'
    config = load_line(written(tmp_path, text))
    assert config.units["a"].fitness == Fitness(None, ZeroTerms(None, 0.0), None)
    assert config.max_out_s is None
    assert "zero" not in line_toml(config)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "due = 2027-03-01",
            "due = 2026-03-01",
            "calibration.due is 2026-03-01, before the calibration itself on 2026-",
        ),
        ("date = 2026-03-02", 'date = "2026-03-02"', "calibration.date is '2026-03-02'; expected a day such as"),
        ("date = 2026-03-02", "date = 2026-03-02T10:00:00Z", "calibration.date is 2026-03-02 10:00:00"),
        ("date = 2026-03-02", "", "calibration.date is missing; expected a day"),
        ('who = "Metrology Ltd"', 'who = " "', "calibration.who is ' '; expected a text"),
        ('who = "Metrology Ltd"', "", "calibration.who is missing; expected a text"),
        ("who =", "wo =", "calibration.wo is unknown; known: date, due, certificate, who"),
        ("tolerance = 0.5", "tolerance = -1", "zero.tolerance is -1; expected a number above 0"),
        ("max_age_h = 8", "max_age_h = true", "zero.max_age_h is True; expected a number of hours"),
        ("max_age_h = 8", "max_age_h = inf", "zero.max_age_h is inf"),
        ("max_age_h = 8", "max_age_h = nan", "zero.max_age_h is nan"),
        ("tolerance = 0.5", f"tolerance = 1{'0' * 400}", "zero.tolerance is 1000"),
        ("max_out_h = 2", "max_out_h = 1e305", "lots.max_out_h is 1e+305; expected a number of hours above 0, at most"),
        ("max_cycles = 20000", "max_cycles = 0.5", "max_cycles is 0.5; expected a whole number of cycles, at least 1"),
        ("max_cycles = 20000", "max_cycles = 0", "max_cycles is 0; expected"),
        ("max_cycles = 20000", "zero = 3", "zero is 3; expected a table with tolerance, max_age_h"),
        ("max_out_h = 2", "max_out_h = 0", "lots.max_out_h is 0; expected a number of hours above 0"),
        ('copper = "CU 7"', "copper = 5", "foils.copper is 5; expected the number of its batch, as a text"),
        ('copper = "CU 7"', "copper = ' '", "foils.copper is ' '; expected"),
        ("max_out_h = 2", "out = 1", "unknown key lots.out; known: max_out_h"),
    ],
)
def test_what_is_wrong_with_the_state_of_a_unit_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    zero = "    [units.gauge.zero]\n    tolerance = 0.5\n    max_age_h = 8\n"
    text = STATED.replace(zero, "") if "zero = 3" in new else STATED
    with pytest.raises(ConfigError) as caught:
        load_line(written(tmp_path, text.replace(old, new)))
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "line.toml"))


def test_cycles_are_limited_only_where_they_are_counted() -> None:
    url = "serial:///dev/ttyUSB0?baudrate=19200&unit=1"
    gauge = UnitConfig("gauge", "gauge", "thickness-gauge-sics", url, Fitness(max_cycles=5))
    with pytest.raises(ConfigError, match=r"units.gauge.max_cycles is 5, but .* has no signal cycle_count"):
        wire_line(LineConfig("pilot", {"gauge": gauge}))
    press = UnitConfig("press", "uniaxial_press", "uniaxial-press-generic", url, Fitness(max_cycles=5))
    line = wire_line(LineConfig("pilot", {"press": press}, max_out_s=60.0))
    assert line.fitness_of("press").max_cycles == 5
    assert line.fitness_of("another") == Fitness()
    assert line.max_out_s == 60.0
