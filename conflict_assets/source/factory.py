"""The source that the settings name."""

from filelock import FileLock

from conflict_assets.settings import Settings
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.protocol import VisitSource
from conflict_assets.source.synthetic import generate


def visit_source(settings: Settings) -> VisitSource:
    """Return the configured source; make the embedded one first where it is missing and may be invented."""
    if settings.source_kind == "snowflake":
        from conflict_assets.source.snowflake import snowflake_source

        return snowflake_source(settings)
    if settings.may_generate:
        generate_when_missing(settings)
    return DuckDBVisitSource(
        settings.source_path,
        schema=settings.source_schema,
        time_zone=settings.source_time_zone,
        status_column=settings.visit_status_column,
        memory_limit=settings.source_memory,
    )


def generate_when_missing(settings: Settings) -> bool:
    """Generate the embedded source unless it is there; one process of several does. True if made."""
    path = settings.generated_path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(path.with_suffix(".lock"), mode=0o600):
        if path.exists():
            return False
        generate(path, visits=settings.generated_visits, as_of=settings.today())
        return True
