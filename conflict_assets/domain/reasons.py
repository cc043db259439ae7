"""Reasons why visits are left out, and notes about the others.

The values are the names that users see.
"""

from conflict_assets.domain.labelled_names import LabelledName


class InactiveReason(LabelledName):
    """Why a visit is not active, in the order of the checks.

    The source makes the checks, and the first reason that fits counts.
    """

    INACTIVE_STATUS = (
        "inactive_status",
        "Cancelled, deleted or pending",
        "its status is {visit_status}; visits that are Cancelled, Deleted or Pending don't count",
    )
    DELETED = "deleted", "Deleted", "it is marked as permanently deleted"
    MISSED = "missed", "Missed", "it was missed"
    OUT_OF_WINDOW = (
        "out_of_window",
        "Outside the window of dates",
        "its date {visit_date} is outside the window, {first} to {last}",
    )
    UNKNOWN_AGENCY = "unknown_agency", "Agency unknown", "its agency {provider_id} is not among the source's agencies"
    INACTIVE_AGENCY = (
        "inactive_agency",
        "Agency inactive, or for demonstration",
        "its agency {provider_id} is inactive, or a demo",
    )
    EXCLUDED_AGENCY = (
        "excluded_agency",
        "Agency excluded",
        "its agency {provider_id} is in the store's table excluded_agencies",
    )
    EXCLUDED_SSN = (
        "excluded_ssn",
        "Caregiver excluded, or a placeholder SSN",
        "its caregiver's SSN is in the store's table excluded_ssns, or is a placeholder",
    )


INACTIVE_STATUSES = ("cancelled", "canceled", "deleted", "pending")
"""What the status of a visit that doesn't count is, trimmed and in small letters."""


class RejectReason(LabelledName):
    """Why a visit can't be judged.

    `DUPLICATE_VISIT_ID` is checked first of all, and the others after `InactiveReason`.
    """

    DUPLICATE_VISIT_ID = (
        "duplicate_visit_id",
        "An older row of the same visit",
        "a newer row of the same visit takes its place",
    )
    MISSING_SSN = "missing_ssn", "No SSN", "it has no caregiver with an SSN"
    INVALID_SSN = "invalid_ssn", "SSN without nine digits", "its caregiver's SSN is not nine digits"
    MISSING_KEY = "missing_key", "No visit id, agency or date", "it has no visit id, agency or visit date"
    NO_TIMES = (
        "no_times",
        "No start and end, neither scheduled nor worked",
        "it has neither both actual nor both scheduled times",
    )
    EMPTY_INTERVAL = "empty_interval", "Ends before it starts, or at once", "it ends when it starts, or before"
    IMPLAUSIBLE_DENSITY = (
        "implausible_density",
        "More visits on a date than a person makes",
        "its caregiver has more than {max_visits_per_day} visits on {visit_date}: no person's",
    )


class Note(LabelledName):
    """What is worth knowing about a visit that is not left out."""

    BAD_COORDINATES = "bad_coordinates", "Coordinates that are no place"
    MISSING_STATUS = "missing_status", "No status"
    ODD_TIMES = "odd_times", "Times far from the date, or over 24 hours"
    ODD_DATES = "odd_dates", "Dates that no calendar has, or none that can be meant"
    ONE_ACTUAL_TIME = "one_actual_time", "Start or end not recorded"
