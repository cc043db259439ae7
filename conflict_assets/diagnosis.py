"""What `conflict-assets doctor` looks at: the parts that a night needs, each by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conflict_assets.running.folders import check_folders
from conflict_assets.settings import Settings, SettingsError
from conflict_assets.source.factory import visit_source
from conflict_assets.source.protocol import SourceError
from conflict_assets.store.errors import StoreError
from conflict_assets.store.factory import conflict_store
from conflict_assets.store.workers import described


@dataclass(frozen=True)
class Finding:
    """One part of the platform: healthy or not, and why or what to do."""

    part: str
    healthy: bool
    text: str


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Look at settings, source and store in turn; one that fails does not hide the others."""
    yield Finding("settings", True, f"{settings.max_workers} workers, prefixes of {settings.ssn_prefix_length} digits")
    yield _examine("folders", lambda: _folders(settings))
    yield _examine("source", lambda: _source(settings))
    yield _examine("store", lambda: _store(settings))
    yield _examine("workers", lambda: _workers(settings))
    yield _examine("dagster", lambda: _dagster(settings))


def _examine(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, look())
    except (SettingsError, SourceError, StoreError) as error:
        return Finding(part, False, str(error))


def _folders(settings: Settings) -> str:
    check_folders(settings)
    return f"files are written to {settings.data_dir}"


def _source(settings: Settings) -> str:
    if settings.may_generate and not settings.generated_path.exists():
        return "no source yet; the first run generates one"
    source = visit_source(settings)
    with source.open(run_id="doctor") as reader:
        reader.check_contract()
    return f"{source.description}: every view and column is there"


def _store(settings: Settings) -> str:
    with conflict_store(settings) as store:
        store.prepare()
        store.require_right_to_write()
        free = store.free_connections()
    if free < settings.max_workers:
        raise StoreError(
            f"{free} connections are free, MAX_WORKERS is {settings.max_workers}; lower MAX_WORKERS "
            "or raise max_connections of the server"
        )
    return f"reachable, schema up to date, may be written to, {free} connections free"


def _workers(settings: Settings) -> str:
    """Who holds which of the places that MAX_WORKERS_ALL_RUNS gives."""
    with conflict_store(settings) as store:
        workers = store.workers_at_work()
    most = settings.max_workers_all_runs
    return f"{len(workers)} of {most} at work: {described(workers)}" if workers else f"none of {most} at work"


def _dagster(settings: Settings) -> str:
    """Whether Dagster's storage answers, and which runs it holds to be in progress."""
    # Imported here: Dagster takes two seconds to load, and what comes before is told without it.
    from conflict_assets.running.instance import dagster_instance
    from conflict_assets.running.runs import runs_in_progress

    with dagster_instance(settings) as instance:
        runs = runs_in_progress(instance)
    return f"storage reachable, {len(runs)} runs in progress{': ' if runs else ''}{'; '.join(runs)}"
