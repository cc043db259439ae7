"""A small warehouse in a DuckDB file, for tests: tables of the contract, rows by what differs from a plain one."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import VisitQuery

TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.DIGITS: "VARCHAR",
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INSTANT: "TIMESTAMPTZ",
}
WHOLE_NUMBERS = ("Application Caregiver Id", "Application Payer Id")
AS_OF = date(2025, 6, 15)


def all_of(length: int = 2, **changes: Any) -> VisitQuery:
    """A query for every prefix in the window of `AS_OF`."""
    settings: dict[str, Any] = {
        "prefixes": tuple(f"{number:0{length}d}" for number in range(10**length)),
        "prefix_length": length,
        "first_date": date(2023, 6, 15),
        "last_date": date(2025, 7, 30),
    }
    return VisitQuery(**(settings | changes))


class Warehouse:
    """Tables to be filled, then read by the source under test."""

    def __init__(self, path: Path, *, types: Mapping[tuple[str, str], str] | None = None) -> None:
        self.path = path
        self._visits = 0
        self.connection = duckdb.connect(str(path))
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute('CREATE SCHEMA "BI"')
        for view, columns in CONTRACT.items():
            declared = ", ".join(
                f'"{column}" {(types or {}).get((view, column)) or declared_type(column, kind)}'
                for column, kind in columns.items()
            )
            self.connection.execute(f'CREATE TABLE "BI"."{view}" ({declared})')

    def insert(self, view: str, row: Mapping[str, Any]) -> None:
        """Insert one row; columns that are not named stay null."""
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        insert = f'INSERT INTO "BI"."{view}" ({names}) VALUES ({marks})'  # noqa: S608 - names of the contract
        self.connection.execute(insert, list(row.values()))

    def agency(self, provider_id: str = "P", **row: Any) -> None:
        """Add an active agency."""
        self.insert(
            "DIMPROVIDER",
            {"Provider Id": provider_id, "Is Active": True, "Is Demo": False, "Provider Name": f"Agency {provider_id}"}
            | row,
        )

    def caregiver(self, caregiver_id: str = "C", ssn: str | None = "041234567", **row: Any) -> None:
        """Add a caregiver."""
        self.insert("DIMCAREGIVER", {"Caregiver Id": caregiver_id, "SSN": ssn} | row)

    def visit(self, visit_id: str | None = "auto", **row: Any) -> str | None:
        """Add a visit of caregiver C at agency P on 2 June 2025, 9 to 12 New York time; return its id."""
        self._visits += 1
        chosen = f"v{self._visits:06d}" if visit_id == "auto" else visit_id
        plain = {
            "Visit Id": chosen,
            "Visit Date": "2025-06-02 04:00:00+00",
            "Visit Status": "Confirmed",
            "Scheduled Start Time": "2025-06-02 13:00:00+00",
            "Scheduled End Time": "2025-06-02 16:00:00+00",
            "Is Missed": False,
            "Permanent Deleted": False,
            "Provider Id": "P",
            "Caregiver Id": "C",
            "Provider Patient Id": "PP",
            "Billed": "no",
        }
        self.insert(FACT, plain | row)
        return chosen

    def close(self) -> Path:
        """Close for reading; return the file's path."""
        self.connection.close()
        return self.path


def declared_type(column: str, kind: Kind) -> str:
    """The type of a column as the plain warehouse declares it."""
    return "DECIMAL(38, 0)" if column in WHOLE_NUMBERS else TYPES[kind]


def at(text: str) -> datetime:
    """An instant from ISO text."""
    return datetime.fromisoformat(text)
