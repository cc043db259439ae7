"""Late nights: when they are, what is said of them, and that it is said once."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster import AssetMaterialization, DagsterInstance, DagsterRunStatus, job

from conflict_assets.assets.freshness import last_due_night
from conflict_assets.automation import lateness
from conflict_assets.automation.channels import AlertError
from conflict_assets.automation.lateness import late_night, late_night_sensor
from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import Settings, read_settings
from conflict_assets_tests.automation.failing_night import tick

TODAY = (datetime.now(tz=UTC) - timedelta(hours=2)).replace(hour=12, minute=0, second=0, microsecond=0)
"""Noon of the date whose night, at 02:00, has begun."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("conflict_assets.settings.project_folder", lambda: tmp_path)


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def settings():
    return read_settings(schedule_time_zone="UTC")


@pytest.fixture
def clock(monkeypatch):
    """Sets the time that the sensor reads."""

    def to(moment: datetime) -> None:
        monkeypatch.setattr(lateness, "now", lambda: moment)

    return to


@job
def nightly_conflicts():
    pass


def materialize(instance, prefixes):
    for prefix in prefixes:
        instance.report_runless_asset_event(AssetMaterialization("visit_conflicts", partition=prefix))


def test_what_a_re_execution_takes_over_of_an_earlier_night_does_not_count(instance, settings):
    night = last_due_night(TODAY, settings)
    for prefix in all_prefixes(2):
        read = night.start - timedelta(days=1 if prefix == "04" else 0)
        told = AssetMaterialization("visit_conflicts", partition=prefix, metadata={"as_of": read.isoformat()})
        instance.report_runless_asset_event(told)
    late = late_night(instance, night, settings)
    assert late is not None
    assert late.prefixes == ("04",)


@pytest.mark.parametrize(
    ("zone", "now", "date", "start", "due"),
    [
        ("America/New_York", "2026-11-24T08:29:59", "2026-11-23", "2026-11-23T07:00", "2026-11-23T08:30"),
        ("America/New_York", "2026-11-24T08:30:00", "2026-11-24", "2026-11-24T07:00", "2026-11-24T08:30"),
        ("America/New_York", "2026-11-25T04:59:00", "2026-11-24", "2026-11-24T07:00", "2026-11-24T08:30"),
        # 02:00 does not exist on this date, and Dagster starts the night at 03:00, the same instant.
        ("America/New_York", "2026-03-08T12:00:00", "2026-03-08", "2026-03-08T07:00", "2026-03-08T07:30"),
        ("America/New_York", "2026-11-01T12:00:00", "2026-11-01", "2026-11-01T07:00", "2026-11-01T08:30"),
        # 02:00 comes twice on this date: a night that starts at either is in time.
        ("Europe/Berlin", "2026-10-25T12:00:00", "2026-10-25", "2026-10-25T00:00", "2026-10-25T02:30"),
        ("Asia/Kolkata", "2026-11-23T22:00:00", "2026-11-24", "2026-11-23T20:30", "2026-11-23T22:00"),
    ],
)
def test_the_last_due_night_is_that_of_the_schedule_s_zone(zone, now, date, start, due):
    night = last_due_night(datetime.fromisoformat(now).replace(tzinfo=UTC), read_settings(schedule_time_zone=zone))
    assert night.date.isoformat() == date
    assert night.start.isoformat() == f"{start}:00+00:00"
    assert night.due.isoformat() == f"{due}:00+00:00"


def test_a_night_of_which_every_prefix_is_done_is_not_late(instance, settings):
    materialize(instance, all_prefixes(2))
    assert late_night(instance, last_due_night(datetime.now(tz=UTC), settings), settings) is None


def test_what_was_done_before_the_night_does_not_count(instance, settings):
    materialize(instance, all_prefixes(2))
    tomorrow = last_due_night(datetime.now(tz=UTC) + timedelta(days=1, hours=4), settings)
    late = late_night(instance, tomorrow, settings)
    assert late is not None
    assert len(late.prefixes) == 100


def test_one_prefix_that_is_missing_makes_it_late_and_is_named(instance, settings):
    materialize(instance, [prefix for prefix in all_prefixes(2) if prefix != "04"])
    night = last_due_night(datetime.now(tz=UTC), settings)
    run = instance.create_run_for_job(nightly_conflicts, status=DagsterRunStatus.FAILURE)
    late = late_night(instance, night, settings)
    assert late is not None
    assert late.line == (
        f"The night of {night.date} is late: due at 03:30 (UTC), not done: 1 of 100 prefixes. Run {run.run_id}: "
        "FAILURE. Failed prefixes: 04. Repeat them with: conflict-assets run --prefix 04"
    )


def test_a_night_that_nobody_started_says_so(instance, settings):
    late = late_night(instance, last_due_night(datetime.now(tz=UTC), settings), settings)
    assert late is not None
    assert late.line.endswith("No run was started: see that the schedule nightly_conflicts is on.")


def test_a_night_that_still_runs_is_late_without_a_command_that_would_repeat_it(instance, settings):
    run = instance.create_run_for_job(nightly_conflicts, status=DagsterRunStatus.STARTED)
    late = late_night(instance, last_due_night(datetime.now(tz=UTC), settings), settings)
    assert late is not None
    assert late.line.endswith(f"Run {run.run_id}: STARTED.")


def test_the_sensor_tells_once_of_each_late_night_from_the_first_that_it_could_see(instance, settings, clock):
    told = []
    sensor = late_night_sensor(name="look", description="", tell=told.append, settings=settings)
    nights = []
    cursor = None
    for hours in (0, 1, 15.4, 15.6, 16, 39.6):  # from noon: 15.5 hours later the next night is due
        clock(TODAY + timedelta(hours=hours))
        cursor = tick(sensor, instance, cursor)
        nights.append(len(told))
    assert nights == [0, 0, 0, 1, 1, 2]
    assert [late.night.date for late in told] == [(TODAY + timedelta(days=day)).date() for day in (1, 2)]


def test_what_could_not_be_told_is_told_by_the_next_tick(instance, settings, clock):
    told = []

    def tell(late):
        told.append(late)
        if len(told) == 1:
            raise AlertError("nobody takes it")

    sensor = late_night_sensor(name="look", description="", tell=tell, settings=settings)
    clock(TODAY)
    cursor = tick(sensor, instance, None)
    clock(TODAY + timedelta(days=1))
    with pytest.raises(AlertError, match="nobody takes it"):
        tick(sensor, instance, cursor)
    cursor = tick(sensor, instance, cursor)
    tick(sensor, instance, cursor)
    assert len(told) == 2
