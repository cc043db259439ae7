"""What the report reads of open conflicts is what plain SQL says of their rows, whoever wrote them last."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conflict_assets.store import open_columns
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.open_columns import OPEN_COLUMNS
from conflict_assets.store.stored_columns import FLAGS
from conflict_assets_tests.conftest import PROFILE
from conflict_assets_tests.pg import EMPTY_STORE, execute, rows
from conflict_assets_tests.store.nights import DAY, WINDOW, Pair, night
from conflict_assets_tests.store.report_by_sql import figures

ZONE = "America/New_York"
SSNS = ("040000001", "040000002", "170000001")
VISITS = "abcdef"
HANDS = (
    "UPDATE visit_conflicts SET overlap_amount = 7 WHERE visit_id = 'a'",
    "UPDATE visit_conflicts SET provider_id = 'Z' WHERE visit_id = 'b'",
    "DELETE FROM visit_conflicts WHERE visit_id = 'a'",
    "UPDATE conflict_visits SET payer_id = 'H', contract = 'By hand' WHERE visit_id IN ('a', 'b')",
    "UPDATE conflict_visits SET sch_start_time = 'infinity' WHERE visit_id = 'c'",
)


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


@pytest.fixture
def made_of_rows(monkeypatch):
    """The prefixes whose columns were made of their rows, since those that were kept do not hold."""
    made, make = [], open_columns._columns_of_rows

    def note(connection, prefix):
        made.append(prefix)
        return make(connection, prefix)

    monkeypatch.setattr(open_columns, "_columns_of_rows", note)
    return made


def look(store):
    return store.runs.report_data(time_zone=ZONE, agency_time_zone=ZONE)


def told(report: Any) -> dict[str, Any]:
    """What the report says, in the order and the form of `figures`."""
    by_rule = [(number, report.by_rule[flag]) for number, flag in enumerate(FLAGS, 1) if report.by_rule[flag]]
    stakes = [
        (billed, stake.visits, stake.unpriced, stake.shift_amount, stake.overlap_amount)
        for billed, stake in ((False, report.avoidance), (True, report.recovery))
        if stake.visits
    ]
    return {
        "totals": [
            (report.open_conflicts, report.visits, report.caregivers, report.agencies, report.by_status.get("new", 0))
        ],
        "rules": by_rule,
        "prefixes": [(prefix, count) for prefix, count in report.by_prefix.items() if count],
        "hours": sorted((*hour, count) for hour, count in report.by_hour.items()),
        "stakes": stakes,
        "agencies": [
            (each.provider_id, each.name, each.conflicts, each.visits, each.shift_amount, each.overlap_amount)
            for each in report.top_agencies
        ],
        "pairs": [
            (*each.provider_ids, each.conflicts, each.caregivers, each.overlap_amount) for each in report.top_pairs
        ],
        "payers": [
            (each.payer_id, each.conflicts, each.visits, each.shift_amount, each.overlap_amount)
            for each in report.top_payers
        ],
        "groups": [
            (
                *(each.group_id, each.conflicts, each.visits, each.agencies, each.first_date, each.last_date),
                *(each.overlap_minutes, each.overlap_amount),
            )
            for each in report.largest_groups
        ],
        "costliest_new": [(each.pair_id, each.amount) for each in report.costliest_new],
        "costliest_open": [(each.pair_id, each.amount) for each in report.costliest_open],
    }


def assert_report_is_right(store, url):
    expected = figures(url, ZONE)
    found = told(look(store))
    for name, figure in expected.items():
        assert [pytest.approx(row) for row in figure[: len(found[name])]] == found[name], name
        assert len(found[name]) == min(len(figure), 10), name


# Each example is some nights and a dozen statements: to shrink one takes minutes.
phases = [Phase.explicit, Phase.reuse, Phase.generate, *([] if PROFILE == "ci" else [Phase.shrink])]


@dataclass(frozen=True)
class InventedCommit:
    """A commit of a prefix: what there is of each visit, and which visits are in conflict."""

    prefix: str
    visits: dict[str, dict[str, Any]]
    conflicts: dict[tuple[str, str, str], tuple[int, float, str]]
    moved: int

    def commit(self, number: int):
        pairs = [
            Pair(one, other, ssn=ssn, rule=rule, overlap=overlap, group=group)
            for (ssn, one, other), (rule, overlap, group) in self.conflicts.items()
            if ssn.startswith(self.prefix)
        ]
        window = (DAY + timedelta(days=self.moved), WINDOW[1])
        plain = night(pairs, number=number, prefix=self.prefix, window=window)
        conflicts = [self.side(row) for row in plain.conflicts.to_pylist()]
        own = ("visit_date", "provider_id", "provider_name", "payer_id", "contract", "sch_start_time")
        own += ("visit_start_time", "visit_end_time")
        visits = [row | {name: self.visits[row["visit_id"]][name] for name in own} for row in plain.visits.to_pylist()]
        return replace(
            plain,
            conflicts=pa.Table.from_pylist(conflicts, schema=plain.conflicts.schema),
            visits=pa.Table.from_pylist(visits, schema=plain.visits.schema),
        )

    def side(self, row: dict[str, Any]) -> dict[str, Any]:
        visit, other = self.visits[row["visit_id"]], self.visits[row["con_visit_id"]]
        rate = visit["rate"]
        return row | {
            **{name: visit[name] for name in ("visit_date", "provider_id", "cost_type", "shift_amount")},
            **{f"con_{name}": other[name] for name in ("visit_date", "provider_id")},
            "overlap_amount": None if rate is None else rate * row["overlap_minutes"],
        }


moments = st.sampled_from(
    (None, datetime(2026, 3, 8, 6, 59, 59, 999999, tzinfo=UTC), datetime(2026, 1, 5, 14, 20, tzinfo=UTC))
)
one_visit = st.fixed_dictionaries(
    {
        "visit_date": st.sampled_from((DAY, DAY + timedelta(days=1), DAY + timedelta(days=2))),
        "provider_id": st.sampled_from(("P", "Q", "p", "é")),
        "provider_name": st.sampled_from((None, "", "Agency P")),
        "payer_id": st.sampled_from((None, "M", "N")),
        "contract": st.sampled_from((None, "Medicaid", "other")),
        "cost_type": st.sampled_from(("recovery", "avoidance")),
        "shift_amount": st.sampled_from((None, 0.0, 80.0, 1e300)),
        "rate": st.sampled_from((None, 0.5, 1.25)),
        "sch_start_time": moments,
        "visit_start_time": moments,
        "visit_end_time": moments,
    }
)
links = st.tuples(st.sampled_from(SSNS), st.sampled_from(VISITS), st.sampled_from(VISITS)).filter(
    lambda link: link[1] < link[2]
)
looks = st.tuples(st.integers(1, 7), st.sampled_from((0.0, 30.0, 60.0)), st.sampled_from(("", "g", "h")))
nights = st.builds(
    InventedCommit,
    prefix=st.sampled_from(("04", "17")),
    visits=st.fixed_dictionaries(dict.fromkeys(VISITS, one_visit)),
    conflicts=st.dictionaries(links, looks, max_size=8),
    moved=st.integers(0, 1),
)


@settings(max_examples=settings.default.max_examples // 20, phases=phases)
@given(
    committed=st.lists(nights, min_size=1, max_size=3),
    decided=st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from("cdef")), max_size=3),
    by_hand=st.sampled_from((None, None, *HANDS)),
)
def test_the_report_is_what_plain_sql_says(store_of_the_file, committed, decided, by_hand):
    store, url = store_of_the_file
    execute(url, EMPTY_STORE)
    for number, each in enumerate(committed, 1):
        store.conflicts.replace_prefix(each.commit(number))
    known = {pair_id for (pair_id,) in rows(url, "SELECT DISTINCT pair_id FROM visit_conflicts")}
    pairs = [Pair(*each).pair_id for each in sorted(decided)]
    store.decisions.decide(
        [Decision(parse_pair(pair), DecisionValue.IGNORED, "known") for pair in pairs if pair in known]
    )
    if by_hand:
        execute(url, by_hand)
    assert_report_is_right(store, url)


@pytest.fixture(scope="module")
def store_of_the_file(pg_server):
    url = pg_server.make_store(2)
    with ConflictStore(url=url, prefix_length=2) as store:
        yield store, url
    pg_server.take_back(url, 2)


def test_what_commits_keep_is_read_and_no_row_of_theirs(store, store_url, made_of_rows):
    store.conflicts.replace_prefix(night([Pair(), Pair("c", "d")]))
    store.conflicts.replace_prefix(night([Pair(ssn="170000001")], prefix="17"))
    store.conflicts.replace_prefix(night([Pair()], number=2))
    store.conflicts.replace_prefix(night([Pair()], number=3))
    store.conflicts.replace_prefix(night([], prefix="05"))
    store.decisions.decide([Decision(parse_pair("a,b"), DecisionValue.IGNORED, "known")])
    assert_report_is_right(store, store_url)
    assert made_of_rows == []


@pytest.mark.parametrize("by_hand", HANDS)
def test_of_a_prefix_that_somebody_has_touched_the_rows_are_read(store, store_url, made_of_rows, by_hand):
    store.conflicts.replace_prefix(night([Pair(), Pair("b", "c", agency="Q", con_agency="R")]))
    store.conflicts.replace_prefix(night([Pair("x", "y", ssn="170000001")], prefix="17"))
    execute(store_url, by_hand)
    assert_report_is_right(store, store_url)
    assert made_of_rows == ["04"]
    store.conflicts.replace_prefix(night([Pair(), Pair("b", "c", agency="Q", con_agency="R")], number=2))
    made_of_rows.clear()
    assert_report_is_right(store, store_url)
    assert made_of_rows == []


def test_of_a_prefix_that_an_earlier_release_committed_the_rows_are_read_until_its_next_commit(
    store, store_url, made_of_rows
):
    store.conflicts.replace_prefix(night([Pair()]))
    execute(store_url, "DELETE FROM open_conflict_columns")
    assert_report_is_right(store, store_url)
    assert made_of_rows == ["04"]
    store.conflicts.replace_prefix(night([Pair()], number=2))
    made_of_rows.clear()
    assert_report_is_right(store, store_url)
    assert made_of_rows == []


def test_columns_of_other_rows_than_the_last_commit_s_are_not_read(store, store_url, made_of_rows):
    store.conflicts.replace_prefix(night([Pair()]))
    execute(store_url, "UPDATE open_conflict_columns SET digest = 'of another commit'")
    assert_report_is_right(store, store_url)
    assert made_of_rows == ["04"]


def test_the_same_rows_are_kept_once(store, store_url):
    written = "SELECT ssn_prefix, xmin::text FROM open_conflict_columns ORDER BY 1"
    store.conflicts.replace_prefix(night([Pair()]))
    before = rows(store_url, written)
    store.conflicts.replace_prefix(night([Pair()], number=2))
    assert rows(store_url, written) == before
    store.conflicts.replace_prefix(night([Pair(overlap=30.0)], number=3))
    assert rows(store_url, written) != before


def test_no_full_ssn_is_kept(store, store_url):
    store.conflicts.replace_prefix(night([Pair()]))
    ((packed,),) = rows(store_url, "SELECT arrow FROM open_conflict_columns")
    kept = pa.ipc.open_stream(packed).read_all()
    assert kept.schema == OPEN_COLUMNS
    assert not any("40000001" in str(value) for value in kept.to_pylist())
    assert set(kept["last_four"].to_pylist()) == {"0001"}
