"""The check for a night that is not done when it is due.

One materialized prefix is enough for the freshness policy of an asset. Here every prefix counts, and somebody is
alerted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dagster import (
    AssetRecordsFilter,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultSensorStatus,
    EventLogRecord,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from conflict_assets.assets.freshness import Night, last_due_night
from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.automation.failed_prefixes import CONFLICTS
from conflict_assets.automation.jobs import NIGHTLY_JOB
from conflict_assets.output.log_lines import failure_line
from conflict_assets.settings import Settings

LOOK_EVERY_SECONDS = 60
PAGE = 1000
_ENDED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


@dataclass(frozen=True)
class LateNight:
    """A late night with the prefixes that are missing and its newest run.

    Nothing has materialized these prefixes since the night began. There may be no run.
    """

    night: Night
    due: str
    prefixes: tuple[str, ...]
    total: int
    run: DagsterRun | None

    @property
    def line(self) -> str:
        """A line that says what is missing and what to do."""
        missing = (
            f"The night of {self.night.date} is late: due at {self.due}, not done: {len(self.prefixes)} of "
            f"{self.total} prefixes."
        )
        if self.run is None:
            return f"{missing} No run was started: see that the schedule {NIGHTLY_JOB} is on."
        said = f"{missing} Run {self.run.run_id}: {self.run.status.value}."
        return f"{said} {failure_line(self.prefixes)}" if self.run.status in _ENDED else said


def late_night(instance: DagsterInstance, night: Night, settings: Settings) -> LateNight | None:
    """Return what is missing of a night, or None when every prefix is done."""
    wanted = SSN_PREFIXES.get_partition_keys()
    done = _materialized_since(instance, night.start)
    missing = tuple(prefix for prefix in wanted if prefix not in done)
    if not missing:
        return None
    runs = instance.get_runs(RunsFilter(job_name=NIGHTLY_JOB, created_after=night.start), limit=1)
    due = f"{settings.night_due} ({settings.schedule_time_zone})"
    return LateNight(night, due, missing, len(wanted), runs[0] if runs else None)


def _materialized_since(instance: DagsterInstance, start: datetime) -> set[str]:
    """Return the prefixes whose source was read after an instant, by any run.

    They are the prefixes of `visit_conflicts`. A re-execution logs anew what earlier nights have done, so the time of
    the event says nothing.
    """
    found: set[str] = set()
    records_filter = AssetRecordsFilter(CONFLICTS, after_timestamp=start.timestamp())
    cursor = None
    while True:
        page = instance.fetch_materializations(records_filter, limit=PAGE, cursor=cursor)
        found.update(
            record.partition_key
            for record in page.records
            if record.partition_key is not None and _is_of(record, start)
        )
        if not page.has_more:
            return found
        cursor = page.cursor


def _is_of(record: EventLogRecord, start: datetime) -> bool:
    as_of = record.asset_materialization.metadata.get("as_of") if record.asset_materialization else None
    return as_of is None or datetime.fromisoformat(str(as_of.value)) >= start


def late_night_sensor(
    *, name: str, description: str, tell: Callable[[LateNight], None], settings: Settings
) -> SensorDefinition:
    """Return a sensor that reports a late night.

    It checks once after each due time.

    When the report fails, the tick fails and the next one reports again. The first night that counts is the one that
    becomes due after the sensor's first tick.
    """

    @sensor(
        name=name,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description=description,
    )
    def look(context: SensorEvaluationContext) -> SkipReason:
        night = last_due_night(now(), settings)
        seen = context.cursor
        if seen is not None and seen >= night.date.isoformat():
            return SkipReason(f"the night of {night.date} has been looked at; the next is due at {settings.night_due}")
        late = late_night(context.instance, night, settings) if seen is not None else None
        if late is not None:
            tell(late)
            context.log.error(late.line)
        context.update_cursor(night.date.isoformat())
        return SkipReason(late.line if late else f"nothing is late; the next night is due at {settings.night_due}")

    return look


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(tz=UTC)
