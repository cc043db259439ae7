"""Nights in miniature that leave in Dagster what real ones do, and days that pass at once.

Three of the real partitions; assets, checks and jobs have the real names, so that retention knows them.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as db
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetSelection,
    AssetSpec,
    DagsterInstance,
    Definitions,
    OpExecutionContext,
    asset,
    define_asset_job,
    job,
    multi_asset,
    op,
)

from conflict_assets.assets.check_events import VISIT_CONFLICTS_CHECKS, log_check_outcomes, outputs_of
from conflict_assets.assets.checks import CheckOutcome
from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB, range_tags

CONFLICTS, SUMMARY = AssetKey("visit_conflicts"), AssetKey("conflict_summary")
PREFIXES = ("03", "04", "05")
CHECKS = [spec.key for spec in VISIT_CONFLICTS_CHECKS]
TABLES = (
    "runs",
    "run_tags",
    "event_logs",
    "asset_check_executions",
    "asset_event_tags",
    "bulk_actions",
    "backfill_tags",
)
_AGES = (("runs", "create_timestamp"), ("event_logs", "timestamp"), ("bulk_actions", "timestamp"))

summary_fails = False
_failing: set[str] = set()


@multi_asset(
    name="visit_conflicts",
    specs=[AssetSpec("visit_conflicts", partitions_def=SSN_PREFIXES, skippable=True)],
    check_specs=VISIT_CONFLICTS_CHECKS,
    partitions_def=SSN_PREFIXES,
    can_subset=True,
)
def conflicts(context: AssetExecutionContext) -> Iterator[Any]:
    """Log the prefixes that are not to fail, as `detect_batch` does; the step fails at its end if one is."""
    for prefix in set(context.partition_keys) - _failing:
        context.log_event(AssetMaterialization(CONFLICTS, partition=prefix, tags={"of": prefix}))
        log_check_outcomes(context, "visit_conflicts", {prefix: [CheckOutcome(key.name) for key in CHECKS]})
    if _failing & set(context.partition_keys):
        raise ValueError("one of them failed")
    yield from outputs_of(context, VISIT_CONFLICTS_CHECKS)


@asset(name="conflict_summary")
def summary() -> None:
    """The whole store."""
    if summary_fails:
        raise ValueError("it failed")


@op
def purge() -> None:
    """Stands for the purge, which the tests call themselves."""


@job(name="retention")
def retention() -> None:
    """Leaves a run a day, like the real one."""
    purge()


DEFINITIONS = Definitions(
    [conflicts, summary],
    jobs=[define_asset_job(NIGHTLY_JOB, [conflicts]), define_asset_job(SUMMARY_JOB, [summary]), retention],
)
UNCHECKED = Definitions(
    [conflicts], jobs=[define_asset_job(NIGHTLY_JOB, AssetSelection.assets(conflicts).without_checks())]
)


def run(instance: DagsterInstance, first: str = "03", last: str = "05", *failing: str, **tags: str) -> str:
    """A run of the night's job over a range, in which some prefixes fail; its id."""
    _failing.clear()
    _failing.update(failing)
    return execute(instance, NIGHTLY_JOB, **range_tags(first, last), **tags)


def fail_without_checks(instance: DagsterInstance, prefix: str) -> str:
    """A run over a prefix that fails, and was to evaluate none of its checks; its id."""
    _failing.add(prefix)
    return execute(instance, NIGHTLY_JOB, UNCHECKED, **range_tags(prefix, prefix))


def execute(instance: DagsterInstance, name: str, definitions: Definitions | None = None, **tags: str) -> str:
    """Run a job; the run's id."""
    chosen = (definitions or DEFINITIONS).resolve_job_def(name)
    return chosen.execute_in_process(instance=instance, tags=tags, raise_on_error=False).run_id


def repeat_verdicts(instance: DagsterInstance, prefix: str) -> str:
    """A run that evaluates the checks of a prefix and materializes nothing, as a re-execution does; its id."""

    @op
    def repeat(context: OpExecutionContext) -> None:
        log_check_outcomes(context, "visit_conflicts", {prefix: [CheckOutcome(key.name) for key in CHECKS]})

    @job(name=NIGHTLY_JOB)
    def repeating() -> None:
        repeat()

    return repeating.execute_in_process(instance=instance).run_id


def night(instance: DagsterInstance, *failing: str) -> str:
    """A whole night: conflicts, summary, retention; the id of its first run."""
    run_id = run(instance, "03", "05", *failing)
    execute(instance, SUMMARY_JOB)
    execute(instance, "retention")
    return run_id


def days_pass(engine: db.Engine, days: int = 1) -> None:
    """Make all that Dagster holds so many days older."""
    with engine.begin() as connection:
        for table, column in _AGES:
            older = f"UPDATE {table} SET {column} = {column} - interval '{days} days'"  # noqa: S608 - our own names
            connection.execute(db.text(older))


def row_counts(engine: db.Engine) -> dict[str, int]:
    """How many rows the tables hold that grow with every run."""
    with engine.connect() as connection:
        return {
            table: connection.execute(db.text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - our own names
            for table in TABLES
        }


def shown(instance: DagsterInstance) -> dict[str, object]:
    """What the pages of assets and checks show, read anew from the events: Dagster's cache would hide a loss."""
    instance.wipe_asset_cached_status([CONFLICTS])
    statuses = instance.get_status_by_partition(CONFLICTS, list(PREFIXES), SSN_PREFIXES)
    records = instance.get_asset_records([CONFLICTS, SUMMARY])
    ids = [record.asset_entry.last_run_id for record in records]
    checks = instance.event_log_storage.get_asset_check_partition_info(CHECKS)
    return {
        "partitions": statuses,
        "checks": sorted(checks, key=lambda info: (info.check_key.name, info.partition_key or "")),
        "last runs": {run_id: instance.has_run(str(run_id)) for run_id in ids},
        "summary": [record.asset_entry.last_materialization_storage_id for record in records],
    }
