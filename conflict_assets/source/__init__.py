"""Where visits come from: the warehouse, the embedded DuckDB file, and the snapshots taken of them."""
