"""What someone who follows a run is told."""

import logging
import os
import signal
import sys

from dagster import DagsterInstance, execute_job, job, multiprocess_executor, op, reconstructable

from conflict_assets.running.following import PROCESS_DIED, Watcher, following


@op
def victim():
    """Dies as a process does for which there is no memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@op
def raiser():
    """Raises what may hold somebody's number."""
    raise LookupError("123-45-6789")


@job(executor_def=multiprocess_executor)
def dying():
    victim()
    raiser()


def test_a_killed_step_is_told_in_a_sentence_and_no_error_by_its_text(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    told = []
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        with execute_job(reconstructable(dying), instance=instance) as result:
            run_id = result.run_id
        with following(instance, run_id, Watcher(say=lambda *heard: told.append(heard), finished=sys.exit)):
            pass
    assert sorted(text for level, text in told if level == logging.ERROR) == [
        "raiser failed: LookupError",
        f"victim failed: {PROCESS_DIED}",
    ]
