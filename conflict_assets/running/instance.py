"""The Dagster instance of the command line: DAGSTER_HOME where it is set, else a home in the data folder."""

import os
from pathlib import Path

from dagster import DagsterInstance
from filelock import FileLock
from sqlalchemy.exc import OperationalError, ProgrammingError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from conflict_assets.settings import Settings

KEPT_MARK = "# Kept by conflict-assets: follows the settings at every start. Remove this line to make the file yours.\n"

_INSTANCE_YAML = """\
nux:
  enabled: false
telemetry:
  enabled: false
python_logs:
  python_log_level: INFO
concurrency:
  pools:
    granularity: op
    default_limit: {max_workers_all_runs}
  runs:
    max_concurrent_runs: {max_runs}
run_launcher:
  module: conflict_assets.automation.launcher
  class: WatchedRunLauncher
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  cancel_timeout_seconds: 180
  max_runtime_seconds: 21600
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 60
"""

_POSTGRES_STORAGE = """\
storage:
  postgres:
    postgres_url:
      env: DAGSTER_POSTGRES_URL
"""


def instance_yaml(settings: Settings) -> str:
    """What dagster.yaml says under these settings."""
    storage = _POSTGRES_STORAGE if settings.dagster_postgres_url is not None else ""
    limits = settings.model_dump(include={"max_workers_all_runs", "max_runs"})
    return KEPT_MARK + _INSTANCE_YAML.format(**limits) + storage


def dagster_home(settings: Settings) -> Path:
    """Return the home, made with an instance configuration of its own if need be, and named in DAGSTER_HOME."""
    given = os.environ.get("DAGSTER_HOME")
    home = Path(given).expanduser() if given else settings.data_dir / "dagster_home"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.dagster_postgres_url is not None:
        os.environ["DAGSTER_POSTGRES_URL"] = settings.dagster_postgres_url.get_secret_value()
    os.environ["DAGSTER_HOME"] = str(home)
    with FileLock(home / ".conflict-assets.lock", mode=0o600):
        _keep_configuration(home / "dagster.yaml", instance_yaml(settings))
        make_storage(home)
    return home


def _keep_configuration(file: Path, wanted: str) -> None:
    """Write what is wanted, unless people have taken the file over; whoever reads it finds a whole one."""
    found = file.read_text(encoding="utf-8") if file.exists() else KEPT_MARK
    if not found.startswith(KEPT_MARK) or found == wanted:
        return
    partial = file.with_suffix(".new")
    partial.write_text(wanted, encoding="utf-8")
    partial.replace(file)


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
