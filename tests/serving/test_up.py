"""`pressline up` as a user meets it: real processes on loopback, a simulated line on real sockets, signals, kill -9."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.journal import read_events, verify
from tests.accounts.test_listening import made as certificate_made
from tests.controller.test_processes import PRESSLINE, ended, program, wait_for
from tests.ports import free_port
from tests.postgres import PostgresServer

SMALL = Path(__file__).parents[1] / "controller" / "small.yaml"
PASSWORD = "a long sentence of mine"  # noqa: S105
LIMIT_S = 30.0


class Up:
    """A `pressline up`, with what it says. `origin` is where its pages are."""

    def __init__(self, *arguments: str | Path, env: dict[str, str] | None = None) -> None:
        command = [*PRESSLINE, "up", *map(str, arguments)]
        pipe = subprocess.PIPE
        known = dict(os.environ) | (env or {})
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=known)
        self.said: list[str] = []
        self.log: list[str] = []
        for stream, into in ((self.process.stdout, self.said), (self.process.stderr, self.log)):
            assert stream is not None
            threading.Thread(target=self._follow, args=(stream, into), daemon=True).start()

    @staticmethod
    def _follow(stream: Any, into: list[str]) -> None:
        with stream:
            into.extend(line.rstrip("\n") for line in iter(stream.readline, ""))

    def _found(self, pattern: str) -> str | None:
        match = re.search(pattern, "\n".join(self.said))
        return None if match is None else match[1]

    def waited(self, pattern: str) -> str:
        def found() -> str | None:
            self._alive()
            return self._found(pattern)

        return str(wait_for(found, LIMIT_S))

    def _alive(self) -> None:
        assert self.process.poll() is None, (self.said, self.log)

    @property
    def origin(self) -> str:
        return self.waited(r"serves (\S+)")

    def ended_by(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def logged(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in list(self.log) if line.startswith("{")]
        return [line for line in found if event in line["event"]]


@contextmanager
def up(*arguments: str | Path, env: dict[str, str] | None = None) -> Iterator[Up]:
    service = Up(*arguments, env=env)
    try:
        yield service
    finally:
        service.process.kill()
        service.process.wait()


@pytest.fixture(scope="module")
def wires(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The line file of a simulated line that goes on, whoever controls it."""
    line = tmp_path_factory.mktemp("wires") / "wires.toml"
    with program("simulate", "--speed", "20", "--line", line):
        wait_for(lambda: line.exists() or None, LIMIT_S)
        yield line.read_text(encoding="utf-8")


def line_file(tmp_path: Path, wires: str, service: str = "", more: str = "") -> Path:
    file = tmp_path / "line.toml"
    port = "" if "port" in service else f"port = {free_port()}\n"
    file.write_text(f'{wires}\n[service]\n{port}{service}\n[store]\nurl = "sqlite:///store.sqlite"\n{more}\n')
    return file


