"""A step that fails says why in one sentence, and is tried again only when that may help."""

import resource
import signal
from urllib.parse import urlsplit

import duckdb
import pytest
from dagster import AssetKey, DagsterEventType, DagsterExecutionInterruptedError

from conflict_assets.assets import prefix_events, prefix_results
from conflict_assets.definitions import defs
from conflict_assets.settings import load_settings
from conflict_assets.source.snapshot_writer import SnapshotWriter
from conflict_assets.source.synthetic import generate
from conflict_assets.store import session as store_session
from conflict_assets_tests.assets.small_platform import small
from conflict_assets_tests.pg import execute

__all__ = ["small"]

RANGE = ["00", "01", "02", "03"]


def retries(small, run) -> int:
    return len(small.instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_UP_FOR_RETRY))


def test_a_prefix_that_is_refused_for_good_is_not_tried_again(small):
    with small.refusing("02"):
        run = small.run(*RANGE)
    said = small.failures(run)["visit_conflicts.detect_batch[02]"]
    assert said.startswith("The store says: injected")
    assert said.endswith("Failed prefixes: 02. Repeat them with: conflict-assets run --prefix 02")
    assert retries(small, run) == 0


def test_what_may_pass_is_tried_again_and_fails_by_its_cause_and_not_by_the_policy(small, monkeypatch):
    monkeypatch.setattr(store_session, "ATTEMPTS", 1)
    monkeypatch.setenv("MAX_WORKERS", "1")  # so that the prefixes share a step
    load_settings.cache_clear()
    with small.refusing("02", fault="RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'"):
        run = small.run(*RANGE)
    assert retries(small, run) == 2
    ((step, said),) = small.failures(run).items()
    assert step == "visit_conflicts.detect_batch[01to03]"
    assert said.startswith("The store says: in the way")
    (failed,) = small.instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
    assert failed.dagster_event.step_failure_data.error.cls_name == "Failure"
    # The others of the pack are done once, and their outcomes are those of the materialization that is shown.
    assert small.partitions() == {"FAILED": ["02"], "MATERIALIZED": ["00", "01", "03"]}
    assert small.checked() == {"SUCCEEDED": {"00", "01", "03"}, "EXECUTION_FAILED": {"02"}}
    events = small.instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    logged = [e.dagster_event.partition for e in events if e.dagster_event.asset_key == AssetKey("visit_conflicts")]
    assert sorted(logged) == ["00", "01", "03"]
    assert [line[:5] for line in small.said(run) if line.startswith("[")] == ["[1/3]", "[2/3]"]


def materialized(small, run) -> list[str]:
    events = small.instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    of_conflicts = [e.dagster_event for e in events if e.dagster_event.asset_key == AssetKey("visit_conflicts")]
    return sorted(event.partition for event in of_conflicts)


def test_prefixes_whose_events_can_t_be_written_fail_by_that_and_are_done_by_the_next_attempt(small, monkeypatch):
    monkeypatch.setenv("MAX_WORKERS", "1")  # so that the prefixes share a step
    load_settings.cache_clear()

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as refused:
        refused.setattr(prefix_events, "log_together", full)
        run = small.run(*RANGE)
    assert not run.is_success
    assert materialized(small, run) == []
    assert any("No space left on device" in said for said in small.failures(run).values())
    assert small.query("SELECT count(*) FROM prefix_runs WHERE ssn_prefix IN ('01', '02', '03')") == [(3,)]
    again = small.reexecute(run)
    assert again.is_success
    assert materialized(small, again) == RANGE


def test_what_is_done_before_an_interrupt_is_written_and_not_done_again(small, monkeypatch):
    monkeypatch.setenv("MAX_WORKERS", "1")  # so that the prefixes share a step
    load_settings.cache_clear()
    finish = prefix_results.finish_prefix

    def interrupted_at_the_third(store, snapshot, prefix, batch):
        if prefix == "03":
            raise DagsterExecutionInterruptedError
        return finish(store, snapshot, prefix, batch)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(prefix_results, "finish_prefix", interrupted_at_the_third)
        run = small.run(*RANGE)
    assert not run.is_success
    assert materialized(small, run) == ["00", "01", "02"]
    again = small.reexecute(run)
    assert again.is_success
    assert materialized(small, again) == RANGE
    committed = small.query("SELECT ssn_prefix, run_id FROM prefix_runs WHERE latest ORDER BY 1")
    assert committed == [*((prefix, run.run_id) for prefix in RANGE[:3]), ("03", again.run_id)]


