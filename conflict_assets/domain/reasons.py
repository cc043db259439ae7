"""Reasons why visits are left out, and notes about the others.

The values are the names that users see.
"""

from enum import StrEnum


class InactiveReason(StrEnum):
    """Why a visit is not active, in the order of the checks.

    The source makes the checks, and the first reason that fits counts.
    """

    INACTIVE_STATUS = "inactive_status"
    DELETED = "deleted"
    MISSED = "missed"
    OUT_OF_WINDOW = "out_of_window"
    UNKNOWN_AGENCY = "unknown_agency"
    INACTIVE_AGENCY = "inactive_agency"
    EXCLUDED_AGENCY = "excluded_agency"
    EXCLUDED_SSN = "excluded_ssn"


INACTIVE_STATUSES = ("cancelled", "canceled", "deleted", "pending")
"""What the status of a visit that doesn't count is, trimmed and in small letters."""


class RejectReason(StrEnum):
    """Why a visit can't be judged.

    `DUPLICATE_VISIT_ID` is checked first of all, and the others after `InactiveReason`.
    """

    DUPLICATE_VISIT_ID = "duplicate_visit_id"
    MISSING_SSN = "missing_ssn"
    INVALID_SSN = "invalid_ssn"
    MISSING_KEY = "missing_key"
    NO_TIMES = "no_times"
    EMPTY_INTERVAL = "empty_interval"
    IMPLAUSIBLE_DENSITY = "implausible_density"


class Note(StrEnum):
    """What is worth knowing about a visit that is not left out."""

    BAD_COORDINATES = "bad_coordinates"
    MISSING_STATUS = "missing_status"
    ODD_TIMES = "odd_times"
    ODD_DATES = "odd_dates"
    ONE_ACTUAL_TIME = "one_actual_time"
