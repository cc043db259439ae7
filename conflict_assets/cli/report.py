"""The command `conflict-assets report`, which writes the report by hand."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from conflict_assets.output.whole_files import FileError, check_ending, check_target, whole_file
from conflict_assets.settings import load_settings
from conflict_assets.store.store_factory import conflict_store

BY_HAND = "by-hand"
PAGES = (".html", ".htm")

out = Console(highlight=False, soft_wrap=True)


def report_command(
    file: Annotated[
        Path | None,
        typer.Option("--out", help="The HTML file to write; unset: reports/latest.html in the data folder."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file of --out if it exists; the kept ones always are.")
    ] = False,
) -> None:
    """Write the morning's report, of what the store holds now.

    It is one HTML file that needs nothing else; SSNs are masked.
    """
    from conflict_assets.report.drawings import KeptDrawings, charts
    from conflict_assets.report.html_report import report_html
    from conflict_assets.report.report_files import report_folder, report_link, save_report

    settings = load_settings()
    try:
        if file is not None:
            check_ending(file, PAGES)
            check_target(file, overwrite=overwrite)
        with conflict_store(settings) as store:
            store.administration.prepare()
            report_data = store.runs.report_data(
                time_zone=settings.schedule_time_zone, agency_time_zone=settings.source_time_zone
            )
        html = report_html(report_data, charts(report_data, KeptDrawings(settings.data_dir)))
        if file is None:
            file = save_report(settings, html, day=report_data.day, run=BY_HAND)
        else:
            with whole_file(file) as partial:
                partial.write_text(html, encoding="utf-8")
    except FileError as error:
        raise typer.BadParameter(str(error)) from None
    out.print(f"{file}: {report_data.open_conflicts:,} open conflicts, SSNs masked", markup=False)
    if settings.report_url and file.parent == report_folder(settings):
        out.print(report_link(settings.report_url, file), markup=False)
    if show:
        webbrowser.open(file.absolute().as_uri())
