"""The files that a generation leaves: their tables, their rights, and that they are whole or not there."""

import hashlib
import stat
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from conflict_assets.source.contract import CONTRACT
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.synthetic import generate, generator

AS_OF = date(2026, 3, 15)

TABLES = {
    "FACTVISITCALLPERFORMANCE_CR": """Visit Id V, Application Visit Id V, Visit Date TZ, Visit Status V,
        Scheduled Start Time TZ, Scheduled End Time TZ, Visit Start Time TZ, Visit End Time TZ, Call In Time TZ,
        Call Out Time TZ, Call In GPS Coordinates V, Call Out GPS Coordinates V, Call Out Device Type V,
        Is Missed B, Missed Visit Reason V, Permanent Deleted B, Provider Id V, Application Provider Id V,
        Office Id V, Caregiver Id V, Application Caregiver Id ID, Patient Id V, Provider Patient Id V,
        Payer Patient Id V, Payer Id V, Application Payer Id ID, Contract Id V, Application Contract Id V,
        Service Code Id V, Bill Type V, Billed V, Billed Hours N, Billed Rate N, Bill Rate Non-Billed N,
        Total Billed Amount N, Invoice Date TZ, Visit Updated Timestamp TZ, Visit Updated User Id V""",
    "DIMCAREGIVER": """Caregiver Id V, SSN V, Caregiver Code V, Caregiver Fullname V, Caregiver Firstname V,
        Caregiver Lastname V, Status V""",
    "DIMPROVIDER": """Provider Id V, Is Active B, Is Demo B, Provider Name V, Phone Number 1 V,
        Federal Tax Number V, Address State V""",
    "DIMOFFICE": "Office Id V, Is Active B, Office Name V",
    "DIMPATIENT": """Patient Id V, Admission Id V, Patient Firstname V, Patient Lastname V, Medicaid Number V,
        Status V""",
    "DIMPATIENTADDRESS": """Patient Id V, Application Created UTC Timestamp TZ, Primary Address B, Address Type V,
        Address Line 1 V, City V, Address State V, Zip Code V, County V, Latitude D, Longitude D""",
    "DIMPAYER": "Payer Id V, Is Active B, Is Demo B, Payer Name V, Payer State V",
    "DIMCONTRACT": "Contract Id V, Is Active B, Contract Name V",
    "DIMSERVICECODE": "Service Code Id V, Service Code V",
    "DIMUSER": "User Id V, User Fullname V",
}
KEYS = {name: columns.split(" V,")[0].strip() for name, columns in TABLES.items() if name.startswith("DIM")}
TYPES = {
    "V": "VARCHAR",
    "TZ": "TIMESTAMP WITH TIME ZONE",
    "B": "BOOLEAN",
    "ID": "DECIMAL(18,0)",
    "N": "DECIMAL(18,4)",
    "D": "DOUBLE",
}


def written(name):
    columns = [column.split() for column in TABLES[name].split(",")]
    return [(" ".join(words[:-1]), TYPES[words[-1]]) for words in columns]


