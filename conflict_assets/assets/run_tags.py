"""The tag by which a list of runs says which prefixes each is over, wherever it was started."""

from collections.abc import Sequence

from dagster import AssetExecutionContext, OpExecutionContext

from conflict_assets.output.log_lines import prefix_ranges

PREFIXES_TAG = "conflict_assets/prefixes"


def prefixes_tag(prefixes: Sequence[str]) -> dict[str, str]:
    """The tag of a run over these prefixes: `04, 17-30`."""
    return {PREFIXES_TAG: ", ".join(prefix_ranges(prefixes))}


def tag_prefixes(context: AssetExecutionContext | OpExecutionContext, prefixes: Sequence[str]) -> None:
    """Tag the run, if its starter (the UI, a backfill, a copied launchpad) has not, or has for other prefixes."""
    wanted = prefixes_tag(prefixes)
    if not wanted.items() <= context.run.tags.items():
        context.instance.add_run_tags(context.run.run_id, wanted)
