"""Opens the store that the settings name."""

import shutil
import sys
from pathlib import Path

from conflict_assets.settings import Settings, shown_path
from conflict_assets.store.address import describe_url
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.connection import Timeouts
from conflict_assets.store.errors import StoreError


def store_url(settings: Settings, *, stay: bool = False, promise_seconds: float = 0.0) -> str:
    """Return the URL of the given PostgreSQL, or of the embedded one.

    The embedded one is started if it does not run. It then runs for at least `promise_seconds`, and with `stay` until
    it is stopped.
    """
    if settings.conflicts_postgres_url is not None:
        return settings.conflicts_postgres_url.get_secret_value()
    _refuse_windows()
    from conflict_assets.store.embedded.embedded_server import embedded_url

    return embedded_url(embedded_folder(settings), stay=stay, promise_seconds=promise_seconds)


def stop_store(settings: Settings) -> bool:
    """Stop the embedded server, whoever uses it.

    Return whether a server ran.
    """
    _refuse_windows()
    from conflict_assets.store.embedded.embedded_server import stop_embedded

    return stop_embedded(embedded_folder(settings))


def described_store(settings: Settings) -> str:
    """Return which store it is, for people to read.

    The text holds no password, and nothing is started for it.
    """
    if settings.conflicts_postgres_url is not None:
        return f"PostgreSQL {describe_url(settings.conflicts_postgres_url.get_secret_value())}"
    return f"embedded PostgreSQL in {shown_path(embedded_folder(settings))}"


def psql_program() -> str:
    """Return the machine's `psql`, or the embedded server's if there is none."""
    if shutil.which("psql") or sys.platform == "win32":
        return "psql"
    return own_psql_program()


def own_psql_program() -> str:
    """Return the `psql` that comes with the embedded server.

    Return the machine's `psql` where no server can be embedded.
    """
    if sys.platform == "win32":
        return "psql"
    from conflict_assets.store.embedded.cluster import programs_folder

    return str(programs_folder() / "psql")


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise StoreError(
            "The embedded PostgreSQL needs Linux or macOS. "
            "Set CONFLICTS_POSTGRES_URL to a PostgreSQL of your own: postgresql://user:password@host:5432/database."
        )


def embedded_folder(settings: Settings) -> Path:
    """Return the folder of the embedded server's data."""
    return settings.data_dir / "postgres"


def conflict_store(settings: Settings, *, attempts: int | None = None) -> ConflictStore:
    """Return a store for these settings, to be opened by `with`.

    Callers that can't wait give fewer `attempts`.
    """
    timeouts = Timeouts(statement=settings.store_statement_timeout, lock=settings.store_lock_timeout)
    return ConflictStore(
        url=store_url(settings), prefix_length=settings.ssn_prefix_length, timeouts=timeouts, attempts=attempts
    )
