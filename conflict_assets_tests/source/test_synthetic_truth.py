"""What the generator claims: its planted pairs are all conflicts, every other pair is clean, every bad row is there."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from conflict_assets.domain.detection import detect_conflicts
from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.partitions import all_prefixes
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.protocol import COUNT_COLUMNS, VisitQuery
from conflict_assets.source.synthetic import generate
from conflict_assets.source.synthetic.plan import EMPTY_PREFIXES
from conflict_assets_tests.source.reading import read_all

TRUTH = Path(__file__).with_name("synthetic_truth.sql").read_text(encoding="utf-8")
AS_OF = date(2026, 3, 15)
RULES = (
    "same_sch_time",
    "same_visit_time",
    "sch_and_visit_time_same",
    "sch_over_another_sch_time",
    "visit_time_over_another_visit_time",
    "sch_time_over_visit_time",
    "distance",
)
PLANTED = ["visit_id", "con_visit_id", "visit_date", "con_visit_date", "flag", "crosses_midnight"]
MADE_BY_USERS = {InactiveReason.EXCLUDED_AGENCY}


class Truth:
    """A generated source, judged by the plain SQL of this folder."""

    def __init__(self, made, run_date):
        self.made = made
        self.connection = duckdb.connect()
        self.connection.execute(f"ATTACH '{made.path}' AS source (READ_ONLY)")
        for statement in TRUTH.split(";\n"):
            if statement.strip():
                names_date = "$as_of::" in statement
                self.connection.execute(statement, {"as_of": run_date} if names_date else None)

    def rows(self, sql, *values):
        return self.connection.execute(sql, list(values)).fetchall()

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def found(self):
        return {
            tuple(row[name] for name in PLANTED) for row in self.connection.table("found").to_arrow_table().to_pylist()
        }

    def planted(self):
        return {tuple(row.values()) for row in pq.read_table(self.made.planted_path).select(PLANTED).to_pylist()}


def query(as_of):
    first = date(as_of.year - 2, as_of.month, as_of.day)
    return VisitQuery(prefixes=all_prefixes(2), prefix_length=2, first_date=first, last_date=as_of + timedelta(days=45))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("truth") / "source.duckdb", visits=60_000, as_of=AS_OF)


@pytest.fixture(scope="module")
def truth(made):
    return Truth(made, AS_OF)


@pytest.fixture(scope="module")
def counts(made):
    counts, _ = read_all(DuckDBVisitSource(made.path), query(AS_OF), "test")
    return {name: sum(counted[name] for counted in counts.values()) for name in COUNT_COLUMNS}


def test_what_is_planted_is_all_that_a_search_of_all_pairs_finds(truth):
    assert truth.found() == truth.planted()
    assert len(truth.planted()) == truth.made.planted


@pytest.mark.parametrize("days_later", [28, 120])
def test_the_list_stays_true_for_weeks(made, days_later):
    later = Truth(made, AS_OF + timedelta(days=days_later))
    assert later.found() == later.planted()


@pytest.mark.parametrize(
    ("seed", "as_of", "visits", "share"),
    [
        (2, date(2026, 3, 8), 20_000, 0.02),  # clocks change on the run's date
        (3, date(2028, 2, 29), 20_000, 0.05),  # the window begins on a date that is none two years before
        (4, date(2025, 11, 3), 20_000, 0.1),  # the day after clocks changed
        (5, date(2026, 7, 1), 5_000, 0.02),  # the smallest
        (6, date(2026, 7, 1), 20_000, 0),
    ],
)
def test_the_claim_holds_for_other_worlds(tmp_path, seed, as_of, visits, share):
    made = generate(tmp_path / "w.duckdb", visits=visits, seed=seed, as_of=as_of, conflict_share=share)
    truth = Truth(made, as_of)
    assert truth.found() == truth.planted()
    in_conflict = truth.value(
        "SELECT count(DISTINCT id) FROM (SELECT visit_id AS id FROM found UNION SELECT con_visit_id FROM found)"
    )
    assert in_conflict / visits == pytest.approx(share, rel=0.2)


def test_the_engine_finds_exactly_what_is_planted(made, truth):
    _, table = read_all(DuckDBVisitSource(made.path), query(AS_OF), "test")
    contested = table.filter(pc.equal(table["outcome"], "contested")).select(VISIT_SCHEMA.names)
    conflicts = detect_conflicts(contested.to_pandas()).conflicts
    conflicts = conflicts[conflicts["visit_id"] < conflicts["con_visit_id"]]
    flagged = conflicts[list(RULES)].idxmax(axis=1)
    found = set(
        zip(
            conflicts["visit_id"],
            conflicts["con_visit_id"],
            flagged,
            conflicts["crosses_midnight"].tolist(),
            strict=True,
        )
    )
    assert found == {(one, other, flag, crosses) for one, other, _, _, flag, crosses in truth.planted()}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_planted_within_a_date_and_across_midnight(truth, rule):
    assert {row[5] for row in truth.planted() if row[4] == rule} == {False, True}


@pytest.mark.parametrize("reason", [str(reason) for reason in (*InactiveReason, *RejectReason)])
def test_every_reason_to_leave_a_row_out_occurs_and_is_counted_alike_by_the_source(truth, counts, reason):
    rows = truth.value("SELECT count(*) FROM judged WHERE outcome = $1", reason)
    assert rows == counts[reason]
    assert (rows > 0) == (reason not in MADE_BY_USERS)


@pytest.mark.parametrize("note", list(Note))
def test_every_note_occurs(counts, note):
    assert counts[note] > 0


def test_97_prefixes_hold_active_visits_and_three_hold_none(truth):
    prefixes = {row[0] for row in truth.rows("SELECT DISTINCT left(ssn, 2) FROM judged WHERE outcome = 'active'")}
    assert prefixes == set(all_prefixes(2)) - set(EMPTY_PREFIXES)
    assert len(prefixes) == 97


def test_about_two_visits_in_a_hundred_are_in_conflict_and_few_days_are_contested(counts, truth):
    in_conflict = truth.value(
        "SELECT count(DISTINCT id) FROM (SELECT visit_id AS id FROM found UNION SELECT con_visit_id FROM found)"
    )
    assert 0.018 < in_conflict / 60_000 < 0.023
    assert in_conflict / counts["active"] < counts["contested"] / counts["active"] < 0.08


def test_about_15_percent_of_caregivers_work_for_two_agencies_or_more(truth):
    share = truth.value(
        "SELECT avg((agencies > 1)::INTEGER) FROM (SELECT count(DISTINCT provider_id) AS agencies FROM judged"
        " WHERE outcome = 'active' GROUP BY ssn)"
    )
    assert 0.13 < share < 0.18


def test_conflicts_hang_together_in_chains_of_three_visits_and_more(truth):
    most = truth.value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM (SELECT visit_id AS id FROM found"
        " UNION ALL SELECT con_visit_id FROM found) GROUP BY id)"
    )
    assert most >= 2


def test_billed_and_unbilled_visits_of_every_rate_type_are_in_conflict(truth):
    kinds = truth.rows(
        'SELECT DISTINCT "Billed", "Bill Type" FROM judged WHERE outcome = \'active\' AND visit_id IN'
        " (SELECT visit_id FROM found UNION SELECT con_visit_id FROM found)"
    )
    assert {(billed, kind) for billed in ("yes", "no") for kind in ("Hourly", "Daily", "Visit")} <= set(kinds)


def test_planted_dates_lie_well_within_the_window(truth):
    dates = [day for row in truth.planted() for day in row[2:4]]
    assert AS_OF - timedelta(days=600) <= min(dates)
    assert max(dates) <= AS_OF + timedelta(days=30)


def test_a_shared_number_is_refused_above_50_visits_a_date_and_judged_at_50(truth):
    crowds = truth.rows(
        "SELECT outcome, count(*), count(DISTINCT provider_id) FROM judged GROUP BY outcome, ssn, visit_date"
        " HAVING count(*) > 20 AND outcome IN ('active', 'implausible_density')"
    )
    assert sorted(crowds) == [("active", 50, 1), ("implausible_density", 231, 3)]


def test_visit_dates_are_local_midnights_and_days_have_one_to_four_visits(truth):
    assert truth.value("SELECT bool_and((\"Visit Date\" AT TIME ZONE 'America/New_York')::TIME = '00:00') FROM judged")
    days = truth.rows(
        "SELECT DISTINCT count(*) FROM judged WHERE outcome = 'active' GROUP BY ssn, visit_date HAVING count(*) < 20"
    )
    assert {1, 2, 3, 4} == {row[0] for row in days}


def test_some_shifts_last_over_night(truth):
    nights = truth.value(
        "SELECT count(*) FROM judged WHERE outcome = 'active'"
        " AND local_date(starts) = visit_date AND local_date(ends) = visit_date + 1"
    )
    assert nights > 500


def test_coordinates_are_written_in_every_way_of_the_source(truth):
    points = 'SELECT count(*) FROM judged WHERE "Call In GPS Coordinates" LIKE $1'
    for pattern in ('"%"', ",", "40%,-7%", "40%, -7%", "0,0", "140%", "unknown%"):
        assert truth.value(points, pattern) > 0, pattern


def test_ssns_are_written_with_dashes_and_blanks_and_without(truth):
    for pattern in ("___-__-____", "___ __ ____", " _________  ", "_________"):
        rows = truth.value('SELECT count(*) FROM source.BI.DIMCAREGIVER WHERE "SSN" LIKE $1', pattern)
        assert rows > 0, pattern