class Person:
    """Somebody at a browser."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        answer = self._client.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
        assert answer.status_code == status, answer.text
        found = answer.json()
        if found.get("csrf"):
            self._client.headers["X-CSRF-Token"] = found["csrf"]
        return found

    def get(self, path: str) -> Any:
        answer = self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def at() -> Iterator[Callable[[str], Person]]:
    """Somebody new at the pages of a service."""
    with ExitStack() as stack:
        yield lambda origin: Person(
            stack.enter_context(httpx.Client(base_url=f"{origin}/api/v1", timeout=LIMIT_S, trust_env=False))
        )


def test_a_run_outlives_the_service_that_was_killed(tmp_path: Path, wires: str, at: Callable[[str], Person]) -> None:
    """First start, people, a run, kill -9, a second start: the run waits, held; then SIGTERM, in order."""
    line, store = line_file(tmp_path, wires, 'at_stop = "stop"'), tmp_path / "store.sqlite"
    known = ("--store", store, "--line", line)
    assert ended("recipes", "add", SMALL, "--by", "Ada", *known).returncode == 0
    for who in ("Ben", "Cara"):  # two, because it is comparative
        assert ended("recipes", "approve", "small@1", "--by", who, *known).returncode == 0
    with up("--line", line) as service:
        chief = at(service.origin)
        way_in = service.waited(r"one-time way in of administrator, until \S+: (\S+)")
        assert ended("status", "--line", line).returncode == 0
        assert chief.post("/session/way-in", way_in=way_in, password=PASSWORD)["role"] == "administrator"
        chief.post("/users", 201, name="Olga", role="operator")
        given = chief.post("/users/Olga/way-in", 201, reason="first day")["way_in"]
        olga = at(service.origin)
        olga.post("/session/way-in", way_in=given, password=PASSWORD)
        run = olga.post("/runs", 201, recipe="small")["name"]
        wait_for(lambda: olga.get(f"/runs/{run}")["state"] == "running" or None, LIMIT_S)
        assert len(olga.get("/line")["units"]) == 6
        service.process.kill()
        service.process.wait()
        assert way_in not in "".join(service.log)
        assert PASSWORD not in "".join(service.log)
    assert verify(read_events(store)) == []
    assert ended("status", "--line", line).returncode == 3
    with up("--line", line) as service:
        olga = at(service.origin)
        olga.post("/session", name="Olga", password=PASSWORD)
        assert service.said == [f"pressline serves {service.origin}"]
        found = wait_for(lambda: _held(olga.get(f"/runs/{run}")), LIMIT_S)
        assert found["commands"]
        assert "restart" in found["commands"] or "stop" in found["commands"]
        tags = wait_for(lambda: olga.get("/trends") or None, LIMIT_S)
        assert "uniaxial-press-1.force_pv_kn" in {tag["tag"]["name"] if "tag" in tag else tag["name"] for tag in tags}
        assert service.ended_by(signal.SIGTERM) == 0
        (ending,) = service.logged("ending")
        assert (ending["signal"], ending["runs"]) == ("SIGTERM", [run])
    kinds = [event.kind for event in read_events(store)]
    assert kinds.count("service.started") == 2
    assert kinds.count("service.ending") == 1


def _held(run: Any) -> Any:
    return run if run["state"] == "held" else None


def test_reload_takes_over_what_is_safe_and_names_the_rest(tmp_path: Path, wires: str) -> None:
    line = line_file(tmp_path, wires)
    with up("--line", line) as service:
        service.waited("(way in)")
        text = line.read_text(encoding="utf-8").replace(
            "[service]", '[service]\nlog_level = "debug"\nsession_max_h = 3'
        )
        broker = f'[people]\nat_once = 5\n[mqtt]\nurl = "mqtt://127.0.0.1:{free_port()}"\n'
        line.write_text(f"{text}\n{broker}", encoding="utf-8")
        told = ended("reload", "--line", line)
        assert told.returncode == 0, told.stderr
        words = wait_for(lambda: service.logged("taken over: ") or None, LIMIT_S)[0]["event"]
        assert words == "taken over: service.log_level, [mqtt], people.at_once; needs a restart: service.session_max_h"
        line.write_text(text + "\n[mqtt]\n", encoding="utf-8")
        assert ended("reload", "--line", line).returncode == 2
        service.process.send_signal(signal.SIGHUP)
        (refused,) = wait_for(lambda: service.logged("nothing was changed") or None, LIMIT_S)
        assert "mqtt.url is missing" in refused["why"]
        assert service.ended_by(signal.SIGINT) == 0
    kinds = [event.kind for event in read_events(tmp_path / "store.sqlite")]
    assert kinds.count("service.reloaded") == kinds.count("service.reload_refused") == 1


def test_under_a_service_manager(tmp_path: Path, wires: str) -> None:
    """READY after it can be asked, STOPPING at the end."""
    import socket

    line = line_file(tmp_path, wires)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(LIMIT_S)
        with up("--line", line, env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as service:
            while b"READY=1" not in manager.recv(4096):
                pass
            assert httpx.get(f"{service.origin}/health/ready", timeout=LIMIT_S).json()["ready"]
            assert service.ended_by(signal.SIGTERM) == 0
        said = b""
        while b"STOPPING=1" not in said:
            said = manager.recv(4096)


def test_tls_and_a_certificate_that_is_renewed(tmp_path: Path, wires: str) -> None:
    from datetime import UTC, datetime, timedelta

    today = datetime.now(UTC) - timedelta(days=1)
    certificate, key = certificate_made(tmp_path, begins=today)
    line = line_file(tmp_path, wires, f'certificate = "{certificate}"\nkey = "{key}"')
    with up("--line", line) as service:
        assert service.origin.startswith("https://")
        assert ended("status", "--line", line).returncode == 0
        before = certificate.read_bytes()
        certificate_made(tmp_path, begins=today)
        assert certificate.read_bytes() != before
        assert ended("status", "--line", line).returncode == 3  # it still shows the one of before
        assert ended("reload", "--line", line).returncode == 0
        wait_for(lambda: True if ended("status", "--line", line).returncode == 0 else None, LIMIT_S)
        assert service.ended_by(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ('host = "0.0.0.0"', "is reached from other computers, and service.certificate and service.key"),
        ('certificate = "none.crt"\nkey = "none.key"', "none.crt: the certificate cannot be read"),
        ("port = {taken}", "is taken by another program; end it, or change service.port"),
    ],
)
def test_what_cannot_be_served_is_refused_before_a_machine_is_touched(
    tmp_path: Path, wires: str, service: str, words: str
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        line = line_file(tmp_path, wires, service.replace("{taken}", str(other.getsockname()[1])))
        found = ended("up", "--line", line)
    assert (found.returncode, words in found.stderr) == (2, True), found.stderr
    assert "Traceback" not in found.stderr
    assert "machine" not in found.stderr


def test_two_services_of_one_line(tmp_path: Path, wires: str) -> None:
    line = line_file(tmp_path, wires, "port = 0")
    with up("--line", line) as service:
        service.waited("(serves)")
        second = ended("up", "--line", line)
        assert second.returncode in (1, 2)
        assert re.search("works with|in use|is using", second.stderr), second.stderr
        assert service.process.poll() is None


def _trends(person: Person) -> list[Any] | None:
    return person.get("/trends") or None


def _works(person: Person, run: str) -> Any:
    return person.get(f"/runs/{run}")["unit"] or None


def _there(file: Path) -> bool | None:
    return file.exists() or None


def test_a_store_in_postgresql(
    tmp_path: Path, wires: str, postgres: PostgresServer, at: Callable[[str], Person]
) -> None:
    """Journal, recipes, people, trends and what waits for the broker in one database; the anchor in a folder.

    The run of a stored recipe that is aborted has its trends sealed beside the anchor.
    """
    more = f'[mqtt]\nurl = "mqtt://127.0.0.1:{free_port()}"'
    line, url = line_file(tmp_path, wires, more=more), postgres.new_database()
    text = line.read_text(encoding="utf-8")
    line.write_text(text.replace('"sqlite:///store.sqlite"', f'"{url}"\nfolder = "state"'))
    known = ("--store", url, "--line", line)
    assert ended("recipes", "add", SMALL, "--by", "Ada", *known).returncode == 0
    for who in ("Ben", "Cara"):
        assert ended("recipes", "approve", "small@1", "--by", who, *known).returncode == 0
    for count in (1, 2):
        with up("--line", line) as service:
            person = at(service.origin)
            if count == 1:
                way_in = service.waited(r"one-time way in of administrator, until \S+: (\S+)")
                person.post("/session/way-in", way_in=way_in, password=PASSWORD)
                assert [one["recipe"] for one in person.get("/recipes")] == ["small"]
                person.post("/users", 201, name="Olga", role="operator")
                given = person.post("/users/Olga/way-in", 201, reason="first day")["way_in"]
                at(service.origin).post("/session/way-in", way_in=given, password=PASSWORD)
                service.process.kill()
                service.process.wait()
            else:
                person.post("/session", name="Olga", password=PASSWORD)
                run = person.post("/runs", 201, recipe="small")["name"]
                wait_for(partial(_works, person, run), LIMIT_S)
                person.post(f"/runs/{run}/abort", reason="enough")
                wait_for(partial(_there, tmp_path / "state" / "runs" / f"{run}.parquet"), LIMIT_S)
                assert wait_for(partial(_trends, person), LIMIT_S)
                assert service.ended_by(signal.SIGTERM) == 0


def test_the_demonstration_is_one_command(tmp_path: Path, at: Callable[[str], Person]) -> None:
    with up("--demo", "--speed", "20", "--port", "0", "--folder", tmp_path / "demo") as service:
        origin = service.waited(r"service +(http://127\.0\.0\.1:\d+)")
        person = at(origin)
        person.post("/session/way-in", way_in=service.waited(r"your way in +(\S+)"), password=PASSWORD)
        units = wait_for(lambda: _all_there(person.get("/line")["units"]), LIMIT_S)
        assert len(units) == 6
        (recipe,) = person.get("/recipes")
        assert (recipe["recipe"], recipe["state"]) == ("honda-example-1", "approved")
        assert service.ended_by(signal.SIGINT) == 0


def _all_there(units: list[Any]) -> list[Any] | None:
    return units if all(unit["is_connected"] for unit in units) else None
