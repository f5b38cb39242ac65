"""The audit: recorded before it is done, or not done; and the store that is not what the audit says is found."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from controller.accounts import AccountsAltered, Act, AuditUnwritable, NotDone, SignInRefused, TokenInvalid
from controller.accounts.audit_search import query
from controller.accounts.desk import Desk
from controller.authority import AUTHORITY, Action, Actor, NotAuthorised, Role
from controller.events import Event, EventStream
from controller.journal import Journal, JournalError, verify
from tests.accounts.office import AWAY, HOME, OTHER, PASSWORD, TERMINAL, Office, Wall, office


async def test_every_change_says_who_what_where_old_new_and_why(people: Office) -> None:
    eve = await people.person("eve", "administrator")
    await people.accounts.users.add("ann", "operator", by=eve, address=HOME, why="new colleague")
    await people.accounts.users.set_role("ann", "engineer", by=eve, address=HOME, why="passed the training")
    told = people.told("user.role")[-1]
    accounts = told.pop("accounts")
    assert told == {
        "kind": "user.role", "who": "eve", "role": "administrator", "means": "password", "address": HOME,
        "object": "ann", "old": {"role": "operator"}, "new": {"role": "engineer"}, "why": "passed the training",
    }  # fmt: skip
    assert accounts["version"] == accounts["before"]["version"] + 1
    assert verify([*people.journal.earlier, *people.journal.events()]) == []


class FullDisk(Journal):
    """A journal that takes nothing more from a chosen moment on."""

    is_full = False

    async def _store(self, event: Event) -> None:
        if self.is_full:
            raise JournalError("the journal cannot be written: the disk is full")


async def test_what_the_audit_does_not_take_is_not_done(url: str, tmp_path: Path) -> None:
    wall = Wall()
    journal = FullDisk(EventStream(), wall)
    async with office(url, tmp_path, wall, journal=journal) as people:
        ann = await people.person("ann")
        before = await people.database.run(_everything)
        journal.is_full = True
        accounts = people.accounts
        acts = [
            accounts.users.add("bob", "engineer", by=TERMINAL),
            accounts.users.set_role("ann", "engineer", by=TERMINAL),
            accounts.users.set_enabled("ann", enabled=False, by=TERMINAL),
            accounts.users.set_password("ann", OTHER, by=TERMINAL),
            accounts.users.way_in("ann", by=TERMINAL),
            accounts.make_token("mes", "viewer", accounts._desk.limits.token_at_most, by=ann),
        ]
        for act in acts:
            with pytest.raises(AuditUnwritable, match=r"nothing was done: .* the disk is full"):
                await act
        assert await people.database.run(_everything) == before
        with pytest.raises(AuditUnwritable):
            await accounts.sign_in("ann", PASSWORD, HOME)
        assert await accounts.sessions() == []
        with pytest.raises(AuditUnwritable):
            await accounts.sign_in("nobody", PASSWORD, HOME)
        assert {told["new"] for told in people.told("audit.not_done")} >= {"user.added", "user.role", "session.begun"}


def _everything(connection: Any) -> str:
    tables = ("users", "tokens", "ways_in", "accounts_state")
    return str([connection.execute(text(f"SELECT * FROM {name}")).all() for name in tables])  # noqa: S608


@pytest.mark.parametrize("role", Role)
async def test_only_who_may_manage_users_does(tmp_path: Path, role: Role) -> None:
    async with office(f"sqlite:///{tmp_path / 'people.sqlite'}", tmp_path) as people:
        await people.person("ann")
        by = await people.person("bob", role)
        users = people.accounts.users
        acts = [
            users.add("new", "viewer", by=by),
            users.set_role("ann", "viewer", by=by),
            users.set_password("ann", OTHER, by=by),
            users.way_in("ann", by=by),
            users.unlock("ann", by=by),
            users.set_enabled("ann", enabled=False, by=by),
        ]
        for act in acts:
            if Action.USERS in AUTHORITY[role]:
                await act
            else:
                with pytest.raises(NotAuthorised):
                    await act
        refused = people.told("audit.refused")
        assert len(refused) == (0 if Action.USERS in AUTHORITY[role] else len(acts))
        assert all(told["who"] == "bob" for told in refused)


async def test_whoever_goes_away_leaves_nothing_half_done(people: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    run = people.database.run
    calls, carries_out = 0, asyncio.Event()

    async def slow(work: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:  # the one that carries out
            carries_out.set()
            await asyncio.sleep(0.05)
        return await run(work)

    monkeypatch.setattr(people.database, "run", slow)
    task = asyncio.create_task(people.accounts.users.add("ann", "operator", by=TERMINAL))
    await carries_out.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await people.accounts.users.get("ann")).enabled
    assert people.told("audit.not_done") == []


class Slow(Journal):
    """A journal whose disk takes its time."""

    def __init__(self, stream: EventStream, utc: Wall) -> None:
        super().__init__(stream, utc)
        self.writing: asyncio.Queue[str] = asyncio.Queue()

    async def _store(self, event: Event) -> None:
        self.writing.put_nowait(event.kind)
        await asyncio.sleep(0.01)


async def test_whoever_goes_away_while_it_is_recorded_has_nothing_done(tmp_path: Path) -> None:
    wall = Wall()
    journal = Slow(EventStream(), wall)
    async with office(f"sqlite:///{tmp_path / 'people.sqlite'}", tmp_path, wall, journal=journal) as people:
        await people.person("ann")
        for act, kind in (
            (people.accounts.users.set_role("ann", "engineer", by=TERMINAL), "user.role"),
            (people.accounts.sign_in("ann", PASSWORD, HOME), "session.begun"),
        ):
            task = asyncio.create_task(act)
            while await journal.writing.get() != kind:
                pass
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert people.told("audit.not_done")[-1]["new"] == kind
        assert (await people.accounts.users.get("ann")).role is Role.OPERATOR
        assert await people.accounts.sessions() == []


async def test_two_processes_that_disable_the_two_last_administrators_leave_one(url: str, tmp_path: Path) -> None:
    """Each with a journal of its own, as two services on one PostgreSQL would have if nothing kept them apart."""
    (tmp_path / "b").mkdir()
    async with office(url, tmp_path) as one:
        await one.person("ann", "administrator")
        await one.person("bob", "administrator")
        act = Act("accounts.accepted", TERMINAL, "accounts")
        async with office(url, tmp_path / "b", accept=act) as two:
            done = await asyncio.gather(
                one.accounts.users.set_enabled("ann", enabled=False, by=TERMINAL),
                two.accounts.users.set_enabled("bob", enabled=False, by=TERMINAL),
                return_exceptions=True,
            )
            able = [user.name for user in await one.accounts.users.all() if user.enabled]
            assert len(able) >= 1
            assert sum(isinstance(each, NotDone) for each in done) >= 1


async def test_a_change_that_another_process_overtook_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").mkdir()
    async with office(url, tmp_path) as one, office(url, tmp_path / "b") as two:
        record = two.accounts.audit.record

        async def overtaken(*arguments: Any, **more: Any) -> Event:
            event = await record(*arguments, **more)
            await one.accounts.users.add("bob", "viewer", by=TERMINAL)
            return event

        monkeypatch.setattr(two.accounts.audit, "record", overtaken)
        with pytest.raises(NotDone, match="somebody else changed users or tokens at the same time"):
            await two.accounts.users.add("ann", "viewer", by=TERMINAL)
        assert [user.name for user in await two.accounts.users.all()] == ["bob"]
        assert two.told("audit.not_done")[-1]["object"] == "ann"


async def _closed(url: str, folder: Path, wall: Wall) -> tuple[str, str]:
    """A store with two users, and one of the words that opened it."""
    async with office(url, folder, wall) as people:
        await people.person("eve", "administrator")
        ann = await people.person("ann")
        made = await people.accounts.make_token("mes", "viewer", people.accounts._desk.limits.token_at_most, by=ann)
        session = await people.accounts.sign_in("ann", PASSWORD, HOME)
        return made.token, session.token


async def test_an_older_copy_of_the_users_is_found_and_refused_until_somebody_accepts_it(tmp_path: Path) -> None:
    wall, file = Wall(), tmp_path / "people.sqlite"
    url = f"sqlite:///{file}"
    token, session = await _closed(url, tmp_path, wall)
    shutil.copy(file, tmp_path / "older")
    async with office(url, tmp_path, wall) as people:
        await people.accounts.users.set_password("ann", OTHER, by=TERMINAL, why="it was seen")
        await people.accounts.users.set_enabled("ann", enabled=False, by=TERMINAL)
    shutil.copy(tmp_path / "older", file)
    with pytest.raises(AccountsAltered, match="as they were 2 changes ago: an older copy was restored"):
        async with office(url, tmp_path, wall):
            pass
    act = Act("accounts.accepted", TERMINAL, "accounts", why="restored after the disk died")
    async with office(url, tmp_path, wall, accept=act) as people:
        with pytest.raises(TokenInvalid):
            await people.accounts.session(session)  # nobody stays signed in
        assert people.told("accounts.accepted")[0]["why"] == "restored after the disk died"
    async with office(url, tmp_path, wall) as people:
        await people.accounts.sign_in("ann", PASSWORD, HOME)
        assert (await people.accounts.bearer(token)).name == "ann"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE users SET role = 'administrator' WHERE name = 'ann'",
        "UPDATE users SET password = (SELECT password FROM users WHERE name = 'eve') WHERE name = 'ann'",
        "INSERT INTO users (name, role, enabled, made_us) VALUES ('mallory', 'engineer', true, 0)",
        "DELETE FROM users WHERE name = 'bob'",
        "UPDATE tokens SET role = 'operator'",
        "UPDATE tokens SET ends_us = ends_us + 1",
    ],
)
async def test_what_was_changed_by_other_means_is_found(url: str, tmp_path: Path, sql: str) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        await people.person("eve", "administrator", OTHER)
        await people.accounts.users.add("bob", "viewer", by=TERMINAL)
        ann = await people.person("ann")
        await people.accounts.make_token("mes", "viewer", people.accounts._desk.limits.token_at_most, by=ann)
        await people.database.run(lambda c: c.execute(text(sql)))
    with pytest.raises(AccountsAltered, match=r"changed by other means .* `pressline users accept`"):
        async with office(url, tmp_path, wall):
            pass


async def test_a_change_that_a_crash_kept_out_of_the_tables_is_told_and_ends_sessions(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        await people.person("ann")
        session = await people.accounts.sign_in("ann", PASSWORD, HOME)

        async def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Desk, "carry_out", dies)
            with pytest.raises(KeyboardInterrupt):
                await people.accounts.users.set_role("ann", "engineer", by=TERMINAL)
    async with office(url, tmp_path, wall) as people:
        assert (await people.accounts.users.get("ann")).role is Role.OPERATOR
        assert "recorded, and not done" in people.told("accounts.not_carried_out")[-1]["why"]
        with pytest.raises(TokenInvalid):
            await people.accounts.session(session.token)
        await people.accounts.users.set_role("ann", "engineer", by=TERMINAL)
    async with office(url, tmp_path, wall) as people:
        assert (await people.accounts.users.get("ann")).role is Role.ENGINEER


async def test_users_without_their_journal_are_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with office(url, tmp_path) as people:
        await people.person("ann")
    with pytest.raises(AccountsAltered, match="the audit knows of none"):
        async with office(url, tmp_path / "other"):
            pass


async def test_sign_ins_and_refusals_are_in_the_audit(people: Office) -> None:
    await people.person("ann")
    session = await people.accounts.sign_in("ann", PASSWORD, HOME)
    with pytest.raises(SignInRefused):
        await people.accounts.sign_in("ann", OTHER, AWAY)
    await people.accounts.sign_out(session.token, HOME)
    told = [(each["kind"], each["who"], each["address"]) for each in people.told()][-3:]
    assert told == [("session.begun", "ann", HOME), ("sign_in.refused", "ann", AWAY), ("session.ended", "ann", HOME)]


async def test_what_has_no_record_of_its_own_is_recorded_by_other_rooms(people: Office) -> None:
    by = Actor("ann", Role.OPERATOR, "password")
    await people.accounts.audit.refused(Act("run.start", by, "run-1", HOME), NotAuthorised("the role may not"))
    assert people.told()[-1]["told"] == "the role may not"


async def test_the_audit_of_months_stays_in_the_store_and_not_in_memory(url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        await people.person("ann")
        for number in range(70):
            people.accounts.audit.note(Act("session.ended", None, f"s{number}"))
        await people.accounts.users.set_role("ann", "engineer", by=TERMINAL)
        for number in range(70):
            people.accounts.audit.note(Act("session.ended", None, f"t{number}"))
        await people.journal.append("audit", "test.end", {})  # behind it everything is looked at
        await asyncio.sleep(0.05)
        assert len(people.journal.events("audit")) < 80
        found = await people.accounts.search(query(kind="user.", limit=10))
        assert [entry.kind for entry in found] == ["user.role", "user.password", "user.added"]
    async with office(url, tmp_path, wall) as people:
        assert (await people.accounts.users.get("ann")).role is Role.ENGINEER
