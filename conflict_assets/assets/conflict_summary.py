"""`conflict_summary`: totals and pictures of the whole store, in a run of its own after the conflicts."""

from typing import Any

from dagster import AssetExecutionContext, AssetKey, MaterializeResult, MetadataValue, asset

from conflict_assets.assets.resources import Platform
from conflict_assets.report.pictures import as_markdown, heat_strip, rule_bars, trend_lines, trend_title

NIGHTS_SHOWN = 30


@asset(
    description="Open conflicts of the whole store: totals, by rule and by prefix, and the last 30 nights.",
    group_name="visit_conflicts",
    kinds={"postgres"},
    deps=[AssetKey("visit_conflicts")],
)
def conflict_summary(context: AssetExecutionContext, platform: Platform) -> MaterializeResult[Any]:
    """Total what is open in the store, whichever run has put it there."""
    with platform.store() as store:
        store.prepare()
        totals = store.totals()
        nights = store.trend(time_zone=platform.settings.schedule_time_zone, nights=NIGHTS_SHOWN)
    context.log.info(
        f"{totals.open_conflicts} open conflicts of {totals.caregivers} caregivers at {totals.agencies} agencies"
    )
    return MaterializeResult(
        metadata={
            "open_conflicts": totals.open_conflicts,
            "new_conflicts": totals.by_status.get("new", 0),
            "caregivers": totals.caregivers,
            "agencies": totals.agencies,
            "visits_in_conflict": totals.visits,
            "shift_amount_once_per_visit": round(totals.shift_amount, 2),
            "overlap_amount_once_per_row": round(totals.overlap_amount, 2),
            "by_status": dict(totals.by_status),
            "by_rule": dict(totals.by_rule),
            "rules": MetadataValue.md(as_markdown(rule_bars(totals.by_rule), "Open conflicts by rule")),
            "new_last_night": nights[-1].new if nights else 0,
            "resolved_last_night": nights[-1].resolved if nights else 0,
            "trend": MetadataValue.md(as_markdown(trend_lines(nights), trend_title(nights))),
            "prefixes": MetadataValue.md(as_markdown(heat_strip(totals.by_prefix), "Open conflicts by prefix")),
        }
    )
