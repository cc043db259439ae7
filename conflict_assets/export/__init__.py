"""Conflicts as files for other programs: CSV, Parquet and Excel."""
