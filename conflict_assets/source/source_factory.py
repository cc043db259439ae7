"""The source that the settings name."""

from filelock import FileLock
from pydantic import SecretStr

from conflict_assets.settings import Settings
from conflict_assets.source.descriptions import is_generated
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.protocol import SourceError, VisitSource
from conflict_assets.source.stale_files import spill_folder
from conflict_assets.source.synthetic import generate


def visit_source(settings: Settings) -> VisitSource:
    """Return the source that the settings configure.

    The embedded source is generated first where it is missing and may be invented.

    Raises:
        SourceError: no source is named, and invented visits would meet a real source or store.
    """
    if settings.source_kind == "snowflake":
        return _snowflake(settings)
    if settings.may_generate:
        generate_when_missing(settings)
    else:
        _refuse_invented(settings)
    return DuckDBVisitSource(
        settings.source_path,
        schema=settings.source_schema,
        time_zone=settings.source_time_zone,
        status_column=settings.visit_status_column,
        memory_limit=settings.source_memory,
        temp_directory=spill_folder(settings),
    )


def _refuse_invented(settings: Settings) -> None:
    """Refuse to read generated visits beside anything real.

    Generated visits are at the place that is read when nobody has named a source.
    """
    path = settings.generated_path
    if settings.source_file is None and (is_generated(path) or not path.exists()):
        raise SourceError(
            f"No source is named, and no generated visits are read beside {' and '.join(settings.real_data)}, set or "
            "left empty; allowed: SNOWFLAKE_ACCOUNT and its login, or SOURCE_FILE with the path of a DuckDB file. Name "
            "one, or unset those to try things on generated visits."
        )


def _snowflake(settings: Settings) -> VisitSource:
    # Imported here: the connector takes a second to load, and the embedded source does without it.
    from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource

    return SnowflakeVisitSource(
        SnowflakeLogin(
            account=settings.snowflake_account or "",
            user=settings.snowflake_user or "",
            password=_secret(settings.snowflake_password),
            private_key=_secret(settings.snowflake_private_key),
            private_key_path=settings.snowflake_key_file,
            private_key_password=_secret(settings.snowflake_private_key_password),
            authenticator=settings.snowflake_authenticator,
            token=_secret(settings.snowflake_token),
            role=settings.snowflake_role,
            warehouse=settings.snowflake_warehouse,
            url=settings.snowflake_url,
        ),
        database=settings.snowflake_database,
        schema=settings.snowflake_schema,
        time_zone=settings.source_time_zone,
        status_column=settings.visit_status_column,
        statement_seconds=settings.snowflake_statement_timeout,
        network_seconds=settings.snowflake_network_timeout,
    )


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def generate_when_missing(settings: Settings) -> bool:
    """Generate the embedded source unless it is there.

    Of several processes, only one does that. Return True if this one did.
    """
    path = settings.generated_path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(path.with_suffix(".lock"), mode=0o600):
        if path.exists():
            return False
        generate(path, visits=settings.generated_visits, as_of=settings.today())
        return True
