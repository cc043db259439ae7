"""What a night of the command line knows of its runs."""

from dagster import DagsterInstance, DagsterRunStatus

from conflict_assets.running import night
from conflict_assets.running.run_follower import Watcher


def test_a_run_is_looked_up_again_when_it_has_ended(monkeypatch):
    watcher = Watcher(say=lambda _level, _text: None, finished=lambda _prefix: None)
    monkeypatch.setattr(night, "execute_run", lambda _job, run, instance: instance.report_run_failed(run))
    with DagsterInstance.ephemeral() as instance:
        run = night._execute(instance, night.summary_job, {}, {"a": "tag"}, watcher)
    assert run.status is DagsterRunStatus.FAILURE
    assert run.tags["a"] == "tag"
