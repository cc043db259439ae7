"""The views, columns and types that the statements need.

They are checked before any visit is read.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum

from conflict_assets.source.layout import FACT, STATUS_COLUMN, SourceLayout
from conflict_assets.source.protocol import SourceError


class Kind(StrEnum):
    """A family of column types that the statements can read alike."""

    TEXT = "text"
    DIGITS = "text or whole number"
    NUMBER = "number"
    BOOLEAN = "boolean"
    INSTANT = "timestamp"


_TEXTS = ("VARCHAR", "TEXT", "CHAR", "STRING")
_WHOLE = ("NUMBER", "DECIMAL", "NUMERIC", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT",
          "USMALLINT", "UINTEGER", "UBIGINT", "INT")  # fmt: skip

_TYPES: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: _TEXTS,
    Kind.DIGITS: (*_TEXTS, *_WHOLE),
    Kind.NUMBER: (*_WHOLE, "FLOAT", "DOUBLE", "REAL"),
    Kind.BOOLEAN: ("BOOLEAN",),
    Kind.INSTANT: ("TIMESTAMP", "DATETIME"),
}
_PLAIN_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\([0-9, ]*\))?[A-Z ]*")
"""A name with its sizes: no list, array, structure or map of a type."""

_T, _D, _N, _B, _I = Kind.TEXT, Kind.DIGITS, Kind.NUMBER, Kind.BOOLEAN, Kind.INSTANT

CONTRACT: Mapping[str, Mapping[str, Kind]] = {
    FACT: {
        "Visit Id": _T,
        "Application Visit Id": _T,
        "Visit Date": _I,
        STATUS_COLUMN: _T,
        "Scheduled Start Time": _I,
        "Scheduled End Time": _I,
        "Visit Start Time": _I,
        "Visit End Time": _I,
        "Call In Time": _I,
        "Call Out Time": _I,
        "Call In GPS Coordinates": _T,
        "Call Out GPS Coordinates": _T,
        "Call Out Device Type": _T,
        "Is Missed": _B,
        "Missed Visit Reason": _T,
        "Permanent Deleted": _B,
        "Provider Id": _T,
        "Application Provider Id": _T,
        "Office Id": _T,
        "Caregiver Id": _T,
        "Application Caregiver Id": _N,
        "Patient Id": _T,
        "Provider Patient Id": _T,
        "Payer Id": _T,
        "Application Payer Id": _N,
        "Contract Id": _T,
        "Application Contract Id": _T,
        "Service Code Id": _T,
        "Bill Type": _T,
        "Billed": _T,
        "Billed Hours": _N,
        "Billed Rate": _N,
        "Bill Rate Non-Billed": _N,
        "Total Billed Amount": _N,
        "Invoice Date": _I,
        "Visit Updated Timestamp": _I,
        "Visit Updated User Id": _T,
    },
    "DIMCAREGIVER": {
        "Caregiver Id": _T,
        "SSN": _D,
        "Caregiver Code": _T,
        "Caregiver Fullname": _T,
        "Caregiver Firstname": _T,
        "Caregiver Lastname": _T,
        "Status": _T,
    },
    "DIMPROVIDER": {
        "Provider Id": _T,
        "Is Active": _B,
        "Is Demo": _B,
        "Provider Name": _T,
        "Phone Number 1": _T,
        "Federal Tax Number": _T,
        "Address State": _T,
    },
    "DIMOFFICE": {"Office Id": _T, "Is Active": _B, "Office Name": _T},
    "DIMPATIENT": {
        "Patient Id": _T,
        "Admission Id": _T,
        "Patient Firstname": _T,
        "Patient Lastname": _T,
        "Medicaid Number": _T,
        "Status": _T,
    },
    "DIMPATIENTADDRESS": {
        "Patient Id": _T,
        "Application Created UTC Timestamp": _I,
        "Primary Address": _B,
        "Address Type": _T,
        "Address Line 1": _T,
        "City": _T,
        "Address State": _T,
        "Zip Code": _D,
        "County": _T,
        "Latitude": _N,
        "Longitude": _N,
    },
    "DIMPAYER": {"Payer Id": _T, "Is Active": _B, "Is Demo": _B, "Payer Name": _T, "Payer State": _T},
    "DIMCONTRACT": {"Contract Id": _T, "Is Active": _B, "Contract Name": _T},
    "DIMSERVICECODE": {"Service Code Id": _T, "Service Code": _T},
    "DIMUSER": {"User Id": _T, "User Fullname": _T},
}
"""Every view and column that the statements read (the tables of docs/source.md, as the product reads them)."""

FoundTypes = Mapping[tuple[str, str], str]
"""The declared type of each (view, column) that a source has."""


def needed_columns(status_column: str | None) -> dict[str, dict[str, Kind]]:
    """The contract with the fact's status column as configured.

    The column has its configured name, or is left out when there is none.
    """
    needed = {view: dict(columns) for view, columns in CONTRACT.items()}
    del needed[FACT][STATUS_COLUMN]
    if status_column is not None:
        needed[FACT][status_column] = Kind.TEXT
    return needed


def check_found(found: FoundTypes, layout: SourceLayout, *, where: str) -> None:
    """Raise `SourceError` if a needed column is missing or unusable.

    The error lists every one of them at once. `where` names the place and the settings.
    """
    complaints = list(_complaints(found, layout.status_column))
    if complaints:
        raise SourceError(
            f"The source ({where}) lacks what the visits are read from:\n"
            + "\n".join(f"- {complaint}" for complaint in complaints)
            + "\nMend the views, or the settings named here, then run `conflict-assets doctor`."
        )


def exact_layout(layout: SourceLayout, found: FoundTypes) -> SourceLayout:
    """Add to a layout what the declared types say."""
    ssn = found.get(("DIMCAREGIVER", "SSN"), "").upper()
    return replace(layout, zoneless=zoneless_columns(found), ssn_is_number=ssn.startswith(_WHOLE))


def zoneless_columns(found: FoundTypes) -> frozenset[tuple[str, str]]:
    """The needed timestamps that are stored without a time zone."""
    return frozenset(
        (view, column)
        for view, columns in CONTRACT.items()
        for column, kind in columns.items()
        if kind is Kind.INSTANT and is_zoneless(found.get((view, column), ""))
    )


def is_zoneless(declared: str) -> bool:
    """Whether a declared timestamp type has no time zone.

    Examples are `TIMESTAMP`, `TIMESTAMP_NTZ` and `DATETIME`.
    """
    name = declared.upper()
    zoned = ("_TZ", "_LTZ", "WITH TIME ZONE", "WITH LOCAL TIME ZONE", "TIMESTAMPTZ")
    return name.startswith(("TIMESTAMP", "DATETIME")) and not any(mark in name for mark in zoned)


def _complaints(found: FoundTypes, status_column: str | None) -> Iterable[str]:
    views = {view for view, _ in found}
    for view, columns in needed_columns(status_column).items():
        if view not in views:
            yield f"view {view} is missing, or the role may not see it"
            continue
        for column, kind in columns.items():
            declared = found.get((view, column))
            if declared is None:
                yield f'{view} has no column "{column}"' + _hint(view, column, status_column)
            elif not _is_of(kind, declared):
                yield f'{view}."{column}" is {declared}; allowed: a {kind} type'


def _is_of(kind: Kind, declared: str) -> bool:
    name = declared.upper()
    return name.startswith(_TYPES[kind]) and not name.startswith("INTERVAL") and bool(_PLAIN_TYPE.fullmatch(name))


def _hint(view: str, column: str, status_column: str | None) -> str:
    if view == FACT and column == status_column:
        return (
            " (set VISIT_STATUS_COLUMN to the column that holds the status; empty, when the view has none: then "
            "visits are filtered by Permanent Deleted and Is Missed alone)"
        )
    return ""
