"""What tests of Dagster's storage share."""

import pytest
from dagster import DagsterInstance

from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.settings import read_settings


@pytest.fixture
def open_instance(tmp_path, monkeypatch):
    """Opens the instance of a home with these settings."""

    def made(**settings):
        found = read_settings(conflicts_data_dir=tmp_path / "data", **settings)
        if found.dagster_postgres_url is not None:
            monkeypatch.setenv("DAGSTER_POSTGRES_URL", found.dagster_postgres_url.get_secret_value())
        (tmp_path / "dagster.yaml").write_text(instance_yaml(found, tmp_path))
        return DagsterInstance.from_config(str(tmp_path))

    return made
