"""A whole night out of Snowflake's emulator: the command line, over the wire, into the store."""

import re

import pytest

from conflict_assets.store.embedded.embedded_server import stop_embedded
from conflict_assets_tests.running.test_night import CommandNight
from conflict_assets_tests.source.emulator import serve

pytestmark = pytest.mark.snowflake

CONFLICTS = """
    SELECT c.pair_id, c.group_id, c.ssn, c.visit_id, c.con_visit_id, c.conflict_type, c.overlap_minutes,
        c.minutes_between, c.distance_miles, c.eta_travel_minutes, c.shift_amount, c.overlap_amount, c.visit_type,
        v.visit_date, v.sch_start_time, v.sch_end_time, v.visit_start_time, v.visit_end_time, v.aide_name, v.latitude,
        v.longitude, v.contract, v.rate, v.last_updated_date
    FROM visit_conflicts AS c JOIN conflict_visits AS v USING (ssn_prefix, ssn, visit_id)
    ORDER BY c.ssn, c.visit_id, c.con_visit_id"""
REJECTED = "SELECT ssn_prefix, visit_id, reason FROM rejected_visits ORDER BY ssn_prefix, visit_id, reason"


@pytest.fixture(scope="module")
def nights(tmp_path_factory, lay_cluster):
    """A night out of DuckDB and one out of the emulator, which serves the same visits."""
    duckdb, snowflake = (CommandNight(tmp_path_factory.mktemp(name)) for name in ("duckdb", "snowflake"))
    for night in (duckdb, snowflake):
        lay_cluster(night.folder / "data" / "postgres")
    duckdb.environment["GENERATED_VISITS"] = "20000"
    ran = duckdb.command("run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with serve(tmp_path_factory.mktemp("emulator"), {"BI": duckdb.folder / "data" / "visits.duckdb"}) as emulator:
        snowflake.environment |= {
            "SOURCE": "snowflake",
            "SNOWFLAKE_ACCOUNT": "acme",
            "SNOWFLAKE_USER": "READER",
            "SNOWFLAKE_PASSWORD": "open sesame",
            "SNOWFLAKE_URL": emulator.url,
        }
        ran = snowflake.command("run")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        yield duckdb, snowflake, ran.stdout + ran.stderr, snowflake.command("doctor")
    for night in (duckdb, snowflake):
        stop_embedded(night.folder / "data" / "postgres")


def test_conflicts_and_rejected_visits_equal_those_of_duckdb_row_for_row(nights):
    duckdb, snowflake, _, _ = nights
    conflicts = snowflake.rows(CONFLICTS)
    assert len(conflicts) > 100
    assert conflicts == duckdb.rows(CONFLICTS)
    assert snowflake.rows(REJECTED) == duckdb.rows(REJECTED)


def test_the_night_says_nothing_secret(nights):
    assert re.search(r"Success rate: (\d+)/\1 prefixes", nights[2])
    assert "open sesame" not in nights[2]


def test_the_doctor_finds_every_view(nights):
    doctor = nights[3]
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "ANALYTICS.BI: every view and column is there" in doctor.stdout
