"""The commands take a PostgreSQL URL wherever they take a file: they read, write, and say who has the store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from controller.cli.main import app
from controller.events import EventStream
from controller.journal.postgres import PostgresJournal
from tests.postgres import PostgresServer

SMALL = Path(__file__).parents[1] / "controller" / "small.yaml"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


def pressline(*arguments: str, state: Path | None = None) -> Result:
    env = {} if state is None else {"PRESSLINE_STATE": str(state)}
    return CliRunner().invoke(app, arguments, env=env)


def written(url: str, folder: Path) -> PostgresJournal:
    return PostgresJournal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00", url, folder)


def document(*arguments: str) -> Any:
    found = pressline(*arguments, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_recipes_people_and_runs_of_a_database(url: str, tmp_path: Path) -> None:
    assert pressline("recipes", "add", str(SMALL), "--by", "Ada", "--store", url).exit_code == 0
    assert pressline("recipes", "approve", "small@1", "--by", "Ben", "--store", url).exit_code == 0
    assert "approved" in pressline("recipes", "list", "--store", url).output
    added = pressline("users", "add", "olga", "--role", "operator", "--store", url, state=tmp_path)
    assert (added.exit_code, "olga was added" in added.output) == (0, True), added.output
    assert [user["name"] for user in document("users", "list", "--store", url)["users"]] == ["olga"]
    assert document("runs", "--store", url) == {"runs": []}
    assert document("lots", "list", "--store", url) == {"lots": []}
    assert document("interlocks", "bypassed", "--store", url) == {"bypasses": []}
    assert pressline("alarms", "list", "--store", url).exit_code == 0
    assert document("audit", "search", "--kind", "user.added", "--store", url)["entries"][0]["object"] == "olga"
    assert pressline("verify", url, "--anchor", str(tmp_path)).exit_code == 0


def test_who_writes_to_a_database_names_the_folder_of_its_anchor(url: str) -> None:
    for command in (
        ("users", "add", "olga", "--role", "operator"),
        ("lots", "release", "x/y", "--who", "Ada", "--reason", "r"),
        ("run", str(SMALL), "--simulate"),
    ):
        found = pressline(*command, "--store", url)
        assert (found.exit_code, "PRESSLINE_STATE has to name the folder" in found.output) == (2, True), found.output


def test_a_service_that_has_the_store_is_named_with_what_does_the_same(url: str, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    journal = written(url, tmp_path / "service")
    try:
        for instead, command in (
            ("/api/v1/users", ("users", "add", "olga", "--role", "operator")),
            ("POST /api/v1/lots", ("lots", "release", "x/y", "--who", "Ada", "--reason", "r")),
            ("POST /api/v1/runs of its API orders a run", ("run", str(SMALL), "--simulate")),
        ):
            found = pressline(*command, "--store", url, state=tmp_path)
            assert (found.exit_code, instead in found.output) == (2, True), found.output
            assert "another process is using this store" in found.output
    finally:
        asyncio.run(journal.close())


def test_a_database_without_a_store_and_one_that_is_away_are_told(url: str) -> None:
    for command in (("runs",), ("lots", "list"), ("alarms", "list"), ("audit", "search")):
        found = pressline(*command, "--store", url)
        assert (found.exit_code, "Traceback" in found.output) == (2, False), found.output
        away = pressline(*command, "--store", "postgresql://nobody:secret@127.0.0.1:1/none")
        assert (away.exit_code, "secret" in away.output) == (2, False), away.output
