"""What a night has seen of the source beside the rows that it has read.

By this the next night finds what has changed.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow as pa

from conflict_assets.source.protocol import CELL_SCHEMA, DIMENSION_SCHEMA, REPEATED_SCHEMA
from conflict_assets.source.snapshot_files import read_rows, write_table
from conflict_assets.source.survey import OUTCOME_SCHEMA, WATCHED_SCHEMA

SEEN = ".seen.parquet"

_SCHEMAS = {
    "cells": CELL_SCHEMA,
    "outcomes": OUTCOME_SCHEMA,
    "repeated": REPEATED_SCHEMA,
    "dimensions": DIMENSION_SCHEMA,
    "watched": WATCHED_SCHEMA,
}


@dataclass(frozen=True)
class Fingerprints:
    """What a night has seen of the source.

    `cells` are counts and hashes of all visits, and `outcomes` counts them by their own outcome. `repeated` are visit
    ids on several rows. `dimensions` are counts and hashes of what the dimensions say. `watched` are the blocks of
    dates whose inactive visits have travelled.
    """

    cells: pa.Table
    outcomes: pa.Table
    repeated: pa.Table
    dimensions: pa.Table
    watched: pa.Table

    def write(self, folder: Path) -> None:
        """Write them into a snapshot's folder, a file each."""
        for each in fields(self):
            table: pa.Table = getattr(self, each.name)
            write_table(folder / fingerprint_file(each.name), table.select(_SCHEMAS[each.name].names))

    @classmethod
    def read(cls, folder: Path) -> "Fingerprints":
        """Read those of a snapshot's folder."""
        found = {name: read_rows(folder / fingerprint_file(name), schema) for name, schema in _SCHEMAS.items()}
        return cls(**found)


def fingerprint_file(name: str) -> str:
    """The name of the file with one kind of fingerprints."""
    return f"{name}{SEEN}"
