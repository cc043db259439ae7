"""The Dagster resources of the assets.

They have no config, so that secrets stay in the environment.
"""

from dagster import ConfigurableResource

from conflict_assets.settings import Settings, load_settings
from conflict_assets.source.protocol import VisitSource
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets.source.source_factory import visit_source
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.store_factory import conflict_store


class Platform(ConfigurableResource):  # type: ignore[type-arg]
    """The source, the snapshots and the store of the process's settings."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return load_settings()

    def source(self) -> VisitSource:
        """Return the source of visits.

        A generated source is made here when nothing is configured.
        """
        return visit_source(self.settings)

    def snapshots(self) -> SnapshotStore:
        """Return the snapshots in the data folder."""
        return SnapshotStore(self.settings.data_dir / "snapshots")

    def store(self) -> ConflictStore:
        """Return the conflict store, which `with` opens.

        It holds one connection.
        """
        return conflict_store(self.settings)
