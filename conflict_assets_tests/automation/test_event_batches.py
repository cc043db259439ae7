"""Events that are written together: as complete as one by one, in one transaction, and once."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetMaterialization,
    AssetSpec,
    DagsterInstance,
    Definitions,
    PreviewWarning,
    StaticPartitionsDefinition,
    define_asset_job,
    multi_asset,
)
from sqlalchemy import event

from conflict_assets.assets.check_events import log_check_outcomes, outputs_of
from conflict_assets.assets.checks import CheckOutcome, Problem
from conflict_assets.automation.dagster_storage import EVENTS_AT_ONCE
from conflict_assets.dagster_private.event_batches import log_together
from conflict_assets_tests.pg import execute, rows

PREFIXES = StaticPartitionsDefinition(["04", "05", "06"])
RANGE_END = "dagster/asset_partition_range_end"
TAGS = {"dagster/asset_partition_range_start": "04", RANGE_END: "06"}
OUTCOMES = [CheckOutcome("sound"), CheckOutcome("whole", {"rows": 1}, (Problem("found", "allowed", "do"),))]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", PreviewWarning)
    CHECKS = [AssetCheckSpec(each.name, asset="pairs", partitions_def=PREFIXES) for each in OUTCOMES]
MORE: dict[str, list[CheckOutcome]] = {}
"""Outcomes that replace those of a prefix, or are of one that was not planned."""

WRITTEN = {
    "events": "SELECT dagster_event_type, step_key, asset_key, partition FROM event_logs ORDER BY 1, 2, 3, 4",
    "tags": "SELECT asset_key, key, value FROM asset_event_tags ORDER BY 1, 2, 3",
    "assets": """SELECT k.asset_key, e.partition, k.last_run_id = e.run_id
        FROM asset_keys AS k JOIN event_logs AS e ON e.id = (k.last_materialization::json->>'storage_id')::int""",
    "checks": """SELECT c.asset_key, c.check_name, c.partition, c.execution_status, m.partition, e.dagster_event_type
        FROM asset_check_executions AS c
        JOIN event_logs AS m ON m.id = c.materialization_event_storage_id
        JOIN event_logs AS e ON e.id = c.evaluation_event_storage_id
        ORDER BY 1, 2, 3""",
    "all checks": """SELECT asset_key, check_name, partition, execution_status, evaluation_event LIKE '%"passed": true%'
        FROM asset_check_executions ORDER BY 1, 2, 3""",
}


@multi_asset(
    name="pairs",
    specs=[AssetSpec("pairs", partitions_def=PREFIXES, skippable=True)],
    check_specs=CHECKS,
    partitions_def=PREFIXES,
    can_subset=True,
)
def pairs(context: AssetExecutionContext) -> Iterator[Any]:
    """Log all prefixes together, as a step of the night does."""
    prefixes = context.partition_keys
    log_together(
        context.op_execution_context,
        [AssetMaterialization("pairs", partition=each, tags={"dagster/data_version": each}) for each in prefixes],
    )
    log_check_outcomes(context, "pairs", dict.fromkeys(prefixes, OUTCOMES) | MORE)
    yield from outputs_of(context, CHECKS)


JOB = Definitions(assets=[pairs], jobs=[define_asset_job("nightly", selection="pairs")]).resolve_job_def("nightly")


def run(instance: DagsterInstance) -> None:
    assert JOB.execute_in_process(instance=instance, tags=TAGS).success


@pytest.fixture
def written(pg_server, open_instance, monkeypatch):
    """What a run has written into each of Dagster's tables, with this many events at once."""

    def run_once(size: str, before: str = "SELECT") -> dict[str, list[Any]]:
        url = pg_server.make_database()
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", size)
        with open_instance(dagster_postgres_url=url) as instance:
            execute(url, before)
            run(instance)
        return {name: rows(url, query) for name, query in WRITTEN.items()}

    return run_once


def test_events_that_are_written_together_are_those_that_are_written_one_by_one(written):
    one_by_one, together = written("0"), written(EVENTS_AT_ONCE)
    assert together == one_by_one
    assert len(together["checks"]) == 6
    assert together["tags"] == [('["pairs"]', "dagster/data_version", each) for each in ("04", "05", "06")]
    assert together["assets"] == [('["pairs"]', "06", True)]


def test_more_events_than_are_written_at_once_are_written_in_several_goes(written):
    assert written("4") == written("0")


def test_of_outcomes_of_one_check_the_last_holds_and_one_that_was_not_planned_is_there_too(written, monkeypatch):
    found = CheckOutcome("sound", {}, (Problem("found", "allowed", "do"),))
    monkeypatch.setitem(MORE, "05", [*OUTCOMES, found])
    monkeypatch.setattr("conflict_assets_tests.automation.test_event_batches.TAGS", TAGS | {RANGE_END: "05"})
    monkeypatch.setitem(MORE, "06", OUTCOMES[:1])
    one_by_one, together = written("0"), written(EVENTS_AT_ONCE)
    assert together == one_by_one
    sound = [row[2:4] for row in together["checks"] if row[1] == "sound"]
    assert sound == [("04", "SUCCEEDED"), ("05", "FAILED")]
    assert ("sound", "06") in {row[1:3] for row in together["all checks"]}


def test_a_connection_that_is_lost_between_the_events_leaves_none_of_them_twice(written):
    lose = """CREATE SEQUENCE tries;
        CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') = 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            RETURN NEW; END $$;
        CREATE TRIGGER lose BEFORE UPDATE ON asset_check_executions FOR EACH ROW EXECUTE FUNCTION lose()"""
    assert written(EVENTS_AT_ONCE, lose) == written("0")


def test_a_batch_takes_one_transaction(pg_server, open_instance, monkeypatch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_ONCE)
    with open_instance(dagster_postgres_url=pg_server.make_database()) as instance:
        begun = []
        event.listen(instance.event_log_storage._engine, "commit", begun.append)
        run(instance)
        # Planned events, materializations and checks.
        assert len(begun) == 3
