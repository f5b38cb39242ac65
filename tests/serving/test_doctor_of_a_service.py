"""`pressline doctor LINE` on how a line is served: each thing that keeps it from starting, with how it is mended."""

from __future__ import annotations

import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.config import load_line
from controller.devices import serving_checks as checks_module
from controller.devices.checks import Check, State
from controller.devices.serving_checks import serving_checks
from controller.events import EventStream
from controller.journal import SqliteJournal
from tests.accounts.test_listening import made
from tests.ports import free_port

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
UNIT = '[units.press]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:502"\n'


async def looked_at(tmp_path: Path, text: str, holder: str | None = None, now: datetime = NOW) -> dict[str, Check]:
    file = tmp_path / "line.toml"
    port = "" if "[service]" in text else f"[service]\nport = {free_port()}\n"
    store = "" if "[store]" in text else '[store]\nurl = "sqlite:///store.sqlite"\n'
    file.write_text(UNIT + port + store + text, encoding="utf-8")
    found = {check.what: check async for check in serving_checks(load_line(file), now, holder)}
    assert all(bool(check.mend) == (check.state is State.BROKEN) for check in found.values())
    return found


async def test_a_line_that_can_be_served(tmp_path: Path) -> None:
    found = await looked_at(tmp_path, "")
    assert {check.state for check in found.values()} == {State.OK, State.UNCHECKED}
    assert found["store"].text.endswith("not there yet; the first start makes it")


async def test_a_taken_port_and_one_that_is_ours(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        text = f"[service]\nport = {other.getsockname()[1]}"
        assert "Address already in use" in (await looked_at(tmp_path, text))["address"].text
        assert (await looked_at(tmp_path, text, "process 7 (pressline up)"))["address"].state is State.UNCHECKED


async def test_beyond_this_computer_without_tls(tmp_path: Path) -> None:
    assert "there is no TLS" in (await looked_at(tmp_path, '[service]\nhost = "0.0.0.0"'))["address"].text


async def test_a_certificate_that_ends_soon(tmp_path: Path) -> None:
    certificate, key = made(tmp_path, begins=NOW - timedelta(days=1), days=6)
    text = f'[service]\nport = 0\ncertificate = "{certificate}"\nkey = "{key}"'
    found = (await looked_at(tmp_path, text))["certificate"]
    assert found.state is State.BROKEN
    assert "in 5 days" in found.text


async def test_secrets_that_others_read_and_what_waits_for_them(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2")
    (tmp_path / "password").chmod(0o644)
    text = '[mqtt]\nurl = "mqtt://127.0.0.1"\nuser = "u"\npassword_file = "password"'
    found = await looked_at(tmp_path, text)
    assert "mode 0644" in found["secret"].text
    assert found["broker"].text == "first see to: mqtt.password"
    assert "hunter2" not in str(found)


async def test_a_clock_that_was_set_back_is_seen_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), lambda: "2026-11-23T00:00:00Z", store)
    await journal.append("line", "condition", {"name": "x", "unit": None, "active": False, "message": "x"})
    await journal.close()
    store.chmod(0o600)
    assert "was the clock set back?" in (await looked_at(tmp_path, ""))["store"].text
    assert (await looked_at(tmp_path, "", now=NOW + timedelta(days=2)))["store"].state is State.OK
    store.chmod(0o644)
    found = [check.text async for check in serving_checks(load_line(tmp_path / "line.toml"), NOW, None)]
    assert any("others may use it" in text for text in found)


async def test_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"no database" * 100)
    (tmp_path / "store.sqlite").chmod(0o600)
    assert "not a database" in (await looked_at(tmp_path, ""))["store"].text
    sqlite3.connect(tmp_path / "other.sqlite").close()
    text = '[store]\nurl = "sqlite:///none/store.sqlite"'
    assert "no folder that can be written" in (await looked_at(tmp_path, text))["store"].text


async def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_module, "FREE_AT_LEAST", 10**18)
    assert "GB free" in (await looked_at(tmp_path, ""))["disk"].text
    assert (await looked_at(tmp_path, ""))["disk"].state is State.BROKEN


async def test_a_broker_that_is_not_there(tmp_path: Path) -> None:
    found = (await looked_at(tmp_path, f'[mqtt]\nurl = "mqtt://127.0.0.1:{free_port()}"'))["broker"]
    assert found.state is State.BROKEN
    assert "the line works without it" in found.mend


async def test_a_line_file_that_anybody_may_change(tmp_path: Path) -> None:
    await looked_at(tmp_path, "")
    (tmp_path / "line.toml").chmod(0o666)
    found = [check async for check in serving_checks(load_line(tmp_path / "line.toml"), NOW, None)]
    assert "anybody may change it" in found[0].text
