"""What the morning's report tells is what SQL says of the store, at one moment."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pyarrow as pa
import pytest

from conflict_assets.domain.report_data import LastNight, PrefixTime, ReportData, Stake
from conflict_assets.store import report_queries
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import DAY, START, Pair, night

ZONE = "America/New_York"
NAMED = {"provider_name": "Agency P"}
CHAIN = [
    Pair("a", "b", group="g", overlap=30.0, visit=NAMED),
    Pair("b", "c", group="g", agency="Q", con_agency="R", rule=1, shift_amount=80.0),
    Pair("a", "c", group="g", agency="P", con_agency="R", rule=4, con_day=DAY + timedelta(days=1), visit=NAMED),
]
ALONE = Pair("x", "y", ssn="170000017", agency="R", con_agency="Q", rule=7, overlap=0.0, shift_amount=None)


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def look(store, **zones):
    return store.runs.report_data(**{"time_zone": ZONE, "agency_time_zone": ZONE} | zones)


@pytest.fixture
def mixed(store, store_url):
    """New, open, resolved, whitelisted and expired conflicts of two prefixes, of billed visits and others."""
    gone, early = Pair("r", "s"), Pair("k", "l", day=date(2024, 1, 1))
    store.conflicts.replace_prefix(night([*CHAIN[:2], gone, early], number=1))
    store.conflicts.replace_prefix(
        night([*CHAIN, Pair("d", "e")], number=2, window=(date(2024, 1, 2), date(2026, 3, 1)))
    )
    store.conflicts.replace_prefix(night([ALONE], number=2, prefix="17"))
    store.decisions.decide([Decision(parse_pair(Pair("d", "e").pair_id), DecisionValue.WHITELISTED, "because")])
    execute(store_url, "UPDATE visit_conflicts SET cost_type = 'recovery' WHERE visit_id IN ('b', 'x')")
    return store


def test_a_store_without_a_night_is_all_zeros(store):
    found = look(store)
    assert (found.open_conflicts, found.shift_amount, found.overlap_amount) == (0, 0.0, 0.0)
    assert (found.recovery, found.avoidance) == (Stake(), Stake())
    assert (found.nights, found.top_agencies, found.top_pairs, found.largest_groups) == ((), (), (), ())
    assert (found.top_payers, found.costliest_new, found.costliest_open) == ((), (), ())
    assert (found.last_resolved, found.last_reopened) == ((), ())
    assert (dict(found.by_hour), dict(found.source_counts), found.last_night) == ({}, {}, None)
    assert len(found.by_prefix) == 100
    assert found.day == found.made_at.date() or found.made_at.hour < 6


def test_what_the_charts_show_is_given_while_the_rest_is_read(mixed, monkeypatch):
    given, read = [], report_queries._agencies

    def after_the_figures(tables):
        assert given, "the figures come only with the rest"
        return read(tables)

    monkeypatch.setattr(report_queries, "_agencies", after_the_figures)
    data = look(mixed, on_figures=given.append)
    (figures,) = given
    assert not isinstance(figures, ReportData)
    assert figures.open_conflicts > 0
    assert all(getattr(data, each.name) == getattr(figures, each.name) for each in fields(figures))


def test_totals_are_those_of_the_view_of_open_conflicts(mixed, store_url):
    found = look(mixed)
    assert rows(store_url, "SELECT count(*), count(*) FILTER (WHERE status = 'new') FROM open_conflicts") == [
        (found.open_conflicts, found.by_status["new"])
    ]
    assert found.by_status == {"new": 2, "open": 2, "whitelisted": 1, "resolved": 1, "expired": 1}
    sides = "FROM conflict_visit_maps WHERE status IN ('new', 'open')"
    assert rows(
        store_url,
        f"SELECT count(DISTINCT visit_id), count(DISTINCT ssn), count(DISTINCT provider_id), sum(overlap_amount) "
        f"{sides}",
    ) == [(found.visits, found.caregivers, found.agencies, found.overlap_amount)]
    assert found.open_conflicts == sum(found.by_rule.values()) == sum(found.by_prefix.values()) == 4
    assert found.nights[-1].open_conflicts == found.open_conflicts


def test_recovery_and_avoidance_split_visits_once_and_rows_each(mixed, store_url):
    found = look(mixed)
    for stake, billed in ((found.recovery, True), (found.avoidance, False)):
        visits = rows(
            store_url,
            """SELECT count(*), count(*) FILTER (WHERE amount IS NULL), coalesce(sum(amount), 0), sum(overlap)
               FROM (SELECT visit_id, max(shift_amount) AS amount, sum(overlap_amount) AS overlap
                     FROM conflict_visit_maps WHERE status IN ('new', 'open') AND (cost_type = 'recovery') = %s
                     GROUP BY visit_id) AS v""",
            [billed],
        )
        assert visits == [(stake.visits, stake.unpriced, stake.shift_amount, stake.overlap_amount)]
    assert (found.recovery.visits, found.avoidance.visits, found.recovery.unpriced) == (2, 3, 1)
    assert found.shift_amount == 300.0


def test_agencies_and_their_pairs_are_ranked_by_conflicts_and_named(mixed, store_url):
    found = look(mixed)
    counted = rows(
        store_url,
        """SELECT provider_id, count(DISTINCT pair_id), count(DISTINCT visit_id), sum(overlap_amount)
           FROM conflict_visit_maps WHERE status IN ('new', 'open') GROUP BY 1 ORDER BY 2 DESC, 1""",
    )
    assert [(a.provider_id, a.conflicts, a.visits, a.overlap_amount) for a in found.top_agencies] == counted
    assert {agency.provider_id: agency.name for agency in found.top_agencies} == {"P": "Agency P", "Q": "Q", "R": "R"}
    assert [agency.shift_amount for agency in found.top_agencies if agency.provider_id == "P"] == [100.0]
    assert [(pair.provider_ids, pair.conflicts, pair.caregivers, pair.overlap_amount) for pair in found.top_pairs] == [
        (("Q", "R"), 2, 2, 60.0),
        (("P", "Q"), 1, 1, 30.0),
        (("P", "R"), 1, 1, 60.0),
    ]
    assert found.top_pairs[1].names == ("Agency P", "Q")


SUMS = "SELECT pair_id, sum(overlap_amount) FROM conflict_visit_maps WHERE status = ANY(%s) GROUP BY pair_id"


def test_the_costliest_conflicts_are_those_of_the_view_once_a_pair(mixed, store_url):
    found = look(mixed)
    for conflicts, statuses in ((found.costliest_new, ["new"]), (found.costliest_open, ["new", "open"])):
        told = [(each.pair_id, each.amount) for each in conflicts]
        assert sorted(told) == sorted(rows(store_url, SUMS, [statuses]))
        assert [amount for _, amount in told] == sorted((amount for _, amount in told), reverse=True)
    assert sum(each.amount or 0 for each in found.costliest_open) == found.overlap_amount
    assert [visit.agency for visit in found.costliest_new[0].visits] == ["Agency P", "R"]


def test_payers_are_ranked_by_conflicts_with_the_amounts_of_their_own_visits(mixed, store_url):
    execute(
        store_url,
        """UPDATE conflict_visits SET payer_id = 'M', contract = 'Medicaid' WHERE visit_id IN ('a', 'b');
           UPDATE conflict_visits SET payer_id = 'N' WHERE visit_id = 'x'""",
    )
    counted = rows(
        store_url,
        """SELECT coalesce(payer_id, ''), count(DISTINCT pair_id), count(DISTINCT visit_id), sum(overlap_amount)
           FROM conflict_visit_maps WHERE status IN ('new', 'open') GROUP BY 1 ORDER BY 2 DESC, 1""",
    )
    payers = look(mixed).top_payers
    assert [(each.payer_id, each.conflicts, each.visits, each.overlap_amount) for each in payers] == counted
    assert {each.payer_id: each.name for each in payers} == {"": "Payer unknown", "M": "Medicaid", "N": "N"}
    assert {each.payer_id: each.shift_amount for each in payers} == {"": 100.0, "M": 200.0, "N": 0.0}


def test_the_last_night_lists_what_it_resolved_and_reopened_the_costliest_first(store, store_url):
    small, large, back = Pair("a", "b", overlap=10.0), Pair("c", "d"), Pair("e", "f")
    store.conflicts.replace_prefix(night([small, large, back], number=1))
    store.conflicts.replace_prefix(night([small, large], number=2))
    store.conflicts.replace_prefix(night([back], number=3))
    store.conflicts.replace_prefix(night([back, small], number=4, as_of=START + timedelta(days=3, hours=1)))
    found = look(store, time_zone="UTC")
    assert [each.pair_id for each in found.last_resolved] == [large.pair_id, small.pair_id]
    assert [each.amount for each in found.last_resolved] == [60.0, 10.0]
    assert [each.pair_id for each in found.last_reopened] == [back.pair_id, small.pair_id]
    assert found.last_night is not None
    for event, count in (("resolved", found.last_night.resolved), ("reopened", found.last_night.reopened)):
        by_sql = "SELECT count(*) FROM conflict_events WHERE event = %s AND happened_at >= %s"
        assert rows(store_url, by_sql, [event, START + timedelta(days=3)]) == [(count,)]


def test_a_group_is_two_conflicts_or_more_and_tells_its_size(mixed):
    (group,) = look(mixed).largest_groups
    assert (group.group_id, group.conflicts, group.visits, group.agencies) == ("g", 3, 3, 3)
    assert (group.first_date, group.last_date) == (DAY, DAY + timedelta(days=1))
    assert (group.overlap_minutes, group.overlap_amount) == (150.0, 150.0)


def test_of_many_the_largest_are_shown(store, monkeypatch):
    def chain(number, conflicts, overlap=60.0):
        names = [f"{number}-{place}" for place in range(conflicts + 1)]
        sides = {"group": f"g{number}", "agency": f"P{number}", "con_agency": f"Q{number}", "overlap": overlap}
        return [Pair(one, other, **sides) for one, other in pairwise(names)]

    store.conflicts.replace_prefix(
        night([*chain(1, 2), *chain(2, 4), *chain(3, 2, overlap=90.0), *chain(4, 3), *chain(5, 2)])
    )
    whole = look(store)
    assert [group.group_id for group in whole.largest_groups] == ["g2", "g4", "g3", "g1", "g5"]
    monkeypatch.setattr(report_queries, "SHOWN", 3)
    shown = look(store)
    assert shown.largest_groups == whole.largest_groups[:3]
    assert shown.top_pairs == whole.top_pairs[:3]
    assert [pair.provider_ids for pair in shown.top_pairs] == [("P2", "Q2"), ("P4", "Q4"), ("P1", "Q1")]
    assert shown.top_agencies == whole.top_agencies[:3]
    assert shown.costliest_open == whole.costliest_open[:3]


@pytest.mark.parametrize(("prefixes", "told"), [(4, "***-**-****"), (5, "***-**-0001")])
def test_the_last_four_digits_are_told_only_in_a_crowd_of_prefixes(store, prefixes, told):
    for number in range(prefixes):
        ssn = f"{number:02}0000001"
        store.conflicts.replace_prefix(
            night([Pair("a", "b", ssn=ssn, group="g"), Pair("b", "c", ssn=ssn, group="g")], prefix=f"{number:02}")
        )
    assert {group.masked_ssn for group in look(store).largest_groups} == {told}


def test_a_conflict_counts_in_the_hour_of_the_agencies_zone_in_which_its_second_visit_starts(store):
    begin = datetime(2026, 1, 5, 14, tzinfo=UTC)
    worked = {"visit_start_time": begin, "visit_end_time": begin + timedelta(hours=2)}
    planned = {"sch_start_time": begin + timedelta(hours=3), "visit_start_time": begin}
    store.conflicts.replace_prefix(night([Pair("a", "b", visit=worked), Pair("c", "d", visit=planned), Pair("e", "f")]))
    assert look(store).by_hour == {(1, 9): 1, (1, 12): 1}
    assert look(store, agency_time_zone="Asia/Tokyo").by_hour == {(1, 23): 1, (2, 2): 1}


def test_the_later_of_the_two_starts_counts(store, store_url):
    store.conflicts.replace_prefix(night([Pair()]))
    for visit, hour in (("a", 8), ("b", 11)):
        execute(
            store_url,
            "UPDATE conflict_visits SET sch_start_time = %s WHERE visit_id = %s",
            [datetime(2026, 1, 5, hour, tzinfo=UTC), visit],
        )
    assert look(store, agency_time_zone="UTC").by_hour == {(1, 11): 1}


def test_the_last_night_is_all_runs_of_the_newest_date_with_what_they_took(store, store_url):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    store.conflicts.replace_prefix(night([], prefix="05", number=1))
    for number, hours in ((2, 0), (3, 1)):
        as_of = START + timedelta(days=2, hours=hours)
        store.conflicts.replace_prefix(night([Pair(), Pair("c", "d")][: number - 1], number=number, as_of=as_of))
    execute(store_url, "UPDATE prefix_runs SET write_seconds = 0.25, committed_at = as_of + interval '10 min'")
    found = look(store, time_zone="UTC").last_night
    assert found is not None
    left_behind = dict(found.left_behind)
    assert left_behind.pop("05") == START + timedelta(days=1)
    assert left_behind == {f"{number:02}": None for number in range(100) if number not in {4, 5}}
    assert found == LastNight(
        night=(START + timedelta(days=2)).date(),
        started_at=START + timedelta(days=2),
        committed_at=START + timedelta(days=2, hours=1, minutes=10),
        runs=2,
        prefixes=1,
        new=1,
        changed=0,
        resolved=0,
        reopened=0,
        detect_seconds=pytest.approx(0.2),
        write_seconds=0.5,
        slowest=(PrefixTime(prefix="04", conflicts=2, detect_seconds=pytest.approx(0.2), write_seconds=0.5),),
        left_behind=found.left_behind,
    )


def test_visits_are_counted_at_the_last_run_of_each_prefix_and_rejected_ones_without_prefix_added(store):
    for number, seen in ((1, 1000), (2, 700)):
        store.conflicts.replace_prefix(night([], number=number, counts={"visits_seen": seen, "no_times": number}))
    store.conflicts.replace_prefix(night([], prefix="05", counts={"visits_seen": 50, "no_times": 4}))
    columns = {
        "ssn_prefix": [None, None, "04"],
        "visit_id": ["u", None, "v"],
        "reason": ["invalid_ssn"] * 2 + ["no_times"],
    }
    store.runs.write_rejected(
        "r",
        pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}),
        prefixes=["04"],
        include_without_prefix=True,
        as_of=START,
    )
    found = look(store)
    assert found.source_counts == {"visits_seen": 750, "no_times": 6}
    assert found.without_prefix == {"invalid_ssn": 2}


def test_what_is_committed_while_the_report_is_read_is_not_in_it(store, store_url, monkeypatch):
    store.conflicts.replace_prefix(night([Pair()]))
    read = report_queries.read_totals

    def commit_meanwhile(open_conflicts, prefix_length):
        totals = read(open_conflicts, prefix_length)
        with ConflictStore(url=store_url, prefix_length=2) as other:
            other.conflicts.replace_prefix(night([Pair("c", "d", ssn="170000001")], prefix="17"))
        return totals

    monkeypatch.setattr(report_queries, "read_totals", commit_meanwhile)
    found = look(store)
    assert found.visits == found.recovery.visits + found.avoidance.visits == 2
    assert found.nights[-1].open_conflicts == found.open_conflicts == 1
    assert look(store).open_conflicts == 2


def test_a_store_of_a_thousand_prefixes_is_told_too(make_store):
    with ConflictStore(url=make_store(prefix_length=3), prefix_length=3) as store:
        store.conflicts.replace_prefix(night([Pair()], prefix="040"))
        found = look(store)
    assert len(found.by_prefix) == 1000
    assert found.by_prefix["040"] == 1
    assert found.last_night is not None
    assert len(found.last_night.left_behind) == 999
