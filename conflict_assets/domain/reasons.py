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
        "has the status `Cancelled`, `Canceled`, `Deleted` or `Pending`, in any letter case",
        "its status is {visit_status}; visits that are Cancelled, Deleted or Pending don't count",
    )
    DELETED = (
        "deleted",
        "Deleted",
        "is permanently deleted",
        "it is marked as permanently deleted",
    )
    MISSED = (
        "missed",
        "Missed",
        "is missed",
        "it was missed",
    )
    OUT_OF_WINDOW = (
        "out_of_window",
        "Outside the window of dates",
        (
            "is dated outside the window: two calendar years back to 45 days ahead of the run's date in "
            "`SCHEDULE_TIME_ZONE`, both ends in"
        ),
        "its date {visit_date} is outside the window, {first} to {last}",
    )
    UNKNOWN_AGENCY = (
        "unknown_agency",
        "Agency unknown",
        "names no agency, or one that the source does not have",
        "its agency {provider_id} is not among the source's agencies",
    )
    INACTIVE_AGENCY = (
        "inactive_agency",
        "Agency inactive, or for demonstration",
        "is of an agency that is not marked as active, or is a demo",
        "its agency {provider_id} is inactive, or a demo",
    )
    EXCLUDED_AGENCY = (
        "excluded_agency",
        "Agency excluded",
        "is of an agency in the store's table `excluded_agencies`",
        "its agency {provider_id} is in the store's table excluded_agencies",
    )
    EXCLUDED_SSN = (
        "excluded_ssn",
        "Caregiver excluded, or a placeholder SSN",
        (
            "is of a caregiver in the table `excluded_ssns`, or has the SSN `000000000` or `999999999`: placeholders "
            "that thousands of unrelated caregivers share"
        ),
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
        (
            "is not the newest (`last_updated_date`) of the rows with its SSN and visit id. The newest one replaces the"
            " others even when a reason below leaves it out: an old row must not come back to life. Of rows of one age,"
            " the first by agency, date, times and the rest stays, so that the order of reading never decides"
        ),
        "a newer row of the same visit takes its place",
    )
    MISSING_SSN = (
        "missing_ssn",
        "No SSN",
        "has no caregiver, or one without an SSN",
        "it has no caregiver with an SSN",
    )
    INVALID_SSN = (
        "invalid_ssn",
        "SSN without nine digits",
        "has an SSN that is not exactly nine digits",
        "its caregiver's SSN is not nine digits",
    )
    MISSING_KEY = (
        "missing_key",
        "No visit id, agency or date",
        (
            "has no visit id, no agency or no visit date. A missing agency is `unknown_agency` at the source; only a "
            "frame that comes from elsewhere can have it here"
        ),
        "it has no visit id, agency or visit date",
    )
    NO_TIMES = (
        "no_times",
        "No start and end, neither scheduled nor worked",
        "has neither both actual nor both scheduled times",
        "it has neither both actual nor both scheduled times",
    )
    EMPTY_INTERVAL = (
        "empty_interval",
        "Ends before it starts, or at once",
        "has an interval that ends when it starts, or before",
        "it ends when it starts, or before",
    )
    IMPLAUSIBLE_DENSITY = (
        "implausible_density",
        "More visits on a date than a person makes",
        (
            "is one of more than `max_visits_per_day` visits of its SSN on its date: a shared placeholder, not a "
            "person. Visits count here when they have an agency id and nothing against them but their agency (unknown, "
            "inactive, excluded) or an excluded SSN: a crowd stays a crowd when some of its agencies close"
        ),
        "its caregiver has more than {max_visits_per_day} visits on {visit_date}: no person's",
    )


class Note(LabelledName):
    """What is worth knowing about a visit that is not left out."""

    BAD_COORDINATES = (
        "bad_coordinates",
        "Coordinates that are no place",
        (
            "has a point that is out of range, is no number, or is 0, 0, which a device sends when it knows nothing. "
            "The [next candidate](source.md#coordinates) is taken; if none is good, the coordinates are missing"
        ),
    )
    MISSING_STATUS = (
        "missing_status",
        "No status",
        "has no status, although the source has a column for it. It stays active",
    )
    ODD_TIMES = (
        "odd_times",
        "Times far from the date, or over 24 hours",
        (
            "starts more than 24 hours before the midnight that begins its date, or 48 hours or more after it, or lasts"
            " longer than 24 hours. Midnights are those of `SOURCE_TIME_ZONE`; the detection, which knows no zone, "
            "takes UTC's"
        ),
    )
    ODD_DATES = (
        "odd_dates",
        "Dates that no calendar has, or none that can be meant",
        (
            "has a date or a time that the calendar above does not have. A visit whose own date is one has "
            "`missing_key` instead"
        ),
    )
    ONE_ACTUAL_TIME = (
        "one_actual_time",
        "Start or end not recorded",
        "has only one of its two actual times",
    )
