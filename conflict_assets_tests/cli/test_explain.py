"""`conflict-assets explain`, as a person gives it: two visits that are a conflict, or none, or none any more."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.cli.test_store import given, refused, told
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.source.warehouse import Warehouse
from conflict_assets_tests.store.nights import Pair, night

__all__ = ["given"]

NEW_YORK = ZoneInfo("America/New_York")
DAY = datetime.now(tz=NEW_YORK).date() - timedelta(days=10)
WINDOW = (DAY - timedelta(days=700), DAY + timedelta(days=50))
SSN = "041234567"


def moment(clock, day=DAY):
    return datetime.combine(day, time.fromisoformat(clock), NEW_YORK).astimezone(UTC).isoformat(" ")


def visit(start="09:00", end="12:00", agency="P", day=DAY, **row):
    return {
        "Visit Date": moment("00:00", day),
        "Scheduled Start Time": moment(start, day),
        "Scheduled End Time": moment(end, day),
        "Provider Id": agency,
    } | row


@pytest.fixture
def explained(tmp_path, store_url, given):
    """Makes a source of two visits, a and b, of which the second may be missing; tells what is explained of them."""

    def explain(one, other, **settings):
        warehouse = Warehouse(tmp_path / "visits.duckdb")
        warehouse.caregiver(**{"Caregiver Fullname": "Ann Aide"})
        warehouse.caregiver("D", "041239999")
        for agency in ("P", "Q"):
            warehouse.agency(agency)
        warehouse.agency("R", **{"Is Active": False})
        warehouse.insert(
            "DIMPATIENT", {"Patient Id": "PP", "Patient Firstname": "Petra", "Patient Lastname": "Patient"}
        )
        for visit_id, given_visit in (("a", one), ("b", other)):
            if given_visit is not None:
                warehouse.visit(visit_id, **given_visit)
        given(CONFLICTS_POSTGRES_URL=store_url, SOURCE_FILE=warehouse.close(), CONFLICTS_DATA_DIR=tmp_path, **settings)
        output = told("explain", "b", "a")
        assert SSN not in output
        assert "Patient" not in output
        assert "Petra" not in output
        return output

    return explain


def worked(start, end, place, **row):
    actual = {"Visit Start Time": moment(start), "Visit End Time": moment(end), "Call In GPS Coordinates": place}
    return visit(**actual, **row)


BATTERY, BRONX = "40.70,-74.00", "40.85,-73.88"
LATER = DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        (visit(), visit(agency="Q"), "a conflict by rule 1, same_sch_time: 180 minutes in common"),
        (
            visit(),
            visit("11:00", "13:00", "Q"),
            "a conflict by rule 4, sch_over_another_sch_time: 60 minutes in common",
        ),
        (
            worked("09:00", "10:00", BATTERY),
            worked("10:20", "11:00", BRONX, agency="Q"),
            "a conflict by rule 7, distance: 36.36 minutes needed, 20 given",
        ),
        (
            worked("09:00", "10:00", BATTERY),
            worked("10:40", "11:00", BRONX, agency="Q"),
            "no trip of rule 7: not the trip takes longer than there is time (15.15 miles (by air x 1.25), 25 mph",
        ),
        (worked("09:00", "10:00", BATTERY), worked("10:20", "11:00", ",", agency="Q"), "not both have coordinates"),
        (visit(), visit("12:00", "13:00", "Q"), "not both worked (rule 7) (scheduled and scheduled)"),
        (visit(), visit(), "no conflict: not two agencies (P and P)"),
        (
            visit(),
            visit(agency="Q", **{"Caregiver Id": "D"}),
            "no conflict: not same caregiver (the SSNs are different",
        ),
        (visit(), visit(agency="Q", day=LATER + timedelta(days=1)), "not same or neighbouring dates"),
    ],
)
def test_the_first_line_says_what_it_is_and_why(explained, one, other, says):
    output = explained(one, other)
    first, *rest = output.splitlines()
    assert first.startswith("Visits a and b: ")
    assert says in first
    assert "***-**-4567" in output
    assert rest[-1] == "Store: no conflict of the two"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"Visit Status": " cancelled"}, "its status is cancelled; visits that are Cancelled, Deleted or Pending"),
        ({"Permanent Deleted": True}, "it is marked as permanently deleted"),
        ({"Is Missed": True}, "it was missed"),
        ({"Visit Date": moment("00:00", DAY - timedelta(days=800))}, "is outside the window, "),
        ({"Provider Id": "X"}, "its agency X is not among the source's agencies"),
        ({"Provider Id": "R"}, "its agency R is inactive, or a demo"),
        ({"Caregiver Id": None}, "it has no caregiver with an SSN"),
        ({"Visit Date": None}, "it has no visit id, agency or visit date"),
        ({"Scheduled Start Time": None}, "it has neither both actual nor both scheduled times"),
        ({"Scheduled End Time": moment("09:00")}, "it ends when it starts, or before"),
    ],
)
def test_a_visit_that_does_not_count_says_why(explained, row, reason):
    first = explained(visit(), visit(agency="Q") | row).splitlines()[0]
    assert first.startswith("Visits a and b: no conflict: visit b does not count, ")
    assert reason in first


def test_words_of_the_source_are_no_markup(explained):
    assert "[/] and Q[bold]" in explained(visit(agency="[/]"), visit(agency="Q[bold]"))


@pytest.mark.parametrize("table", ["excluded_agencies (provider_id)", "excluded_ssns (ssn)"])
def test_an_exclusion_names_its_table(explained, store_url, table):
    execute(store_url, f"INSERT INTO {table} VALUES (%s)", ["Q" if "agencies" in table else "041-23-4567"])  # noqa: S608 - constants
    assert f"is in the store's table {table.split()[0]}" in explained(visit(), visit(agency="Q")).splitlines()[0]


def test_too_many_visits_of_a_day_are_told_of(explained):
    first = explained(visit(), visit(agency="Q"), MAX_VISITS_PER_DAY=1).splitlines()[0]
    assert f"its caregiver has more than 1 visits on {DAY}: no person's" in first


def test_the_policy_is_that_of_the_settings(explained):
    one, other = worked("09:00", "10:00", BATTERY), worked("10:00", "11:00", BRONX, agency="Q")
    assert "0 given; back to back does not count (BACK_TO_BACK_COUNTS)" in explained(
        one, other, BACK_TO_BACK_COUNTS="false"
    )


@pytest.fixture
def stored(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair("a", "b", ssn=SSN, day=DAY)], window=WINDOW))
    return store_url


@pytest.mark.usefixtures("stored")
def test_a_stored_conflict_is_told_with_its_status_and_times(explained):
    last = explained(visit(), visit(agency="Q")).splitlines()[-1]
    assert last == (
        f"Store: pair {Pair('a', 'b').pair_id}: new, rule 5 visit_time_over_another_visit_time; first detected "
        "2026-01-06 21:00:00 EST; last detected 2026-01-06 21:00:00 EST"
    )


def test_a_decision_is_told_with_its_reason(explained, stored, given):
    given(CONFLICTS_POSTGRES_URL=stored)
    told("decide", "a,b", "--whitelist", "--reason", "one house, two clients")
    last = explained(visit(), visit(agency="Q")).splitlines()[-1]
    assert ": whitelisted, rule 5 " in last
    assert last.endswith(": one house, two clients")


@pytest.mark.usefixtures("stored")
def test_a_conflict_that_the_next_run_will_resolve_is_none_any_more(explained):
    output = explained(visit(), visit(agency="Q", **{"Visit Status": "Deleted"}))
    assert "a and b: no longer a conflict: visit b does not count, its status is Deleted" in output


@pytest.mark.usefixtures("stored")
def test_a_visit_that_has_left_the_source_is_said_to_be_gone(explained):
    output = explained(visit(), None)
    assert output.startswith("Visits a and b: no longer a conflict: a visit is no longer in the source")
    assert "b: not in the source" in output


def test_a_resolved_conflict_says_when_and_why(explained, stored):
    with ConflictStore(url=stored, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([], number=2, left_out={"b": "deleted"}, window=WINDOW))
    assert rows(stored, "SELECT count(*) FROM visit_conflicts WHERE resolved_at IS NULL") == [(0,)]
    last = explained(visit(), visit(agency="Q", **{"Permanent Deleted": True})).splitlines()[-1]
    assert "resolved 2026-01-07 21:00:00 EST (inactive)" in last


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "nowhere"], "visit nowhere is not in the source, and the store knows no conflict of the two"),
        (["a", "a"], "a conflict has two different visits; found 'a' and 'a'"),
        (["a", " "], "a conflict has two different visits"),
        (["a"], "Missing argument"),
    ],
)
def test_what_can_t_be_explained_is_refused(explained, arguments, message):
    explained(visit(), visit(agency="Q"))
    assert message in refused("explain", *arguments)
