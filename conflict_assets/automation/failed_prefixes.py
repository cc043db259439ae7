"""The prefixes of a run that failed."""

from dagster import AssetKey, DagsterInstance, DagsterRun

from conflict_assets.assets.partition_definitions import names_prefixes, prefixes_of_run
from conflict_assets.assets.run_history import materialized_partitions, planned_partitions

CONFLICTS = AssetKey("visit_conflicts")


def failed_prefixes(instance: DagsterInstance, run: DagsterRun) -> tuple[str, ...]:
    """Return the prefixes that the run was to materialize and did not.

    The asset is `visit_conflicts`, and the prefixes are in order.
    """
    planned = planned_prefixes(instance, run)
    return tuple(sorted(planned - materialized_partitions(instance, run.run_id, CONFLICTS))) if planned else ()


def changed_conflicts(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Return whether the run has materialized any prefix of `visit_conflicts`."""
    return bool(materialized_partitions(instance, run.run_id, CONFLICTS))


def planned_prefixes(instance: DagsterInstance, run: DagsterRun) -> set[str]:
    """Return the prefixes that the run was to materialize.

    A plan without partitions covers all of them.
    """
    planned = planned_partitions(instance, run.run_id, CONFLICTS)
    named = {partition for partition in planned if partition is not None}
    if planned and not named and not names_prefixes(run):
        return prefixes_of_run(run)
    return named
