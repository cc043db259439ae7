"""Dagster's home with its dagster.yaml.

It is DAGSTER_HOME where that is set, and a folder in the data folder otherwise. This module does not import Dagster,
whose import takes longer than all that is done here.
"""

import json
import os
from pathlib import Path

from filelock import FileLock

from conflict_assets.settings import Settings, SettingsError
from conflict_assets.store.store_factory import embedded_folder

KEPT_MARK = "# Kept by conflict-assets: follows the settings at every start. Remove this line to make the file yours.\n"

_INSTANCE_YAML = """\
nux:
  enabled: false
telemetry:
  enabled: false
python_logs:
  python_log_level: INFO
concurrency:
  runs:
    max_concurrent_runs: {max_runs}
run_queue:
  dequeue_interval_seconds: 1
run_launcher:
  module: conflict_assets.automation.launcher
  class: WatchedRunLauncher
compute_logs:
  module: conflict_assets.automation.compute_logs
  class: StepLogManager
  config:
    home: {home}
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  cancel_timeout_seconds: 180
  max_runtime_seconds: 21600
  poll_interval_seconds: 30
retention:
  schedule:
    purge_after_days: {dagster_run_days}
  sensor:
    purge_after_days:
      skipped: 3
      started: {dagster_run_days}
      success: {dagster_run_days}
      failure: {dagster_run_days}
"""

_EMBEDDED_STORAGE = """\
storage:
  custom:
    module: conflict_assets.automation.dagster_storage
    class: EmbeddedPostgresStorage
    config:
      folder: {folder}
"""

_GIVEN_STORAGE = """\
storage:
  custom:
    module: conflict_assets.automation.dagster_storage
    class: PooledPostgresStorage
    config:
      postgres_url:
        env: DAGSTER_POSTGRES_URL
"""


def instance_yaml(settings: Settings, home: Path) -> str:
    """Return the content of dagster.yaml for a home under these settings."""
    storage = _GIVEN_STORAGE
    if settings.dagster_postgres_url is None:
        storage = _EMBEDDED_STORAGE.format(folder=_quoted(embedded_folder(settings)))
    limits = settings.model_dump(include={"max_runs", "dagster_run_days"})
    return KEPT_MARK + _INSTANCE_YAML.format(home=_quoted(home), **limits) + storage


def _quoted(path: Path) -> str:
    """Return a path in YAML's double quotes, in ASCII.

    A reader of the file may assume another encoding. JSON's own escapes are YAML's, except for letters beyond the first
    65,536, which JSON writes as two.
    """
    return json.dumps(str(path), ensure_ascii=False).encode("ascii", "backslashreplace").decode()


def make_dagster_home(settings: Settings) -> Path:
    """Return Dagster's home, and name it in DAGSTER_HOME.

    It is made with an instance configuration of its own if need be.

    Raises:
        SettingsError: it can't be made or written to.
    """
    given = os.environ.get("DAGSTER_HOME")
    home = Path(given).expanduser().absolute() if given else settings.data_dir / "dagster_home"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with dagster_home_lock(home):
            _keep_configuration(home / "dagster.yaml", instance_yaml(settings, home))
    except OSError as error:
        raise SettingsError(
            f"Dagster's home is {home}, which can't be used: {error.strerror}; allowed: a folder that this user may "
            f"write to, with room. Change {'DAGSTER_HOME' if given else 'CONFLICTS_DATA_DIR'}."
        ) from None
    if settings.dagster_postgres_url is not None:
        os.environ["DAGSTER_POSTGRES_URL"] = settings.dagster_postgres_url.get_secret_value()
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def dagster_home_lock(home: Path) -> FileLock:
    """Return the lock under which something is made in the home."""
    return FileLock(home / ".conflict-assets.lock", mode=0o600)


def _keep_configuration(file: Path, wanted: str) -> None:
    """Write the wanted configuration unless people have taken the file over.

    Every reader finds a whole file.
    """
    found = file.read_text(encoding="utf-8") if file.exists() else KEPT_MARK
    if not found.startswith(KEPT_MARK) or found == wanted:
        return
    partial = file.with_suffix(".new")
    partial.write_text(wanted, encoding="utf-8")
    partial.replace(file)
