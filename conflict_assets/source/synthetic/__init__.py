"""An invented warehouse: a DuckDB file with the source's tables, and the list of the conflicts planted in it."""

from conflict_assets.source.synthetic.generator import GeneratedSource, generate

__all__ = ["GeneratedSource", "generate"]
