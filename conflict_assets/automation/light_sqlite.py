"""Dagster's SQLite storage at a lighter pace.

Dagster opens a connection for every event and closes it again. Each commit then waits for the disk, and each close of a
file's last connection writes its whole log back. Here a commit waits for the disk only when that log is written back
(SQLite's advice for its write-ahead mode: nothing can break, the last events may be lost when the machine loses power),
and a connection stays open, so that no close is the last. What a night has found is in PostgreSQL all the same.
"""

import sqlite3
from collections import OrderedDict
from typing import Any

from sqlalchemy import Engine, event

MOST_HELD = 4
"""Files whose connections stay open: the index and the run at work; a daemon sees many runs."""

_held: OrderedDict[str, sqlite3.Connection] = OrderedDict()


@event.listens_for(Engine, "connect")
def lighten(connection: Any, _record: Any) -> None:
    """Set a new SQLite connection up, and hold its file open; other databases are left alone."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    if file:
        _hold(file)


def _hold(file: str) -> None:
    if file not in _held:
        _held[file] = sqlite3.connect(file, check_same_thread=False)
    _held.move_to_end(file)
    _held[file].execute("PRAGMA user_version").fetchone()  # a connection counts from its first look at the file
    while len(_held) > MOST_HELD:
        _held.popitem(last=False)[1].close()
