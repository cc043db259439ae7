"""What can go wrong with the store: passing failures may be tried again, the others not."""

from conflict_assets.domain.privacy import MaskedError


class StoreError(MaskedError):
    """The store can't do what was asked; the message says what was found, what is allowed and what to do."""


class TransientStoreError(StoreError):
    """The store failed in a way that may pass by itself: a lost connection, a restart, a lock, a serialization."""


class StaleSnapshot(StoreError):  # noqa: N818 - a state of the world that callers know by this name
    """A commit's snapshot is older than the one that the store already holds for the prefix."""
