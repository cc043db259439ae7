"""The store that the settings name."""

import sys
from pathlib import Path

from conflict_assets.settings import Settings
from conflict_assets.store.connection import Timeouts
from conflict_assets.store.errors import StoreError
from conflict_assets.store.store import ConflictStore


def store_url(settings: Settings) -> str:
    """The given PostgreSQL's URL, else that of the embedded one, started if it does not run."""
    if settings.conflicts_postgres_url is not None:
        return settings.conflicts_postgres_url.get_secret_value()
    if sys.platform == "win32":
        raise StoreError(
            "The embedded PostgreSQL needs Linux or macOS. "
            "Set CONFLICTS_POSTGRES_URL to a PostgreSQL of your own: postgresql://user:password@host:5432/database."
        )
    from conflict_assets.store.embedded import embedded_url

    return embedded_url(embedded_folder(settings))


def embedded_folder(settings: Settings) -> Path:
    """Where the embedded server keeps its data."""
    return settings.data_dir / "postgres"


def conflict_store(settings: Settings) -> ConflictStore:
    """A store for these settings, to be opened by `with`."""
    timeouts = Timeouts(statement=settings.store_statement_timeout, lock=settings.store_lock_timeout)
    return ConflictStore(url=store_url(settings), prefix_length=settings.ssn_prefix_length, timeouts=timeouts)
