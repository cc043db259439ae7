"""The checks, with what a failed one says: each is shown data in which everything is wrong."""

from conflict_assets.assets import check_events
from conflict_assets.assets.checks import CheckOutcome, check_active_visits, check_conflicts
from conflict_assets_tests.assets.test_checks import conflicts, counted, stored, visits
from conflict_assets_tests.pages.regions import table

PREFIX = "04"


def checks_list() -> str:
    """Each check of each asset, and what it holds."""
    specs = [*check_events.ACTIVE_VISITS_CHECKS, *check_events.VISIT_CONFLICTS_CHECKS]
    rows = [(f"`{spec.asset_key.to_user_string()}`", f"`{spec.name}`", spec.description or "") for spec in specs]
    return table(("asset", "check", "passes when"), *rows)


def complaints_list() -> str:
    """What each check says of data in which everything is wrong."""
    rows = [
        (f"`{name}`", complaint.found, complaint.allowed, _severity(warning=complaint.warning), complaint.what_to_do)
        for name, complaint in _complaints()
    ]
    return table(("check", "found", "allowed", "severity", "what to do"), *rows)


def _severity(*, warning: bool) -> str:
    return "warning" if warning else "error"


def _complaints():
    for asset, outcomes in (("active_visits", _bad_visits()), ("visit_conflicts", _bad_conflicts())):
        for outcome in outcomes:
            assert outcome.complaints, f"{outcome.name} has nothing to complain of"
            for complaint in outcome.complaints:
                yield f"{asset}: {outcome.name}", complaint


def _bad_visits() -> list[CheckOutcome]:
    wrong = visits(ssn=["041111111", "051111111", None], visit_status=["Cancelled", None, None])
    return check_active_visits(PREFIX, wrong.schema, wrong, counted(active=1))


def _bad_conflicts() -> list[CheckOutcome]:
    wrong = conflicts(["041111111", None], [("P", "P"), ("Q", "Q")])
    return check_conflicts(PREFIX, wrong, 900, stored(rows=3, one_sided=1, previous_conflicts=40, previous_visits=900))
