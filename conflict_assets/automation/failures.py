"""Which prefixes of a run failed."""

from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRun

CONFLICTS = AssetKey("visit_conflicts")


def failed_prefixes(instance: DagsterInstance, run: DagsterRun) -> tuple[str, ...]:
    """The prefixes that the run was to materialize in `visit_conflicts` and did not, in order."""
    planned = planned_prefixes(instance, run)
    done = _partitions(instance, run, DagsterEventType.ASSET_MATERIALIZATION)
    return tuple(sorted(planned - done))


def planned_prefixes(instance: DagsterInstance, run: DagsterRun) -> set[str]:
    """The prefixes that the run was to materialize in `visit_conflicts`."""
    return _partitions(instance, run, DagsterEventType.ASSET_MATERIALIZATION_PLANNED)


def changed_conflicts(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether the run has materialized any prefix of `visit_conflicts`."""
    return bool(_partitions(instance, run, DagsterEventType.ASSET_MATERIALIZATION))


def _partitions(instance: DagsterInstance, run: DagsterRun, kind: DagsterEventType) -> set[str]:
    """Partitions of `visit_conflicts` in the run's events of one kind; a planned range counts as all its keys."""
    found: set[str] = set()
    cursor = None
    while True:
        page = instance.get_records_for_run(run.run_id, cursor=cursor, of_type=kind)
        for record in page.records:
            event = record.event_log_entry.dagster_event
            if event is not None and event.asset_key == CONFLICTS and event.partition is not None:
                found.add(event.partition)
        if not page.has_more:
            return found
        cursor = page.cursor
