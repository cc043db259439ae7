"""The Dagster partitions, one for each SSN prefix, and those that a run is over."""

from dagster import AssetExecutionContext, DagsterRun, OpExecutionContext, StaticPartitionsDefinition

from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import load_settings

SSN_PREFIXES = StaticPartitionsDefinition(list(all_prefixes(load_settings().ssn_prefix_length)))
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def root_run_id(context: AssetExecutionContext | OpExecutionContext) -> str:
    """The run that a chain of re-executions began with: snapshots and commits are kept under its id."""
    return context.run.root_run_id or context.run.run_id


def run_prefixes(context: AssetExecutionContext | OpExecutionContext) -> tuple[str, ...]:
    """The prefixes of this run in order, all of them when it was started without any partition."""
    if names_prefixes(context.run):
        return tuple(sorted(context.partition_keys))
    return tuple(SSN_PREFIXES.get_partition_keys())


def names_prefixes(run: DagsterRun) -> bool:
    """Whether a run says which partitions it is over."""
    return any(tag in run.tags for tag in (PARTITION_TAG, *RANGE_TAGS))


def prefixes_of_run(run: DagsterRun) -> set[str]:
    """The prefixes that a run is over, all of them when it does not say."""
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
