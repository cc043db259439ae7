"""The reports in the data folder.

There is one for each run, and the newest has a fixed name.
"""

from datetime import UTC, date, datetime
from pathlib import Path

from conflict_assets.output.whole_files import whole_file
from conflict_assets.settings import Settings

KEPT = 30
REPORTS = "reports"
"""The folder of the reports in the data folder."""
LATEST = "latest.html"
_RUN_LETTERS = 8


def report_folder(settings: Settings) -> Path:
    """Return the folder of the reports."""
    return settings.data_dir / REPORTS


def save_report(settings: Settings, html: str, *, day: date, run: str) -> Path:
    """Write the report of a run as `<day>-<run>.html` and as `latest.html`.

    Only the owner may read the files, and the last 30 stay.

    Raises:
        FileError: it can't be written.
    """
    folder = report_folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{day:%Y-%m-%d}-{run[:_RUN_LETTERS]}.html"
    for target in (file, folder / LATEST):
        with whole_file(target) as partial:
            partial.write_text(html, encoding="utf-8")
    for old in sorted(folder.glob("????-??-??-*.html"), key=_age, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)
    return file


def latest_report_time(settings: Settings) -> datetime | None:
    """Return when the newest report in the data folder was made, if any."""
    try:
        return datetime.fromtimestamp((report_folder(settings) / LATEST).stat().st_mtime, tz=UTC)
    except OSError:
        return None


def report_link(served_at: str, file: Path) -> str:
    """Return the address of a stored report on a web server.

    The web server shows the folder of the reports.
    """
    return f"{served_at}/{file.name}"


def _age(file: Path) -> tuple[int, str]:
    try:
        return file.stat().st_mtime_ns, file.name
    except FileNotFoundError:
        return 0, file.name
