"""A prefix whose visits are those of its last commit gets no step, and is materialized and checked all the same."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetCheckEvaluation, DagsterEventType, DagsterInstance

from conflict_assets import domain
from conflict_assets.assets import prefix_detection, prefix_results
from conflict_assets.assets.checks import CheckOutcome, Problem
from conflict_assets_tests.assets.small_runs import SmallRuns
from conflict_assets_tests.pg import execute, rows

FOUND = {"36": 2, "37": 3}
SAME = {"36": "visits of 36", "37": "visits of 37"}
ALONE = {"plan_batches", "publish_conflicts"}
BOTH = {*ALONE, "detect_batch[36]", "detect_batch[37]"}
FIGURES = ("conflicts", "dagster/row_count", "new", "changed", "resolved", "reopened", "visits_contested")
CHECKS = {"dtypes", "counts", "rows_belong_to_prefix", "no_pair_within_one_agency"}


@pytest.fixture
def runs(tmp_path, store_url, monkeypatch) -> Iterator[SmallRuns]:
    monkeypatch.setattr(prefix_detection, "judged_by", lambda: "this code")
    monkeypatch.setenv("VISITS_PER_STEP", "1")
    with DagsterInstance.ephemeral() as instance:
        yield SmallRuns(tmp_path, store_url, instance)


def next_night(runs, **changed):
    """A night over the same visits; what its snapshot says of the content of some prefixes may differ."""
    return runs.run(FOUND, contents=SAME | {prefix.removeprefix("of_"): text for prefix, text in changed.items()})


def evaluations(runs, run):
    """What the checks have found of each prefix, and whether it is tied to a materialization of that run."""
    of_type = DagsterEventType.ASSET_CHECK_EVALUATION
    found = [entry.dagster_event.event_specific_data for entry in runs.instance.all_logs(run, of_type=of_type)]
    assert all(isinstance(each, AssetCheckEvaluation) for each in found)
    return {
        (each.partition, each.check_name): (
            each.passed,
            {name: value.value for name, value in each.metadata.items()},
            each.target_materialization_data.run_id == run,
        )
        for each in found
    }


def figures(runs, run):
    return {prefix: {name: told[name] for name in FIGURES} for prefix, told in runs.metadata(run).items()}


def test_a_night_over_the_same_visits_starts_no_step_and_tells_what_a_detection_tells(runs, store_url):
    first = next_night(runs)
    again = next_night(runs)
    assert (runs.steps(first), runs.steps(again)) == (BOTH, ALONE)
    said = runs.said(again)
    assert "2 of 2 prefixes are unchanged since their last commit" in said
    assert [line.rpartition(" in ")[0] for line in said if line.startswith("[")] == [
        "[1/2] prefix 36: 2 conflicts, 4 rows (0 new, 0 resolved)",
        "[2/2] prefix 37: 3 conflicts, 6 rows (0 new, 0 resolved)",
    ]
    assert "Success rate: 2/2 prefixes" in said
    assert not any(line.startswith("Emitting implicit Nothing") for line in said)
    detected = next_night(runs, of_36="other visits", of_37="other visits")
    assert runs.steps(detected) == BOTH
    assert figures(runs, again) == figures(runs, detected)
    told = runs.metadata(again)
    assert {prefix for prefix, each in told.items() if each.get("unchanged") is True} == {"36", "37"}
    assert not any("unchanged" in each for run in (first, detected) for each in runs.metadata(run).values())
    assert evaluations(runs, again) == evaluations(runs, detected)
    assert set(evaluations(runs, again)) == {(prefix, check) for prefix in ("36", "37", "38") for check in CHECKS}
    assert all(passed and tied for passed, _, tied in evaluations(runs, again).values())
    assert rows(store_url, "SELECT count(DISTINCT run_id) FROM prefix_runs WHERE ssn_prefix = '36'") == [(3,)]


def test_prefixes_that_differ_get_their_steps(runs):
    next_night(runs)
    run = next_night(runs, of_37="other visits")
    assert runs.steps(run) == {*ALONE, "detect_batch[37]"}
    assert "1 of 2 prefixes are unchanged since their last commit" in runs.said(run)
    assert {prefix for prefix, told in runs.metadata(run).items() if "unchanged" in told} == {"36"}


def test_a_snapshot_that_does_not_know_its_content_is_detected(runs):
    runs.run(FOUND)
    run = runs.run(FOUND)
    assert runs.steps(run) == BOTH
    assert not any("unchanged" in line for line in runs.said(run))


def test_the_same_snapshot_is_judged_once(runs):
    next_night(runs)
    assert runs.steps(runs.run()) == ALONE


def test_other_code_detects_anew(runs, monkeypatch):
    next_night(runs)
    monkeypatch.setattr(prefix_detection, "judged_by", lambda: "other code")
    assert runs.steps(next_night(runs)) == BOTH
    assert runs.steps(next_night(runs)) == ALONE


def test_another_speed_band_detects_anew(runs, store_url):
    next_night(runs)
    execute(store_url, "UPDATE speed_bands SET miles_per_hour = miles_per_hour + 1")
    assert runs.steps(next_night(runs)) == BOTH


def test_another_setting_detects_anew(runs, monkeypatch):
    next_night(runs)
    monkeypatch.setenv("EXTRA_DISTANCE_FACTOR", "1.5")
    assert runs.steps(next_night(runs)) == BOTH


def test_a_hand_in_the_store_is_mended(runs, store_url):
    next_night(runs)
    execute(store_url, "DELETE FROM visit_conflicts WHERE ssn_prefix = '37'")
    run = next_night(runs)
    assert runs.steps(run) == {*ALONE, "detect_batch[37]"}
    assert rows(store_url, "SELECT count(*) FROM visit_conflicts WHERE ssn_prefix = '37'") == [(6,)]


def test_rows_that_fail_a_check_are_detected_and_reported_by_each_night(runs, monkeypatch):
    failed = [CheckOutcome("dtypes", complaints=(Problem("wrong", "none", "report it"),))]
    monkeypatch.setattr(prefix_detection, "check_detected", lambda prefix, _rows: failed if prefix == "36" else [])
    for _ in range(2):
        next_night(runs)
    assert runs.steps(next_night(runs)) == {*ALONE, "detect_batch[36]"}


def test_a_prefix_that_cannot_be_repeated_gets_a_step_of_its_own(runs, monkeypatch):
    next_night(runs)
    repeat = prefix_results.repeat_prefix

    def failing(store, snapshot, prefix, batch):
        if prefix == "37":
            raise OSError("injected")
        return repeat(store, snapshot, prefix, batch)

    monkeypatch.setattr(prefix_results, "repeat_prefix", failing)
    run = next_night(runs)
    assert runs.steps(run) == {*ALONE, "detect_batch[37]"}
    assert any(line.startswith("prefix 37: ") and line.endswith("gets a step of its own") for line in runs.said(run))
    assert set(runs.metadata(run)) == {"36", "37", "38"}


def test_the_code_that_judges_is_known_by_its_release_and_by_each_of_its_lines(tmp_path, monkeypatch):
    judged_by = prefix_detection.judged_by.__wrapped__
    before = judged_by()
    copy = shutil.copytree(Path(domain.__path__[0]), tmp_path / "domain")
    monkeypatch.setattr(domain, "__path__", [str(copy)])
    assert judged_by() == before
    with (copy / "columns" / "instants.py").open("a", encoding="utf-8") as module:
        module.write("# changed\n")
    changed = judged_by()
    monkeypatch.setattr(prefix_detection, "CODE_VERSION", "0.0.0")
    assert len({before, changed, judged_by()}) == 3
