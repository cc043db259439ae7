"""What sources are called, for people to read.

A description holds no secret, and nothing is opened for it.
"""

from pathlib import Path

from conflict_assets.settings import Settings, shown_path
from conflict_assets.source.synthetic.paths import planted_path_of


def described_source(settings: Settings) -> str:
    """The source that these settings choose."""
    if settings.source_kind == "snowflake":
        return described_snowflake(
            settings.snowflake_account or "", settings.snowflake_database, settings.snowflake_schema
        )
    path = settings.source_path
    if is_generated(path) or (settings.may_generate and not path.exists()):
        return f"generated visits in {shown_path(path)}"
    return described_file(shown_path(path), settings.source_schema)


def described_snowflake(account: str, database: str | None, schema: str) -> str:
    """A schema of an account."""
    return f"Snowflake account {account}, schema {database}.{schema}"


def described_file(path: Path, schema: str) -> str:
    """A schema of a DuckDB file."""
    return f"DuckDB file {path}, schema {schema}"


def is_generated(path: Path) -> bool:
    """Whether a file is one that `generate` has made.

    The list of what was planted lies beside a generated file.
    """
    return path.exists() and planted_path_of(path).exists()
