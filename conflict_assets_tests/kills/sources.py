"""The second state of the source, and the time zone in which today lasts long enough."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

EARLY = 3
"""The local hour at which the harness starts: no night after it is of another date."""

CHANGES = (
    "UPDATE {fact} SET \"Visit Status\" = 'Cancelled' WHERE {kind} = 0",
    "DELETE FROM {fact} WHERE {kind} = 1",
    """UPDATE {fact} SET "Visit End Time" = "Visit End Time" + INTERVAL 15 MINUTE,
         "Scheduled End Time" = "Scheduled End Time" + INTERVAL 15 MINUTE WHERE {kind} IN (2, 3, 4)""",
    """UPDATE {fact} SET "Visit End Time" = "Visit End Time" + INTERVAL 4 HOUR,
         "Scheduled End Time" = "Scheduled End Time" + INTERVAL 4 HOUR WHERE {kind} IN (5, 6)""",
)
"""Some visits go, some move: conflicts are resolved, changed and new, and come back with the first state."""


def write_other_source(generated: Path, file: Path) -> None:
    """Write the second state of a generated source."""
    places = {"fact": '"BI"."FACTVISITCALLPERFORMANCE_CR"', "kind": 'hash("Visit Id") % 20'}
    file.write_bytes(generated.read_bytes())
    with duckdb.connect(str(file)) as connection:
        for change in CHANGES:
            connection.execute(change.format(**places))


def early_zone() -> str:
    """A zone in which the day has just begun."""
    behind = datetime.now(tz=UTC).hour - EARLY
    behind -= 24 if behind > 12 else 0
    return f"Etc/GMT{behind:+d}"
