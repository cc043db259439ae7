"""An invented warehouse, as a DuckDB file with the source's tables.

The list of the conflicts that are planted in it comes with it.
"""

from conflict_assets.source.synthetic.generator import GeneratedSource, generate

__all__ = ["GeneratedSource", "generate"]
