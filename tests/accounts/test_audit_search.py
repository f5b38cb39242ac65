"""The audit, searched: by person, kind, object and time, also where a run's own records name somebody."""

from __future__ import annotations

import pytest

from controller.accounts import Unacceptable
from controller.accounts.audit_search import AuditQuery, entry_of, query, search
from controller.events import Event
from tests.accounts.office import HOME, PASSWORD, TERMINAL, Office


def event(sequence: int, run: str, kind: str, **data: object) -> Event:
    return Event(sequence, run, kind, data, 0.0, f"2026-03-0{sequence}T06:00:00.000+00:00", "", "")


ASKED = event(7, "line", "person.asked", what="hold", about="run-1", who="ann", role="operator", means="token mes",
              reason="noise")  # fmt: skip
EVENTS = [
    event(1, "audit", "user.added", who="eve", role="administrator", object="ann", new={"role": "viewer"}, why="new"),
    event(2, "run-1", "run.state", state="held", who="ann", reason="noise"),
    event(3, "run-1", "step.started", name="press", unit="press-1"),
    event(4, "interlocks", "bypass.begun", unit="press-1", row="bag tight", who="bob", role="engineer", reason="test"),
    event(5, "audit", "sign_in.refused", who="", object="", address="192.0.2.1"),
    event(6, "audit", "user.role", who="eve", role="administrator", object="Ann", old={"role": "viewer"}),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditQuery(), [6, 5, 4, 2, 1]),
        (query(who="EVE"), [6, 1]),
        (query(who="ann"), [2]),
        (query(kind="user."), [6, 1]),
        (query(kind="bypass"), [4]),
        (query(object="ann"), [6, 1]),
        (query(object="press-1"), [4]),
        (query(since="2026-03-02", until="2026-03-05T06:00"), [4, 2]),
        (query(since="2026-03-02T08:00:00+02:00"), [6, 5, 4, 2]),
        (query(limit=2), [6, 5]),
        (query(limit=2, before=5), [4, 2]),
        (query(who="nobody"), []),
    ],
)
def test_a_query_finds_what_it_says_newest_first(wanted: AuditQuery, found: list[int]) -> None:
    assert [entry.sequence for entry in search(reversed(EVENTS), wanted)] == found


def test_an_entry_says_what_the_record_says() -> None:
    entry = entry_of(EVENTS[1])
    assert entry is not None
    assert (entry.who, entry.object, entry.why, entry.more["state"]) == ("ann", "run-1", "noise", "held")


@pytest.mark.parametrize("bad", [{"since": "yesterday"}, {"until": "2026-13-01"}, {"limit": 0}, {"limit": 10_001}])
def test_what_is_no_query_is_told(bad: dict[str, object]) -> None:
    with pytest.raises(Unacceptable, match="expected"):
        query(**bad)  # type: ignore[arg-type]  # that is the point


def test_what_people_asked_of_the_service_is_found_by_what_it_was_about() -> None:
    (entry,) = search([ASKED], query(who="ann", object="run-1"))
    assert (entry.object, entry.means, entry.why, entry.new) == ("run-1", "token mes", "noise", "hold")


async def test_what_was_done_is_found(people: Office) -> None:
    await people.person("ann")
    await people.accounts.sign_in("ann", PASSWORD, HOME)
    (entry,) = await people.accounts.search(query(who="ann"))
    assert (entry.kind, entry.address, entry.role) == ("session.begun", HOME, "operator")
    found = await people.accounts.search(query(who=TERMINAL.name))
    assert {entry.kind for entry in found} == {"user.added", "user.password"}
