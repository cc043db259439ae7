"""A night from a DuckDB file into a store, and everything by which people read what it has left."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from conflict_assets.assets.prefix_detection import Batch, commit_of, detection_policy
from conflict_assets.assets.source_reading import Reading, read_snapshot, visit_query
from conflict_assets.partitions import all_prefixes
from conflict_assets.report.captions import RULE_NAMES
from conflict_assets.report.pictures import as_markdown, heat_strip, rule_bars, trend_lines
from conflict_assets.running.dry_run import DryRunOptions, DryRunOutcome, dry_run
from conflict_assets.running.run_follower import Watcher
from conflict_assets.settings import load_settings
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.source.source_factory import visit_source
from conflict_assets.store.decision_types import pair_of_visits
from conflict_assets.store.store_factory import conflict_store
from conflict_assets_tests.cli.test_store import told


def whole_night(folder: Path, name: str = "night") -> Snapshot:
    """Read the settings' source and commit every prefix of it; any that fails, fails the test."""
    settings = load_settings()
    with conflict_store(settings) as store, visit_source(settings).open(run_id=name) as reader:
        store.administration.prepare()
        as_of = datetime.now(tz=UTC)
        query = visit_query(settings, store, all_prefixes(settings.ssn_prefix_length), as_of)
        reading = Reading(name=name, query=query, as_of=as_of, allow_drop=True, warn=lambda _text: None)
        snapshot = read_snapshot(reader, store, SnapshotStore(folder), reading)
        batch = Batch(name, name, detection_policy(settings, store), settings.schedule_time_zone, 100)
        for prefix in snapshot.prefixes:
            store.conflicts.replace_prefix(commit_of(snapshot, prefix, batch))
    return snapshot


def read_everything(folder: Path, pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Let every reader read: files are written into the folder, what is said is returned."""
    said = [
        told("export", "--out", folder / f"{columns}{ending}", "--status", "all", "--both-sides", "--columns", columns)
        for columns in ("all", "brief")
        for ending in (".csv", ".parquet", ".xlsx")
    ]
    for number, (visit, other) in enumerate(pairs):
        pictures = [folder / f"{number}{ending}" for ending in (".png", ".svg")]
        # Before the arguments, `--`: an id may begin with a dash.
        said += [told("explain", "--", visit, other)]
        said += [told("show", "--out", picture, "--", pair_of_visits(visit, other).pair_id) for picture in pictures]
    said += [told("list", "--status", "all", "--limit", 1000, *options) for options in ((), ("--json",))]
    said += [told("report", "--out", folder / "report.html")]
    (folder / "pictures.md").write_text("\n".join(_pictures()), encoding="utf-8")
    outcome = look_ahead(said)
    assert outcome.failed == ()
    return [*said, outcome.sample.read_text(encoding="utf-8")]


def look_ahead(said: list[str]) -> DryRunOutcome:
    """Make a dry run over every prefix."""
    settings = load_settings()
    watcher = Watcher(say=lambda _level, text: said.append(text), finished=lambda _prefix: None)
    options = DryRunOptions(prefixes=all_prefixes(settings.ssn_prefix_length), allow_visit_drop=True)
    return dry_run(settings, options, watcher)


def _pictures() -> Iterable[str]:
    settings = load_settings()
    with conflict_store(settings) as store:
        report_data = store.runs.report_data(
            time_zone=settings.schedule_time_zone, agency_time_zone=settings.source_time_zone
        )
    yield as_markdown(rule_bars(report_data.by_rule, RULE_NAMES), "rules")
    yield as_markdown(heat_strip(report_data.by_prefix), "prefixes")
    yield as_markdown(trend_lines(report_data.nights), "trend")
