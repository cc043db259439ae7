"""The environment of a platform in a folder of its own."""

import os
from pathlib import Path

from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.settings import Settings, read_settings

ROOT = Path(__file__).parent.parent


def bare_environment() -> dict[str, str]:
    """This process's environment, in which no setting is made."""
    return {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}


def platform_environment(folder: Path, **settings: str) -> dict[str, str]:
    """An environment in which nothing is configured but where the data lies, and what is given."""
    home, data = folder / "dagster_home", folder / "data"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(instance_yaml(read_settings(conflicts_data_dir=data), home))
    return bare_environment() | {"CONFLICTS_DATA_DIR": str(data), "DAGSTER_HOME": str(home)} | settings
