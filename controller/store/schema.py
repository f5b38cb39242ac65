"""The tables of stored recipes, and the triggers that let rows be appended and nothing else.

An INSERT OR REPLACE removes the row that is in its way without a DELETE trigger, hence those on INSERT.
"""

from __future__ import annotations

_SQL = """
CREATE TABLE recipe_texts (
    sha256 TEXT PRIMARY KEY NOT NULL,
    content BLOB NOT NULL
)

CREATE TABLE recipe_records (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    recipe TEXT NOT NULL,
    version INTEGER NOT NULL,
    who TEXT NOT NULL,
    utc TEXT NOT NULL,
    data TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
)

CREATE TRIGGER recipe_texts_update BEFORE UPDATE ON recipe_texts
BEGIN SELECT RAISE(ABORT, 'a stored text is never changed'); END

CREATE TRIGGER recipe_texts_delete BEFORE DELETE ON recipe_texts
BEGIN SELECT RAISE(ABORT, 'a stored text is never removed'); END

CREATE TRIGGER recipe_texts_insert BEFORE INSERT ON recipe_texts
WHEN EXISTS (SELECT 1 FROM recipe_texts WHERE sha256 = NEW.sha256)
BEGIN SELECT RAISE(ABORT, 'a stored text is never changed'); END

CREATE TRIGGER recipe_records_update BEFORE UPDATE ON recipe_records
BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END

CREATE TRIGGER recipe_records_delete BEFORE DELETE ON recipe_records
BEGIN SELECT RAISE(ABORT, 'a record is never removed'); END

CREATE TRIGGER recipe_records_insert BEFORE INSERT ON recipe_records
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM recipe_records)
BEGIN SELECT RAISE(ABORT, 'records are appended one after the other'); END

CREATE TRIGGER recipe_versions_insert BEFORE INSERT ON recipe_records
WHEN NEW.kind = 'version' AND NEW.version IS NOT (
    SELECT coalesce(max(version), 0) + 1 FROM recipe_records WHERE recipe = NEW.recipe AND kind = 'version'
)
BEGIN SELECT RAISE(ABORT, 'the versions of a recipe are numbered 1, 2, 3'); END

CREATE TRIGGER recipe_said_insert BEFORE INSERT ON recipe_records
WHEN NEW.kind <> 'version' AND NOT EXISTS (
    SELECT 1 FROM recipe_records WHERE recipe = NEW.recipe AND kind = 'version' AND version = NEW.version
)
BEGIN SELECT RAISE(ABORT, 'there is no such version'); END
"""

SCHEMA = {statement.split()[2]: statement for statement in _SQL.strip().split("\n\n")}
"""Every table and trigger by its name, as SQLite keeps it."""
