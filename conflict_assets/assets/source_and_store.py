"""The line with the run's source and store that begins every run."""

from conflict_assets.domain.masking import masked
from conflict_assets.output.log_lines import places_line
from conflict_assets.settings import Settings
from conflict_assets.source.descriptions import described_source
from conflict_assets.store.store_factory import described_store


def where(settings: Settings) -> str:
    """Return the line that names the source and the store of the settings.

    It holds no password, and no SSN of a file's name.
    """
    return masked(places_line(described_source(settings), described_store(settings)))
