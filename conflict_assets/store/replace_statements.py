"""The SQL statements that replace a prefix.

They are built once from the lists of columns.
"""

from psycopg import sql

from conflict_assets.domain.normalization import BLANKS, DASHES_AND_WHITE_SPACE
from conflict_assets.store.copying import ddl
from conflict_assets.store.stored_columns import (
    CONFLICT_FACTS,
    CONFLICT_KEY,
    EVENT_FACTS,
    FLAGS,
    STORED_CONFLICT,
    STORED_VISIT,
    VISIT_FACTS,
    VISIT_KEY,
)

NEW, REOPENED, CHANGED, MENDED, GONE = 1, 2, 3, 4, 5
"""How a row differs from what is stored, and what happened to a conflict.

A row that is `MENDED` is written, and makes no event.
"""

_KINDS = {
    name: sql.Literal(kind)
    for name, kind in (
        ("new", NEW),
        ("reopened", REOPENED),
        ("changed", CHANGED),
        ("mended", MENDED),
        ("gone", GONE),
    )
}


def _columns(names: tuple[str, ...], alias: str = "") -> sql.Composable:
    prefix = (alias,) if alias else ()
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in names)


def _same_key(names: tuple[str, ...], one: str, other: str) -> sql.Composable:
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(one, name), sql.Identifier(other, name)) for name in names
    )


def _assignments(names: tuple[str, ...], source: str) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier(source, name)) for name in names
    )


_WRITTEN = (*CONFLICT_FACTS, "group_id")

MAKE_STAGE = sql.SQL(
    """CREATE TEMPORARY TABLE IF NOT EXISTS incoming_conflicts ({}) ON COMMIT DELETE ROWS;
       CREATE TEMPORARY TABLE IF NOT EXISTS incoming_visits ({}) ON COMMIT DELETE ROWS;
       CREATE TEMPORARY TABLE IF NOT EXISTS differing (ssn text, visit_id text, con_visit_id text, pair_id text,
           low_id text, high_id text, kind smallint) ON COMMIT DELETE ROWS;
       CREATE TEMPORARY TABLE IF NOT EXISTS differing_pairs (ssn text, low_id text, high_id text, pair_id text,
           kind smallint) ON COMMIT DELETE ROWS"""
).format(ddl(STORED_CONFLICT), ddl(STORED_VISIT))

WRITE_VISITS = sql.SQL(
    """WITH differing_visits AS MATERIALIZED (
           SELECT n.*, s.ssn IS NULL AS is_new
           FROM incoming_visits AS n LEFT JOIN conflict_visits AS s ON s.ssn_prefix = %(prefix)s AND {same}
           WHERE s.ssn IS NULL OR ({stored}) IS DISTINCT FROM ({found})
       ), updated AS (
           UPDATE conflict_visits AS s SET {assignments} FROM differing_visits AS n
           WHERE NOT n.is_new AND s.ssn_prefix = %(prefix)s AND {same}
       )
       INSERT INTO conflict_visits (ssn_prefix, {columns})
       SELECT %(prefix)s, {all_found} FROM differing_visits AS n WHERE n.is_new"""
).format(
    assignments=_assignments(VISIT_FACTS, "n"),
    same=_same_key(VISIT_KEY, "s", "n"),
    stored=_columns(VISIT_FACTS, "s"),
    found=_columns(VISIT_FACTS, "n"),
    columns=_columns(tuple(STORED_VISIT.names)),
    all_found=_columns(tuple(STORED_VISIT.names), "n"),
)

