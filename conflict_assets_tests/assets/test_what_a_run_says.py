"""What a run says in its log and of its partitions is what it did to the store, whether all went well or not."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from dagster import DagsterInstance

from conflict_assets.assets.prefix_events import summarize
from conflict_assets.automation import sensors
from conflict_assets.automation.sensors import failed_prefixes_sensor
from conflict_assets.output.log_lines import summary_lines
from conflict_assets.settings import read_settings
from conflict_assets.store import session as store_session
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.assets.small_runs import SmallRuns
from conflict_assets_tests.automation.failing_night import tick
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

COUNTS = ("conflicts", "new", "changed", "resolved", "reopened")


@pytest.fixture
def runs(tmp_path, store_url) -> Iterator[SmallRuns]:
    with DagsterInstance.ephemeral() as instance:
        yield SmallRuns(tmp_path, store_url, instance)


@pytest.fixture
def refuse(store_url) -> Iterator[Callable[[], None]]:
    """From now on, no commit of prefix 38 comes through."""
    execute(
        store_url,
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN IF new.ssn_prefix = '38' THEN RAISE EXCEPTION 'injected'; END IF; RETURN new; END $$;
           CREATE TRIGGER refuse BEFORE INSERT ON prefix_runs FOR EACH ROW EXECUTE FUNCTION refuse();
           ALTER TABLE prefix_runs DISABLE TRIGGER refuse""",
    )
    yield lambda: execute(store_url, "ALTER TABLE prefix_runs ENABLE TRIGGER refuse")
    execute(store_url, "DROP TRIGGER refuse ON prefix_runs; DROP FUNCTION refuse()")


def lines(said, *beginnings):
    return [line.rpartition(" in ")[0] or line for line in said if line.startswith(beginnings)]


def in_sql(url, run):
    """What a run did, as the history of conflicts has it."""
    found = dict(rows(url, "SELECT event, count(*) FROM conflict_history WHERE run_id = %s GROUP BY event", [run]))
    names = {"new": "detected", "reopened": "reopened", "changed": "changed", "resolved": "resolved"}
    return {name: found.get(event, 0) for name, event in names.items()}


def test_an_empty_prefix_that_resolves_has_a_line_of_its_own_and_is_in_the_totals(runs, store_url):
    runs.run({"36": 2, "37": 3})
    run = runs.run({"36": 1})
    said = runs.said(run)
    assert "Skipping 2 empty prefixes (processing 1/3): 37, 38" in said
    assert lines(said, "prefix ", "[") == [
        "prefix 37: 0 conflicts, 0 rows (0 new, 3 resolved)",
        "[1/1] prefix 36: 1 conflicts, 2 rows (0 new, 1 resolved)",
    ]
    assert lines(said, "Success", "Totals") == [
        "Success rate: 1/1 prefixes",
        "Totals: 1 conflicts, 2 rows; 0 new, 0 changed, 4 resolved; 1 open",
    ]
    assert in_sql(store_url, run) == {"new": 0, "reopened": 0, "changed": 0, "resolved": 4}
    told = runs.metadata(run)
    assert {prefix: each["resolved"] for prefix, each in told.items()} == {"36": 1, "37": 3, "38": 0}


def test_reopened_conflicts_are_not_new_in_lines_totals_and_metadata(runs, store_url):
    runs.run({"36": 3})
    runs.run({"36": 1})
    run = runs.run({"36": 4, "37": 1})
    said = runs.said(run)
    assert "[1/2] prefix 36: 4 conflicts, 8 rows (1 new, 2 reopened, 0 resolved)" in lines(said, "[")
    assert "Totals: 5 conflicts, 10 rows; 2 new, 2 reopened, 0 changed, 0 resolved; 5 open" in lines(said, "Totals")
    assert in_sql(store_url, run) == {"new": 2, "reopened": 2, "changed": 0, "resolved": 0}
    told = {prefix: tuple(each[name] for name in COUNTS) for prefix, each in runs.metadata(run).items()}
    assert told == {"36": (4, 1, 0, 0, 2), "37": (1, 1, 0, 0, 0), "38": (0, 0, 0, 0, 0)}
    stored = "SELECT ssn_prefix, conflicts, new_conflicts, changed, resolved, reopened FROM prefix_runs WHERE latest"
    assert {prefix: tuple(counts) for prefix, *counts in rows(store_url, stored)} == told


def test_the_summary_s_line_and_figures_are_those_of_sql_after_a_repeat_in_the_morning_too(runs, store_url):
    runs.run({"36": 3, "37": 2})
    runs.run({"36": 1, "37": 2})
    runs.run({"36": 2, "37": 3, "38": 1})
    runs.run({"36": 2, "37": 3, "38": 1}, later=timedelta(hours=5))
    summary = runs.sum_up()
    ((opened, new, caregivers, agencies),) = rows(
        store_url,
        """SELECT count(DISTINCT (ssn, pair_id)), count(DISTINCT (ssn, pair_id)) FILTER (WHERE status = 'new'),
               count(DISTINCT ssn), count(DISTINCT provider_id)
           FROM conflict_states WHERE status IN ('new', 'open')""",
    )
    assert (opened, new, caregivers, agencies) == (6, 2, 6, 2)
    assert f"{opened} open conflicts of {caregivers} caregivers at {agencies} agencies" in runs.said(summary)
    (figures,) = runs.metadata(summary).values()
    shown = {"open_conflicts": opened, "new_conflicts": new, "caregivers": caregivers, "agencies": agencies}
    assert {name: figures[name] for name in shown} == shown
    last = {f"{name}_last_night": count for name, count in zip(COUNTS[1:], (2, 0, 0, 1), strict=True)}
    assert {name: figures[name] for name in last} == last


