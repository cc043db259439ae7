"""The schedule, runs that overlap the night, and the summary that follows whatever has changed conflicts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from conflict_assets_tests.e2e.client import LOCATION, wait
from conflict_assets_tests.e2e.faults import REFUSE, held, inject
from conflict_assets_tests.e2e.platform import PREFIXES, ZONE

FOLLOWED = {"asked-by": "a test"}
"""Tags that leave the summary on."""


def summarized(platform) -> int | None:
    """The open conflicts of the newest summary."""
    found = platform.dagster.materializations("conflict_summary", limit=1)
    return found[0]["open_conflicts"] if found else None


def await_summary(platform, run: str) -> None:
    """Wait for the summary that a run has asked for, and hold it to what is open in the store."""
    key = {"dagster/run_key": run}
    found = wait(lambda: platform.dagster.runs("conflict_summary_job", tags=key), bool)
    assert platform.dagster.await_run(found[0]["runId"]) == "SUCCESS"
    ((counted,),) = platform.rows("SELECT count(*) FROM open_conflicts")
    assert summarized(platform) == counted > 0


def scheduled(platform) -> list[str]:
    """The runs that the schedule has asked for, those of earlier tests among them."""
    runs = platform.dagster.runs("nightly_conflicts", tags={"dagster/schedule_name": "nightly_conflicts"})
    return [run["runId"] for run in runs]


def before_clock_change() -> datetime:
    """Noon two days before the clocks of the zone go back: when they go forward, some zones have no two o'clock."""
    noons = [datetime(2026, 1, 1, 12, tzinfo=ZoneInfo(ZONE)) + timedelta(days=day) for day in range(365)]
    change = next(day for day in range(364) if noons[day].utcoffset() > noons[day + 1].utcoffset())
    return noons[change - 1]


def test_the_night_is_at_two_in_its_time_zone_on_both_sides_of_a_clock_change(platform):
    schedule = platform.dagster.schedule("nightly_conflicts", since=before_clock_change().timestamp())
    assert (schedule["cronSchedule"], schedule["executionTimezone"]) == ("0 2 * * *", ZONE)
    assert schedule["scheduleState"]["status"] == "RUNNING"
    nights = [datetime.fromtimestamp(each, ZoneInfo(ZONE)) for each in schedule["potentialTickTimestamps"]]
    assert {(night.hour, night.minute) for night in nights} == {(2, 0)}
    assert len({night.utcoffset() for night in nights}) == 2


def test_a_tick_asks_for_one_run_over_all_prefixes(platform):
    tick = platform.dagster.query(
        """mutation($selector: ScheduleSelector!, $timestamp: Float!) {
             scheduleDryRun(selectorData: $selector, timestamp: $timestamp) { ... on DryRunInstigationTick {
               evaluationResult { error { message } runRequests { runKey tags { key value } } } } } }""",
        selector={**LOCATION, "scheduleName": "nightly_conflicts"},
        timestamp=datetime(2026, 11, 23, 2, tzinfo=ZoneInfo(ZONE)).timestamp(),
    )["scheduleDryRun"]["evaluationResult"]
    assert tick["error"] is None
    (request,) = tick["runRequests"]
    tags = {tag["key"]: tag["value"] for tag in request["tags"]}
    assert request["runKey"] == "2026-11-23"
    assert tags["dagster/asset_partition_range_start"] == PREFIXES[0]
    assert tags["dagster/asset_partition_range_end"] == PREFIXES[-1]


def test_a_night_that_the_daemon_has_slept_through_is_made_up_and_summed_up(platform, undisturbed):
    dagster = platform.dagster
    platform.servers.kill_daemon()
    earlier = scheduled(platform)
    platform.servers.set_schedule_back("nightly_conflicts", days=2)
    platform.servers.start_daemon()
    (night,) = wait(lambda: [run for run in scheduled(platform) if run not in earlier], bool, 120)
    assert dagster.await_run(night) == "SUCCESS"
    (tick,) = dagster.schedule("nightly_conflicts")["scheduleState"]["ticks"]
    asked_for = datetime.fromtimestamp(tick["timestamp"], ZoneInfo(ZONE))
    assert (asked_for.hour, asked_for.minute) == (2, 0)
    assert timedelta(0) < datetime.now(tz=UTC) - asked_for <= timedelta(days=1, hours=1)
    assert (tick["status"], tick["runIds"]) == ("SUCCESS", [night])
    assert platform.night() == undisturbed
    platform.agree()
    await_summary(platform, night)


def test_a_manual_run_that_overlaps_the_night_waits_for_it_and_neither_is_lost(platform):
    dagster = platform.dagster
    with held(platform.store, "4"):
        night = dagster.launch_range("3", "5")
        platform.await_stopped(1)
        manual = dagster.materialize("4")
        dagster.await_message(manual, f"Waiting for run {night}")
        wait(platform.committed, lambda found: found == {"3", "5"})
    assert dagster.await_run(night) == dagster.await_run(manual) == "SUCCESS"
    assert platform.commits("4") == [night, manual]
    platform.agree()


def test_the_summary_follows_a_single_partition(platform):
    run = platform.dagster.materialize("4", summary=True)
    assert platform.dagster.await_run(run) == "SUCCESS"
    await_summary(platform, run)


def test_the_summary_follows_a_partly_failed_and_a_cancelled_run(platform):
    dagster = platform.dagster
    inject(platform.store, REFUSE, "1")
    failed = dagster.launch_range("0", "2", **FOLLOWED)
    with held(platform.store, "6"):
        cancelled = dagster.launch_range("5", "7", **FOLLOWED)
        platform.await_stopped(1)
        wait(platform.committed, lambda found: {"5", "7"} <= found)
        dagster.terminate(cancelled)
        assert dagster.await_run(cancelled) == "CANCELED"
    assert dagster.await_run(failed) == "FAILURE"
    platform.agree(failed={"1"})
    await_summary(platform, failed)
    await_summary(platform, cancelled)