COMPARE = sql.SQL(
    """INSERT INTO differing
       SELECT {key_of_n}, n.pair_id, least(n.visit_id COLLATE "C", n.con_visit_id),
           greatest(n.visit_id COLLATE "C", n.con_visit_id),
           CASE WHEN c.ssn IS NULL THEN {new} WHEN c.resolved_at IS NOT NULL THEN {reopened}
                WHEN ({facts_of_c}) IS DISTINCT FROM ({facts_of_n}) THEN {changed} ELSE {mended} END
       FROM incoming_conflicts AS n
       LEFT JOIN visit_conflicts AS c ON c.ssn_prefix = %(prefix)s AND {same}
       WHERE c.ssn IS NULL OR c.resolved_at IS NOT NULL OR ({all_of_c}) IS DISTINCT FROM ({all_of_n})
       UNION ALL
       SELECT {key_of_c}, c.pair_id, least(c.visit_id COLLATE "C", c.con_visit_id),
           greatest(c.visit_id COLLATE "C", c.con_visit_id), {gone}
       FROM visit_conflicts AS c
       WHERE c.ssn_prefix = %(prefix)s AND c.resolved_at IS NULL
           AND c.visit_date BETWEEN %(first)s AND %(last)s AND c.con_visit_date BETWEEN %(first)s AND %(last)s
           AND (%(ssns)s::text[] IS NULL OR c.ssn = ANY(%(ssns)s))
           AND NOT EXISTS (SELECT FROM incoming_conflicts AS n WHERE {same})"""
).format(
    key_of_n=_columns(CONFLICT_KEY, "n"),
    key_of_c=_columns(CONFLICT_KEY, "c"),
    facts_of_c=_columns(CONFLICT_FACTS, "c"),
    facts_of_n=_columns(CONFLICT_FACTS, "n"),
    all_of_c=_columns(_WRITTEN, "c"),
    all_of_n=_columns(_WRITTEN, "n"),
    same=_same_key(CONFLICT_KEY, "c", "n"),
    **_KINDS,
)

COMPARE_PAIRS = sql.SQL(
    """INSERT INTO differing_pairs
       SELECT ssn, low_id, high_id, min(pair_id),
           CASE WHEN bool_or(kind = {gone}) THEN {gone}
                WHEN count(*) FILTER (WHERE kind = {new}) = 2 THEN {new}
                WHEN count(*) FILTER (WHERE kind IN ({new}, {reopened})) = 2 THEN {reopened}
                WHEN bool_or(kind = {changed}) THEN {changed} ELSE {mended} END
       FROM differing GROUP BY ssn, low_id, high_id"""
).format(**_KINDS)
"""A row that somebody has removed or resolved makes no conflict new or reopened while its other row holds."""

COUNT_DIFFERING = sql.SQL(
    """SELECT count(*) FILTER (WHERE kind = {new}), count(*) FILTER (WHERE kind = {reopened}),
           count(*) FILTER (WHERE kind = {changed}), count(*) FILTER (WHERE kind = {gone}),
           (SELECT count(*) FROM differing WHERE kind = {new}),
           (SELECT count(*) FROM differing WHERE kind NOT IN ({new}, {gone}))
       FROM differing_pairs"""
).format(**_KINDS)

TOUCHED = "{0}.xmin <> r.xmin AND age({0}.xmin) <= age(r.settled_xid::xid)"
"""Whether a row was written after the commit of `prefix_runs AS r` had compared it, and not by that commit."""

SETTLED = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"

STORED = sql.SQL(
    """SELECT is_untouched AND s.digest = %(digest)s AND s.rows = %(rows)s AND s.seen_before = %(rows)s,
           is_untouched AND s.content = %(basis)s AND s.rows_then = s.conflict_rows AND s.rows = s.seen_before
       FROM (
           SELECT r.digest, r.content, r.conflict_rows, c.rows, c.rows_then, c.seen_before,
               NOT coalesce(c.touched, false) AND NOT coalesce(v.touched, false)
               AND age(r.settled_xid::xid) >= age(r.xmin)
               AND NOT EXISTS (SELECT {key} FROM visit_conflicts WHERE ssn_prefix = %(prefix)s AND resolved_at IS NULL
                               EXCEPT SELECT {key} FROM conflict_visits WHERE ssn_prefix = %(prefix)s) AS is_untouched
           FROM prefix_runs AS r, LATERAL (
               SELECT bool_or({conflict_touched}) AS touched, count(*) FILTER (
                   WHERE resolved_at IS NULL AND visit_date BETWEEN %(first)s AND %(last)s
                       AND con_visit_date BETWEEN %(first)s AND %(last)s) AS rows, count(*) FILTER (
                   WHERE resolved_at IS NULL AND visit_date BETWEEN r.first_date AND r.last_date
                       AND con_visit_date BETWEEN r.first_date AND r.last_date) AS rows_then, count(*) FILTER (
                   WHERE resolved_at IS NULL AND least(visit_date, con_visit_date) >= greatest(%(first)s, r.first_date)
                       AND greatest(visit_date, con_visit_date) <= least(%(last)s, r.last_date)) AS seen_before
               FROM visit_conflicts AS c WHERE ssn_prefix = %(prefix)s AND r.digest IS NOT NULL
           ) AS c, LATERAL (
               SELECT bool_or({visit_touched}) AS touched
               FROM conflict_visits AS v WHERE ssn_prefix = %(prefix)s AND r.digest IS NOT NULL
           ) AS v
           WHERE r.ssn_prefix = %(prefix)s AND r.latest AND r.settled_xid IS NOT NULL
               AND (r.digest = %(digest)s OR (r.content = %(basis)s AND r.policy_id = %(policy)s))
           OFFSET 0  -- or else all that is_untouched asks would be asked twice
       ) AS s"""
).format(
    key=_columns(VISIT_KEY),
    conflict_touched=sql.SQL(TOUCHED.format("c")),
    visit_touched=sql.SQL(TOUCHED.format("v")),
)
"""Find whether the last commit of a prefix found rows with this digest, or of the content on which this one is based,
and whether its rows are unchanged since.

`xmin` is the transaction that wrote a row, and its age counts the transactions since then. The commit itself wrote the
row of `prefix_runs`. The commit has surely compared the rows of another transaction only if that transaction had ended
before the comparison, since transactions that began earlier may end later. After a store was restored from a dump, or
moved, all rows are younger, so that the digest holds for none of them.

The rows that hold must be as many in the window as in what it shares with the last commit's window: one that leaves the
window does not make up for an older one that comes back into it.
"""

