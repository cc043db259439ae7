"""A small warehouse whose visits are spread over months, so that a change is in one place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.snapshots import Snapshot
from conflict_assets_tests.source.warehouse import Warehouse

PEOPLE = 40


def people_of_two_agencies(path: Path, **options: Any) -> Path:
    """Forty caregivers with a visit a month for eight months, every other of them at two agencies."""
    warehouse = Warehouse(path, **options)
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    for person in range(PEOPLE):
        warehouse.caregiver(f"C{person}", f"{person % 10:02d}{7654321 - person}")
        warehouse.insert("DIMPATIENT", {"Patient Id": f"PP{person}", "Patient Lastname": f"Doe {person}"})
        warehouse.insert(
            "DIMPATIENTADDRESS",
            {"Patient Id": f"PP{person}", "Primary Address": True, "Address Type": "GPS", "City": "New York"},
        )
        for month in range(8):
            day = datetime(2025, 1 + month, 1 + person % 28, 4, tzinfo=UTC)
            for agency in ("P", "Q") if person % 2 else ("P",):
                warehouse.visit(
                    f"{agency}-{person}-{month}",
                    **{
                        "Caregiver Id": f"C{person}",
                        "Provider Id": agency,
                        "Provider Patient Id": f"PP{person}",
                        "Visit Date": day,
                        "Scheduled Start Time": day + timedelta(hours=9),
                        "Scheduled End Time": day + timedelta(hours=12),
                    },
                )
    return warehouse.close()


def held(snapshot: Snapshot) -> tuple[Any, ...]:
    """All that a snapshot holds, whatever the order of its rows."""
    visits = {
        prefix: sorted(map(repr, snapshot.visits(prefix).select(VISIT_SCHEMA.names).to_pylist()))
        for prefix in snapshot.prefixes
    }
    left_out = sorted(map(repr, snapshot.all_left_out().to_pylist()))
    return visits, left_out, [snapshot.counts(prefix) for prefix in snapshot.prefixes], snapshot.total_counts()
