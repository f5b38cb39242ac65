"""What Alembic runs: on the connection that it is given, within the transaction that is open there."""

from __future__ import annotations

from alembic import context

from controller.database.schema import configured

with configured(context.config.attributes["connection"], context.configure):
    context.run_migrations()
