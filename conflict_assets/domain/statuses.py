"""The statuses of a conflict, which the store's views derive."""

from conflict_assets.domain.labelled_names import LabelledName


class Status(LabelledName):
    """What has become of a conflict."""

    NEW = "new", "New: first found on the date of the latest run"
    OPEN = "open", "Open"
    RESOLVED = "resolved", "Resolved: no longer found"
    EXPIRED = "expired", "Expired: a date has left the window"
    WHITELISTED = "whitelisted", "Whitelisted by a person"
    IGNORED = "ignored", "Ignored by a person"


OPEN_STATUSES = (Status.NEW, Status.OPEN)
