"""The Dagster instance of the command line."""

from pathlib import Path

from dagster import DagsterInstance
from sqlalchemy.exc import OperationalError, ProgrammingError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from conflict_assets.running.home import home_lock, make_home
from conflict_assets.settings import Settings


def dagster_home(settings: Settings) -> Path:
    """Return the home, with its databases made."""
    home = make_home(settings)
    with home_lock(home):
        make_storage(home)
    return home


def dagster_instance(settings: Settings) -> DagsterInstance:
    """Open the instance of that home."""
    dagster_home(settings)
    return DagsterInstance.get()


@retry(
    retry=retry_if_exception_type((OperationalError, ProgrammingError)),
    stop=stop_after_attempt(5),
    wait=wait_random(0.5, 2),
    reraise=True,
)
def make_storage(home: Path) -> None:
    """Make the home's databases before several processes meet there: at once, they trip over each other's tables.

    Another process that does not know of our lock, such as `dagster dev`, may be making them now: then once more.
    """
    with DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs_count()
        instance.event_log_storage.get_maximum_record_id()
        instance.all_instigator_state()
