"""A night that failed and is re-executed: what is done stays done, and only what fails turns red."""

from datetime import timedelta

import duckdb
from dagster import DagsterEventType, DagsterRunStatus

from conflict_assets.automation.failed_prefixes import failed_prefixes
from conflict_assets.settings import load_settings
from conflict_assets_tests.assets.small_platform import BUSY, PREFIXES, small
from conflict_assets_tests.pg import execute

__all__ = ["small"]

ALL_BUT_50 = [prefix for prefix in PREFIXES if prefix != "50"]
RANGE = ["00", "01", "02", "03"]
"""Three busy prefixes and an empty one: enough where it need not be a whole night."""


def failed_range(small):
    with small.refusing("02"):
        run = small.run(*RANGE)
    only_02_is_red(small, run)
    return run


def only_02_is_red(small, run) -> None:
    assert run.status is DagsterRunStatus.FAILURE
    assert small.partitions() == {"FAILED": ["02"], "MATERIALIZED": ["00", "01", "03"]}
    assert small.checked() == {"SUCCEEDED": {"00", "01", "03"}, "EXECUTION_FAILED": {"02"}}
    assert failed_prefixes(small.instance, run) == ("02",)
    small.agrees_with_store()


def the_range_is_whole(small) -> None:
    assert small.partitions() == {"MATERIALIZED": RANGE}
    for name in ("dtypes", "counts", "rows_belong_to_prefix", "no_pair_within_one_agency"):
        assert small.checked(check=name) == {"SUCCEEDED": set(RANGE)}
    assert small.query("SELECT count(DISTINCT ssn_prefix) FROM visit_conflicts") == [(3,)]
    small.agrees_with_store()


def test_a_night_that_single_prefixes_have_followed_is_re_executed_from_its_own_snapshot(small):
    with small.refusing("50"):
        night = small.night()
    (places,) = [line for line in small.said(night) if line.startswith("Source: ")]
    assert places.startswith(f"Source: DuckDB file {small.source}, schema BI · store: PostgreSQL ")
    assert small.partitions() == {"FAILED": ["50"], "MATERIALIZED": ALL_BUT_50}
    for prefix in ("01", "02", "03"):
        assert small.run(prefix).is_success
    again = small.reexecute(night)
    assert again.is_success, small.failures(again)
    assert small.partitions() == {"MATERIALIZED": PREFIXES}
    assert small.checked() == {"SUCCEEDED": set(PREFIXES)}
    assert small.query("SELECT count(DISTINCT ssn_prefix) FROM visit_conflicts") == [(len(BUSY),)]
    small.agrees_with_store()
    read_by = small.query("SELECT ssn_prefix FROM prefix_runs WHERE as_of = (SELECT min(as_of) FROM prefix_runs)")
    assert ("50",) in read_by
    told = [line.partition(" in ")[0] for line in small.said(again) if line.startswith("[")]
    assert told == ["[5/5] prefix 50: 1 conflicts, 2 rows (1 new, 0 resolved)"]
    assert "Success rate: 5/5 prefixes" in small.said(again)


def test_a_re_execution_without_any_snapshot_reads_anew_what_it_has_to_do_and_says_so(small):
    run = failed_range(small)
    small.snapshots.purge(older_than=timedelta(0))
    assert small.snapshots.newest("02") is None
    again = small.reexecute(run)
    assert again.is_success, small.failures(again)
    the_range_is_whole(small)
    (said,) = [line for line in small.said(again) if "from the source anew" in line]
    assert said.startswith("Reading prefixes 02 from the source anew: no snapshot holds them")
    assert any(line.startswith("Visits: 2 seen, 2 active") for line in small.said(again))
    anew = small.snapshots.newest("02")
    assert anew.prefixes == ("02",)
    assert small.query("SELECT as_of FROM prefix_runs WHERE latest AND ssn_prefix = '02'") == [(anew.as_of,)]
    assert small.checked("active_visits")["SUCCEEDED"] == set(RANGE)


def test_a_re_execution_that_reads_anew_is_guarded_against_a_half_loaded_source(small):
    run = failed_range(small)
    small.run("02")
    before = small.query("SELECT * FROM visit_conflicts ORDER BY 1, 2, 3")
    small.snapshots.purge(older_than=timedelta(0))
    with duckdb.connect(str(small.source)) as connection:
        connection.execute("DELETE FROM BI.FACTVISITCALLPERFORMANCE_CR")
    again = small.reexecute(run)
    assert "half-loaded" in small.failures(again)["visit_conflicts.detect_batch[02]"]
    assert small.query("SELECT * FROM visit_conflicts ORDER BY 1, 2, 3") == before
    assert small.partitions()["FAILED"] == ["02"]


def test_a_re_execution_that_fails_again_reddens_only_what_it_was_to_do(small):
    run = failed_range(small)
    with small.refusing("02"):
        again = small.reexecute(run)
        only_02_is_red(small, again)
        only_02_is_red(small, small.reexecute(again))
    assert small.reexecute(again).is_success
    the_range_is_whole(small)


def test_a_re_execution_whose_plan_fails_reddens_only_what_it_was_to_do(small):
    run = failed_range(small)
    execute(small.store, "ALTER TABLE speed_bands RENAME TO away")
    try:
        again = small.reexecute(run, from_failure=False, **{"dagster/is_asset_resume_retry": "true"})
    finally:
        execute(small.store, "ALTER TABLE away RENAME TO speed_bands")
    assert again.status is DagsterRunStatus.FAILURE
    assert small.partitions() == {"FAILED": ["02"], "MATERIALIZED": ["00", "01", "03"]}


def test_what_is_done_is_shown_as_done_also_when_the_store_is_away(small, pg_server, monkeypatch):
    run = failed_range(small)
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", pg_server.database_url("gone"))
    load_settings.cache_clear()
    again = small.reexecute(run)
    assert small.failures(again)["visit_conflicts.detect_batch[02]"].startswith("PostgreSQL at ")
    assert not small.instance.all_logs(again.run_id, of_type=DagsterEventType.STEP_UP_FOR_RETRY)
    assert small.partitions() == {"FAILED": ["02"], "MATERIALIZED": ["00", "01", "03"]}


def test_a_prefix_that_the_store_is_ahead_of_is_repeated_from_the_newest_snapshot(small):
    run = failed_range(small)
    newer = small.run("02")
    again = small.reexecute(run)
    assert again.is_success, small.failures(again)
    the_range_is_whole(small)
    newest = small.snapshots.for_run(newer.run_id)
    assert small.query("SELECT as_of FROM prefix_runs WHERE latest AND ssn_prefix = '02'") == [(newest.as_of,)]
    assert any(f"read by run {newer.run_id}" in line for line in small.said(again))


def test_a_re_execution_of_all_steps_takes_nothing_over(small):
    run = failed_range(small)
    again = small.reexecute(run, from_failure=False)
    assert again.is_success
    the_range_is_whole(small)
    assert len([line for line in small.said(again) if line.startswith("[")]) == 3
    assert [line[:5] for line in small.said(again) if line.startswith("[")] == ["[1/3]", "[2/3]", "[3/3]"]
