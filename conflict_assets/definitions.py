"""The code location's definitions, which only join the parts."""

from dagster import Definitions

from conflict_assets.assets.active_visits import active_visits
from conflict_assets.assets.asset_metadata import described
from conflict_assets.assets.conflict_summary import conflict_summary
from conflict_assets.assets.freshness import due_every_night
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.visit_conflicts import visit_conflicts
from conflict_assets.automation.alerts import alert_sensors
from conflict_assets.automation.executor import conflict_executor
from conflict_assets.automation.forked_workers import forked_workers
from conflict_assets.automation.jobs import conflict_summary_job, nightly_conflicts
from conflict_assets.automation.retention_job import retention_job, retention_schedule
from conflict_assets.automation.schedules import nightly_schedule
from conflict_assets.automation.sensors import failed_prefixes_sensor, summary_sensors
from conflict_assets.dagster_private.launching import start_workers_in
from conflict_assets.settings import load_settings

defs = Definitions(
    assets=[
        described(active_visits),
        described(due_every_night(visit_conflicts)),
        described(due_every_night(conflict_summary)),
    ],
    jobs=[nightly_conflicts, conflict_summary_job, retention_job],
    schedules=[nightly_schedule, retention_schedule],
    sensors=[*summary_sensors, failed_prefixes_sensor, *alert_sensors(load_settings())],
    resources={"platform": Platform()},
    executor=conflict_executor(__name__),
)
start_workers_in(forked_workers(__name__))
