"""The tag that lists a run's prefixes, wherever it was started.

A list of runs shows it.
"""

from collections.abc import Sequence

from dagster import AssetExecutionContext, OpExecutionContext

from conflict_assets.output.log_lines import prefix_ranges

PREFIXES_TAG = "conflict_assets/prefixes"


def prefixes_tag(prefixes: Sequence[str]) -> dict[str, str]:
    """Return the tag of a run over these prefixes, such as `04, 17-30`."""
    return {PREFIXES_TAG: ", ".join(prefix_ranges(prefixes))}


def tag_prefixes(context: AssetExecutionContext | OpExecutionContext, prefixes: Sequence[str]) -> None:
    """Tag the run with its prefixes unless it has that tag already.

    The starter of the run (the UI, a backfill, a copied launchpad) may have set no tag, or one for other prefixes.
    """
    wanted = prefixes_tag(prefixes)
    if not wanted.items() <= context.run.tags.items():
        context.instance.add_run_tags(context.run.run_id, wanted)
