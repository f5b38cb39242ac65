"""Where a store is: a file, or a database by URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, repr=False)
class StoreUrl:
    """The URL of a PostgreSQL database; as text it hides the password."""

    text: str

    def __str__(self) -> str:
        from sqlalchemy.engine import make_url

        return make_url(self.text).render_as_string(hide_password=True)

    __repr__ = __str__


Place = Path | StoreUrl


def place_of(store: str | Path) -> Place:
    """The place that a name or a URL (postgresql://HOST/NAME, sqlite:///FILE) means."""
    text = str(store)
    if text.startswith("sqlite:///"):
        return Path(text.removeprefix("sqlite:///"))
    return StoreUrl(text) if "://" in text else Path(store)


def url_of(store: Place) -> str:
    """The URL of a place, for the driver and nobody else."""
    return store.text if isinstance(store, StoreUrl) else f"sqlite:///{store.absolute()}"
