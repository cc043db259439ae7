"""What `conflict-assets doctor` looks at: the parts that a night needs, each by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conflict_assets.settings import Settings
from conflict_assets.source.factory import visit_source
from conflict_assets.source.protocol import SourceError
from conflict_assets.store.errors import StoreError
from conflict_assets.store.factory import conflict_store


@dataclass(frozen=True)
class Finding:
    """One part of the platform: healthy or not, and why or what to do."""

    part: str
    healthy: bool
    text: str


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Look at settings, source and store in turn; one that fails does not hide the others."""
    yield Finding("settings", True, f"{settings.max_workers} workers, prefixes of {settings.ssn_prefix_length} digits")
    yield _examine("source", lambda: _source(settings))
    yield _examine("store", lambda: _store(settings))


def _examine(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, look())
    except (SourceError, StoreError) as error:
        return Finding(part, False, str(error))


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
