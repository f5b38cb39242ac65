"""`pressline users`, `tokens` and `audit`: on a store that nobody holds, with clear words for everything else."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from argon2.profiles import CHEAPEST
from typer.testing import CliRunner, Result

from controller.accounts import Accounts, Passwords
from controller.cli.main import app
from controller.events import EventStream
from controller.journal import SqliteJournal, read_events, verify
from tests.accounts.office import OTHER, PASSWORD, Office, Wall, office


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing; `Accounts.open` makes the dear ones by itself."""
    opened = Accounts.open

    async def cheaply(*arguments: Any, **options: Any) -> Accounts:
        return await opened(*arguments, **{"passwords": Passwords(CHEAPEST), **options})

    monkeypatch.setattr(Accounts, "open", cheaply)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "line.sqlite"


def pressline(store: Path, *words: str | Path, typed: str | None = None) -> Result:
    arguments = [str(word) for word in (*words, "--store", store)]
    result = CliRunner().invoke(app, arguments, input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "password"
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(mode)
    return file


async def inside(store: Path, work: Any) -> Any:
    """What the service would find."""
    wall = Wall()
    journal = SqliteJournal(EventStream(), wall, store)
    async with office(f"sqlite:///{store}", store.parent, wall, journal=journal) as people:
        return await work(people)


def test_a_user_is_added_and_comes_in_by_the_way_in(store: Path) -> None:
    made = json.loads(pressline(store, "users", "add", "Ann", "--role", "administrator", "--json").output)
    assert made["user"]["name"] == made["way_in"]["user"] == "ann"

    async def comes(people: Office) -> None:
        session = await people.accounts.use_way_in(made["way_in"]["token"], PASSWORD, "127.0.0.1")
        assert session.actor.role == "administrator"

    asyncio.run(inside(store, comes))
    assert "ann   administrator  password" in pressline(store, "users", "list").output
    assert verify(read_events(store)) == []


def test_everything_that_is_done_stands_in_the_audit_and_no_secret(store: Path, tmp_path: Path) -> None:
    file = secret_file(tmp_path, PASSWORD)
    assert pressline(store, "users", "add", "eve", "--role", "administrator", "--password-file", file).exit_code == 0
    for words in (
        ["users", "add", "ann", "--role", "operator", "--reason", "new colleague"],
        ["users", "role", "ann", "engineer", "--reason", "passed"],
        ["users", "password", "ann", "--password-file", str(file)],
        ["users", "unlock", "ann"],
        ["users", "disable", "ann"],
        ["users", "enable", "ann"],
        ["users", "way-in", "ann"],
        ["tokens", "add", "mes", "--for", "ann", "--role", "viewer", "--days", "7"],
    ):
        result = pressline(store, *words)
        assert result.exit_code == 0, result.output
    (token,) = json.loads(pressline(store, "tokens", "list", "--json").output)["tokens"]
    assert (token["user"], token["role"], token["used"]) == ("ann", "viewer", None)
    assert pressline(store, "tokens", "revoke", token["id"]).exit_code == 0
    assert "no token" in pressline(store, "tokens", "list").output
    assert "revoked" in pressline(store, "tokens", "list", "--all").output
    entries = json.loads(pressline(store, "audit", "search", "--object", "ann", "--json").output)["entries"]
    kinds = [entry["kind"] for entry in reversed(entries)]
    assert kinds == [
        "user.added", "user.way_in", "user.role", "user.password", "user.unlocked", "user.disabled", "user.enabled",
        "user.way_in", "token.made", "token.revoked",
    ]  # fmt: skip
    assert all("at the terminal" in entry["who"] for entry in entries)
    text = pressline(store, "audit", "search", "--kind", "user.role").output
    assert "ann  by" in text
    assert '{"role": "operator"} -> {"role": "engineer"}; passed' in text
    assert PASSWORD.encode() not in store.read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["users", "add", "eve", "--role", "viewer"], 1, "there is a user eve already; a name is never given twice"),
        (["users", "add", "x y", "--role", "viewer"], 2, "a name has 1 to 64 of"),
        (["users", "add", "ann", "--role", "boss"], 2, "there is no role 'boss'; there are viewer, operator"),
        (["users", "role", "nobody", "viewer"], 2, "there is no user nobody"),
        (["users", "disable", "eve"], 1, "this would leave no enabled administrator with a password"),
        (["users", "role", "eve", "engineer"], 1, "no enabled administrator"),
        (["users", "password", "eve"], 2, "typed at a terminal or read from --password-file"),
        (["users", "password", "nobody"], 2, "there is no user nobody"),
        (["tokens", "add", "mes", "--for", "eve", "--role", "engineer"], 2, "a token of eve, who is admin"),
        (["tokens", "add", "mes", "--for", "eve", "--role", "viewer", "--days", "1e300"], 2, "at most 400 days"),
        (["tokens", "add", "mes", "--for", "eve", "--role", "viewer", "--days", "0"], 2, "at most 400 days"),
        (["tokens", "revoke", "nothing"], 2, "there is no such token"),
        (["audit", "search", "--since", "noon"], 2, "since: 'noon' is no time; expected 2026-03-01"),
        (["audit", "search", "--limit", "0"], 2, "the limit is 0; expected 1 to 10000"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told(store: Path, tmp_path: Path, words: list[str], code: int, told: str) -> None:
    pressline(
        store, "users", "add", "eve", "--role", "administrator", "--password-file", secret_file(tmp_path, PASSWORD)
    )
    result = pressline(store, *words)
    assert result.exit_code == code
    assert told in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (PASSWORD, 0o644, "others may get at it (mode 0644); `chmod 600"),
        ("short", 0o600, "the password has 5 characters; at least 12 are needed"),
        ("Password1234!", 0o600, "one of those that are tried first"),
        ("", 0o600, "at least 12"),
    ],
)
def test_a_password_file_that_is_none_is_told_and_nobody_is_added(
    store: Path, tmp_path: Path, text: str, mode: int, told: str
) -> None:
    file = secret_file(tmp_path, text, mode)
    result = pressline(store, "users", "add", "ann", "--role", "viewer", "--password-file", file)
    assert result.exit_code == 2
    assert told in result.stderr
    assert pressline(store, "users", "list").output == "there are no users\n"


