"""The platform under test: servers, store, and what both say of the prefixes."""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from conflict_assets_tests.e2e.client import Dagster, wait
from conflict_assets_tests.e2e.faults import mend, stopped
from conflict_assets_tests.e2e.servers import Servers
from conflict_assets_tests.pg import EMPTY_STORE, execute, rows

PREFIXES = [str(number) for number in range(10)]
EMPTY_PREFIX = "8"
"""Nobody's SSN begins so: it is finished without a step."""
FIRST_HOUR, LAST_HOUR = 6, 22


def quiet_zone() -> str:
    """A zone with clock changes in which neither the night, nor retention, nor midnight is near."""
    here = datetime.now(tz=ZoneInfo("America/Chicago")).hour
    return "America/Chicago" if FIRST_HOUR <= here < LAST_HOUR else "Australia/Sydney"


ZONE = quiet_zone()
"""The schedule's zone. The real schedule is on: at its hour it would start a night in the midst of a test."""

IN_PROGRESS = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")

NIGHT = {
    "conflicts": """SELECT to_jsonb(c) - 'first_detected_at' - 'resolved_at' FROM visit_conflicts AS c
                    ORDER BY ssn_prefix, ssn, visit_id, con_visit_id""",
    "visits": "SELECT * FROM conflict_visits ORDER BY ssn_prefix, ssn, visit_id",
    "history": """SELECT ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, reason, rule, overlap_minutes
                  FROM conflict_history ORDER BY ssn_prefix, ssn, pair_id, event""",
    "prefix_runs": """SELECT ssn_prefix, latest, conflicts, conflict_rows, new_conflicts, changed, resolved, reopened,
                        unchanged, counts FROM prefix_runs ORDER BY ssn_prefix, as_of""",
    "rejected": "SELECT ssn_prefix, visit_id, reason FROM rejected_visits ORDER BY ssn_prefix, visit_id, reason",
}
"""All that a night writes, but for its times and the ids of its runs."""

HELD = ("conflicts", "visits", "history")
"""What does not change when a prefix is done twice."""


class Rows(NamedTuple):
    """Rows of people, so told apart without being shown."""

    number: int
    digest: str


@dataclass
class Platform:
    """Webserver, daemon and store."""

    servers: Servers
    store: str

    @property
    def dagster(self) -> Dagster:
        return self.servers.dagster

    def rows(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        return rows(self.store, query, parameters)

    def night(self, *tables: str) -> dict[str, Rows]:
        """All that the store holds, or some tables, but for times and the ids of runs."""
        return night(self.store, *tables)

    def committed(self, root_run: str | None = None) -> set[str]:
        """The prefixes that the store holds, or those that a chain of runs has committed."""
        query = "SELECT DISTINCT ssn_prefix FROM prefix_runs WHERE coalesce(root_run_id = %s, true)"
        return {prefix for (prefix,) in self.rows(query, [root_run])}

    def commits(self, prefix: str) -> list[str]:
        """The runs that have committed a prefix, by the time of their snapshots."""
        found = self.rows("SELECT run_id FROM prefix_runs WHERE ssn_prefix = %s ORDER BY as_of", [prefix])
        return [run for (run,) in found]

    def conflicts(self, prefix: str) -> Rows:
        query = "SELECT * FROM visit_conflicts WHERE ssn_prefix = %s ORDER BY visit_id, con_visit_id"
        return told_apart(self.rows(query, [prefix]))

    def agree(self, *, failed: set[str] | None = None) -> None:
        """Hold Dagster to the store: which prefixes there are, of which snapshot, and how many rows each has."""
        statuses = self.dagster.partitions()
        told: dict[str, tuple[Any, Any]] = {}
        for each in self.dagster.materializations("visit_conflicts"):
            told.setdefault(each["partition"], (each["as_of"], each["dagster/row_count"]))
        query = """SELECT r.ssn_prefix, r.as_of, count(c.ssn)::int FROM prefix_runs AS r
                   LEFT JOIN visit_conflicts AS c ON c.ssn_prefix = r.ssn_prefix AND c.resolved_at IS NULL
                   WHERE r.latest GROUP BY r.ssn_prefix, r.as_of"""
        stored = {prefix: (as_of.isoformat(), count) for prefix, as_of, count in self.rows(query)}
        assert told == stored
        assert statuses["failed"] == (failed or set())
        assert statuses["materializing"] == set(), statuses
        assert statuses["materialized"] == set(stored) - statuses["failed"]
        assert statuses["unmaterialized"] == set(PREFIXES) - set(stored)

    def await_stopped(self, count: int) -> dict[str, int]:
        """Wait until so many steps are held in mid-air."""
        return wait(lambda: stopped(self.store), lambda found: len(found) == count)

    def most_stopped(self, seconds: float = 4) -> int:
        """How many steps are in mid-air at most while one looks for some seconds."""
        deadline, most = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            most = max(most, len(stopped(self.store)))
            time.sleep(0.1)
        return most

    def worker_pid(self, run_id: str) -> int:
        """The process of a run's worker."""
        found = wait(lambda: [e["pid"] for e in self.dagster.events(run_id) if e["pid"] and not e["stepKey"]], bool)
        return found[-1]

    def step_pid(self, run_id: str, step: str) -> int:
        """The process of a step's last attempt."""
        key = f"visit_conflicts.{step}"
        found = wait(lambda: [e["pid"] for e in self.dagster.events(run_id) if e["pid"] and e["stepKey"] == key], bool)
        return found[-1]

    def in_progress(self) -> list[str]:
        return [run["runId"] for run in self.dagster.runs() if run["status"] in IN_PROGRESS]

    def start_anew(self) -> None:
        """An empty store that Dagster knows nothing about, with nothing under way."""
        mend(self.store)
        if "dagster-daemon" not in self.servers.processes:
            self.servers.start_daemon()
        for run in self.in_progress():
            self.dagster.terminate(run, force=True)
        wait(self.in_progress, lambda runs: not runs)
        execute(self.store, EMPTY_STORE)
        self.dagster.forget_assets()


def night(url: str, *tables: str) -> dict[str, Rows]:
    """All that a night has left in a store, or in some tables of it, but for times and the ids of runs."""
    return {table: told_apart(rows(url, NIGHT[table])) for table in tables or NIGHT}


def told_apart(found: list[tuple[Any, ...]]) -> Rows:
    return Rows(len(found), hashlib.sha256(repr(found).encode()).hexdigest()[:16])