INSERT_CONFLICTS = sql.SQL(
    """INSERT INTO visit_conflicts (ssn_prefix, {columns}, first_detected_at)
       SELECT %(prefix)s, {found}, coalesce(o.first_detected_at, %(as_of)s)
       FROM incoming_conflicts AS n JOIN differing AS d ON {same} AND d.kind = {new}
       LEFT JOIN visit_conflicts AS o ON o.ssn_prefix = %(prefix)s AND o.ssn = n.ssn
           AND o.visit_id = n.con_visit_id AND o.con_visit_id = n.visit_id"""
).format(
    columns=_columns(tuple(STORED_CONFLICT.names)),
    found=_columns(tuple(STORED_CONFLICT.names), "n"),
    same=_same_key(CONFLICT_KEY, "n", "d"),
    new=_KINDS["new"],
)
"""A row whose other row is stored gets that row's time of first detection."""

UPDATE_CONFLICTS = sql.SQL(
    """UPDATE visit_conflicts AS c SET {assignments}, resolved_at = NULL, resolved_reason = NULL
       FROM incoming_conflicts AS n JOIN differing AS d ON {n_is_d} AND d.kind IN ({reopened}, {changed}, {mended})
       WHERE c.ssn_prefix = %(prefix)s AND {c_is_n}"""
).format(
    assignments=_assignments(_WRITTEN, "n"),
    n_is_d=_same_key(CONFLICT_KEY, "n", "d"),
    c_is_n=_same_key(CONFLICT_KEY, "c", "n"),
    **_KINDS,
)

IS_EMPTY = """SELECT NOT EXISTS (SELECT FROM conflict_visits WHERE ssn_prefix = %(prefix)s)
    AND NOT EXISTS (SELECT FROM visit_conflicts WHERE ssn_prefix = %(prefix)s)"""

_FACTS = _columns(EVENT_FACTS)

APPEND_EVENTS = sql.SQL(
    """INSERT INTO conflict_history (ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, rule, overlap_minutes,
           happened_at, run_id, root_run_id, policy_id, {facts})
       SELECT %(prefix)s, d.ssn, d.pair_id, d.low_id, d.high_id, (%(events)s::text[])[d.kind], f.rule,
           f.overlap_minutes, %(as_of)s, %(run)s, %(root)s, %(policy)s, {facts_of_f}
       FROM differing_pairs AS d
       JOIN judged_facts AS f
           ON f.ssn_prefix = %(prefix)s AND f.ssn = d.ssn AND f.visit_id = d.low_id AND f.con_visit_id = d.high_id
       WHERE d.kind < {mended}
       ORDER BY d.ssn, d.low_id, d.high_id"""
).format(facts=_FACTS, facts_of_f=_columns(EVENT_FACTS, "f"), mended=_KINDS["mended"])

