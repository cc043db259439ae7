"""Where the generator puts its files."""

from pathlib import Path


def planted_path_of(source: Path) -> Path:
    """The list of planted conflicts lies beside its source: `visits.duckdb` has `visits.planted.parquet`."""
    return source.with_name(f"{source.stem}.planted.parquet")
