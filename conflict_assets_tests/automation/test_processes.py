"""Which process works on a run, and whether it still lives."""

import subprocess
import sys

import psutil
import pytest
from dagster import DagsterInstance, DagsterRunStatus

from conflict_assets.assets.partition_definitions import prefixes_of_run
from conflict_assets.assets.processes import PROCESS_TAG, fail_deserted_runs, is_gone, process_of, this_process
from conflict_assets.dagster_private.names import make_new_run_id


def ended_process() -> str:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        host, _, _ = this_process().split()
        name = f"{host} {child.pid} {psutil.Process(child.pid).create_time():.2f}"
        assert not is_gone(name)
        child.kill()
    return name


def test_a_killed_process_is_gone_and_this_one_is_not():
    assert is_gone(ended_process())
    assert not is_gone(this_process())


def test_a_later_process_with_the_same_number_is_another_one():
    host, number, started = this_process().split()
    assert is_gone(f"{host} {number} {float(started) - 60:.2f}")


@pytest.mark.parametrize("process", ["elsewhere 1 1.0", "nonsense"])
def test_of_what_can_not_be_seen_nothing_is_claimed(process):
    assert not is_gone(process)


def test_runs_of_killed_commands_are_marked_as_failed_and_the_others_left_alone():
    with DagsterInstance.ephemeral() as instance:
        deserted, alive = (make_run(instance, name) for name in (ended_process(), this_process()))
        assert fail_deserted_runs(instance) == [deserted]
        assert instance.get_run_by_id(deserted).status is DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(alive).status is DagsterRunStatus.STARTED


def test_a_re_execution_that_has_the_tag_of_its_parent_is_not_worked_on_by_the_parent_s_command():
    with DagsterInstance.ephemeral() as instance:
        parent = instance.get_run_by_id(make_run(instance, ended_process()))
        assert process_of(parent)
        child = instance.get_run_by_id(make_run(instance, this_process()))
        inherited = child.with_tags(dict(parent.tags))
        assert process_of(inherited) is None


@pytest.mark.parametrize(
    ("tags", "prefixes"),
    [
        ({"dagster/partition": "04"}, {"04"}),
        ({"dagster/asset_partition_range_start": "04", "dagster/asset_partition_range_end": "06"}, {"04", "05", "06"}),
        ({}, {f"{number:02d}" for number in range(100)}),
    ],
    ids=["single", "range", "unsaid: all"],
)
def test_a_run_tells_its_prefixes_by_its_tags(tags, prefixes):
    with DagsterInstance.ephemeral() as instance:
        run = instance.get_run_by_id(make_run(instance, this_process(), **tags))
    assert prefixes_of_run(run) == prefixes


def make_run(instance: DagsterInstance, process: str, **tags: str) -> str:
    from dagster import job

    @job
    def nothing():
        pass

    run_id = make_new_run_id()
    tags |= {PROCESS_TAG: f"{run_id} {process}"}
    return instance.create_run_for_job(nothing, run_id=run_id, status=DagsterRunStatus.STARTED, tags=tags).run_id
