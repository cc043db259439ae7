"""A night in miniature that fails: three prefixes of which one is done, with an error that says too much."""

from dagster import (
    AssetExecutionContext,
    AssetMaterialization,
    DagsterInstance,
    Definitions,
    JobDefinition,
    SensorDefinition,
    StaticPartitionsDefinition,
    asset,
    build_sensor_context,
    define_asset_job,
)

from conflict_assets.automation.jobs import NIGHTLY_JOB, range_tags

SSN = "123-45-6789"
PASSWORD = "password-in-an-error"  # noqa: S105 - nobody's


def failing_job() -> JobDefinition:
    @asset(name="visit_conflicts", partitions_def=StaticPartitionsDefinition(["03", "04", "05"]))
    def conflicts(context: AssetExecutionContext) -> None:
        context.log_event(AssetMaterialization("visit_conflicts", partition="03"))
        raise ValueError(f"{SSN} {PASSWORD}")

    definitions = Definitions([conflicts], jobs=[define_asset_job(NIGHTLY_JOB, [conflicts])])
    return definitions.resolve_job_def(NIGHTLY_JOB)


def fail_a_night(instance: DagsterInstance) -> str:
    """Run it; the run's id."""
    result = failing_job().execute_in_process(instance=instance, tags=range_tags("03", "05"), raise_on_error=False)
    return result.run_id


def tick(sensor: SensorDefinition, instance: DagsterInstance, cursor: str | None) -> str | None:
    """Let the daemon's next tick happen; the cursor that it leaves."""
    with build_sensor_context(instance=instance, cursor=cursor) as context:
        return sensor.evaluate_tick(context).cursor
