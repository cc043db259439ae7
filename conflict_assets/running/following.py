"""Following a run from outside, by its event log: what the assets say, and each prefix as it is done."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dagster import DagsterEventType, DagsterInstance, EventLogEntry

from conflict_assets.assets.dagster_private import ChildProcessCrashException, StepFailureData
from conflict_assets.automation.failures import CONFLICTS
from conflict_assets.report.lines import PLACES_BEGINNING, SUMMARY_BEGINNINGS

POLL_SECONDS = 0.25
_TOLD_BY_THE_COMMAND = (PLACES_BEGINNING, *SUMMARY_BEGINNINGS)
"""Beginnings of lines that the command says itself, once for all of its runs."""

PROCESS_DIED = (
    "its process was killed, each time that it was tried: by somebody, or by the system for want of memory (the "
    "system's log tells). Fewer workers (MAX_WORKERS) need less memory."
)


@dataclass(frozen=True)
class Watcher:
    """What someone who watches is told: lines to read (with their level), and each prefix that is done."""

    say: Callable[[int, str], None]
    finished: Callable[[str], None]


@contextmanager
def following(instance: DagsterInstance, run_id: str, watcher: Watcher) -> Iterator[None]:
    """Tell the watcher of a run, from a thread, until the block ends and all is told."""
    stop = threading.Event()
    thread = threading.Thread(target=_follow, args=(instance, run_id, watcher, stop), name="follow-run", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _follow(instance: DagsterInstance, run_id: str, watcher: Watcher, stop: threading.Event) -> None:
    cursor: str | None = None
    last_round = False
    while not last_round:
        last_round = stop.wait(POLL_SECONDS)
        has_more = True
        while has_more:
            page = instance.get_records_for_run(run_id, cursor=cursor)
            for record in page.records:
                _tell(record.event_log_entry, watcher)
            cursor, has_more = page.cursor, page.has_more


def _tell(entry: EventLogEntry, watcher: Watcher) -> None:
    event = entry.dagster_event
    if event is None:
        level = int(entry.level)
        if level >= logging.INFO and not entry.user_message.startswith(_TOLD_BY_THE_COMMAND):
            watcher.say(level, entry.user_message)
    elif event.event_type is DagsterEventType.ASSET_MATERIALIZATION:
        if event.asset_key == CONFLICTS and event.partition is not None:
            watcher.finished(event.partition)
    elif event.event_type is DagsterEventType.STEP_FAILURE:
        watcher.say(logging.ERROR, f"{event.step_key} failed: {_reason(event.step_failure_data)}")


def _reason(failed: StepFailureData) -> str:
    """What its code said; else the name of what it raised, whose text may hold anything; not that of Dagster's own."""
    if failed.user_failure_data and failed.user_failure_data.description:
        return failed.user_failure_data.description
    error = failed.error
    while error and error.cause:
        error = error.cause
    name = error.cls_name if error else None
    return PROCESS_DIED if name == ChildProcessCrashException.__name__ else name or "no reason given"
