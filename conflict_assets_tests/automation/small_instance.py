"""A Dagster home in a folder of its own, whose history can be purged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as db
import yaml
from dagster import DagsterInstance

from conflict_assets.automation.dagster_history import PurgedHistory, purge_dagster

KEPT_DAYS = 2


class Home:
    """A Dagster home, and an engine on its database."""

    def __init__(self, folder: Path, storage: dict[str, object], url: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}, **storage}))
        self.instance = DagsterInstance.from_config(str(folder))
        self.engine = db.create_engine(url, poolclass=db.NullPool)

    def purge(self, days: int = KEPT_DAYS, most: int = 1000) -> PurgedHistory:
        before = datetime.now(tz=UTC) - timedelta(days=days)
        return purge_dagster(self.instance, before=before, location=None, most=most)

    def runs(self) -> set[str]:
        return {each.run_id for each in self.instance.get_runs()}


@pytest.fixture
def home(pg_server, tmp_path):
    """A home whose storage is PostgreSQL."""
    url = pg_server.make_database()
    made = Home(
        tmp_path / "home",
        {"storage": {"postgres": {"postgres_url": url}}},
        url.replace("postgresql://", "postgresql+psycopg://"),
    )
    yield made
    made.instance.dispose()
    made.engine.dispose()
    pg_server.drop(url)
