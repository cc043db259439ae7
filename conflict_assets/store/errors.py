"""The errors of the store.

Transient errors may be tried again, other errors may not.
"""

from conflict_assets.domain.masking import MaskedError


class StoreError(MaskedError):
    """The store can't do what was asked.

    The message says what was found, what is allowed and what to do.
    """


class TransientStoreError(StoreError):
    """The store failed in a way that may end by itself.

    Examples are a lost connection, a restart, a lock and a serialization failure.
    """


class StaleSnapshot(StoreError):  # noqa: N818 - a state of the world that callers know by this name
    """A commit's snapshot is older than the prefix's stored snapshot."""