def content(made):
    """One digest over all rows of all tables and of the planted list, whatever their order in the files."""
    digest = hashlib.sha256(pq.read_table(made.planted_path).to_pandas().to_csv().encode())
    with duckdb.connect(str(made.path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in sorted(TABLES):
            digest.update(name.encode())
            rows = connection.execute(
                f"SELECT string_agg(line, '' ORDER BY line) FROM (SELECT md5(t::VARCHAR) AS line FROM BI.{name} AS t)"  # noqa: S608 - a name of the list above
            ).fetchone()
            digest.update(rows[0].encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("made") / "source.duckdb", visits=6_000, as_of=AS_OF)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_columns_of_the_warehouse(made, name):
    with duckdb.connect(str(made.path), read_only=True) as connection:
        found = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'BI' AND table_name = $1 ORDER BY ordinal_position",
            [name],
        ).fetchall()
    assert found == written(name)


def test_there_are_no_other_tables(made):
    with duckdb.connect(str(made.path), read_only=True) as connection:
        found = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
    assert sorted(found) == [("BI", name) for name in sorted(TABLES)]
    assert sorted(CONTRACT) == sorted(TABLES)


@pytest.mark.parametrize("name", KEYS)
def test_a_dimension_has_one_row_a_key(made, name):
    # A patient has many addresses, but only one that is the newest primary one for GPS.
    condition = """WHERE "Primary Address" AND "Address Type" LIKE '%GPS%'""" if name == "DIMPATIENTADDRESS" else ""
    time = ', "Application Created UTC Timestamp"' if condition else ""
    with duckdb.connect(str(made.path), read_only=True) as connection:
        rows, keys = connection.execute(
            f'SELECT count(*), count(DISTINCT ("{KEYS[name]}"{time})) FROM BI.{name} {condition}'  # noqa: S608 - names of the list above
        ).fetchone()
    assert rows == keys > 0


def test_the_source_accepts_the_file(made):
    with DuckDBVisitSource(made.path).open(run_id="test") as reader:
        reader.check_contract()


def test_the_planted_list_has_no_ssn_and_is_in_order(made):
    table = pq.read_table(made.planted_path)
    assert table.column_names == [
        "visit_id",
        "con_visit_id",
        "visit_date",
        "con_visit_date",
        "flag",
        "crosses_midnight",
    ]
    pairs = list(zip(table["visit_id"].to_pylist(), table["con_visit_id"].to_pylist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert all(one < other for one, other in pairs)
    assert len(pairs) == made.planted == sum(made.planted_by_rule.values())


def test_exactly_as_many_visits_as_asked(made):
    with duckdb.connect(str(made.path), read_only=True) as connection:
        rows = connection.execute("SELECT count(*) FROM BI.FACTVISITCALLPERFORMANCE_CR").fetchone()[0]
    assert rows == made.visits == 6_000


def test_the_same_arguments_give_the_same_rows_whatever_threads_and_chunks(made, tmp_path, monkeypatch):
    monkeypatch.setattr(generator, "CAREGIVERS_PER_CHUNK", 3)
    connect = duckdb.connect

    def with_one_thread(database, config):
        return connect(database, config={**config, "threads": 1})

    monkeypatch.setattr(generator.duckdb, "connect", with_one_thread)
    again = generate(tmp_path / "again.duckdb", visits=6_000, as_of=AS_OF)
    monkeypatch.undo()
    assert content(again) == content(made)
    assert again.caregivers == made.caregivers


@pytest.mark.parametrize("other", [{"seed": 2}, {"as_of": date(2026, 3, 16)}, {"conflict_share": 0.03}], ids=str)
def test_other_arguments_give_other_rows(made, tmp_path, other):
    arguments = {"visits": 6_000, "as_of": AS_OF, **other}
    assert content(generate(tmp_path / "other.duckdb", **arguments)) != content(made)


def test_only_the_owner_can_read_the_files(made):
    assert [stat.S_IMODE(file.stat().st_mode) for file in (made.path, made.planted_path)] == [0o600, 0o600]
    assert sorted(made.path.parent.iterdir()) == [made.path, made.planted_path]


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "mine.duckdb"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"mine\.duckdb exists; choose another file"):
        generate(path, visits=5_000, as_of=AS_OF)
    assert path.read_text() == "mine"


def test_an_existing_file_is_overwritten_when_allowed_with_the_log_beside_it(tmp_path):
    path = tmp_path / "mine.duckdb"
    path.write_text("mine")
    log = tmp_path / "mine.duckdb.wal"
    log.write_text("old log")
    assert generate(path, visits=5_000, as_of=AS_OF, overwrite=True).visits == 5_000
    assert not log.exists()


def test_a_generation_that_breaks_leaves_everything_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "mine.duckdb"
    path.write_text("mine")

    def break_down(_writer):
        raise OSError("disk full")

    monkeypatch.setattr(generator._Writer, "_write_planted", break_down)
    with pytest.raises(OSError, match="disk full"):
        generate(path, visits=5_000, as_of=AS_OF, overwrite=True)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "mine"


def test_the_list_does_not_stay_without_its_source(tmp_path, monkeypatch):
    replace = Path.replace

    def refuse_the_source(self, target):
        if self.name == "source.duckdb":
            raise OSError("target is busy")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_the_source)
    with pytest.raises(OSError, match="busy"):
        generate(tmp_path / "new.duckdb", visits=5_000, as_of=AS_OF)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"visits": 4_999}, "visits is 4999; allowed: a whole number from 5,000"),
        ({"visits": True}, "visits is True"),
        ({"seed": -1}, "seed is -1"),
        ({"as_of": datetime(2026, 3, 15)}, "as_of is .* allowed: a date without a time"),  # noqa: DTZ001 - refused
        ({"conflict_share": 0.2}, r"conflict_share is 0\.2; allowed: 0 to 0\.1"),
        ({"conflict_share": float("nan")}, "conflict_share is nan"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named_before_anything_is_written(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "new.duckdb", **{"visits": 5_000, "as_of": AS_OF, **wrong})
    assert list(tmp_path.iterdir()) == []
