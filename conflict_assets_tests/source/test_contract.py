"""What a DuckDB file must hold before any visit is read: views, columns and kinds of types, all told of at once."""

from datetime import date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlglot import exp

from conflict_assets.source.contract import CONTRACT, Kind, is_zoneless
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.statement_texts import parsed
from conflict_assets_tests.source.classification_bench import read
from conflict_assets_tests.source.warehouse import Warehouse, all_of, declared_type

STATUS = "Visit Status"
COLUMNS = [(view, column) for view, columns in CONTRACT.items() for column in columns]
PLAIN = {
    view: {column: declared_type(column, kind) for column, kind in columns.items()}
    for view, columns in CONTRACT.items()
}
OTHER_TYPES = {
    Kind.TEXT: "BIGINT",
    Kind.DIGITS: "DOUBLE",
    Kind.NUMBER: "VARCHAR",
    Kind.BOOLEAN: "VARCHAR",
    Kind.INSTANT: "DATE",
}


def make(path, tables, *, schema="BI"):
    """A DuckDB file with these tables: columns and their types by table."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        for view, columns in tables.items():
            declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f'CREATE TABLE "{schema}"."{view}" ({declared})')
    return path


def complaints(path, **options):
    """The lines of the one error that says what is wrong with a file."""
    with DuckDBVisitSource(path, **options).open(run_id="test") as reader, pytest.raises(SourceError) as caught:
        reader.check_contract()
    first, *lines, last = str(caught.value).splitlines()
    assert first.startswith("The source (DuckDB, schema ")
    assert "SOURCE_FILE and SOURCE_SCHEMA" in first
    assert last.endswith("run `conflict-assets doctor`.")
    return lines


def accept(path, **options):
    with DuckDBVisitSource(path, **options).open(run_id="test") as reader:
        reader.check_contract()
        return read(reader, all_of())


def without(view, column, tables=PLAIN):
    return {**tables, view: {name: kind for name, kind in tables[view].items() if name != column}}


def test_what_the_statements_read_is_what_the_contract_asks_for():
    found = set()
    for path in (files("conflict_assets.source") / "sql").iterdir():
        if path.name.endswith(".sql"):
            tree = parsed(path.name.removesuffix(".sql"))
            for table in tree.find_all(exp.Table):
                if table.name in CONTRACT:
                    select = table.find_ancestor(exp.Select)
                    columns = (column for column in select.find_all(exp.Column) if column.this.quoted)
                    found |= {(table.name, column.name) for column in columns}
    assert found == set(COLUMNS)


def test_a_plain_file_is_accepted_and_read(tmp_path):
    assert accept(make(tmp_path / "plain.duckdb", PLAIN)).rows == []


def test_all_views_that_are_missing_are_told_of_at_once(tmp_path):
    lines = complaints(make(tmp_path / "none.duckdb", {"OTHER": {"Visit Id": "VARCHAR"}}))

    assert lines == [f"- view {view} is missing, or the role may not see it" for view in CONTRACT]


@pytest.fixture(scope="module")
def without_columns(tmp_path_factory):
    path = tmp_path_factory.mktemp("columns") / "none.duckdb"
    return complaints(make(path, {view: {"Other": "VARCHAR"} for view in CONTRACT}))


@pytest.fixture(scope="module")
def of_other_types(tmp_path_factory):
    tables = {
        view: {column: OTHER_TYPES[kind] for column, kind in columns.items()} for view, columns in CONTRACT.items()
    }
    return complaints(make(tmp_path_factory.mktemp("types") / "other.duckdb", tables))


@pytest.mark.parametrize(("view", "column"), COLUMNS)
def test_every_column_that_is_missing_is_told_of_at_once(without_columns, view, column):
    (line,) = [line for line in without_columns if line.startswith(f'- {view} has no column "{column}"')]
    assert ("VISIT_STATUS_COLUMN" in line) == (column == STATUS)


@pytest.mark.parametrize(("view", "column"), COLUMNS)
def test_every_column_of_another_type_is_told_of_with_what_is_allowed(of_other_types, view, column):
    kind = CONTRACT[view][column]
    assert of_other_types.count(f'- {view}."{column}" is {OTHER_TYPES[kind]}; allowed: a {kind} type') == 1


def test_nothing_else_is_told_of(without_columns, of_other_types):
    assert len(without_columns) == len(of_other_types) == len(COLUMNS)


def test_a_missing_view_a_missing_column_and_a_wrong_type_are_told_of_together(tmp_path):
    tables = without("DIMPROVIDER", "Is Demo")
    tables = {**tables, "DIMOFFICE": {**tables["DIMOFFICE"], "Is Active": "INTEGER"}}
    del tables["DIMUSER"]

    assert complaints(make(tmp_path / "some.duckdb", tables)) == [
        '- DIMPROVIDER has no column "Is Demo"',
        '- DIMOFFICE."Is Active" is INTEGER; allowed: a boolean type',
        "- view DIMUSER is missing, or the role may not see it",
    ]


NESTED = (
    *("VARCHAR[]", "VARCHAR[3]", "STRUCT(a VARCHAR)", "STRUCT(a VARCHAR)[]", "MAP(VARCHAR, VARCHAR)", "INTEGER[]"),
    *("UNION(a VARCHAR, b INTEGER)", "DECIMAL(18, 3)[]", "BOOLEAN[]", "TIMESTAMP[]", "INTERVAL"),
    *("TIMESTAMP WITH TIME ZONE[]", "VARCHAR[][]", "DATE[]"),
)


@pytest.mark.parametrize("declared", NESTED)
@pytest.mark.parametrize("column", ["Visit Id", "Billed Rate", "Is Missed", "Visit Date"])
def test_a_column_of_lists_or_structures_is_refused_in_one_line(tmp_path, declared, column):
    tables = {**PLAIN, FACT: {**PLAIN[FACT], column: declared}}

    (line,) = complaints(make(tmp_path / "nested.duckdb", tables))

    assert line.startswith(f'- {FACT}."{column}" is ')
    assert line.endswith(f"; allowed: a {CONTRACT[FACT][column]} type")


@pytest.mark.parametrize(
    ("text", "number", "instant"),
    [
        ("VARCHAR", "DECIMAL(38, 0)", "TIMESTAMPTZ"),
        ("TEXT", "DECIMAL(18, 4)", "TIMESTAMP"),
        ("CHAR(9)", "INTEGER", "TIMESTAMP_S"),
        ("STRING", "BIGINT", "TIMESTAMP_NS"),
        ("VARCHAR(99)", "FLOAT", "DATETIME"),
    ],
)
def test_every_type_of_a_kind_is_accepted_and_read(tmp_path, text, number, instant):
    types = {Kind.TEXT: text, Kind.DIGITS: text, Kind.NUMBER: number, Kind.INSTANT: instant, Kind.BOOLEAN: "BOOLEAN"}
    tables = {view: {column: types[kind] for column, kind in columns.items()} for view, columns in CONTRACT.items()}

    assert accept(make(tmp_path / "types.duckdb", tables)).rows == []


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        (Kind.TEXT, "BLOB"),
        (Kind.DIGITS, "DOUBLE"),
        (Kind.NUMBER, "BOOLEAN"),
        (Kind.BOOLEAN, "INTEGER"),
        (Kind.INSTANT, "TIME"),
    ],
)
def test_types_of_another_kind_are_refused_before_a_statement_fails_on_them(tmp_path, kind, declared):
    view, column = next(each for each in COLUMNS if CONTRACT[each[0]][each[1]] is kind)
    tables = {**PLAIN, view: {**PLAIN[view], column: declared}}

    (line,) = complaints(make(tmp_path / "type.duckdb", tables))

    assert line == f'- {view}."{column}" is {declared}; allowed: a {kind} type'


def test_a_status_column_that_is_not_there_is_named_with_its_setting_before_any_visit_is_read(tmp_path):
    path = make(tmp_path / "status.duckdb", {view: columns for view, columns in PLAIN.items() if view != FACT})
    # Whoever reads a visit of this view fails.
    columns = ", ".join(
        f"error('was read')::{kind} AS \"{name}\"" for name, kind in PLAIN[FACT].items() if name != STATUS
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute(f'CREATE VIEW "BI"."{FACT}" AS SELECT {columns} FROM range(3)')  # noqa: S608 - names of the contract

    (line,) = complaints(path)
    (other,) = complaints(path, status_column="State of Visit")

    for told, column in ((line, STATUS), (other, "State of Visit")):
        assert told.startswith(f'- {FACT} has no column "{column}" (set VISIT_STATUS_COLUMN')
    with pytest.raises(SourceError, match=r"could not read the visits.*was read"):
        accept(path, status_column=None)


def with_status_column(path, name):
    """A file with a cancelled visit and a good one, whose status is in a column of this name or nowhere."""
    warehouse = Warehouse(path)
    warehouse.agency()
    warehouse.caregiver()
    warehouse.visit(**{STATUS: "Cancelled"})
    warehouse.visit()
    change = f'RENAME "{STATUS}" TO "{name}"' if name else f'DROP "{STATUS}"'
    warehouse.connection.execute(f'ALTER TABLE "BI"."{FACT}" {change}')
    return warehouse.close()


@pytest.mark.parametrize("name", ["State of Visit", "status", 'a "quoted" one'])
def test_a_status_column_of_another_name_decides(tmp_path, name):
    path = with_status_column(tmp_path / "named.duckdb", name.replace('"', '""'))

    counts = accept(path, status_column=name).counts["04"]

    assert (counts["inactive_status"], counts["active"]) == (1, 1)


def test_a_source_without_a_status_column_is_read_when_the_setting_says_so(tmp_path):
    counts = accept(with_status_column(tmp_path / "none.duckdb", None), status_column=None).counts["04"]

    assert (counts["inactive_status"], counts["active"], counts["missing_status"]) == (0, 2, 0)


@pytest.mark.parametrize(("schema", "written"), [("BI", str.lower), ("bi", str.title)], ids=["small", "mixed"])
def test_tables_and_schema_may_be_written_in_other_letters(tmp_path, schema, written):
    path = make(tmp_path / "letters.duckdb", {written(view): columns for view, columns in PLAIN.items()}, schema="bI")

    assert accept(path, schema=schema).counts == {}


def test_columns_may_not(tmp_path):
    tables = {**PLAIN, "DIMUSER": {column.lower(): kind for column, kind in PLAIN["DIMUSER"].items()}}

    lines = complaints(make(tmp_path / "letters.duckdb", tables))

    assert lines == ['- DIMUSER has no column "User Id"', '- DIMUSER has no column "User Fullname"']


def test_another_schema_is_read_when_named_and_no_other_stands_in_for_it(tmp_path):
    path = make(tmp_path / "schema.duckdb", PLAIN, schema="My Views")

    assert accept(path, schema="My Views").rows == []
    assert len(complaints(path)) == len(CONTRACT)


def test_views_and_further_columns_are_as_good_as_plain_tables(tmp_path):
    path = make(tmp_path / "views.duckdb", PLAIN, schema="Kept")
    with duckdb.connect(str(path)) as connection:
        connection.execute('CREATE SCHEMA "BI"')
        connection.execute('CREATE TABLE "BI"."OTHER" (a INTEGER)')
        for view in CONTRACT:
            more = f'SELECT *, 1 AS "Further" FROM "Kept"."{view}"'  # noqa: S608 - a name of the contract
            connection.execute(f'CREATE VIEW "BI"."{view}" AS {more}')

    assert accept(path).rows == []


INSTANTS = [column for column, kind in CONTRACT[FACT].items() if kind is Kind.INSTANT]
NIGHTS = {
    "summer": "2025-06-02",
    "winter": "2025-01-15",
    "spring forward": "2025-03-09",
    "fall back": "2024-11-03",
    "the day after": "2024-11-04",
}
HOURS = {
    "Visit Date": "00:00",
    "Scheduled Start Time": "00:30",
    "Scheduled End Time": "03:30",
    "Visit Start Time": "00:31:00.000001",
    "Visit End Time": "23:59:59.999999",
    "Call In Time": "04:00",
    "Call Out Time": "05:00",
    "Invoice Date": "00:00",
    "Visit Updated Timestamp": "12:00",
}


@pytest.mark.parametrize(
    ("zone", "zoneless"),
    [
        pytest.param("America/New_York", INSTANTS, id="all columns"),
        pytest.param("Asia/Kolkata", INSTANTS, id="all columns, in another zone"),
        pytest.param("America/New_York", INSTANTS[::2], id="some"),
        pytest.param("America/New_York", INSTANTS[1::2], id="the others"),
    ],
)
def test_times_without_a_zone_are_those_of_the_source_s_zone(tmp_path, zoneless, zone):
    warehouse = Warehouse(tmp_path / "zones.duckdb", types={(FACT, column): "TIMESTAMP" for column in zoneless})
    warehouse.caregiver()
    for agency in ("P", "Q"):
        warehouse.agency(agency)
        for night, day in NIGHTS.items():
            local = {column: datetime.fromisoformat(f"{day}T{hour}") for column, hour in HOURS.items()}
            times = {
                column: moment if column in zoneless else moment.replace(tzinfo=ZoneInfo(zone))
                for column, moment in local.items()
            }
            warehouse.visit(f"{night} at {agency}", **{"Provider Id": agency, **times})

    found = accept(warehouse.close(), time_zone=zone).by_id()

    for night, day in NIGHTS.items():
        row = found[f"{night} at P"]
        assert row["visit_date"] == row["billed_date"] == date.fromisoformat(day)
        for column, name in (
            ("Scheduled Start Time", "sch_start_time"),
            ("Scheduled End Time", "sch_end_time"),
            ("Visit Start Time", "visit_start_time"),
            ("Visit End Time", "visit_end_time"),
            ("Call In Time", "evv_start_time"),
            ("Call Out Time", "evv_end_time"),
            ("Visit Updated Timestamp", "last_updated_date"),
        ):
            assert row[name] == datetime.fromisoformat(f"{day}T{HOURS[column]}").replace(tzinfo=ZoneInfo(zone))


def test_hours_are_given_for_every_column_that_may_be_without_a_zone():
    assert list(HOURS) == INSTANTS


def test_newest_is_told_by_the_clock_when_addresses_have_no_zone(tmp_path):
    created = "Application Created UTC Timestamp"
    warehouse = Warehouse(tmp_path / "zones.duckdb", types={("DIMPATIENTADDRESS", created): "TIMESTAMP"})
    warehouse.caregiver()
    for agency in ("P", "Q"):
        warehouse.agency(agency)
        warehouse.visit(**{"Provider Id": agency})
    for city, clock in (("old", "2025-01-01 00:00:00"), ("new", "2025-01-01 00:00:01")):
        address = {"Patient Id": "PP", "Primary Address": True, "Address Type": "GPS", "City": city, created: clock}
        warehouse.insert("DIMPATIENTADDRESS", address)

    assert {row["p_city"] for row in accept(warehouse.close()).rows} == {"new"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("TIMESTAMP", True),
        ("TIMESTAMP_NTZ", True),
        ("TIMESTAMP_NTZ(9)", True),
        ("DATETIME", True),
        ("TIMESTAMP_NS", True),
        ("timestamp", True),
        ("TIMESTAMP WITH TIME ZONE", False),
        ("timestamp with time zone", False),
        ("TIMESTAMPTZ", False),
        ("TIMESTAMP_TZ", False),
        ("TIMESTAMP_TZ(9)", False),
        ("TIMESTAMP_LTZ", False),
        ("TIMESTAMP WITH LOCAL TIME ZONE", False),
        ("VARCHAR", False),
        ("", False),
    ],
)
def test_a_type_says_whether_it_has_a_zone(declared, expected):
    assert is_zoneless(declared) is expected


def test_the_window_goes_by_the_clock_when_dates_have_no_zone(tmp_path):
    warehouse = Warehouse(tmp_path / "dates.duckdb", types={(FACT, "Visit Date"): "TIMESTAMP"})
    warehouse.caregiver()
    for agency in ("P", "Q"):
        warehouse.agency(agency)
        for clock in ("2023-06-14 23:59:59", "2023-06-15 00:00:00", "2025-07-30 23:59:59", "2025-07-31 00:00:00"):
            warehouse.visit(**{"Provider Id": agency, "Visit Date": clock})

    found = accept(warehouse.close())

    assert {row["visit_date"] for row in found.rows} == {date(2023, 6, 15), date(2025, 7, 30)}
    assert found.counts["04"]["out_of_window"] == 4
