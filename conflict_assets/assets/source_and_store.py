"""Where a run reads and writes, in the one line that every run begins with."""

from conflict_assets.domain.privacy import masked
from conflict_assets.output.log_lines import places_line
from conflict_assets.settings import Settings
from conflict_assets.source.descriptions import described_source
from conflict_assets.store.store_factory import described_store


def where(settings: Settings) -> str:
    """Which source and which store these settings choose; no password, and no SSN of a file's name."""
    return masked(places_line(described_source(settings), described_store(settings)))
