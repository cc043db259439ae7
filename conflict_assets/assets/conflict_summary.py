"""The asset `conflict_summary`: totals, pictures and the report of the store.

It has a run of its own after the conflicts.
"""

from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetKey, MaterializeResult, MetadataValue, asset

from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.step_failures import STEP_RETRIES, failing_in_words
from conflict_assets.domain.report_data import ReportData

OPEN_REPORT = "conflict-assets report --open"


@asset(
    description="Open conflicts of the whole store: totals, by rule and by prefix, the last 30 nights, and the report.",
    group_name="visit_conflicts",
    kinds={"postgres"},
    deps=[AssetKey("visit_conflicts")],
    retry_policy=STEP_RETRIES,
)
def conflict_summary(context: AssetExecutionContext, platform: Platform) -> MaterializeResult[Any]:
    """Total the store's open conflicts and write the report.

    The totals cover the open conflicts of every run.
    """
    # Imported here: the drawing takes a second to load, and every run and its steps would wait for it.
    from conflict_assets.report.html_report import report_html
    from conflict_assets.report.report_files import REPORTS, save_report

    with failing_in_words(context):
        settings = platform.settings
        tag_prefixes(context, SSN_PREFIXES.get_partition_keys())
        with platform.store() as store:
            store.administration.prepare()
            report_data = store.runs.report_data(
                time_zone=settings.schedule_time_zone, agency_time_zone=settings.source_time_zone
            )
        context.log.info(
            f"{report_data.open_conflicts} open conflicts of {report_data.caregivers} caregivers "
            f"at {report_data.agencies} agencies"
        )
        report = save_report(
            settings.data_dir / REPORTS, report_html(report_data), day=report_data.day, run=context.run.run_id
        )
    return MaterializeResult(metadata=_report_metadata(report, settings.report_url) | _metadata(report_data))


def _report_metadata(report: Path, served_at: str | None) -> dict[str, Any]:
    """Return how the report is opened.

    It is a link where a web server shows the report's folder, and a command otherwise.
    """
    from conflict_assets.report.report_files import report_link

    link = MetadataValue.url(report_link(served_at, report)) if served_at else MetadataValue.text(OPEN_REPORT)
    return {"report": link, "report_file": MetadataValue.path(str(report))}


def _metadata(report_data: ReportData) -> dict[str, Any]:
    from conflict_assets.report.pictures import as_markdown, heat_strip, rule_bars, trend_lines, trend_title

    last = report_data.last_night
    return {
        "open_conflicts": report_data.open_conflicts,
        "new_conflicts": report_data.by_status.get("new", 0),
        "caregivers": report_data.caregivers,
        "agencies": report_data.agencies,
        "visits_in_conflict": report_data.visits,
        "shift_amount_once_per_visit": round(report_data.shift_amount, 2),
        "overlap_amount_once_per_row": round(report_data.overlap_amount, 2),
        "by_status": dict(report_data.by_status),
        "by_rule": dict(report_data.by_rule),
        "rules": MetadataValue.md(as_markdown(rule_bars(report_data.by_rule), "Open conflicts by rule")),
        "new_last_night": last.new if last else 0,
        "changed_last_night": last.changed if last else 0,
        "resolved_last_night": last.resolved if last else 0,
        "reopened_last_night": last.reopened if last else 0,
        "trend": MetadataValue.md(as_markdown(trend_lines(report_data.nights), trend_title(report_data.nights))),
        "prefixes": MetadataValue.md(as_markdown(heat_strip(report_data.by_prefix), "Open conflicts by prefix")),
    }
