"""Runs of the command line are runs of the code location: listed, repeated, cancelled, alerted about like any other."""

import pytest

from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import REFUSE, held, inject, mend

JOB = "nightly_conflicts"


def newest(platform):
    return platform.dagster.runs_of_job(JOB)[0]


@pytest.fixture
def failed(platform, alerts):
    """A night of the command line of which prefix 4 has failed, and what the webhook was told before."""
    told_before = len(alerts[1])
    inject(platform.store, REFUSE, "4")
    done = platform.servers.command("run", "--prefix", "3-5")
    mend(platform.store)
    assert done.returncode == 1, done.stdout + done.stderr
    return newest(platform), told_before


def test_the_job_s_page_and_the_timeline_list_them(platform, failed):
    run, _ = failed
    assert platform.dagster.runs_of_timeline(JOB)[0] == run
    summary = platform.dagster.runs_of_job("conflict_summary_job")[0]
    assert platform.dagster.run_status(summary) == "SUCCESS"
    platform.agree(failed={"4"})


def test_re_execute_from_failure_repeats_what_failed(platform, failed):
    run, _ = failed
    summed_up = platform.dagster.runs_of_job("conflict_summary_job")[0]
    repeated = platform.dagster.reexecute(run)
    assert platform.dagster.await_run(repeated) == "SUCCESS"
    summary = wait(lambda: platform.dagster.runs_of_job("conflict_summary_job")[0], lambda found: found != summed_up)
    assert platform.dagster.await_run(summary) == "SUCCESS"
    assert platform.commits("4") == [repeated]
    assert platform.commits("3") == [run]
    platform.agree()


def test_an_alert_follows_their_failure(platform, failed, alerts):
    run, told_before = failed
    told = wait(lambda: [each for each in alerts[1][told_before:] if each["run_id"] == run], bool)
    assert told[0]["failed_prefixes"] == ["4"]
    assert platform.dagster.run_status(run) == "FAILURE"


def test_they_are_cancelled_in_the_ui(platform):
    with held(platform.store, "3", "4", "5"):
        night = platform.servers.begin("run", "--prefix", "3-5")
        platform.await_stopped(3)
        run = newest(platform)
        platform.dagster.terminate(run)
        assert platform.dagster.await_run(run, 60) == "CANCELED"
        said, _ = night.communicate(timeout=60)
    assert night.returncode == 130, said
    assert "Interrupted. Failed prefixes: 3-5. Repeat them with: conflict-assets run --prefix 3-5" in said
    assert "Traceback" not in said
    assert platform.committed() == set()
