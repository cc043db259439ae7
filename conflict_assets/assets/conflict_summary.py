"""The asset `conflict_summary`: totals, pictures and the report of the store.

It has a run of its own after the conflicts.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetKey, DataVersion, MaterializeResult, MetadataValue, asset

from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.step_failures import STEP_RETRIES, failing_in_words
from conflict_assets.domain.report_data import ReportData
from conflict_assets.report.drawings import Drawings, KeptDrawings, drawings
from conflict_assets.report.report_files import report_link, save_report
from conflict_assets.settings import Settings

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
    with failing_in_words(context):
        settings = platform.settings
        tag_prefixes(context, SSN_PREFIXES.get_partition_keys())
        kept = KeptDrawings(settings.data_dir)
        report_data, drawn = _read_and_draw(platform, kept)
        context.log.info(
            f"{report_data.open_conflicts} open conflicts of {report_data.caregivers} caregivers "
            f"at {report_data.agencies} agencies"
        )
        report = _save(settings, report_data, drawn, context.run.run_id)
        kept.save()
    return MaterializeResult(
        metadata=_report_metadata(report, settings.report_url) | _metadata(report_data) | _shown(drawn),
        data_version=DataVersion(context.run.run_id),
    )


def _read_and_draw(platform: Platform, kept: KeptDrawings) -> tuple[ReportData, Drawings]:
    """Read the report data, and draw what is known of it while the rest is read."""
    settings = platform.settings
    drawn: list[Future[Drawings]] = []
    with ThreadPoolExecutor(1) as drawing, platform.store() as store:
        # The page takes a while to load, and is loaded here alone: every run and its steps would wait for it.
        drawing.submit(import_module, "conflict_assets.report.html_report")
        store.administration.prepare()
        report_data = store.runs.report_data(
            time_zone=settings.schedule_time_zone,
            agency_time_zone=settings.source_time_zone,
            on_figures=lambda figures: drawn.append(drawing.submit(drawings, figures, kept)),
        )
    return report_data, drawn[-1].result()


def _save(settings: Settings, report_data: ReportData, drawn: Drawings, run_id: str) -> Path:
    from conflict_assets.report.html_report import report_html

    html = report_html(report_data, drawn.charts)
    return save_report(settings, html, day=report_data.day, run=run_id)


def _report_metadata(report: Path, served_at: str | None) -> dict[str, Any]:
    """Return how the report is opened.

    It is a link where a web server shows the report's folder, and a command otherwise.
    """
    link = MetadataValue.url(report_link(served_at, report)) if served_at else MetadataValue.text(OPEN_REPORT)
    return {"report": link, "report_file": MetadataValue.path(str(report))}


def _shown(drawn: Drawings) -> dict[str, Any]:
    return {name: MetadataValue.md(markdown) for name, markdown in drawn.pictures.items()}


def _metadata(report_data: ReportData) -> dict[str, Any]:
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
        "new_last_night": last.new if last else 0,
        "changed_last_night": last.changed if last else 0,
        "resolved_last_night": last.resolved if last else 0,
        "reopened_last_night": last.reopened if last else 0,
    }
