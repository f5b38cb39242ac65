"""The log: one line an event, in three forms, without secrets, at a level that changes while it works."""

from __future__ import annotations

import io
import json
import logging
import os
from typing import Any

import pytest

from controller.serving.logs import AT_MOST, WITHIN_S, Log, form_for

NOW = "2026-11-22T02:00:00Z"


def logged(form: str = "json", level: str = "info") -> tuple[Log, io.StringIO]:
    out = io.StringIO()
    return Log(form, level, lambda: NOW, out), out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_of_json() -> None:
    log, out = logged()
    log.about("web").info("listening\nhere", url="http://127.0.0.1:8540", request_id="ab")
    assert lines(out) == [
        {
            "utc": NOW,
            "part": "web",
            "url": "http://127.0.0.1:8540",
            "request_id": "ab",
            "event": "listening\nhere",
            "level": "info",
        }
    ]


def test_journald_gets_a_priority_and_one_line() -> None:
    log, out = logged("journald")
    log.about("web").warning("two\nlines", port=1)
    assert out.getvalue() == "<4>web: two | lines port=1\n"


def test_a_person_gets_words() -> None:
    log, out = logged("console")
    log.about("web").error("it is taken", port=1)
    assert "it is taken" in out.getvalue()
    assert "port=1" in out.getvalue()


def test_the_level_changes_while_it_works() -> None:
    log, out = logged()
    part = log.about("line")
    part.debug("one")
    log.level = "debug"
    part.debug("two")
    log.level = "error"
    part.warning("three")
    assert [line["event"] for line in lines(out)] == ["two"]


@pytest.mark.parametrize("form", ["json", "console", "journald"])
def test_no_form_shows_a_secret(form: str) -> None:
    log, out = logged(form)
    words = "postgresql://me:hunter2@db/x Authorization: Bearer hunter2 ?token=hunter2 way in: http://h/#secret=hunter2"
    named = {"password": "hunter2", "headers": {"Cookie": "hunter2"}, "urls": ["mqtt://u:hunter2@h"]}
    log.about("store").warning(words, **named)
    logging.getLogger("anything").addHandler(logging.NullHandler())
    given_back = log.take_over()
    try:
        logging.getLogger("sqlalchemy.engine").warning("connect to %s", "postgresql://me:hunter2@db/x")
        try:
            raise ValueError("mqtt://u:hunter2@h")  # noqa: TRY301  its trace is what is looked at
        except ValueError:
            logging.getLogger("mqtt").exception("failed")
    finally:
        given_back()
    assert "hunter2" not in out.getvalue()
    assert "db/x" in out.getvalue()


def test_libraries_are_heard_from_warning_on_until_they_are_given_back() -> None:
    log, out = logged()
    given_back = log.take_over()
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("odd")
    given_back()
    logging.getLogger("uvicorn.error").warning("later")
    assert [(line["part"], line["event"]) for line in lines(out)] == [("uvicorn.error", "odd")]


def test_the_form_follows_from_where_it_goes(tmp_path: Any) -> None:
    with (tmp_path / "log").open("w") as out:
        state = os.fstat(out.fileno())
        assert form_for(out, {"JOURNAL_STREAM": f"{state.st_dev}:{state.st_ino}"}) == "journald"
        assert form_for(out, {"JOURNAL_STREAM": "1:2"}) == "json"
    assert form_for(io.StringIO(), {}) == "json"


def test_a_flood_is_counted_and_not_written() -> None:
    out, now = io.StringIO(), [0.0]
    log = Log("json", "info", lambda: NOW, out, lambda: now[0])
    for _ in range(AT_MOST + 7):
        log.about("uvicorn.error").warning("Invalid HTTP request received.")
    log.about("uvicorn.error").error("another level")
    log.about("service").warning("another part")
    assert len(lines(out)) == AT_MOST + 2
    now[0] = WITHIN_S
    log.about("uvicorn.error").warning("later")
    assert lines(out)[-1]["not_written_before"] == 7
    assert lines(out)[-1]["event"] == "later"
