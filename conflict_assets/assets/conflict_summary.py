"""`conflict_summary`: totals, pictures and the report of the whole store, in a run of its own after the conflicts."""

from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetKey, MaterializeResult, MetadataValue, asset

from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.step_failures import STEP_RETRIES, causes_told
from conflict_assets.domain.report_data import Morning

OPEN_REPORT = "conflict-assets report --open"


@asset(
    description="Open conflicts of the whole store: totals, by rule and by prefix, the last 30 nights, and the report.",
    group_name="visit_conflicts",
    kinds={"postgres"},
    deps=[AssetKey("visit_conflicts")],
    retry_policy=STEP_RETRIES,
)
def conflict_summary(context: AssetExecutionContext, platform: Platform) -> MaterializeResult[Any]:
    """Total what is open in the store, whichever run has put it there, and write the morning's report."""
    # Imported here: what draws takes a second to load, and every run and its steps would wait for it.
    from conflict_assets.report.html_report import report_html
    from conflict_assets.report.report_files import REPORTS, keep_report

    with causes_told(context):
        settings = platform.settings
        tag_prefixes(context, SSN_PREFIXES.get_partition_keys())
        with platform.store() as store:
            store.prepare()
            morning = store.morning(time_zone=settings.schedule_time_zone, agency_time_zone=settings.source_time_zone)
        context.log.info(
            f"{morning.open_conflicts} open conflicts of {morning.caregivers} caregivers at {morning.agencies} agencies"
        )
        report = keep_report(settings.data_dir / REPORTS, report_html(morning), day=morning.day, run=context.run.run_id)
    return MaterializeResult(metadata=_report_metadata(report, settings.report_url) | _metadata(morning))


def _report_metadata(report: Path, served_at: str | None) -> dict[str, Any]:
    """How the report is opened: a link where a web server shows its folder, else a command."""
    from conflict_assets.report.report_files import report_link

    link = MetadataValue.url(report_link(served_at, report)) if served_at else MetadataValue.text(OPEN_REPORT)
    return {"report": link, "report_file": MetadataValue.path(str(report))}


def _metadata(morning: Morning) -> dict[str, Any]:
    from conflict_assets.report.pictures import as_markdown, heat_strip, rule_bars, trend_lines, trend_title

    last = morning.last_night
    return {
        "open_conflicts": morning.open_conflicts,
        "new_conflicts": morning.by_status.get("new", 0),
        "caregivers": morning.caregivers,
        "agencies": morning.agencies,
        "visits_in_conflict": morning.visits,
        "shift_amount_once_per_visit": round(morning.shift_amount, 2),
        "overlap_amount_once_per_row": round(morning.overlap_amount, 2),
        "by_status": dict(morning.by_status),
        "by_rule": dict(morning.by_rule),
        "rules": MetadataValue.md(as_markdown(rule_bars(morning.by_rule), "Open conflicts by rule")),
        "new_last_night": last.new if last else 0,
        "changed_last_night": last.changed if last else 0,
        "resolved_last_night": last.resolved if last else 0,
        "reopened_last_night": last.reopened if last else 0,
        "trend": MetadataValue.md(as_markdown(trend_lines(morning.nights), trend_title(morning.nights))),
        "prefixes": MetadataValue.md(as_markdown(heat_strip(morning.by_prefix), "Open conflicts by prefix")),
    }
