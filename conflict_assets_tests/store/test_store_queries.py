"""What runs and reports read from the store."""

from datetime import date

import psycopg
import pytest

from conflict_assets.domain.policy import DEFAULT_SPEED_BANDS
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets.store.row_types import VisitVolume
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import WINDOW, Pair, night
from conflict_assets_tests.store.store_totals import totals
from conflict_assets_tests.store.test_roles import login


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def test_an_empty_store_has_zeros_everywhere(store):
    found = store.session.run(totals)
    assert (found.open_conflicts, found.rows, found.shift_amount, dict(found.by_status)) == (0, 0, 0.0, {})
    assert len(found.by_prefix) == 100
    assert store.runs.visit_volumes(["04"]) == {}
    assert store.conflicts.count_open() == 0
    assert store.runs.prefix_counts(["04"])["04"].previous_conflicts is None
    assert store.runs.summary("none") == []


def test_exclusions_come_trimmed_and_sorted(store, store_url):
    execute(store_url, "INSERT INTO excluded_agencies VALUES ('Q '), ('P')")
    execute(store_url, "INSERT INTO excluded_ssns VALUES ('040-00-0001'), (' 040000001')")
    found = store.administration.exclusions()
    assert (found.agencies, found.ssns) == (("P", "Q"), ("040000001",))


def test_speed_bands_are_the_table_s_and_the_defaults_when_it_is_empty(store, store_url):
    assert store.administration.speed_bands() == DEFAULT_SPEED_BANDS
    execute(store_url, "UPDATE speed_bands SET miles_per_hour = 60 WHERE to_miles IS NULL")
    assert store.administration.speed_bands()[-1] == (20.0, None, 60.0)
    execute(store_url, "DELETE FROM speed_bands")
    assert store.administration.speed_bands() == DEFAULT_SPEED_BANDS


def test_a_table_of_speed_bands_with_a_gap_is_refused_with_what_to_correct(store, store_url):
    execute(store_url, "DELETE FROM speed_bands WHERE from_miles = 5")
    with pytest.raises(StoreError, match=r"gap from 5.0 to 10.0 miles.*Correct table speed_bands"):
        store.administration.speed_bands()


def test_volumes_are_those_of_the_last_commit(store):
    for number, seen in enumerate((1000, 700), 1):
        counts = {"visits_seen": seen, "usable": seen - 100, "contested": 5}
        store.conflicts.replace_prefix(night([], number=number, counts=counts))
    assert store.runs.visit_volumes(["04", "05"]) == {"04": VisitVolume(seen=700, usable=600)}


def test_totals_count_conflicts_once_visits_once_and_rows_each(store, store_url):
    store.conflicts.replace_prefix(night([Pair("a", "b", overlap=10.0), Pair("a", "c", rule=1, overlap=20.0)]))
    store.conflicts.replace_prefix(night([Pair(ssn="170000001", rule=7, overlap=0.0)], prefix="17"))
    found = store.session.run(totals)
    assert (found.open_conflicts, found.rows, found.visits) == (3, 6, 5)
    assert (found.caregivers, found.agencies) == (2, 2)
    assert (found.shift_amount, found.overlap_amount) == (500.0, 30.0)
    assert found.by_rule == dict.fromkeys(found.by_rule, 0) | {
        "same_sch_time": 1,
        "visit_time_over_another_visit_time": 1,
        "distance": 1,
    }
    assert {prefix: count for prefix, count in found.by_prefix.items() if count} == {"04": 2, "17": 1}
    assert rows(store_url, "SELECT count(*) FROM open_conflicts") == [(found.open_conflicts,)]
    assert store.conflicts.count_open() == found.open_conflicts


