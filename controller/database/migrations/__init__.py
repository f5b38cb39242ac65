"""The steps from each schema of the service's tables to the next, for Alembic; `controller.database.schema` runs them.

One revision a change, never edited once it is released. A room that adds or changes tables writes its next revision
with `python -m controller.database.revise "what changes"` and looks it through.
"""
