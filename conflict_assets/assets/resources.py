"""What the assets work with, as Dagster resources without any config: secrets stay in the environment."""

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
        """The source of visits; a generated one appears here when nothing is configured."""
        return visit_source(self.settings)

    def snapshots(self) -> SnapshotStore:
        """The snapshots in the data folder."""
        return SnapshotStore(self.settings.data_dir / "snapshots")

    def store(self) -> ConflictStore:
        """The conflict store, to be opened by `with`; one connection."""
        return conflict_store(self.settings)
