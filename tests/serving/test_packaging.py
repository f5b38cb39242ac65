"""What the service is run by elsewhere: the unit of systemd, the container files, the example of a line file."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from controller.cli.main import app
from controller.config import load_line
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
UNIT = (PACKAGING / "pressline.service").read_text(encoding="utf-8")
CONTAINER = (PACKAGING / "Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((PACKAGING / "compose.yaml").read_text(encoding="utf-8"))
MUST = {
    "Type": "notify",
    "Restart": "on-failure",
    "RestartPreventExitStatus": "2",
    "WatchdogSignal": "SIGTERM",
    "KillMode": "mixed",
    "UMask": "0077",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "DevicePolicy": "closed",
    "RestrictNamespaces": "yes",
    "SystemCallFilter": "@system-service",
    "StateDirectoryMode": "0700",
}


def options_of(command: str) -> set[str]:
    """What a command of the program may be given."""
    found: Any = typer.main.get_command(app)
    return {option for parameter in found.commands[command].params for option in parameter.opts}


def said(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def commands_in(text: str) -> Iterator[list[str]]:
    for line in re.findall(r"(?:bin/pressline|\[\"pressline\",) ?([^\]\n]+)", text):
        yield re.findall(r"[\w./-]+", line)


@pytest.mark.parametrize("text", [UNIT, CONTAINER], ids=["unit", "container"])
def test_the_commands_are_those_of_the_program(text: str) -> None:
    found = list(commands_in(text))
    assert found
    for command, *words in found:
        assert {word for word in words if word.startswith("--")} <= options_of(command)


def test_the_unit_says_what_it_must() -> None:
    said = dict(line.split("=", 1) for line in UNIT.splitlines() if "=" in line and not line.startswith("#"))
    assert {name: said.get(name) for name in MUST} == MUST
    assert int(said["WatchdogSec"]) >= 4, "the service feeds it every half of it, and looks again every 0.5 s"
    assert int(said["TimeoutStopSec"].removesuffix("min")) >= 30, "a decompression takes minutes"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here; its directives are tested")
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    unit = tmp_path / "pressline.service"
    unit.write_text(UNIT.replace("/opt/pressline/.venv/bin/pressline", "/bin/true"), encoding="utf-8")
    analyze = ["systemd-analyze", "--man=no"]
    verified = said([*analyze, "verify", str(unit)])
    assert (verified.returncode, verified.stderr) == (0, "")
    security = [*analyze, "security", "--offline=true", "--no-pager", "--threshold=25", str(unit)]
    judged = said(security)
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_the_image_runs_as_nobody_special_and_is_asked_how_it_is() -> None:
    stage = CONTAINER[CONTAINER.rindex("FROM ") :]
    assert re.search(r"^USER (\d+):(\d+)$", stage, re.MULTILINE)
    assert "HEALTHCHECK" in stage
    assert "--require-hashes -r requirements/run.lock" in CONTAINER
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE):
        for source in copied.split():
            assert (ROOT / source).exists(), source


def test_the_containers_may_write_only_where_they_must() -> None:
    line, broker, store = (COMPOSE["services"][name] for name in ("line", "broker", "store"))
    for service in (line, broker):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert "ports" not in store, "the store is for the line only"
    assert "POSTGRES_PASSWORD" not in store["environment"]
    named = {name for service in COMPOSE["services"].values() for name in service.get("secrets", ())}
    assert named == set(COMPOSE["secrets"])
    volumes = {v.split(":")[0] for s in COMPOSE["services"].values() for v in s["volumes"] if not v.startswith(".")}
    assert volumes == set(COMPOSE["volumes"])
    assert line["stop_grace_period"] == "30m"


def test_the_example_of_a_line_file_fits_the_containers() -> None:
    served = load_line(PACKAGING / "config" / "line.toml").service
    assert served.mqtt is not None
    assert served.mqtt.url == "mqtt://broker:1883"
    assert served.store.url == "postgresql://pressline@store/pressline"
    for secret in (served.store.password, served.mqtt.password):
        assert secret is not None
        assert str(secret.file).removeprefix("/run/secrets/") in COMPOSE["secrets"]


def test_the_broker_takes_its_configuration(tmp_path: Path) -> None:
    """The same configuration with this test's paths and ports: mosquitto starts, and refuses who has no password."""
    from tests.accounts.test_listening import made

    certificate, key = made(tmp_path)
    plain, tls = free_port(), free_port()
    text = (PACKAGING / "mosquitto.conf").read_text(encoding="utf-8")
    for old, new in {
        "/mosquitto/config/broker/server.crt": str(certificate),
        "/mosquitto/config/broker/server.key": str(key),
        "/mosquitto/config/broker/passwords": str(tmp_path / "passwords"),
        "/mosquitto/data/": f"{tmp_path}/",
        "listener 1883": f"listener {plain} 127.0.0.1",
        "listener 8883": f"listener {tls} 127.0.0.1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "mosquitto.conf").write_text(text + "user root\n", encoding="utf-8")
    assert said(["mosquitto_passwd", "-b", "-c", tmp_path / "passwords", "pressline", "word"]).returncode == 0
    broker = subprocess.Popen(["mosquitto", "-c", tmp_path / "mosquitto.conf"], stdout=subprocess.DEVNULL)
    try:
        told = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(plain), "-t", "a", "-m", "b"]
        for _ in range(100):
            if (
                subprocess.run([*told, "-u", "pressline", "-P", "word"], capture_output=True, check=False).returncode
                == 0
            ):
                break
            time.sleep(0.05)
        else:
            pytest.fail("the broker takes no message")
        assert said(told).returncode != 0
    finally:
        broker.kill()
        broker.wait()
