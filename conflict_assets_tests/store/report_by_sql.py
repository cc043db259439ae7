"""The figures of the report by plain SQL over the stored rows: what the kept columns are held to."""

from typing import Any

from conflict_assets_tests.pg import rows

# ruff: noqa: S608 - constants

AMOUNTS = ", ".join(
    f"CASE WHEN {name} > 1e290 THEN 1e290 ELSE {name} END AS {name.replace('_amount', '')}"
    for name in ("shift_amount", "overlap_amount")
)
OPEN = f"""(SELECT *, {AMOUNTS}, coalesce(payer_id, '') AS payer, cost_type IS NOT DISTINCT FROM 'recovery' AS is_billed
    FROM conflict_sides WHERE resolved_at IS NULL AND status IN ('new', 'open')) AS s"""
FIRST = 'visit_id < con_visit_id COLLATE "C"'
VISITS = f"""(SELECT ssn, visit_id, provider_id, payer, is_billed, max(provider_name) AS provider_name,
    max(shift) AS amount, sum(overlap) AS overlap, count(*) AS conflicts
    FROM {OPEN} GROUP BY ssn, visit_id, provider_id, payer, is_billed) AS v"""
START = """CASE WHEN visit_start_time IS NOT NULL AND visit_end_time IS NOT NULL
    THEN visit_start_time ELSE sch_start_time END"""


def figures(url: str, zone: str) -> dict[str, Any]:
    """Every figure that the report has of open conflicts, in an order of its own where the report has one."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        return rows(url, query)

    return {
        "totals": ask(
            f"""SELECT count(*) FILTER (WHERE {FIRST}), count(DISTINCT (ssn, visit_id)), count(DISTINCT ssn),
                count(DISTINCT provider_id), count(*) FILTER (WHERE {FIRST} AND status = 'new') FROM {OPEN}"""
        ),
        "rules": ask(f"SELECT rule, count(*) FROM {OPEN} WHERE {FIRST} GROUP BY rule ORDER BY rule"),
        "prefixes": ask(f"SELECT ssn_prefix, count(*) FROM {OPEN} WHERE {FIRST} GROUP BY 1 ORDER BY 1"),
        "hours": ask(
            f"""SELECT extract(isodow FROM moment)::int, extract(hour FROM moment)::int, count(*)
                FROM (SELECT max({START}) FILTER (WHERE isfinite({START})) AT TIME ZONE '{zone}' AS moment
                      FROM {OPEN} GROUP BY ssn, pair_id) AS m
                WHERE moment IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
        ),
        "stakes": ask(
            f"""SELECT is_billed, count(*), count(*) FILTER (WHERE amount IS NULL), coalesce(sum(amount), 0),
                coalesce(sum(overlap), 0) FROM {VISITS} GROUP BY is_billed ORDER BY is_billed"""
        ),
        "agencies": ask(
            f"""SELECT provider_id, coalesce(nullif(max(provider_name), ''), provider_id), sum(conflicts)::int,
                count(*), coalesce(sum(amount), 0), coalesce(sum(overlap), 0)
                FROM {VISITS} GROUP BY provider_id ORDER BY 3 DESC, 1"""
        ),
        "pairs": ask(
            f"""SELECT least(provider_id, con_provider_id), greatest(provider_id, con_provider_id),
                count(*) FILTER (WHERE {FIRST}), count(DISTINCT ssn), coalesce(sum(overlap), 0)
                FROM {OPEN} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"""
        ),
        "payers": ask(
            f"""SELECT p.payer, p.conflicts, v.visits, v.amount, v.overlap
                FROM (SELECT payer, count(DISTINCT (ssn, pair_id)) AS conflicts FROM {OPEN} GROUP BY payer) AS p
                JOIN (SELECT payer, count(*) AS visits, coalesce(sum(amount), 0) AS amount,
                          coalesce(sum(overlap), 0) AS overlap FROM {VISITS} GROUP BY payer) AS v USING (payer)
                ORDER BY 2 DESC, 1"""
        ),
        "groups": ask(
            f"""SELECT group_id, count(*) FILTER (WHERE {FIRST}), count(DISTINCT visit_id),
                count(DISTINCT provider_id), min(visit_date), max(visit_date), sum(overlap_minutes) / 2,
                coalesce(sum(overlap), 0)
                FROM {OPEN} GROUP BY ssn, group_id HAVING count(*) FILTER (WHERE {FIRST}) > 1
                ORDER BY 2 DESC, 7 DESC, 1"""
        ),
        **{
            name: ask(
                f"""SELECT pair_id, sum(overlap) FROM {OPEN} WHERE status = ANY('{{{statuses}}}')
                    GROUP BY pair_id, ssn HAVING bool_or({FIRST})
                    ORDER BY 2 DESC NULLS LAST, sum(shift) DESC NULLS LAST, 1, right(ssn, 4)"""
            )
            for name, statuses in (("costliest_new", "new"), ("costliest_open", "new,open"))
        },
    }
