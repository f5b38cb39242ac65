"""Line files: what is written is read back, and every fault is told with its place, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.app import wire_line
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
