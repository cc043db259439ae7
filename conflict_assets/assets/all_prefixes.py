"""A run that was started without any partition covers all prefixes.

The run's first step reports this to Dagster.
"""

from dagster import AssetExecutionContext, AssetKey, OpExecutionContext

from conflict_assets.assets.partition_definitions import RANGE_TAGS, names_prefixes, run_prefixes
from conflict_assets.dagster_private.run_parts import plan_partitions, tag_in_this_process

PARTITIONED = ("active_visits", "visit_conflicts")


def claim_all_prefixes(context: AssetExecutionContext | OpExecutionContext) -> None:
    """Tag a run that names no partition with the range of all.

    Each partition is also planned, so that one that fails turns red. The run's steps are processes that received the
    run without these tags, so each of them asks `run_prefixes`.
    """
    if names_prefixes(context.run):
        return
    prefixes = run_prefixes(context)
    tags = dict(zip(RANGE_TAGS, (prefixes[0], prefixes[-1]), strict=True))
    stored = context.instance.get_run_by_id(context.run.run_id)
    if stored is None or not names_prefixes(stored):
        context.instance.add_run_tags(context.run.run_id, tags)
        for asset in _assets(context):
            plan_partitions(context.instance, context.run, asset, prefixes)
        context.log.info(f"The run names no partition: it is over all prefixes, {prefixes[0]} to {prefixes[-1]}")
    tag_in_this_process(context.run, tags)


def _assets(context: AssetExecutionContext | OpExecutionContext) -> list[AssetKey]:
    """Return the partitioned assets of the run."""
    selected = context.run.asset_selection
    return [key for key in map(AssetKey, PARTITIONED) if not selected or key in selected]
