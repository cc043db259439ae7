"""The Dagster partitions, one for each SSN prefix, and a run's prefixes."""

from dagster import AssetExecutionContext, DagsterRun, OpExecutionContext, StaticPartitionsDefinition

from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import load_settings

SSN_PREFIXES = StaticPartitionsDefinition(list(all_prefixes(load_settings().ssn_prefix_length)))
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def root_run_id(context: AssetExecutionContext | OpExecutionContext) -> str:
    """Return the id of the run with which a chain of re-executions began.

    Snapshots and commits are stored under this id.
    """
    return context.run.root_run_id or context.run.run_id


def run_prefixes(context: AssetExecutionContext | OpExecutionContext) -> tuple[str, ...]:
    """Return the prefixes of this run in order.

    A run that was started without any partition has all of them.
    """
    if names_prefixes(context.run):
        return tuple(sorted(context.partition_keys))
    return tuple(SSN_PREFIXES.get_partition_keys())


def names_prefixes(run: DagsterRun) -> bool:
    """Return whether a run names its partitions."""
    return any(tag in run.tags for tag in (PARTITION_TAG, *RANGE_TAGS))


def prefixes_of_run(run: DagsterRun) -> set[str]:
    """Return the prefixes that a run covers.

    A run that names no partition covers all of them. A run of the summary alone covers none.
    """
    known = list(SSN_PREFIXES.get_partition_keys())
    first = run.tags.get(RANGE_TAGS[0]) or run.tags.get(PARTITION_TAG)
    last = run.tags.get(RANGE_TAGS[1]) or first
    if first not in known or last not in known:
        return set() if _is_summary(run) else set(known)
    return set(known[known.index(first) : known.index(last) + 1])


def _is_summary(run: DagsterRun) -> bool:
    return run.asset_selection is not None and {key.to_user_string() for key in run.asset_selection} == {
        "conflict_summary"
    }
