"""Tables of the service in SQLite or PostgreSQL: one place to open them, one thread that works on them."""

from controller.database.database import Database, database_opened, open_database
from controller.database.engines import DatabaseAway, DatabaseUnusable, is_away
from controller.database.schema import migrate, newest_schema, schema_of
from controller.database.tables import metadata

__all__ = [
    "Database",
    "DatabaseAway",
    "DatabaseUnusable",
    "database_opened",
    "is_away",
    "metadata",
    "migrate",
    "newest_schema",
    "open_database",
    "schema_of",
]
