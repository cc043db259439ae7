"""Which earlier runs a re-execution goes on with."""

import pytest
from dagster import DagsterInstance, job

from conflict_assets.assets.run_history import ROOT_RUN_TAG, resumed_runs
from conflict_assets.dagster_private.names import make_new_run_id


@job
def nothing():
    pass


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def reexecuted(instance, parent, root, **tags):
    tags |= {ROOT_RUN_TAG: root.run_id, "dagster/parent_run_id": parent.run_id}
    ids = {"parent_run_id": parent.run_id, "root_run_id": root.run_id, "run_id": make_new_run_id()}
    return instance.create_run_for_job(nothing, tags=tags, **ids)


@pytest.fixture
def first(instance):
    return instance.create_run_for_job(nothing)


FROM_FAILURE = {"dagster/is_resume_retry": "true"}


def test_a_first_run_goes_on_with_nothing(instance, first):
    assert resumed_runs(instance, first) == ()


def test_a_chain_of_re_executions_from_failure_goes_on_with_all_before_it(instance, first):
    second = reexecuted(instance, first, first, **FROM_FAILURE)
    third = reexecuted(instance, second, first, **FROM_FAILURE)
    assert resumed_runs(instance, second) == (first.run_id,)
    assert resumed_runs(instance, third) == (second.run_id, first.run_id)
