"""How a line is served, as its file says it: faults with their place, secrets elsewhere, and a schema that agrees."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from controller.config import ConfigError, LineConfig, UnitConfig, line_toml, load_line
from controller.line_schema import line_schema
from controller.line_secrets import MOST_BYTES, Secret, SecretUnusable
from controller.reports.line_file_page import BEGIN, END
from controller.service_config import ServiceConfig, StoreConfig
from tests.controller.test_cli import pressline

UNIT = '[units.press]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:502"\n'
WHOLE = """
[service]
host = "0.0.0.0"
port = 443
certificate = "tls/line.crt"
key = "tls/line.key"
origins = ["https://panel.plant.example"]
session_idle_min = 10
log_level = "debug"

[store]
url = "postgresql://pressline@db.plant.example/pressline"
password_file = "store-password"
folder = "state"

[historian]
keep_days = 90
max_gb = 200
[historian.deadband]
"press.temperature_c" = 0.05

[mqtt]
url = "mqtts://broker.plant.example:8883"
version = "3.1.1"
user = "line-1"
password_env = "MQTT_PASSWORD"
ca = "/etc/pressline/ca.pem"
site = "works"
area = "hall 3"
[mqtt.sparkplug]
group = "works"
node = "line-1"

[people]
at_once = 3
[people.oidc]
issuer = "https://login.plant.example/realms/works"
client_id = "pressline"
redirect_url = "https://panel.plant.example/api/v1/oidc/callback"
[people.oidc.roles]
"press-operators" = "operator"
"""


def read(tmp_path: Path, text: str) -> LineConfig:
    path = tmp_path / "line.toml"
    path.write_text(UNIT + text, encoding="utf-8")
    return load_line(path)


def faults_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert all(line.startswith(f"{tmp_path}/line.toml: ") for line in str(caught.value).splitlines())
    return str(caught.value).replace(f"{tmp_path}/line.toml: ", "")


def test_what_is_not_said_is_as_documented(tmp_path: Path) -> None:
    found = read(tmp_path, "").service
    assert found == ServiceConfig()
    assert (found.service.host, found.mqtt, found.people.at_once) == ("127.0.0.1", None, 2)


def test_every_table_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE).service
    assert found.service.certificate == tmp_path / "tls/line.crt"
    assert found.service.origins == ("https://panel.plant.example",)
    assert found.store.folder == tmp_path / "state"
    assert found.store.password == Secret("store.password", file=tmp_path / "store-password")
    assert dict(found.historian.deadband) == {"press.temperature_c": 0.05}
    assert found.mqtt is not None
    assert found.mqtt.sparkplug is not None
    assert (found.mqtt.version, found.mqtt.area, found.mqtt.sparkplug.node) == ("3.1.1", "hall 3", "line-1")
    assert found.mqtt.password == Secret("mqtt.password", env="MQTT_PASSWORD")
    assert found.people.oidc is not None
    assert dict(found.people.oidc.roles) == {"press-operators": "operator"}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)
    again = tmp_path / "again.toml"
    again.write_text(line_toml(config), encoding="utf-8")
    assert load_line(again) == config


def test_the_file_of_a_store_counts_from_the_line_file(tmp_path: Path) -> None:
    assert (
        read(tmp_path, '[store]\nurl = "sqlite:///state/line.sqlite"').service.store.file
        == tmp_path / "state/line.sqlite"
    )
    assert read(tmp_path, '[store]\nurl = "sqlite:////var/lib/x.sqlite"').service.store.file == Path(
        "/var/lib/x.sqlite"
    )
    assert StoreConfig(url="postgresql://u@h/n").file is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[service]\nprot = 1", "service.prot is unknown; meant: port; known: at_stop, certificate, host"),
        ("[servcie]", "unknown table [servcie]; meant: service"),
        ("[service]\nport = 70000", "service.port is 70000; expected a whole number from 0 to 65535"),
        ("[service]\nport = true", "service.port is True; expected a whole number"),
        ('[service]\ncertificate = "a.pem"', "service.certificate needs service.key too"),
        ('[service]\norigins = ["panel"]', "service.origins is ['panel']; expected a list, each an origin such as"),
        ('[service]\nlog_level = "loud"', "service.log_level is 'loud'; expected one of debug, info"),
        ("service = 3", "service is 3; expected a table [service]"),
        ('[mqtt]\nversion = "5"', "mqtt.url is missing; expected mqtt://HOST:PORT"),
        ('[mqtt]\nurl = "mqtt://h"\nsite = "a/b"', "mqtt.site is 'a/b'; expected a name without +, # and /"),
        ('[mqtt]\nurl = "mqtt://h:65536"', "mqtt.url is 'mqtt://h:65536'; expected mqtt://HOST:PORT"),
        ('[mqtt]\nurl = "mqtt://h"\npassword_env = "P"', "mqtt.password_env needs mqtt.user too"),
        ('[mqtt]\nurl = "mqtt://h"\n[mqtt.sparkplug]\ngroup = "g"', "mqtt.sparkplug.node is missing"),
        (
            '[store]\npassword_file = "a"\npassword_env = "B"',
            "store.password_file and store.password_env are both given",
        ),
        ('[people.oidc.roles]\nx = "chief"', "people.oidc.issuer is missing"),
        ("[historian]\nmax_gb = nan", "historian.max_gb is nan; expected a number of GB from 0.1 to 1e+06"),
    ],
)
def test_faults_name_their_place_and_what_is_expected(tmp_path: Path, text: str, expected: str) -> None:
    # a bare key belongs before the first table
    found = faults_of(tmp_path, text) if text.startswith("[") else _bare(tmp_path, text)
    assert expected in found


def _bare(tmp_path: Path, text: str) -> str:
    path = tmp_path / "line.toml"
    path.write_text(f"{text}\n{UNIT}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_line(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '[mqtt]\nurl = "mqtt://h"\nuser = "u"\npassword = "hunter2"',
        '[[mqtt]]\npassword = "hunter2"',
        '[mqtt]\nurl = "mqtt://u:hunter2@h"',
        '[store]\nurl = "postgresql://u:hunter2@h/n"',
        '[store]\nurl = "postgresql://u@h/n?password=hunter2"',
        '[store]\npassword_env = "hunter2 "',
        '[mqtt]\nurl = "mqtt://h"\nuser = "u"\npassword_file = ["hunter2"]',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    assert "hunter2" not in faults_of(tmp_path, text)


# ---------------------------------------------------------------------- secrets


def secret_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> Secret:
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return Secret("mqtt.password", file=path)


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    assert secret_file(tmp_path, b"correct horse\n").read() == "correct horse"


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "correct horse")
    assert Secret("mqtt.password", env="MQTT_PASSWORD").read() == "correct horse"
    monkeypatch.delenv("MQTT_PASSWORD")
    with pytest.raises(SecretUnusable, match=r"mqtt.password_env: the environment has no variable MQTT_PASSWORD"):
        Secret("mqtt.password", env="MQTT_PASSWORD").read()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_secret_that_others_can_use_is_none(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretUnusable, match=f"can be used by others .mode {mode:04o}.; mend it with chmod 600"):
        secret_file(tmp_path, b"hunter2", mode).read()


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"x" * (MOST_BYTES + 1)])
def test_what_is_no_secret_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SecretUnusable, match=r"mqtt\.password_file: ") as caught:
        secret_file(tmp_path, content).read()
    assert "two" not in str(caught.value)


def test_a_secret_in_a_pipe_or_nowhere_is_refused(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe", 0o600)
    with pytest.raises(SecretUnusable, match="is no regular file"):
        Secret("mqtt.password", file=pipe).read()
    with pytest.raises(SecretUnusable, match="cannot be read"):
        Secret("mqtt.password", file=tmp_path / "hunter2").read()


def test_the_password_gets_into_the_stores_url_whatever_it_is(tmp_path: Path) -> None:
    from sqlalchemy.engine import make_url

    secret_file(tmp_path, (awkward := "p@ss/w:rd ä").encode())
    config = StoreConfig(url="postgresql://u@h/n", password_file=tmp_path / "password")
    assert make_url(config.whole_url()).password == awkward
    assert "p@ss" not in repr(config)


def test_the_plants_database_is_another_one_than_the_lines_store(tmp_path: Path) -> None:
    same = 'url = "postgresql://u@h/n"'
    file = tmp_path / "line.toml"
    file.write_text(f'{UNIT}\n[store]\n{same}\n[plant]\n{same}\nline = "a"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plant.url is the line's own store; expected another database"):
        load_line(file)


# ---------------------------------------------------------------------- the schema, the reference

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_is_what_the_tables_say() -> None:
    text = (REFERENCE / "line-file.md").read_text(encoding="utf-8")
    made = "make its part anew with: pressline schema --line --page"
    assert text[text.index(BEGIN) : text.index(END)] + END + "\n" == pressline("schema", "--line", "--page").output, (
        made
    )


def test_the_schema_of_the_reference_is_what_the_program_prints() -> None:
    made = "make it anew with: pressline schema --line > docs/reference/line-file.schema.json"
    assert (REFERENCE / "line-file.schema.json").read_text(encoding="utf-8") == pressline("schema", "--line").output, (
        made
    )


VALIDATOR = Draft202012Validator(line_schema())
# What the schema cannot say: two tables, two days, a day as a text, a text that no file system takes.
BEYOND = re.compile(r"may be faster than 1|before the calibration itself|expected a day such as|no name of a profile")


def as_json(value: Any) -> Any:
    """A TOML value as editors hold it against a schema."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def places(schema: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of the file that the schema knows."""
    found = []
    for name, below in schema.get("properties", {}).items():
        found += [(*at, name), *places(below, (*at, name))]
    return found


