"""The store, opened for a command that changes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from conflict_assets.settings import Settings
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.store_factory import conflict_store


@contextmanager
def prepared_store(settings: Settings) -> Iterator[ConflictStore]:
    """Open the store with its tables up to date."""
    with conflict_store(settings) as store:
        store.administration.prepare()
        yield store
