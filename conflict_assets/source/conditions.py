"""What must be equal for a night to carry over what an earlier one has read."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from conflict_assets.source.protocol import VisitQuery, VisitReader
from conflict_assets.source.snapshot import Snapshot
from conflict_assets.source.statement_texts import all_texts

NO_SNAPSHOT = "no earlier snapshot has all of these prefixes"
OLDER_RELEASE = "the earlier snapshot is of a release that could not carry over"


def conditions_of(reader: VisitReader, query: VisitQuery, source: str) -> Mapping[str, Any]:
    """Return everything that decides what a row becomes, but for the source's own data, the lists and the window.

    A change of the data or of a list is found cell by cell, and the window by its dates.
    """
    layout = reader.layout
    return {
        "source": source,
        "database": layout.database,
        "schema": layout.schema,
        "time_zone": layout.time_zone,
        "status_column": layout.status_column,
        "zoneless": sorted(map(list, layout.zoneless)),
        "ssn_is_number": layout.ssn_is_number,
        "prefix_length": query.prefix_length,
        "cross_midnight": query.cross_midnight,
        "max_visits_per_day": query.max_visits_per_day,
        "engine": reader.engine,
        "release": version("conflict_assets"),
        "statements": hashlib.sha256(all_texts().encode()).hexdigest(),
    }


def why_not(base: Snapshot, conditions: Mapping[str, Any], as_of: datetime, full_every: timedelta) -> str:
    """Return why a snapshot can't be carried over, or nothing if it can."""
    facts = base.reading
    if facts.full_as_of is None:
        return OLDER_RELEASE
    differing = sorted(name for name in conditions if facts.conditions.get(name) != conditions[name])
    if differing:
        return f"{', '.join(differing)} differ from the earlier snapshot's"
    age = as_of - facts.full_as_of
    if age >= full_every:
        return f"everything was last read {age.days} days ago"
    if age < timedelta():
        return "the earlier snapshot is of a later time"
    return ""
