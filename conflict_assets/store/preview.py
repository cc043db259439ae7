"""A preview of what a commit would do to a prefix.

It is made by the comparison that the commit itself makes. Nothing is written.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.store import replace_statements as statements
from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.incoming import incoming_of
from conflict_assets.store.replace_statements import CHANGED, GONE, NEW, REOPENED
from conflict_assets.store.resolution import reasons_of
from conflict_assets.store.staging import compare, make_stage, refuse_foreign_rows, refuse_stale, stage
from conflict_assets.store.stored_columns import FLAGS

KINDS = {NEW: "new", CHANGED: "changed", GONE: "resolved", REOPENED: "reopened"}
"""What would happen to a conflict, in the order in which previews list it."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A conflict that would differ, without names and with a masked SSN.

    `kind` is new, changed, resolved or reopened. The visits are in the order of their ids, the smaller id first. Rules
    are the names of flags, and overlaps are in minutes. The `before` fields are None for a new conflict, and the
    `after` fields are None for a resolved one. `changed` names the columns that differ. `reason` says why a resolved
    conflict goes: gone, inactive or excluded.
    """

    kind: str
    ssn: str
    pair_id: str
    visit_id: str
    con_visit_id: str
    provider_id: str
    con_provider_id: str
    visit_date: date
    con_visit_date: date
    rule_before: str | None
    rule_after: str | None
    overlap_before: float | None
    overlap_after: float | None
    changed: str
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Preview(ConflictCounts):
    """What a commit would do, with some examples."""

    examples: tuple[Example, ...]

    @property
    def unchanged(self) -> int:
        """Return the number of conflicts that hold and stay as they are."""
        return self.conflicts - self.new - self.changed - self.reopened


def preview(connection: psycopg.Connection[Any], commit: PrefixCommit, *, examples: int) -> Preview:
    """Compare a commit with what is stored.

    The caller rolls the transaction back. Apart from temporary tables the transaction is read-only. The preview waits
    for nobody: a run that commits meanwhile is not seen. Of each kind, the preview holds the `examples` conflicts with
    the smallest `pair_id`, a sample that says nothing of the SSNs.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
        StoreError: a row is not of this prefix.
    """
    refuse_foreign_rows(commit)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    make_stage(connection)
    connection.execute("SET TRANSACTION READ ONLY")
    refuse_stale(connection, commit)
    incoming = incoming_of(commit)
    stage(connection, incoming)
    tally = compare(connection, commit)
    return Preview(
        conflicts=incoming.conflicts,
        new=tally.new,
        changed=tally.changed,
        resolved=tally.gone,
        reopened=tally.reopened,
        examples=_examples(connection, commit, examples),
    )


def _examples(connection: psycopg.Connection[Any], commit: PrefixCommit, number: int) -> tuple[Example, ...]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statements.EXAMPLES, {"prefix": commit.prefix, "examples": number}).fetchall()
    reasons = reasons_of(commit.left_out(), [(row["visit_id"], row["con_visit_id"]) for row in rows])
    return tuple(_example(row, reason) for row, reason in zip(rows, reasons, strict=True))


def _example(row: dict[str, Any], reason: str) -> Example:
    excluded = row.pop("is_excluded")
    named = {
        "kind": KINDS[row["kind"]],
        "rule_before": _flag(row["rule_before"]),
        "rule_after": _flag(row["rule_after"]),
        "changed": " ".join(row["changed"]),
        "reason": ("excluded" if excluded else reason) if row["kind"] == GONE else None,
    }
    return Example(**row | named)


def _flag(rule: int | None) -> str | None:
    return FLAGS[rule - 1] if rule is not None else None
