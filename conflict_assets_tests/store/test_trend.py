"""What was open after each night, and what it found new, again or no more, agrees with the store at every moment."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from conflict_assets.domain.report_data import NightPoint
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.trend import trend
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import DAY, START, WINDOW, Pair, night

ZONE = "America/New_York"
AB, AC, AD, AE = (Pair("a", other) for other in "bcde")


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def trend_of(store: ConflictStore, *, time_zone: str = ZONE, nights: int = 30) -> list[NightPoint]:
    return store.session.run(trend, time_zone, nights)


def told(store: ConflictStore, **options) -> list[tuple[int, int, int]]:
    return [(each.open_conflicts, each.new, each.resolved) for each in trend_of(store, **options)]


def decide(store: ConflictStore, url: str, pair: Pair, verdict: DecisionValue, when: datetime) -> None:
    store.decisions.decide([Decision(parse_pair(pair.pair_id), verdict, "because")])
    execute(
        url,
        """UPDATE conflict_history SET happened_at = %s
           WHERE event_id = (SELECT max(event_id) FROM conflict_history WHERE event = 'decided')""",
        [when],
    )


def test_a_store_without_a_night_has_no_trend(store):
    assert trend_of(store) == []


def test_new_reopened_and_resolved_are_counted_by_night_and_told_apart(store, store_url):
    for number, pairs in enumerate(([AB, AC], [AB], [AB, AC, AD]), 1):
        store.conflicts.replace_prefix(night(pairs, number=number))
    assert told(store) == [(2, 2, 0), (1, 0, 1), (3, 1, 0)]
    assert [each.reopened for each in trend_of(store)] == [0, 0, 1]
    last = store.runs.report_data(time_zone=ZONE, agency_time_zone=ZONE).last_night
    assert last is not None
    assert (last.new, last.changed, last.resolved, last.reopened) == (1, 0, 0, 1)
    events = "SELECT event, count(*) FROM conflict_history WHERE run_id = 'run-3' GROUP BY event ORDER BY event"
    assert rows(store_url, events) == [("detected", 1), ("reopened", 1)]
    assert [each.night for each in trend_of(store)] == [
        (START + timedelta(days=number)).astimezone(ZoneInfo(ZONE)).date() for number in (1, 2, 3)
    ]


def test_a_night_is_a_date_of_the_zone(store):
    store.conflicts.replace_prefix(night([AB], number=1))
    assert [each.night for each in trend_of(store, time_zone="UTC")] == [date(2026, 1, 7)]
    assert [each.night for each in trend_of(store, time_zone="America/New_York")] == [date(2026, 1, 6)]


def test_runs_of_one_date_are_one_night(store):
    store.conflicts.replace_prefix(night([AB, AC], number=1))
    later = START + timedelta(days=1, hours=5)
    store.conflicts.replace_prefix(night([AB, AD], number=2, as_of=later))
    assert told(store, time_zone="UTC") == [(2, 3, 1)]


def test_a_prefix_that_was_not_run_keeps_what_it_had(store):
    store.conflicts.replace_prefix(night([AB, AC], number=1))
    store.conflicts.replace_prefix(night([Pair(ssn="050000001")], prefix="05", number=1))
    store.conflicts.replace_prefix(night([AB], number=3))
    assert told(store) == [(3, 3, 0), (2, 0, 1)]


def test_only_the_last_nights_are_told_and_what_was_before_counts(store):
    store.conflicts.replace_prefix(night([Pair(ssn="050000001")], prefix="05", number=1))
    for number in range(2, 8):
        store.conflicts.replace_prefix(night([AB], number=number))
    assert told(store, nights=3) == [(2, 0, 0)] * 3


def test_a_conflict_that_leaves_the_window_is_no_longer_open(store):
    store.conflicts.replace_prefix(night([AB], number=1))
    store.conflicts.replace_prefix(night([], number=2, window=(DAY + timedelta(days=1), WINDOW[1])))
    assert told(store) == [(1, 1, 0), (0, 0, 0)]
    assert store.conflicts.count_open() == 0


def test_a_decision_counts_from_the_night_before_which_it_was_taken(store, store_url):
    for number in (1, 2, 3, 4):
        store.conflicts.replace_prefix(night([AB, AC], number=number))
    decide(store, store_url, AB, DecisionValue.WHITELISTED, START + timedelta(days=2, hours=12))
    assert [count for count, _, _ in told(store)] == [2, 1, 1, 1]
    decide(store, store_url, AB, DecisionValue.CLEARED, START + timedelta(days=3, hours=12))
    assert [count for count, _, _ in told(store)] == [2, 1, 2, 2]


def test_a_decision_on_what_does_not_hold_takes_nothing_away(store, store_url):
    store.conflicts.replace_prefix(night([AB, AC], number=1))
    store.conflicts.replace_prefix(night([AC], number=2))
    decide(store, store_url, AB, DecisionValue.IGNORED, START + timedelta(days=2, hours=12))
    assert told(store) == [(2, 2, 0), (1, 0, 1)]
    store.conflicts.replace_prefix(night([AB, AC], number=3))
    assert told(store) == [(2, 2, 0), (1, 0, 1), (1, 0, 0)]
    assert store.conflicts.count_open() == 1


def test_a_decided_conflict_that_leaves_the_window_is_taken_away_once(store, store_url):
    later = Pair("a", "c", day=DAY + timedelta(days=9))
    store.conflicts.replace_prefix(night([AB, later], number=1))
    decide(store, store_url, AB, DecisionValue.IGNORED, START + timedelta(days=1, hours=12))
    store.conflicts.replace_prefix(night([later], number=2, window=(DAY + timedelta(days=1), WINDOW[1])))
    assert told(store) == [(1, 2, 0), (1, 0, 0)]
    assert store.conflicts.count_open() == 1


def test_a_decision_about_two_caregivers_with_the_same_visit_ids_takes_both_away(store, store_url):
    store.conflicts.replace_prefix(night([AB, Pair(ssn="040000002"), AC], number=1))
    decide(store, store_url, AB, DecisionValue.IGNORED, START + timedelta(days=1, hours=12))
    assert told(store) == [(1, 3, 0)]


def test_the_last_night_tells_what_is_open_now(store, store_url):
    window = WINDOW
    for number, pairs in enumerate(([AB, AC, AD], [AB, AD], [AB, AC, AE], [AC, AE, AB], [AB, AE]), 1):
        store.conflicts.replace_prefix(night(pairs, number=number, window=window))
        assert told(store)[-1][0] == store.conflicts.count_open()
        store.decisions.decide([Decision(parse_pair(pairs[0].pair_id), list(DecisionValue)[number % 3], "because")])
        assert told(store)[-1][0] == store.conflicts.count_open()
    held = rows(store_url, "SELECT count(*) FROM open_conflicts")[0][0]
    assert told(store)[-1][0] == held