def test_a_password_is_typed_twice_at_the_terminal_and_not_shown(store: Path) -> None:
    pressline(store, "users", "add", "ann", "--role", "viewer")
    for again, told in ((OTHER, "not done: the two passwords are not the same"), (PASSWORD, "ann has a new password")):
        shown = at_a_terminal([PASSWORD, again], "users", "password", "ann", "--store", str(store))
        assert told in shown
        assert PASSWORD not in shown
    assert "password" in pressline(store, "users", "list").output


def at_a_terminal(typed: list[str], *words: str) -> str:
    """What the command shows on a terminal on which lines are typed, each when it asks."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "controller.cli.main", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = b""
        try:
            while True:
                while typed and shown.count(b": ") > 2 - len(typed):
                    os.write(ours, typed.pop(0).encode() + b"\n")
                shown += os.read(ours, 4096)
        except OSError:  # the other end is closed: it has ended
            pass
        finally:
            os.close(ours)
        process.wait(30)
    return shown.decode()


def test_a_store_that_a_service_holds_is_left_to_it_but_can_be_read(store: Path) -> None:
    pressline(store, "users", "add", "ann", "--role", "viewer")

    async def held() -> tuple[Result, Result, Result]:
        journal = SqliteJournal(EventStream(), Wall(), store)
        try:
            commands = (["users", "disable", "ann"], ["users", "list"], ["audit", "search"])
            done = [await asyncio.to_thread(pressline, store, *words) for words in commands]
            return (done[0], done[1], done[2])
        finally:
            await journal.close()

    refused, listed, searched = asyncio.run(held())
    assert refused.exit_code == 2
    assert "is using this store; while a service has the store, its API does this too: /api/v1/users" in refused.stderr
    assert "waits for a way in" in listed.output
    assert "user.added" in searched.output


def test_a_new_store_is_for_nobody_else(store: Path) -> None:
    pressline(store, "users", "add", "ann", "--role", "viewer")
    assert {file.stat().st_mode & 0o077 for file in store.parent.glob("line.sqlite*")} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="root is refused, and this is not root")
def test_root_leaves_the_store_of_somebody_else_alone(store: Path) -> None:
    pressline(store, "users", "add", "ann", "--role", "viewer")
    for file in store.parent.glob("line.sqlite*"):
        os.chown(file, 65534, 65534)
    refused = pressline(store, "users", "way-in", "ann")
    assert refused.exit_code == 2
    assert re.search(r"belongs to (nobody|#65534); work as that user: sudo -u", refused.stderr)
    assert "waits for a way in" in pressline(store, "users", "list").output


def test_no_store_and_no_store_of_ours_are_told_and_nothing_is_written(store: Path, tmp_path: Path) -> None:
    for words in (["users", "list"], ["users", "disable", "ann"], ["tokens", "list"], ["audit", "search"]):
        result = pressline(store, *words)
        assert result.exit_code == 2
        assert "there is no such store" in result.stderr
    assert not store.exists()
    store.write_bytes(b"no store at all, but a long enough text")
    before = store.read_bytes()
    for words in (["users", "list"], ["users", "add", "ann", "--role", "viewer"]):
        assert pressline(store, *words).exit_code == 2
    assert store.read_bytes() == before


def test_an_older_copy_is_refused_until_it_is_accepted(store: Path) -> None:
    pressline(store, "users", "add", "ann", "--role", "viewer")

    async def altered(people: Office) -> None:
        from sqlalchemy import text

        await people.database.run(lambda c: c.execute(text("UPDATE users SET role = 'engineer'")))

    asyncio.run(inside(store, altered))
    result = pressline(store, "users", "disable", "ann")
    assert result.exit_code == 2
    assert "changed by other means than this program; `pressline users accept` takes them" in result.stderr
    assert pressline(store, "users", "accept", "--reason", "looked at").output == "1 users are accepted as they are\n"
    assert pressline(store, "users", "disable", "ann").exit_code == 0
