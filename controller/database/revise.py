"""`python -m controller.database.revise "what changes"`: the next revision, from what the rooms' tables say now.

It compares a new SQLite store with the tables of all rooms and writes the difference as a file to be looked through.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import tempfile
from pathlib import Path

from alembic import command

import controller
from controller.database.engines import engine_of
from controller.database.schema import alembic_config, migrate, newest_schema


def load_tables() -> list[str]:
    """Imports the tables of every room that has any; returns the rooms' names."""
    rooms = [module.name for module in pkgutil.iter_modules(controller.__path__) if module.ispkg]
    there = [room for room in rooms if importlib.util.find_spec(f"controller.{room}.tables") is not None]
    for room in there:
        importlib.import_module(f"controller.{room}.tables")
    return there


def main(message: str) -> Path:
    """Writes the next revision; returns its file."""
    load_tables()
    number = f"{int(newest_schema()) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/new.sqlite"
        migrate(url)
        engine = engine_of(url)
        with engine.begin() as connection:
            config = alembic_config(connection)
            config.set_main_option("file_template", f"r{number}_%%(slug)s")
            made = command.revision(config, message, autogenerate=True, rev_id=number)
        engine.dispose()
    script = made[0] if isinstance(made, list) else made
    return Path(str(script and script.path))


if __name__ == "__main__":
    print(main(" ".join(sys.argv[1:])))