@pytest.fixture
def tell(runs, monkeypatch, store_url):
    """Lets the daemon look for failed runs, once before and once after what happens in between."""
    monkeypatch.setattr(sensors, "load_settings", lambda: read_settings(conflicts_postgres_url=store_url))
    cursor = tick(failed_prefixes_sensor, runs.instance, None)
    return lambda: tick(failed_prefixes_sensor, runs.instance, cursor)


FAILED = "Failed prefixes: 38. Repeat them with: conflict-assets run --prefix 38"


def test_a_failed_run_says_its_success_rate_and_totals_too(runs, tell, store_url, refuse):
    runs.run({"36": 1, "37": 3, "38": 2})
    refuse()
    run = runs.run({"36": 2, "38": 5})
    assert lines(runs.said(run), "Success", "Totals") == []
    tell()
    assert lines(runs.said(run), "Success", "Totals", "Failed prefixes: 38.") == [
        "Success rate: 1/2 prefixes",
        "Totals: 2 conflicts, 4 rows; 1 new, 0 changed, 3 resolved; 4 open",
        FAILED,
    ]
    assert in_sql(store_url, run) == {"new": 1, "reopened": 0, "changed": 0, "resolved": 3}


def test_an_empty_prefix_that_fails_counts(runs, tell, refuse):
    refuse()
    run = runs.run({"36": 1})
    tell()
    assert lines(runs.said(run), "Success", "Failed prefixes: 38.") == ["Success rate: 1/2 prefixes", FAILED]


def test_a_run_that_never_had_a_snapshot_says_that_nothing_was_done(runs, tell):
    run = runs.run()
    tell()
    assert lines(runs.said(run), "Success", "Totals", "Slowest", "Failed prefixes: 36") == [
        "Success rate: 0/3 prefixes",
        "Totals: 0 conflicts, 0 rows; 0 new, 0 changed, 0 resolved; 0 open",
        "Failed prefixes: 36-38. Repeat them with: conflict-assets run --prefix 36-38",
    ]


def test_a_store_that_can_t_be_asked_keeps_no_failure_silent(runs, tell, monkeypatch, refuse):
    refuse()
    run = runs.run({"36": 1, "37": 1, "38": 1})
    away = read_settings(conflicts_postgres_url="postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(sensors, "load_settings", lambda: away)
    asked = []
    connect = store_session.connect
    monkeypatch.setattr(store_session, "connect", lambda *given: asked.append(1) or connect(*given))
    tell()
    assert len(asked) == 1, "a tick has no time for more"
    assert lines(runs.said(run), "Success", "Totals", "Failed prefixes: 38.") == ["Success rate: 2/3 prefixes", FAILED]


def test_several_runs_of_one_night_have_one_total(runs, store_url, refuse):
    runs.run({"36": 2, "37": 3})
    refuse()
    runs.take_snapshot({"36": 3, "38": 1})
    roots = []
    for runs.first, runs.last in (("36", "36"), ("37", "38")):
        roots.append(runs.run())
    with ConflictStore(url=store_url, prefix_length=2) as store:
        night = summarize(store, roots, ["36", "37", "38"])
        untold = summarize(store, roots, ["36", "37", "38"], failed=["36"])
    assert lines(summary_lines(night), "Success", "Totals", "Failed") == [
        "Success rate: 1/2 prefixes",
        "Totals: 3 conflicts, 6 rows; 1 new, 0 changed, 3 resolved; 3 open",
        FAILED,
    ]
    did = [in_sql(store_url, root) for root in roots]
    assert {name: sum(each[name] for each in did) for name in did[0]} == {
        "new": 1,
        "reopened": 0,
        "changed": 0,
        "resolved": 3,
    }
    assert untold.failed == ("36", "38")
    assert untold.committed == night.committed


def test_a_run_that_reads_the_source_again_is_summed_up_from_what_it_read_last(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        for number, pairs in ((1, [Pair("a", "b")]), (2, [Pair("a", "b"), Pair("c", "d")])):
            store.conflicts.replace_prefix(night(pairs, number=number, root_run_id="root"))
        store.conflicts.replace_prefix(night([Pair(ssn="050000001")], prefix="05", number=1, root_run_id="root"))
        store.conflicts.replace_prefix(night([Pair(ssn="060000001")], prefix="06", number=1, root_run_id="root"))
        summed = summarize(store, ["root"], ["04", "05"])
    assert {line.prefix: (line.conflicts, line.new) for line in summed.committed} == {"04": (2, 1), "05": (1, 1)}
    assert (summed.expected, summed.failed, summed.open_conflicts) == (["04", "05"], (), 4)
