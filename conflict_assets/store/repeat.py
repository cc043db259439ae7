"""Commits a prefix again whose visits, code and policy are those of its last commit, without detecting anything."""

import time
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from conflict_assets.store.commit import CommitOrigin, CommitOutcome
from conflict_assets.store.commit_record import (
    FoundRows,
    Judged,
    settled_before,
    stored,
    try_lock_prefix,
    write_down,
)
from conflict_assets.store.staging import ChangeCounts

_SAME_COMMIT = """
    SELECT r.conflicts, r.conflict_rows AS rows, r.digest, r.content, r.policy_id AS policy
    FROM prefix_runs AS r JOIN detection_policies AS p ON p.policy_id = r.policy_id
    JOIN open_conflict_columns AS k ON k.ssn_prefix = r.ssn_prefix AND k.digest = r.digest
    WHERE r.ssn_prefix = %(prefix)s AND r.latest AND r.content = %(content)s AND p.policy = %(policy)s"""
"""The last commit of a prefix, if it has judged the same content by the same policy.

What the report reads of it must be kept, since it can't be made here.
"""


def repeat(connection: psycopg.Connection[Any], commit: CommitOrigin) -> CommitOutcome | None:
    """Write down that a prefix holds what its last commit has found.

    The outcome is that of `replace` after a detection that finds the same rows. It is None, and nothing is written,
    unless the store holds exactly these rows in the commit's window, and nobody is at work on the prefix: the plan of a
    run does not wait for one prefix. The caller owns the transaction.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
    """
    started = time.perf_counter()
    if not try_lock_prefix(connection, commit):
        return None
    settled = settled_before(connection)
    values = {"prefix": commit.prefix, "content": commit.content, "policy": Jsonb(asdict(commit.policy))}
    last = connection.cursor(row_factory=dict_row).execute(_SAME_COMMIT, values).fetchone()
    if last is None:
        return None
    policy = last.pop("policy")
    if not stored(connection, commit, digest=last["digest"], rows=last["rows"], policy=policy).is_digest:
        return None
    judged = Judged(policy=policy, settled=settled)
    return write_down(connection, commit, FoundRows(**last), ChangeCounts(), judged, started)
