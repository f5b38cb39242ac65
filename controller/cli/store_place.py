"""The store that a command is given: its file or its URL; and its journal, opened to write to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.place import Place, StoreUrl, place_of

if TYPE_CHECKING:
    from controller.journal import StoredJournal

STORE = Path("pressline.sqlite")
STATE = "PRESSLINE_STATE"
"""The variable that names the service's folder, with the anchor, for commands that write to a database."""
Store = Annotated[
    Any,  # a Place: typer knows no union
    typer.Option(
        "--store", parser=place_of, metavar="STORE", help="The store: its file, or its URL (postgresql://HOST/NAME)."
    ),
]


def journal_of(store: Place, instead: str, environment: Mapping[str, str] | None = None) -> StoredJournal:
    """The journal of a store, to write to it. Raises JournalError.

    `instead` says what does the same where a service has the store: it is the only one that may write.
    """
    from controller.cli.clock import utc_text
    from controller.journal import StoreBusy, StoreUnusable
    from controller.journal.places import journal_at

    known = os.environ if environment is None else environment
    if isinstance(store, StoreUrl) and not known.get(STATE):
        words = f"{store}: {STATE} has to name the folder where its service keeps the anchor (store.folder)"
        raise StoreUnusable(words)
    try:
        return journal_at(store, utc_text, Path(known.get(STATE, ".")))
    except StoreBusy as error:
        raise StoreBusy(f"{error}; while a service has the store, {instead}") from error
