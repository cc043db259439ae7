"""The statuses of a conflict, which the store's views derive."""

from conflict_assets.domain.labelled_names import LabelledName


class Status(LabelledName):
    """What has become of a conflict."""

    NEW = (
        "new",
        "New: first found on the date of the latest run",
        (
            "it was first detected on the date of the prefix's latest run in `SCHEDULE_TIME_ZONE`, however many runs "
            "that date had"
        ),
    )
    OPEN = (
        "open",
        "Open",
        "none of these",
    )
    RESOLVED = (
        "resolved",
        "Resolved: no longer found",
        (
            "a run over both of its dates no longer found it. `resolved_reason` is `excluded` when its caregiver or an "
            "agency is on a list, `inactive` when one of its visits is left out by status, as deleted or missed, or by "
            "its agency, else `gone`"
        ),
    )
    EXPIRED = (
        "expired",
        "Expired: a date has left the window",
        "one of its dates has left the window of the prefix's latest run. Nothing is resolved by age",
    )
    WHITELISTED = (
        "whitelisted",
        "Whitelisted by a person",
        "a [decision](operations.md#decisions) about the pair holds",
    )
    IGNORED = (
        "ignored",
        "Ignored by a person",
        "a [decision](operations.md#decisions) about the pair holds",
    )


OPEN_STATUSES = (Status.NEW, Status.OPEN)