def test_sums_over_the_summary_are_right_whatever_it_is_grouped_by(store, store_url):
    pairs = [
        Pair("a", "b", visit={"payer_id": "X", "contract": "Payer X", "provider_name": "Agency P"}),
        Pair("a", "c", rule=1),
        Pair("a", "d", day=date(2026, 2, 1), rule=4),
    ]
    store.conflicts.replace_prefix(night(pairs))
    found = store.session.run(totals)
    summed = rows(
        store_url,
        """SELECT sum(conflicts), sum(visits), sum(shift_amount_once_per_visit), sum(overlap_amount_once_per_row),
                  sum(new_conflicts) FROM conflict_summary""",
    )
    assert summed == [(found.rows, found.visits, found.shift_amount, found.overlap_amount, found.rows)]
    agency = rows(
        store_url,
        "SELECT rule, month, conflicts FROM conflict_summary WHERE provider_id = 'P' ORDER BY rule",
    )
    assert agency == [(1, date(2026, 1, 1), 1), (4, date(2026, 2, 1), 1), (5, date(2026, 1, 1), 1)]


def test_decided_expired_and_resolved_conflicts_are_in_no_total_of_open_ones(store, store_url):
    early = Pair("e", "f", day=date(2024, 1, 1))
    store.conflicts.replace_prefix(night([Pair(), Pair("c", "d"), early], number=1))
    store.conflicts.replace_prefix(night([Pair()], number=2, window=(date(2024, 1, 2), WINDOW[1])))
    found = store.session.run(totals)
    assert found.by_status == {"open": 1, "resolved": 1, "expired": 1}
    assert found.open_conflicts == 1
    assert rows(store_url, "SELECT sum(conflicts) FROM conflict_summary") == [(2,)]


def test_prefix_counts_tell_rows_that_hold_and_the_run_before(store, store_url):
    store.conflicts.replace_prefix(night([Pair(), Pair("c", "d")], number=1))
    store.conflicts.replace_prefix(night([Pair()], number=2, counts={"visits_seen": 7, "contested": 2}))
    counts = store.runs.prefix_counts(["04"])["04"]
    assert (counts.rows, counts.one_sided, counts.previous_conflicts, counts.previous_visits) == (2, 0, 2, 1000)
    execute(store_url, "DELETE FROM visit_conflicts WHERE visit_id = 'b'")
    assert store.runs.prefix_counts(["04"])["04"].one_sided == 1


def test_the_run_s_summary_is_what_each_commit_wrote(store):
    store.conflicts.replace_prefix(night([Pair()], prefix="04"))
    store.conflicts.replace_prefix(night([], prefix="05"))
    found = store.runs.summary("run-1")
    assert [(run.prefix, run.position, run.new, run.rows) for run in found] == [("04", 1, 1, 2), ("05", 2, 0, 0)]
    assert found[0].as_of == night([]).as_of
    assert found[0].counts["visits_seen"] == 1000
    assert (found[0].first_date, found[0].last_date) == WINDOW


def test_free_connections_are_counted_by_the_nearest_limit(store, store_url):
    free = store.administration.free_connections()
    assert 100 < free.count < 200
    assert free.limited_by == "max_connections of the server"
    database = rows(store_url, "SELECT current_database()")[0][0]
    execute(store_url, f"ALTER DATABASE {database} CONNECTION LIMIT 7")
    try:
        free = store.administration.free_connections()
        assert 4 <= free.count <= 6  # those that were just closed may still be counted
        assert free.limited_by == f"CONNECTION LIMIT of database {database}"
    finally:
        execute(store_url, f"ALTER DATABASE {database} CONNECTION LIMIT -1")


def test_a_login_without_special_rights_counts_the_connections_of_others_too(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as owner:
        owner.administration.set_up_roles()
        reader = login(store_url, "conflicts_reader")
        with (
            ConflictStore(url=reader, prefix_length=2) as store,
            psycopg.connect(store_url),
            psycopg.connect(store_url),
        ):
            assert (
                abs(owner.administration.free_connections().count - store.administration.free_connections().count) <= 1
            )
    role = rows(reader, "SELECT current_user")[0][0]
    execute(store_url, f"ALTER ROLE {role} CONNECTION LIMIT 3")
    with ConflictStore(url=reader, prefix_length=2) as store:
        free = store.administration.free_connections()
    assert free.count <= 2
    assert free.limited_by == f"CONNECTION LIMIT of role {role}"
    execute(store_url, f"ALTER ROLE {role} CONNECTION LIMIT -1")