PLACES = (
    [place for place in places(line_schema()) if place != ("units",)]
    + [("units", "press", key) for key in ("kind", "profile", "url", "max_cycles", "zero", "calibration", "unknown")]
    + [
        ("units", "press", "calibration", "due"),
        ("units", "press", "zero", "max_age_h"),
        ("units", "press", "zero", "tolerance"),
    ]
)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-2, 70000),
    st.floats(-1, 1e7, allow_nan=False).filter(lambda x: x != int(x)),  # 1.0 is whole in JSON and not in TOML
    st.text(max_size=8),
    st.text("abz09:/@.+#? -_\n", max_size=12),
    st.sampled_from(
        ["info", "5", "mqtts://h:8883", "https://h", "sqlite:///x", "tcp://h:1", "3.1.1", "a\n", "/", "::1"]
    ),
    st.dates(),
    st.lists(st.sampled_from(["https://h", "http://a:80", "x", 1]), max_size=3),
    st.dictionaries(
        st.sampled_from(["a", "press.x", "a b", ""]), st.sampled_from([1, 0.5, "operator", "x"]), max_size=2
    ),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
def test_the_schema_and_the_reader_refuse_the_same(tmp_path: Path, changes: list[tuple[tuple[str, ...], Any]]) -> None:
    raw: dict[str, Any] = {"units": {"press": {"kind": "coater", "profile": "coater-generic", "url": "tcp://h:502"}}}
    for place, value in changes:
        table: Any = raw
        for name in place[:-1]:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                break
        else:
            is_day = isinstance(value, date) and place[-1] not in ("date", "due")  # elsewhere a text, for JSON
            table[place[-1]] = 3 if is_day else value
    by_reader = _refused(tmp_path, raw)
    by_schema = [error.message for error in VALIDATOR.iter_errors(as_json(raw))]
    if by_schema:
        assert by_reader, by_schema
    elif by_reader:
        assert all(BEYOND.search(line) for line in by_reader), by_reader


def _refused(tmp_path: Path, raw: dict[str, Any]) -> list[str]:
    path = tmp_path / "line.toml"
    path.write_text("\n".join(_toml(raw)), encoding="utf-8")
    try:
        load_line(path)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def _toml(table: dict[str, Any], at: str = "") -> list[str]:
    from controller.line_keys import toml_text

    def written(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{toml_text(k)} = {written(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        return value.isoformat() if isinstance(value, date) else toml_text(value)

    return [f"{toml_text(key)} = {written(value)}" for key, value in table.items()]


def test_the_schema_is_one_and_knows_the_example(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(line_schema())
    import tomllib

    VALIDATOR.validate(as_json(tomllib.loads(UNIT + WHOLE)))
    assert isinstance(read(tmp_path, WHOLE).units["press"], UnitConfig)
