"""The jobs: the night, and the summary that follows it."""

from dagster import AssetSelection, define_asset_job, in_process_executor

from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.assets.run_tags import PREFIXES_TAG, prefixes_tag
from conflict_assets.partitions import range_name

NIGHTLY_JOB = "nightly_conflicts"
SUMMARY_JOB = "conflict_summary_job"
EVERY_PREFIX = prefixes_tag(SSN_PREFIXES.get_partition_keys())

nightly_conflicts = define_asset_job(
    NIGHTLY_JOB,
    selection=AssetSelection.assets("active_visits", "visit_conflicts"),
    description="Active visits and conflicts of the chosen prefixes; every night of all of them.",
)
conflict_summary_job = define_asset_job(
    SUMMARY_JOB,
    selection=AssetSelection.assets("conflict_summary"),
    executor_def=in_process_executor,
    description="Totals and pictures of the store; starts by itself after any run that changed conflicts.",
    tags=EVERY_PREFIX,
)


def range_tags(first: str, last: str) -> dict[str, str]:
    """Return the tags of a run over the prefixes from `first` to `last`.

    One of them shows the range in a list of runs.
    """
    return {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
        PREFIXES_TAG: range_name(first, last),
    }
