"""The places that visits come from.

They are the warehouse, the embedded DuckDB file, and the snapshots taken of them.
"""
