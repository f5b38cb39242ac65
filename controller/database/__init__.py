"""Tables of the service in SQLite or PostgreSQL: one place to open them, one thread that works on them."""

from controller.database.database import Database, DatabaseUnusable, open_database
from controller.database.tables import metadata

__all__ = ["Database", "DatabaseUnusable", "metadata", "open_database"]
