"""The conflict store: one session, and all that is done with it, by what it is about."""

from types import TracebackType
from typing import Self

from conflict_assets.store.administration import Administration
from conflict_assets.store.conflicts import Conflicts
from conflict_assets.store.connection import DEFAULT_TIMEOUTS, Timeouts
from conflict_assets.store.decisions import Decisions
from conflict_assets.store.runs import Runs
from conflict_assets.store.session import StoreSession


class ConflictStore:
    """The store behind a URL, for prefixes of one length.

    Use it in a `with` statement, since it holds one connection. Each method of its parts may be repeated without harm,
    and is tried again after a transient error, as `StoreSession` says.
    """

    def __init__(
        self, *, url: str, prefix_length: int, timeouts: Timeouts = DEFAULT_TIMEOUTS, attempts: int | None = None
    ) -> None:
        self.session = StoreSession(url, timeouts, attempts)
        self.conflicts = Conflicts(self.session)
        self.decisions = Decisions(self.session)
        self.runs = Runs(self.session, prefix_length)
        self.administration = Administration(self.session, prefix_length)

    def __enter__(self) -> Self:
        self.session.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()
