"""Which prefixes of a run failed."""

from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRun

from conflict_assets.assets.partition_definitions import names_prefixes, prefixes_of_run
from conflict_assets.assets.run_history import events_of, materialized_partitions

CONFLICTS = AssetKey("visit_conflicts")


def failed_prefixes(instance: DagsterInstance, run: DagsterRun) -> tuple[str, ...]:
    """The prefixes that the run was to materialize in `visit_conflicts` and did not, in order."""
    planned = planned_prefixes(instance, run)
    return tuple(sorted(planned - materialized_partitions(instance, run.run_id, CONFLICTS))) if planned else ()


def changed_conflicts(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether the run has materialized any prefix of `visit_conflicts`."""
    return bool(materialized_partitions(instance, run.run_id, CONFLICTS))


def planned_prefixes(instance: DagsterInstance, run: DagsterRun) -> set[str]:
    """The prefixes that the run was to materialize; a plan without partitions is one for all of them."""
    events = events_of(instance, run.run_id, DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    planned = {event.partition for event in events if event.asset_key == CONFLICTS}
    named = {partition for partition in planned if partition is not None}
    if planned and not named and not names_prefixes(run):
        return prefixes_of_run(run)
    return named
