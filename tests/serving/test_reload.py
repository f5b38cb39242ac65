"""What a reload takes over, what it leaves as it was, and what of a configuration is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from controller.api.bodies.configuration import ConfigurationBody
from controller.config import LineConfig, load_line
from controller.serving.reload import compared
from controller.serving.shown import GIVEN, configuration

UNIT = '[units.press]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:502"\n'
MQTT = '[mqtt]\nurl = "mqtt://h"\nuser = "u"\n'
PLANT = '[plant]\nurl = "postgresql://u@h/plant"\nline = "lyon/line-1"\n'


def read(tmp_path: Path, text: str) -> LineConfig:
    file = tmp_path / "line.toml"
    file.write_text(UNIT + text, encoding="utf-8")
    return load_line(file)


@pytest.mark.parametrize(
    ("before", "after", "taken", "waiting"),
    [
        ("", "", (), ()),
        ("", '[service]\nlog_level = "error"', ("service.log_level",), ()),
        ("", "[service]\nport = 1", (), ("service.port",)),
        ("", "[people]\nat_once = 3", ("people.at_once",), ()),
        ("", "[historian]\nenabled = false", ("historian.enabled",), ()),
        ("", MQTT, ("[mqtt]",), ()),
        (MQTT, MQTT + "live_hz = 2", ("mqtt.live_hz",), ()),
        (MQTT, "", ("[mqtt]",), ()),
        ("", PLANT, ("[plant]",), ()),
        (PLANT, PLANT.replace("line-1", "line-1b"), ("plant.line",), ()),
        ("", "[units.press.zero]\nmax_age_h = 1", (), ("units",)),
        ("", '[store]\nurl = "sqlite:///x"\n[line]\nname = "n"', (), ("line.name", "store.url")),
    ],
)
def test_what_is_safe_is_taken_over_and_the_rest_named(
    tmp_path: Path, before: str, after: str, taken: tuple[str, ...], waiting: tuple[str, ...]
) -> None:
    now, new = read(tmp_path, before), read(tmp_path, after)
    found = compared(now, new)
    assert (found.taken, found.waiting) == (taken, waiting)
    assert found.config.store == now.service.store
    assert found.config.service.port == now.service.service.port
    assert found.config.mqtt == new.service.mqtt
    assert found.telemetry == (now.service.mqtt != new.service.mqtt)
    assert found.plant == (now.service.plant != new.service.plant)
    assert found.trends == (now.service.historian != new.service.historian)


def test_what_waits_for_a_restart_is_named_again_each_time(tmp_path: Path) -> None:
    now, new = read(tmp_path, ""), read(tmp_path, "[service]\nport = 1")
    served = replace(now, service=compared(now, new).config)
    assert compared(served, new).waiting == ("service.port",)


def test_where_a_secret_is_kept_is_not_shown(tmp_path: Path) -> None:
    text = MQTT + 'password_file = "hidden-1"\n[store]\nurl = "postgresql://u@h/n"\npassword_env = "HIDDEN_2"\n'
    text += '[people.oidc]\nissuer = "https://h"\nclient_id = "c"\nredirect_url = "https://r"\n'
    text += 'client_secret_file = "hidden-3"'
    shown = json.dumps(configuration(read(tmp_path, text)))
    assert "hidden" not in shown.lower()
    assert "mqtt://h" in shown
    answered = ConfigurationBody.model_validate(json.loads(shown))
    given = (answered.mqtt or {}, answered.store, answered.people["oidc"])
    assert [each.get("password", each.get("client_secret")) for each in given] == [GIVEN] * 3  # type: ignore[union-attr]


def test_a_password_in_a_units_address_is_not_shown(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    name, unit = next(iter(config.units.items()))
    changed = replace(config, units={name: replace(unit, url="modbus://ada:opensesame@10.0.0.7:502/1")})
    assert configuration(changed)["units"][name]["url"] == "modbus://10.0.0.7:502/1"
