"""The following of a run from outside, by its event log.

It shows what the assets say, and each prefix as it is done.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dagster import DagsterEventType, DagsterInstance, EventLogEntry, EventLogRecord
from sqlalchemy.exc import DBAPIError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from conflict_assets.automation.failed_prefixes import CONFLICTS
from conflict_assets.dagster_private.names import ChildProcessCrashException, StepFailureData
from conflict_assets.dagster_private.run_parts import cursor_after
from conflict_assets.output.log_lines import PLACES_BEGINNING, SUMMARY_BEGINNINGS

POLL_SECONDS = 0.25
LATE_SECONDS = 10
"""The time that may pass until a record that has its id is committed."""

_SAID_BY_THE_COMMAND = (PLACES_BEGINNING, *SUMMARY_BEGINNINGS)
"""Beginnings of lines that the command logs itself, once for all of its runs."""

PROCESS_DIED = (
    "its process was killed, each time that it was tried: by somebody, or by the system for want of memory (the "
    "system's log tells). Fewer workers (MAX_WORKERS) need less memory."
)


@dataclass(frozen=True)
class Watcher:
    """The receiver of a run's progress.

    It receives lines to read (with their level), and each prefix that is done.
    """

    say: Callable[[int, str], None]
    finished: Callable[[str], None]


@contextmanager
def following(instance: DagsterInstance, run_id: str, watcher: Watcher) -> Iterator[None]:
    """Report a run to the watcher while the block runs.

    A thread does this, and the block ends only when all is reported.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_follow, args=(instance, run_id, watcher, stop), name="follow-run", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _follow(instance: DagsterInstance, run_id: str, watcher: Watcher, stop: threading.Event) -> None:
    records = _Records(instance, run_id)
    last_round = False
    while not last_round:
        last_round = stop.wait(POLL_SECONDS)
        for record in records.read():
            _tell(record.event_log_entry, watcher)


class _Records:
    """The records of a run, each once.

    An id is given out before its record can be seen. An id that was passed over is looked up again for a while, unless
    it belongs to another run.
    """

    def __init__(self, instance: DagsterInstance, run_id: str) -> None:
        self._instance = instance
        self._run_id = run_id
        self._newest: int | None = None
        self._passed_over: dict[int, float] = {}

    @retry(retry=retry_if_exception_type(DBAPIError), stop=stop_after_attempt(5), wait=wait_fixed(1), reraise=True)
    def read(self) -> list[EventLogRecord]:
        """Return the records that have come since the last call."""
        after = min(self._passed_over, default=(self._newest or 0) + 1) - 1
        page = self._instance.get_records_for_run(self._run_id, cursor=cursor_after(after))
        new = [record for record in page.records if self._is_new(record.storage_id)]
        self._note({record.storage_id for record in new}, time.monotonic())
        return new

    def _is_new(self, number: int) -> bool:
        return self._newest is None or number > self._newest or number in self._passed_over

    def _note(self, found: set[int], now: float) -> None:
        if found:
            before = min(found) if self._newest is None else self._newest
            self._newest = max(found | {before})
            self._passed_over |= dict.fromkeys(range(before + 1, self._newest), now)
        waiting = self._passed_over.items()
        self._passed_over = {
            number: since for number, since in waiting if number not in found and now - since < LATE_SECONDS
        }


def _tell(entry: EventLogEntry, watcher: Watcher) -> None:
    event = entry.dagster_event
    if event is None:
        level = int(entry.level)
        if level >= logging.INFO and not entry.user_message.startswith(_SAID_BY_THE_COMMAND):
            watcher.say(level, entry.user_message)
    elif event.event_type is DagsterEventType.ASSET_MATERIALIZATION:
        if event.asset_key == CONFLICTS and event.partition is not None:
            watcher.finished(event.partition)
    elif event.event_type is DagsterEventType.STEP_FAILURE:
        watcher.say(logging.ERROR, f"{event.step_key} failed: {_reason(event.step_failure_data)}")


def _reason(failed: StepFailureData) -> str:
    """Return why a step failed.

    This is the text that its code gave, or else the name of the error's first cause. The text of that error may hold
    anything, and Dagster's own error says nothing of the cause.
    """
    if failed.user_failure_data and failed.user_failure_data.description:
        return failed.user_failure_data.description
    error = failed.error
    while error and error.cause:
        error = error.cause
    name = error.cls_name if error else None
    return PROCESS_DIED if name == ChildProcessCrashException.__name__ else name or "no reason given"