APPEND_FIRST_EVENTS = sql.SQL(
    """INSERT INTO conflict_history (ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, rule, overlap_minutes,
           happened_at, run_id, root_run_id, policy_id, {facts})
       SELECT ssn_prefix, ssn, pair_id, visit_id, con_visit_id, 'detected', rule, overlap_minutes, %(as_of)s, %(run)s,
           %(root)s, %(policy)s, {facts}
       FROM judged_facts WHERE ssn_prefix = %(prefix)s
       ORDER BY ssn, visit_id, con_visit_id"""
).format(facts=_FACTS)

POLICY_ID = "SELECT policy_id FROM detection_policies WHERE policy = %(policy)s"

ADD_POLICY = "INSERT INTO detection_policies (policy) VALUES (%(policy)s) ON CONFLICT (policy) DO NOTHING"

_IS_EXCLUDED = sql.SQL(
    """c.ssn IN (SELECT translate(btrim(x.ssn, {blanks}), {dashes_and_white_space}, '') FROM excluded_ssns AS x)
       OR EXISTS (SELECT FROM excluded_agencies AS x
                  WHERE btrim(x.provider_id, {blanks}) IN (c.provider_id, c.con_provider_id))"""
).format(
    # A text of PostgreSQL never holds the character 0.
    blanks=sql.Literal(BLANKS.replace("\0", "")),
    dashes_and_white_space=sql.Literal(DASHES_AND_WHITE_SPACE),
)

RESOLVE = sql.SQL(
    """WITH reasons AS (
           SELECT ssn, low_id, high_id, reason
           FROM unnest(%(ssns)s::text[], %(lows)s::text[], %(highs)s::text[], %(reasons)s::text[])
               AS g (ssn, low_id, high_id, reason)
       ), resolved AS (
           UPDATE visit_conflicts AS c
           SET resolved_at = %(as_of)s, resolved_reason = CASE WHEN {is_excluded} THEN 'excluded' ELSE r.reason END
           FROM differing AS d
           JOIN reasons AS r ON r.ssn = d.ssn AND r.low_id = d.low_id AND r.high_id = d.high_id
           WHERE d.kind = {gone} AND c.ssn_prefix = %(prefix)s AND {c_is_d}
           RETURNING c.ssn, c.pair_id, d.low_id, d.high_id, c.resolved_reason, c.rule, c.overlap_minutes
       ), pairs AS (
           SELECT DISTINCT ON (ssn, low_id, high_id) * FROM resolved ORDER BY ssn, low_id, high_id, pair_id
       )
       INSERT INTO conflict_history (ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, reason, rule,
           overlap_minutes, happened_at, run_id, root_run_id, policy_id, {facts})
       SELECT %(prefix)s, p.ssn, p.pair_id, p.low_id, p.high_id, 'resolved', p.resolved_reason, p.rule,
           p.overlap_minutes, %(as_of)s, %(run)s, %(root)s, %(policy)s, {facts_of_f}
       FROM pairs AS p
       LEFT JOIN judged_facts AS f
           ON f.ssn_prefix = %(prefix)s AND f.ssn = p.ssn AND f.visit_id = p.low_id AND f.con_visit_id = p.high_id
       ORDER BY p.ssn, p.low_id, p.high_id"""
).format(
    is_excluded=_IS_EXCLUDED,
    gone=_KINDS["gone"],
    c_is_d=_same_key(CONFLICT_KEY, "c", "d"),
    facts=_FACTS,
    facts_of_f=_columns(EVENT_FACTS, "f"),
)
"""Resolve the conflicts that have gone.

The event's facts come from the last run that found the conflict, since visits are written after this statement.
"""

_RULE_FOUND = sql.SQL("CASE {} END").format(
    sql.SQL(" ").join(
        sql.SQL("WHEN n.{} THEN {}").format(sql.Identifier(flag), sql.Literal(number))
        for number, flag in enumerate(FLAGS, 1)
    )
)
_CHANGED_COLUMNS = sql.SQL(", ").join(
    sql.SQL("CASE WHEN b.{0} IS DISTINCT FROM a.{0} THEN {1} END").format(sql.Identifier(name), sql.Literal(name))
    for name in CONFLICT_FACTS
)

