"""The journal and the stored recipes; a store of a program before there were migrations is taken over with its data.

SQLite keeps the text of a statement, and what opens a store compares it: these are, word for word, the statements of
`controller/journal/database.py` and `controller/store/schema.py` when this revision was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JOURNAL = (
    (
        "CREATE TABLE events (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL,"
        " data TEXT NOT NULL, time_s REAL NOT NULL, utc TEXT NOT NULL, previous_hash TEXT NOT NULL,"
        " hash TEXT NOT NULL)"
    ),
    "CREATE INDEX events_run ON events (run)",
    "CREATE INDEX events_kind ON events (kind, run)",
    "CREATE INDEX events_utc ON events (utc)",
)
JOURNAL_VERSION = 2  # SQLite's user_version, by which a program before there were migrations refuses the file

RECIPES = """
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

POSTGRES_TRIGGERS = """
CREATE FUNCTION pressline_never() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what is stored of recipes is never changed or removed'; END $$;

CREATE FUNCTION pressline_appended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM recipe_records) THEN
        RAISE EXCEPTION 'records are appended one after the other';
    END IF;
    IF NEW.kind = 'version' AND NEW.version <> (
        SELECT coalesce(max(version), 0) + 1 FROM recipe_records WHERE recipe = NEW.recipe AND kind = 'version'
    ) THEN
        RAISE EXCEPTION 'the versions of a recipe are numbered 1, 2, 3';
    END IF;
    IF NEW.kind <> 'version' AND NOT EXISTS (
        SELECT 1 FROM recipe_records WHERE recipe = NEW.recipe AND kind = 'version' AND version = NEW.version
    ) THEN
        RAISE EXCEPTION 'there is no such version';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER recipe_texts_never BEFORE UPDATE OR DELETE ON recipe_texts
FOR EACH ROW EXECUTE FUNCTION pressline_never();

CREATE TRIGGER recipe_texts_kept BEFORE TRUNCATE ON recipe_texts
FOR EACH STATEMENT EXECUTE FUNCTION pressline_never();

CREATE TRIGGER recipe_records_never BEFORE UPDATE OR DELETE ON recipe_records
FOR EACH ROW EXECUTE FUNCTION pressline_never();

CREATE TRIGGER recipe_records_kept BEFORE TRUNCATE ON recipe_records
FOR EACH STATEMENT EXECUTE FUNCTION pressline_never();

CREATE TRIGGER recipe_records_appended BEFORE INSERT ON recipe_records
FOR EACH ROW EXECUTE FUNCTION pressline_appended();
"""


def upgrade() -> None:
    """Forward; nothing goes back but a backup."""
    if op.get_bind().dialect.name == "sqlite":
        _in_sqlite()
    else:
        _in_postgres()


def _in_sqlite() -> None:
    bind = op.get_bind()
    there = {row[0] for row in bind.exec_driver_sql("SELECT name FROM sqlite_master")}
    for statement in (*JOURNAL, *RECIPES.strip().split("\n\n")):
        if statement.split()[2] not in there:
            bind.exec_driver_sql(statement)
    bind.exec_driver_sql(f"PRAGMA user_version={JOURNAL_VERSION}")


def _in_postgres() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("run", "kind", "data")),
        sa.Column("time_s", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("utc", "previous_hash", "hash")),
    )
    op.create_index("events_run", "events", ["run"])
    op.create_index("events_kind", "events", ["kind", "run"])
    op.create_index("events_utc", "events", ["utc"])
    op.create_table(
        "recipe_texts",
        sa.Column("sha256", sa.Text(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "recipe_records",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("who", "utc", "data", "previous_hash", "hash")),
    )
    for statement in POSTGRES_TRIGGERS.strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
