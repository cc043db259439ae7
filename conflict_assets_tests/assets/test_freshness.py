"""The freshness policy as Dagster's daemon evaluates it: same code, another clock."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import CronFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContext
from dagster._core.test_utils import freeze_time

from conflict_assets.assets.freshness import night_policy
from conflict_assets.automation.schedules import nightly_schedule
from conflict_assets.definitions import defs
from conflict_assets.settings import SettingsError, read_settings

NEW_YORK = ZoneInfo("America/New_York")
DONE_AT = datetime(2026, 11, 24, 2, 40, tzinfo=NEW_YORK)


class Context(LoadingContext):
    """What an evaluator asks its context for."""

    def __init__(self, instance):
        self._instance, self._loaders = instance, {}

    @property
    def instance(self):
        return self._instance

    @property
    def loaders(self):
        return self._loaders


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def state(instance, asset, now) -> FreshnessState:
    node = defs.resolve_asset_graph().get(AssetKey(asset))
    with freeze_time(now):
        return asyncio.run(CronFreshnessPolicyEvaluator().evaluate_freshness(Context(instance), node))


@pytest.mark.parametrize(("asset", "partition"), [("visit_conflicts", "04"), ("conflict_summary", None)])
@pytest.mark.parametrize(
    ("day", "hour", "minute", "expected"),
    [
        (24, 3, 31, FreshnessState.PASS),
        (25, 3, 29, FreshnessState.PASS),
        (25, 3, 31, FreshnessState.FAIL),
    ],
)
def test_an_asset_is_fresh_until_the_next_night_is_due(instance, asset, partition, day, hour, minute, expected):
    with freeze_time(DONE_AT):
        instance.report_runless_asset_event(AssetMaterialization(asset, partition=partition))
    assert state(instance, asset, datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK)) is expected


def test_what_was_done_before_the_night_began_is_not_fresh_when_it_is_due(instance):
    with freeze_time(DONE_AT.replace(hour=1, minute=59)):
        instance.report_runless_asset_event(AssetMaterialization("conflict_summary"))
    assert state(instance, "conflict_summary", DONE_AT.replace(hour=3, minute=31)) is FreshnessState.FAIL


@pytest.mark.parametrize(("due", "deadline", "minutes"), [("03:30", "30 3 * * *", 90), ("23:05", "5 23 * * *", 1265)])
def test_the_policy_reaches_back_to_the_start_of_the_schedule(due, deadline, minutes):
    policy = night_policy(read_settings(night_due=due, schedule_time_zone="Europe/Berlin"))
    assert (policy.deadline_cron, policy.timezone) == (deadline, "Europe/Berlin")
    assert policy.lower_bound_delta.total_seconds() == minutes * 60
    assert nightly_schedule.cron_schedule == "0 2 * * *"


@pytest.mark.parametrize("due", ["02:00", "01:59", "24:00", "3:30", "half past three"])
def test_a_night_can_t_be_due_before_it_begins(due):
    with pytest.raises(SettingsError, match=r"NIGHT_DUE is '.*'; allowed: a time from 02:01 to 23:59"):
        read_settings(night_due=due)