def test_a_store_that_becomes_read_only_is_told_as_such(small, monkeypatch, pg_server):
    monkeypatch.setattr(store_session, "ATTEMPTS", 1)
    assert small.run(*RANGE).is_success
    ((name,),) = small.query("SELECT current_database()")
    execute(pg_server.url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        run = small.run(*RANGE)
    finally:
        execute(pg_server.url, f"ALTER DATABASE {name} RESET ALL")
    (said,) = small.failures(run).values()
    assert "The store is read-only" in said


@pytest.mark.parametrize("name", ["conflict_summary_job", "retention"])
def test_what_runs_after_the_night_tells_in_one_sentence_that_there_is_no_store(small, monkeypatch, name):
    gone = urlsplit(small.store)._replace(path="/gone").geturl()
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", gone)
    load_settings.cache_clear()
    job = defs.resolve_job_def(name)
    run = small.stored(job.execute_in_process(instance=small.instance, raise_on_error=False).run_id)
    (said,) = small.failures(run).values()
    assert "has no such database" in said
    assert retries(small, run) == 0


QUOTING = "RAISE EXCEPTION 'no <665115569x>' USING DETAIL = '665-11-5569', HINT = '665.11.5569'"


def test_what_a_trigger_quotes_is_masked_in_every_event(small):
    with small.refusing("02", fault=QUOTING):
        run = small.run(*RANGE)
    said = small.failures(run)["visit_conflicts.detect_batch[02]"]
    assert said.startswith("The store says: no <***-**-5569x> (RaiseException, P0001).")
    assert "66511" not in str(small.instance.all_logs(run.run_id)).replace("-", "").replace(".", "")


def quoting(*_arguments, **_options):
    raise ValueError("no '665115569x' at postgresql://u:a@S3creT@h/d")


@pytest.mark.parametrize(
    ("module", "name", "step"),
    [
        ("active_visits", "take_snapshot", "active_visits"),
        ("visit_conflicts", "run_state", "visit_conflicts.plan_batches"),
        ("visit_conflicts", "night_summary", "visit_conflicts.publish_conflicts"),
    ],
)
def test_an_error_of_others_that_quotes_fails_its_step_by_its_kind_and_masked(small, monkeypatch, module, name, step):
    monkeypatch.setattr(f"conflict_assets.assets.{module}.{name}", quoting)
    run = small.run(*RANGE)
    logs = str(small.instance.all_logs(run.run_id))
    assert not run.is_success
    assert small.failures(run)[step] == "ValueError: no '***-**-5569x' at postgresql://***@h/d"
    assert "665115569" not in logs
    assert "S3creT" not in logs


def test_an_error_of_others_that_quotes_nothing_keeps_its_trace(small, monkeypatch):
    def failing(*_arguments, **_options):
        raise ValueError("out of the blue")

    monkeypatch.setattr("conflict_assets.assets.active_visits.take_snapshot", failing)
    run = small.run(*RANGE)
    (failed,) = small.instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
    assert "out of the blue" in str(failed.dagster_event.step_failure_data.error)
    assert "in failing" in str(failed.dagster_event.step_failure_data.error)


def cut_to_half(file):
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])


def drop_behind_view(file):
    with duckdb.connect(str(file)) as connection:
        connection.execute("ALTER TABLE BI.DIMPROVIDER RENAME TO base")
        connection.execute("CREATE VIEW BI.DIMPROVIDER AS SELECT * FROM BI.base")
        connection.execute("DROP TABLE BI.base")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut_to_half, "Could not read enough bytes"),
        (drop_behind_view, "Table with name base does not exist"),
        (lambda file: file.write_bytes(b""), "not a valid DuckDB database file"),
    ],
    ids=["cut to half", "a view over a dropped table", "empty"],
)
def test_a_damaged_source_is_told_in_one_sentence_and_not_tried_again(small, damage, said):
    generate(small.source.with_suffix(".new"), visits=10_000, as_of=load_settings().today())
    small.source.with_suffix(".new").replace(small.source)
    damage(small.source)
    run = small.run(*RANGE)
    failure = small.failures(run)["active_visits"]
    assert said in failure
    assert "\n" not in failure
    assert retries(small, run) == 0
    assert small.partitions("active_visits") == {"FAILED": RANGE}


@pytest.fixture
def full_disk(monkeypatch):
    """While a snapshot is written, no file may grow beyond a kilobyte: the system refuses, as a full disk does."""
    write_rows = SnapshotWriter.write
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limited(*arguments):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        try:
            return write_rows(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: monkeypatch.setattr(SnapshotWriter, "write", limited)
    signal.signal(signal.SIGXFSZ, before)


def test_a_disk_that_fills_while_a_snapshot_is_written_leaves_nothing_half(small, full_disk):
    assert small.run(*RANGE).is_success
    before = small.query("SELECT * FROM visit_conflicts ORDER BY 1, 2, 3")
    files = sorted(small.folder.rglob("*.parquet"))
    full_disk()
    run = small.run(*RANGE)
    said = small.failures(run)["active_visits"]
    assert said.startswith("The snapshot can't be written to ")
    assert ": File too large. Nothing was kept of this read." in said
    assert sorted(small.folder.rglob("*.parquet")) == files
    assert list(small.folder.rglob("*.partial")) == []
    assert small.snapshots.for_run(run.run_id) is None
    assert small.query("SELECT * FROM visit_conflicts ORDER BY 1, 2, 3") == before
    assert small.partitions("active_visits") == {"FAILED": RANGE}
    assert small.partitions() == {"FAILED": RANGE}
