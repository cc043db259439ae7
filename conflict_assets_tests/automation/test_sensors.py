"""What the ticks of our sensors say."""

from dagster import DagsterInstance, build_sensor_context, job, op

from conflict_assets.automation.sensors import failed_prefixes_sensor
from conflict_assets_tests.automation.failing_night import PASSWORD, SSN, fail_a_night, tick
from conflict_assets_tests.cli.test_store import given

__all__ = ["given"]

NOBODY_THERE = "postgresql://nobody:nothing@127.0.0.1:1/conflicts"


def said(instance: DagsterInstance, cursor: str | None) -> str | None:
    """What the next tick says in the UI."""
    with build_sensor_context(instance=instance, cursor=cursor) as context:
        return failed_prefixes_sensor.evaluate_tick(context).skip_message


def test_the_tick_names_run_prefixes_and_command_without_a_store(given):
    given(CONFLICTS_POSTGRES_URL=NOBODY_THERE)
    with DagsterInstance.ephemeral() as instance:
        cursor = tick(failed_prefixes_sensor, instance, None)
        run_id = fail_a_night(instance)
        text = said(instance, cursor)
    failed = "Failed prefixes: 04-05. Repeat them with: conflict-assets run --prefix 04-05"
    assert text == f"Run {run_id}: Success rate: 1/3 prefixes. {failed}"
    assert SSN not in text
    assert PASSWORD not in text


def test_the_tick_of_a_failed_job_without_prefixes_names_the_run_and_the_job():
    @op
    def fail():
        raise ValueError(SSN)

    @job
    def retention():
        fail()

    with DagsterInstance.ephemeral() as instance:
        cursor = tick(failed_prefixes_sensor, instance, None)
        run_id = retention.execute_in_process(instance=instance, raise_on_error=False).run_id
        assert said(instance, cursor) == f"Run {run_id} of retention failed; no prefix is to be repeated."
