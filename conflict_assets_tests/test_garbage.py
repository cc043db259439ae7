"""Nights over random garbage in every column, of every type: nothing is lost, nothing fails, all of it can be read."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conflict_assets.domain.reasons import InactiveReason, RejectReason
from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.layout import FACT
from conflict_assets.source.snapshot import Snapshot
from conflict_assets_tests.cli.test_store import given
from conflict_assets_tests.every_reader import read_everything, whole_night
from conflict_assets_tests.pg import rows
from conflict_assets_tests.ssn_scan import Scan, ssns_of

__all__ = ["given"]

SEEDS = range(20)
NEW_YORK = ZoneInfo("America/New_York")
TODAY = datetime.now(tz=NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
TYPES = {
    Kind.TEXT: ("VARCHAR",),
    Kind.DIGITS: ("VARCHAR", "VARCHAR", "BIGINT"),
    Kind.NUMBER: ("DOUBLE", "DECIMAL(38, 4)", "BIGINT", "FLOAT", "HUGEINT", "DECIMAL(9, 2)"),
    Kind.BOOLEAN: ("BOOLEAN",),
    Kind.INSTANT: ("TIMESTAMPTZ", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
}
ODD_TEXTS = (
    *("", " ", "\t", "\r\n", "\u00a0", "\u2028", "\u200b", "\ufeff", "-", "'", '"', "\\", "\\N", "\\.", "%s", "{}"),
    *("=1+1", "+1", "@x", "<r>&</r>", "<b>", "&amp;", "NULL", "nan", "None", "'; DROP TABLE x; --", "0", "1_0", "é"),
    *("日本語", "\U0001f600", "\ufffe", "\uffff", "\x01", "\x1b[31m", "\x85", "a\0b", "[bold]", "[/]", "_x000D_"),
    *("x" * 40_000, "Cancelled", " cancelled ", "DELETED", "Pending", "yes", "true", "12345-6789", "1e5"),
)
ODD_NUMBERS = (*("inf", "-inf", "nan", "1e308", "-1e308", "1e-320", "0", "-0.0", "-1", "0.1", "9" * 20, "x", ""),)
ODD_MOMENTS = (
    *("infinity", "-infinity", "20251-01-01", "290000-01-01 12:34:56", "0044-03-15 (BC)", "0001-01-01 00:00:00"),
    *("0001-01-02 00:00:00", "9999-12-30 23:59:59.999999", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"),
    *("2925-06-02 09:00:00", "1800-01-01 00:00:00", "", "never"),
)
ODD_POINTS = (
    *("0,0", ",", "91,0", "1_0,2_0", "inf,nan", "40.7", "1,2,3", '"40.7,-74.0"', "1e400,1", "\u0661,1"),
    *ODD_TEXTS[:20],
)
ODD_SSNS = (
    *("", " ", "000000000", "999999999", "12345678", "1234567890", "12345678x", "\uff11" * 9, "x" * 300, None),
    *("123 45 678", "---------"),
)
ODD_IDS = (
    *(*["{}"] * 9, "{}\r\n", "\u200b{}\0", "\u00a0{} ", "{}\0x", "{}\nx", "é{}", "{}" + "x" * 600),
    *("", "\u2028", "\0"),
)
VISITS_OF_A_CAREGIVER = 7
AGENCIES, KEYS = 12, 40
MISSING = 0.02
USUAL_FLAGS = {"Is Active", "Primary Address"}
SPANS = {"Scheduled Start Time": 0, "Scheduled End Time": 3, "Visit Start Time": 0, "Visit End Time": 2}
IDS = {
    "Provider Id": ("P", AGENCIES),
    **dict.fromkeys(("Office Id", "Patient Id", "Provider Patient Id", "Payer Id", "Contract Id"), ("K", KEYS)),
    **dict.fromkeys(("Service Code Id", "User Id", "Visit Updated User Id"), ("K", KEYS)),
}


class Garbage:
    """Tables of garbage among which there is enough sense for conflicts."""

    def __init__(self, seed: int, visits: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self._visits = visits
        self._ids = {**IDS, "Caregiver Id": ("C", visits // VISITS_OF_A_CAREGIVER)}
        self._share = self._random.choice((0.02, 0.1, 0.2))

    def write(self, path: Any) -> None:
        """Fill a DuckDB file: every value as text first, then as what the column's type makes of it."""
        with duckdb.connect(str(path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute('CREATE SCHEMA "BI"')
            for view, columns in CONTRACT.items():
                types = {name: self._random.choice(TYPES[kind]) for name, kind in columns.items()}
                table = pa.Table.from_pylist(
                    list(self._rows(view)), schema=pa.schema([(name, pa.string()) for name in columns])
                )
                connection.register("garbage", table)
                cast = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in types.items())
                connection.execute(f'CREATE TABLE "BI"."{view}" AS SELECT {cast} FROM garbage')  # noqa: S608 - names of the contract
                connection.unregister("garbage")

    def _rows(self, view: str) -> Iterator[dict[str, str | None]]:
        size = {FACT: self._visits, "DIMCAREGIVER": self._ids["Caregiver Id"][1], "DIMPROVIDER": AGENCIES}.get(
            view, KEYS
        )
        # Some keys have two rows.
        for number in (*range(size), *range(size // 10 if view != FACT else 0)):
            midnight = TODAY - timedelta(days=self._random.choice((0, 1, 1, 2, 2, 3, 3, 30, 200)))
            yield {name: self._value(view, name, kind, number, midnight) for name, kind in CONTRACT[view].items()}

    def _value(self, view: str, name: str, kind: Kind, number: int, midnight: datetime) -> str | None:
        if self._random.random() < MISSING:
            return None
        is_key = name in self._ids and view != FACT
        if self._random.random() < self._share and not is_key:
            return self._odd(name, kind)
        return self._plain(view, name, kind, number, midnight)

    def _odd(self, name: str, kind: Kind) -> str | None:
        if name == "Visit Id":
            # Of another row, perhaps.
            return self._random.choice(ODD_IDS).format(f"v{self._random.randrange(self._visits)}")
        if kind is Kind.BOOLEAN:
            return str(name not in USUAL_FLAGS)
        odd = {Kind.INSTANT: ODD_MOMENTS, Kind.NUMBER: ODD_NUMBERS, Kind.TEXT: ODD_TEXTS, Kind.DIGITS: ODD_TEXTS}[kind]
        return self._random.choice(ODD_SSNS if name == "SSN" else ODD_POINTS if "GPS" in name else odd)

    def _plain(self, view: str, name: str, kind: Kind, number: int, midnight: datetime) -> str:
        if name in self._ids:
            letter, count = self._ids[name]
            return f"{letter}{number if view != FACT else self._random.randrange(count)}"
        if kind is Kind.INSTANT:
            return self._moment(name, midnight)
        if kind is Kind.BOOLEAN:
            return str(name in USUAL_FLAGS)
        if kind is Kind.NUMBER:
            return f"{self._random.uniform(1, 80):.2f}"
        texts = {
            "Visit Id": f"v{number}",
            "SSN": f"{number % 100:02}{900_000 + number:07}",
            "Call In GPS Coordinates": f"40.{self._random.randrange(10)},-74.{self._random.randrange(10)}",
            "Visit Status": "Confirmed",
            "Billed": "yes",
            "Bill Type": "Hourly",
            "Address Type": "GPS",
        }
        return texts.get(name, name)

    def _moment(self, name: str, midnight: datetime) -> str:
        if name not in SPANS:
            return str(midnight)
        hour = self._random.choice((8, 9, 9, 10, 14)) + SPANS[name]
        return str(midnight + timedelta(hours=hour, minutes=self._random.choice((0, 0, 15))))


def look_through(seed: int, visits: int, folder: Any, store: str, give: Any) -> None:
    """Make a night over garbage, and hold it to everything that must be true of any night."""
    Garbage(seed, visits).write(folder / "garbage.duckdb")
    give(
        CONFLICTS_POSTGRES_URL=store,
        SOURCE_FILE=folder / "garbage.duckdb",
        CONFLICTS_DATA_DIR=folder / "data",
        MAX_VISITS_PER_DAY=1000,
        COLUMNS="200",
    )
    snapshot = whole_night(folder / "snapshots")
    assert_nothing_is_lost(snapshot, visits)
    pairs = rows(
        store, 'SELECT visit_id, con_visit_id FROM visit_conflicts WHERE visit_id < con_visit_id COLLATE "C" LIMIT 3'
    )
    assert pairs, "garbage without a conflict shows nothing"
    (lonely,) = rows(
        store,
        """SELECT count(*) FROM visit_conflicts AS c WHERE NOT EXISTS (
               SELECT FROM conflict_visits AS v
               WHERE v.ssn_prefix = c.ssn_prefix AND v.ssn = c.ssn AND v.visit_id = c.visit_id)""",
    )[0]
    assert lonely == 0
    out = folder / "out"
    out.mkdir()
    said = read_everything(out, pairs)
    (stored,) = rows(store, "SELECT count(*) FROM visit_conflicts")[0]
    assert pq.read_table(out / "all.parquet").num_rows == stored
    assert any("0 new, 0 changed, 0 resolved, 0 reopened" in line for line in said), (
        "the same night again changes nothing"
    )
    scan = Scan(ssns_of(folder / "garbage.duckdb"))
    scan.text("said", "\n".join(said))
    scan.folder(out)
    assert not scan.found


def assert_nothing_is_lost(snapshot: Snapshot, visits: int) -> None:
    """Every visit is counted once, under every prefix and under none."""
    counted = [snapshot.counts(prefix) for prefix in snapshot.prefixes] + [snapshot.total_counts()]
    for counts in counted:
        out = sum(counts[str(reason)] for reason in (*InactiveReason, *RejectReason))
        assert counts["visits_seen"] == out + counts["active"]
        assert min(counts.values()) >= 0
        assert counts["contested"] <= counts["active"]
    assert snapshot.total_counts()["visits_seen"] == visits


def test_a_night_over_garbage_loses_nothing_and_can_be_read(tmp_path, store_url, given):
    look_through(1000, 1_000, tmp_path, store_url, given)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_garbage_of_any_seed_is_lost_or_fails(seed, tmp_path, store_url, given):
    look_through(seed, 10_000, tmp_path, store_url, given)
