"""The Dagster instance of the command line: DAGSTER_HOME where it is set, else a home in the data folder."""

import os
from pathlib import Path

from dagster import DagsterInstance

from conflict_assets.settings import Settings

INSTANCE_YAML = """\
# Written when this home was made; yours to change.
nux:
  enabled: false
telemetry:
  enabled: false
python_logs:
  python_log_level: INFO
concurrency:
  pools:
    granularity: op
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  max_runtime_seconds: 21600
"""

POSTGRES_STORAGE = """\
storage:
  postgres:
    postgres_url:
      env: DAGSTER_POSTGRES_URL
"""


def dagster_home(settings: Settings) -> Path:
    """Return the home, made with an instance configuration of its own if need be, and named in DAGSTER_HOME."""
    given = os.environ.get("DAGSTER_HOME")
    home = Path(given).expanduser() if given else settings.data_dir / "dagster_home"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    configuration = home / "dagster.yaml"
    if settings.dagster_postgres_url is not None:
        os.environ["DAGSTER_POSTGRES_URL"] = settings.dagster_postgres_url.get_secret_value()
    if not configuration.exists():
        storage = POSTGRES_STORAGE if settings.dagster_postgres_url is not None else ""
        configuration.write_text(INSTANCE_YAML + storage, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def dagster_instance(settings: Settings) -> DagsterInstance:
    """Open the instance of that home."""
    dagster_home(settings)
    return DagsterInstance.get()


def make_storage(home: Path) -> None:
    """Make the home's databases before several processes meet there: at once, they trip over each other's tables."""
    with DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs_count()
        instance.event_log_storage.get_maximum_record_id()
        instance.all_instigator_state()