EXAMPLES = sql.SQL(
    """WITH chosen AS (
           SELECT *, row_number() OVER (PARTITION BY kind ORDER BY pair_id, ssn) AS number
           FROM differing_pairs WHERE kind <> {mended}
       )
       SELECT d.kind, '***-**-' || right(d.ssn, 4) AS ssn, d.pair_id, d.low_id AS visit_id, d.high_id AS con_visit_id,
           coalesce(n.provider_id, c.provider_id) AS provider_id,
           coalesce(n.con_provider_id, c.con_provider_id) AS con_provider_id,
           coalesce(n.visit_date, c.visit_date) AS visit_date,
           coalesce(n.con_visit_date, c.con_visit_date) AS con_visit_date,
           c.rule AS rule_before, {rule_found} AS rule_after,
           c.overlap_minutes AS overlap_before, n.overlap_minutes AS overlap_after,
           coalesce({is_excluded}, false) AS is_excluded,
           ARRAY(SELECT DISTINCT u.name FROM incoming_conflicts AS a
                 JOIN visit_conflicts AS b ON b.ssn_prefix = %(prefix)s AND {a_is_b},
                 unnest(ARRAY[{changed_columns}]) AS u (name)
                 WHERE a.ssn = d.ssn AND a.pair_id = d.pair_id AND u.name IS NOT NULL ORDER BY u.name) AS changed
       FROM chosen AS d
       LEFT JOIN visit_conflicts AS c
           ON c.ssn_prefix = %(prefix)s AND c.ssn = d.ssn AND c.visit_id = d.low_id AND c.con_visit_id = d.high_id
       LEFT JOIN incoming_conflicts AS n ON n.ssn = d.ssn AND n.visit_id = d.low_id AND n.con_visit_id = d.high_id
       WHERE d.number <= %(examples)s
       ORDER BY d.kind, d.pair_id, d.ssn"""
).format(
    mended=_KINDS["mended"],
    rule_found=_RULE_FOUND,
    is_excluded=_IS_EXCLUDED,
    a_is_b=_same_key(CONFLICT_KEY, "a", "b"),
    changed_columns=_CHANGED_COLUMNS,
)

NO_LONGER_LATEST = """UPDATE prefix_runs SET latest = false
    WHERE ssn_prefix = %(prefix)s AND latest AND (root_run_id, as_of) IS DISTINCT FROM (%(root)s, %(as_of)s)"""

WRITE_DOWN = """
    INSERT INTO prefix_runs AS p (root_run_id, ssn_prefix, as_of, new_since, run_id, first_date, last_date, latest,
        position, batches_total, conflicts, conflict_rows, new_conflicts, changed, resolved, reopened, unchanged,
        detect_seconds, write_seconds, counts, digest, content, settled_xid, policy_id)
    SELECT %(root)s, %(prefix)s, %(as_of)s, %(new_since)s, %(run)s, %(first)s, %(last)s, true,
        CASE WHEN %(counted)s THEN 1 + (SELECT count(DISTINCT o.ssn_prefix) FROM prefix_runs AS o
            WHERE o.root_run_id = %(root)s AND o.run_id = ANY(%(runs)s) AND o.ssn_prefix <> %(prefix)s
                AND o.position > 0) ELSE 0 END,
        %(total)s, %(conflicts)s, %(rows)s, %(new)s, %(changed)s, %(resolved)s, %(reopened)s,
        %(conflicts)s - %(new)s - %(changed)s - %(reopened)s, %(detect)s, %(write)s, %(counts)s, %(digest)s,
        %(content)s, %(settled)s::xid8, %(policy)s
    ON CONFLICT (root_run_id, as_of, ssn_prefix) DO UPDATE SET
        position = CASE WHEN p.run_id = ANY(%(runs)s) THEN p.position ELSE excluded.position END,
        new_since = excluded.new_since, run_id = excluded.run_id, first_date = excluded.first_date,
        last_date = excluded.last_date, latest = true,
        committed_at = excluded.committed_at, batches_total = excluded.batches_total,
        conflicts = excluded.conflicts, conflict_rows = excluded.conflict_rows,
        new_conflicts = p.new_conflicts + excluded.new_conflicts, changed = p.changed + excluded.changed,
        resolved = p.resolved + excluded.resolved, reopened = p.reopened + excluded.reopened,
        unchanged = greatest(0, excluded.conflicts - p.new_conflicts - excluded.new_conflicts
            - p.changed - excluded.changed - p.reopened - excluded.reopened),
        detect_seconds = excluded.detect_seconds, write_seconds = excluded.write_seconds, counts = excluded.counts,
        digest = excluded.digest, content = excluded.content, settled_xid = excluded.settled_xid,
        policy_id = excluded.policy_id
    RETURNING position, new_conflicts, changed, resolved, reopened, unchanged"""
