"""The Dagster instance of the command line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from conflict_assets.running.dagster_home import dagster_home_lock, make_dagster_home
from conflict_assets.settings import Settings
from conflict_assets.store.address import DAGSTER
from conflict_assets.store.connection import connect, translated
from conflict_assets.store.errors import StoreError
from conflict_assets.store.readiness import require_right_to_record


def dagster_home(settings: Settings) -> Path:
    """Return the home, with its databases made.

    Raises:
        StoreError: Dagster's storage can't be used.
    """
    home = make_dagster_home(settings)
    check_dagster_storage(settings)
    with dagster_home_lock(home), storage_errors_told():
        make_storage(home)
    return home


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Open the instance of the home.

    Raises:
        StoreError: Dagster's storage can't be used, or fails in the block.
    """
    dagster_home(settings)
    with storage_errors_told(), DagsterInstance.get() as instance:
        yield instance


def check_dagster_storage(settings: Settings) -> None:
    """Check that DAGSTER_POSTGRES_URL leads to a PostgreSQL that takes writes.

    Where it does not, the error says why. Without the setting nothing is checked.
    """
    if settings.dagster_postgres_url is None and sys.platform == "win32":
        raise StoreError(
            "Dagster's storage is the embedded PostgreSQL unless DAGSTER_POSTGRES_URL is set, and that needs Linux or "
            "macOS. Set DAGSTER_POSTGRES_URL to a PostgreSQL of your own: postgresql://user:password@host:5432/database."
        )
    if settings.dagster_postgres_url is not None:
        url = settings.dagster_postgres_url.get_secret_value()
        with connect(url, server=DAGSTER) as connection, translated(DAGSTER):
            require_right_to_record(connection)


@contextmanager
def storage_errors_told() -> Iterator[None]:
    """Turn SQLAlchemy's errors of Dagster's storage into one sentence.

    The sentence holds no statements and no values.
    """
    try:
        yield
    except (SQLAlchemyError, DagsterPostgresException) as error:
        raise StoreError(f"Dagster's storage can't be used: {_cause(error)}") from None


def _cause(error: BaseException) -> str:
    driver = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None)
    primary = getattr(getattr(driver, "diag", None), "message_primary", None)
    said = primary or str(driver or "").strip().partition("\n")[0] or type(error).__name__
    return (
        f"{said}. Check DAGSTER_POSTGRES_URL if it is set, the room on the disk, and that the login may make tables "
        "in the schema public."
    )


@retry(
    retry=retry_if_exception_type((OperationalError, ProgrammingError)),
    stop=stop_after_attempt(5),
    wait=wait_random(0.5, 2),
    reraise=True,
)
def make_storage(home: Path) -> None:
    """Make the home's databases before several processes need them.

    Processes that make the tables at once hinder each other. Another process that does not know of our lock, for
    instance `dagster dev`, may be making them now: then this is tried again.
    """
    with DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs_count()
        instance.event_log_storage.get_maximum_record_id()
        instance.all_instigator_state()
