"""Each check can fail, and says why in counts and names, and what to do."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import AssetCheckSeverity, DagsterEventType, DagsterInstance, job, op

from conflict_assets.assets import check_events
from conflict_assets.assets.checks import CheckOutcome, check_active_visits, check_conflicts, check_repeated
from conflict_assets.assets.prefix_detection import Batch, finish_prefix
from conflict_assets.assets.run_snapshots import judge
from conflict_assets.domain.detection_result import CONFLICT_SCHEMA
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.protocol import COUNT_COLUMNS
from conflict_assets.source.snapshot_writer import SnapshotContent
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.source.survey import Survey
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.row_types import PrefixCounts
from conflict_assets_tests.pg import execute
from conflict_assets_tests.source.test_snapshots import batch
from conflict_assets_tests.source.warehouse import all_of

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
SSN = "041111111"


def visits(**columns: list[object]) -> pa.Table:
    length = len(next(iter(columns.values())))
    filled = {"visit_id": ["v"] * length, "provider_id": ["P"] * length, "visit_date": [NOON.date()] * length} | columns
    return pa.table(
        {field.name: pa.array(filled.get(field.name, [None] * length), field.type) for field in VISIT_SCHEMA}
    )


def conflicts(ssns: list[str | None], agencies: list[tuple[str | None, str]]) -> pa.Table:
    values = {pa.string(): "x", pa.bool_(): False, pa.date32(): NOON.date(), pa.float64(): 1.0}
    given = {"ssn": ssns, "provider_id": [a for a, _ in agencies], "con_provider_id": [b for _, b in agencies]}
    return pa.table(
        {
            field.name: pa.array(given.get(field.name, [values[field.type]] * len(ssns)), field.type)
            for field in CONFLICT_SCHEMA
        }
    )


def counted(**changes: int) -> dict[str, int]:
    return dict.fromkeys(COUNT_COLUMNS, 0) | {"visits_seen": 5, "active": 3, "contested": 2, "missed": 2} | changes


def stored(**changes: int | None) -> PrefixCounts:
    values = {"prefix": "04", "rows": 2, "one_sided": 0, "previous_conflicts": None, "previous_visits": None}
    return PrefixCounts(**values | changes)


def verdict(outcomes: list[CheckOutcome], name: str) -> CheckOutcome:
    return next(each for each in outcomes if each.name == name)


def failed(outcomes: list[CheckOutcome]) -> dict[str, AssetCheckSeverity]:
    """The failed ones; each says what was found, what is allowed and what to do, and names no SSN."""
    for each in outcomes:
        assert {"found", "allowed", "what_to_do"} & set(each.metadata) == (
            set() if each.passed else {"found", "allowed", "what_to_do"}
        )
        assert (each.description is None) == each.passed
        assert SSN not in f"{each.metadata}{each.description}"
    return {each.name: each.severity for each in outcomes if not each.passed}


ERROR, WARN = AssetCheckSeverity.ERROR, AssetCheckSeverity.WARN
TWO = visits(ssn=[SSN, SSN], visit_status=["Completed", None])
PAIR = conflicts([SSN, SSN], [("P", "Q"), ("Q", "P")])


def test_a_good_snapshot_passes_every_check():
    assert failed(check_active_visits("04", TWO.schema, TWO, counted())) == {}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"visits_seen": 6}, "6 visits were seen, but 3 are active and 2 left out"),
        ({"active": 1, "missed": 4}, "2 visits are on contested days, but only 1 are active"),
        ({"contested": 3}, "the snapshot holds 2 visits, but 3 were counted"),
        ({"missed": 3, "deleted": -1}, "counts are below zero: -1 deleted"),
    ],
    ids=["unaccounted for", "more contested than active", "not all written", "below zero"],
)
def test_counts_that_do_not_add_up_are_reported_in_words(changes, found):
    outcomes = check_active_visits("04", TWO.schema, TWO, counted(**changes))
    assert failed(outcomes) == {"counts": ERROR}
    assert verdict(outcomes, "counts").metadata["found"] == found
    assert "conflict-assets run --prefix 04" in verdict(outcomes, "counts").metadata["what_to_do"]


@pytest.mark.parametrize("status", ["Cancelled", " deleted ", "PENDING"])
def test_an_inactive_status_is_reported_in_any_spelling(status):
    outcomes = check_active_visits(
        "04", VISIT_SCHEMA, visits(ssn=[SSN, SSN], visit_status=[status, "Completed"]), counted()
    )
    assert failed(outcomes) == {"no_inactive_status": ERROR}
    found = verdict(outcomes, "no_inactive_status")
    assert found.metadata["inactive_visits"] == 1
    assert found.description == "1 of 2 visits are cancelled, deleted or pending"


@pytest.mark.parametrize("ssn", ["051111111", None], ids=["another prefix", "none"])
def test_visits_of_another_prefix_are_counted_not_shown(ssn):
    outcomes = check_active_visits("04", VISIT_SCHEMA, visits(ssn=[SSN, ssn]), counted())
    assert verdict(outcomes, "rows_belong_to_prefix").metadata["rows_of_other_prefixes"] == 1
    assert "051111111" not in str(verdict(outcomes, "rows_belong_to_prefix").metadata)
    assert failed(outcomes)["rows_belong_to_prefix"] == ERROR


def test_a_missing_or_changed_column_is_named_and_the_other_checks_go_on():
    changed = TWO.drop_columns(["office", "visit_status"]).set_column(0, "visit_id", pa.array([1, 2]))
    outcomes = check_active_visits("04", changed.schema, changed, counted())
    assert failed(outcomes) == {"dtypes": ERROR}
    assert verdict(outcomes, "dtypes").metadata["found"].split("; ") == [
        "column visit_id is int64, not string",
        "column visit_status is missing, not string",
        "column office is missing, not string",
    ]


def test_a_column_that_must_be_filled_and_is_not_is_named():
    outcomes = check_active_visits("04", VISIT_SCHEMA, visits(ssn=[SSN, SSN], provider_id=["P", None]), counted())
    assert verdict(outcomes, "dtypes").description == "column provider_id is empty in 1 rows"


def test_text_as_a_dictionary_is_text():
    coded = TWO.set_column(TWO.schema.get_field_index("ssn"), "ssn", TWO["ssn"].dictionary_encode())
    assert failed(check_active_visits("04", coded.schema, coded, counted())) == {}


def test_good_conflicts_pass_every_check():
    assert failed(check_conflicts("04", PAIR, 5, stored())) == {}


@pytest.mark.parametrize("counts", [stored(), stored(rows=1), stored(one_sided=1)], ids=["all well", "lost", "half"])
def test_a_repeated_commit_is_judged_as_one_whose_rows_are_good(counts):
    assert check_repeated("04", 2, 5, counts) == check_conflicts("04", PAIR, 5, counts)


def test_rows_of_another_prefix_are_counted_not_shown():
    outcomes = check_conflicts("05", PAIR, 5, stored())
    assert failed(outcomes) == {"rows_belong_to_prefix": ERROR}
    assert verdict(outcomes, "rows_belong_to_prefix").metadata["rows_of_other_prefixes"] == 2


@pytest.mark.parametrize("agency", ["P", None], ids=["the same", "one missing"])
def test_a_pair_within_one_agency_is_reported(agency):
    outcomes = check_conflicts("04", conflicts([SSN] * 2, [("P", "Q"), (agency, "P")]), 5, stored())
    assert verdict(outcomes, "no_pair_within_one_agency").metadata["rows_within_one_agency"] == 1
    assert failed(outcomes)["no_pair_within_one_agency"] == ERROR


def test_a_conflict_without_its_rule_is_reported():
    unruled = PAIR.set_column(PAIR.schema.get_field_index("distance"), "distance", pa.array([None, True]))
    outcomes = check_conflicts("04", unruled, 5, stored())
    assert failed(outcomes) == {"dtypes": ERROR}
    assert verdict(outcomes, "dtypes").description == "column distance is empty in 1 rows"


@pytest.mark.parametrize(
    ("counts", "severity", "found"),
    [
        (stored(rows=1), ERROR, "2 rows were detected, but the store holds 1 that are in the window"),
        (stored(one_sided=1), ERROR, "1 of 2 rows in the store lack the row of the other side"),
        (
            stored(previous_conflicts=3, previous_visits=5),
            WARN,
            "1 conflicts, 3 last time, while the source has 5 visits, 5 last time",
        ),
        (
            stored(one_sided=1, previous_conflicts=3, previous_visits=5),
            ERROR,
            (
                "1 of 2 rows in the store lack the row of the other side; "
                "1 conflicts, 3 last time, while the source has 5 visits, 5 last time"
            ),
        ),
    ],
    ids=["not all written", "one direction missing", "less than half of last time's", "both"],
)
def test_counts_of_conflicts_are_held_to_the_store_and_to_the_last_run(counts, severity, found):
    outcomes = check_conflicts("04", PAIR, 5, counts)
    assert failed(outcomes) == {"counts": severity}
    assert verdict(outcomes, "counts").metadata["found"] == found


@pytest.mark.parametrize(
    "counts",
    [stored(previous_conflicts=2, previous_visits=5), stored(previous_conflicts=3, previous_visits=10)],
    ids=["half of last time's", "far fewer visits"],
)
def test_fewer_conflicts_with_a_cause_are_no_surprise(counts):
    assert failed(check_conflicts("04", PAIR, 5, counts)) == {}


def test_a_failed_check_tells_the_ui_its_severity_what_was_found_and_what_to_do():
    @op
    def tell(context):
        check_events.log_check_outcomes(
            context, "visit_conflicts", {"04": check_conflicts("04", PAIR, 5, stored(rows=1))}
        )

    @job
    def telling():
        tell()

    with DagsterInstance.ephemeral() as instance:
        result = telling.execute_in_process(instance=instance)
        records = instance.get_records_for_run(result.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    logged = {
        record.event_log_entry.dagster_event.event_specific_data.check_name: (
            record.event_log_entry.dagster_event.event_specific_data
        )
        for record in records
    }
    assert {name for name, each in logged.items() if not each.passed} == {"counts"}
    counts = logged["counts"]
    assert (counts.partition, counts.severity) == ("04", ERROR)
    assert counts.description == "2 rows were detected, but the store holds 1 that are in the window"
    assert counts.metadata["allowed"].value == "as many rows in the store as were detected"
    assert "conflict-assets run --prefix 04" in counts.metadata["what_to_do"].value


# The same through what really lies on disk and in the store.


def snapshot_of(folder, counted_good: int, *batches: pa.RecordBatch) -> Snapshot:
    return SnapshotStore(folder).write(
        "run",
        SnapshotContent(query=all_of(), as_of=NOON, batches=batches, survey=Survey({"04": {"good": counted_good}})),
    )


def with_ssn(rows: pa.RecordBatch, **columns: list[object]) -> pa.RecordBatch:
    for name, values in ({"ssn": [SSN] * rows.num_rows} | columns).items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values, rows.schema.field(at).type))
    return rows


GOOD = with_ssn(batch("04", 2), provider_id=["P", "Q"], visit_date=[NOON.date()] * 2, surveyed_as=[None] * 2)


def test_a_snapshot_on_disk_is_judged(tmp_path):
    assert failed(judge("04", snapshot_of(tmp_path, 2, GOOD))) == {}
    assert failed(judge("05", snapshot_of(tmp_path, 2, GOOD))) == {}


def test_a_file_of_another_form_on_disk_fails_the_check_of_types(tmp_path):
    snapshot = snapshot_of(tmp_path, 2, GOOD)
    file = snapshot.folder / "04.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["latitude"]), file)
    outcomes = judge("04", snapshot)
    assert failed(outcomes) == {"dtypes": ERROR}
    assert verdict(outcomes, "dtypes").description == "column latitude is missing, not double"


def test_rows_that_are_lost_on_disk_fail_the_check_of_counts(tmp_path):
    snapshot = snapshot_of(tmp_path, 2, GOOD)
    file = snapshot.folder / "04.parquet"
    pq.write_table(pq.read_table(file).slice(1), file)
    assert verdict(judge("04", snapshot), "counts").description == "the snapshot holds 1 visits, but 2 were counted"


def test_a_source_that_grows_between_its_two_statements_fails_the_check_of_counts(tmp_path):
    description = verdict(judge("04", snapshot_of(tmp_path, 1, GOOD)), "counts").description
    assert description == "2 visits are on contested days, but only 1 are active"


def test_a_source_that_gives_inactive_visits_or_other_prefixes_fails_their_checks(tmp_path):
    wrong = with_ssn(GOOD, ssn=[SSN, "051111111"], visit_status=["Completed", "Cancelled"])
    assert failed(judge("04", snapshot_of(tmp_path, 2, wrong))) == {
        "rows_belong_to_prefix": ERROR,
        "no_inactive_status": ERROR,
    }


CONTESTED = with_ssn(
    GOOD,
    sch_start_time=[NOON] * 2,
    sch_end_time=[NOON.replace(hour=14)] * 2,
)
BATCH = Batch(run_id="run", root_run_id="run", policy=DetectionPolicy(), time_zone="America/New_York", total=1)


def verdicts_of_a_commit(store: ConflictStore, snapshot: Snapshot) -> list[CheckOutcome]:
    done = finish_prefix(store, snapshot, "04", BATCH)
    stored_now = store.runs.prefix_counts(["04"])["04"]
    return check_conflicts("04", done.conflicts, snapshot.counts("04")["visits_seen"], stored_now)


def test_a_store_that_loses_a_row_fails_the_check_of_counts(tmp_path, store_url):
    snapshot = snapshot_of(tmp_path, 2, CONTESTED)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        assert failed(verdicts_of_a_commit(store, snapshot)) == {}
        execute(store_url, "DELETE FROM visit_conflicts WHERE visit_id = '04-0'")
        lost = check_conflicts(
            "04", finish_prefix(store, snapshot, "04", BATCH).conflicts, 2, store.runs.prefix_counts(["04"])["04"]
        )
        assert failed(lost) == {}, "the next run mends it"
        execute(store_url, "DELETE FROM visit_conflicts WHERE visit_id = '04-0'")
        outcomes = check_conflicts("04", PAIR, 2, store.runs.prefix_counts(["04"])["04"])
    assert failed(outcomes) == {"counts": ERROR}
    assert verdict(outcomes, "counts").metadata["rows_without_other_side"] == 1


def test_a_store_that_swallows_a_row_while_it_is_written_fails_the_check_of_counts(tmp_path, store_url):
    execute(
        store_url,
        """CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN IF new.visit_id = '04-0' THEN RETURN NULL; END IF; RETURN new; END $$;
           CREATE TRIGGER swallow BEFORE INSERT ON visit_conflicts FOR EACH ROW EXECUTE FUNCTION swallow()""",
    )
    try:
        with ConflictStore(url=store_url, prefix_length=2) as store:
            outcomes = verdicts_of_a_commit(store, snapshot_of(tmp_path, 2, CONTESTED))
    finally:
        execute(store_url, "DROP TRIGGER swallow ON visit_conflicts; DROP FUNCTION swallow()")
    assert failed(outcomes) == {"counts": ERROR}
    assert verdict(outcomes, "counts").metadata["found"].split("; ") == [
        "2 rows were detected, but the store holds 1 that are in the window",
        "1 of 1 rows in the store lack the row of the other side",
    ]
