"""A week of an operator's clicks and commands on one platform; after each, UI, log and summary say what SQL says.

The clock is left alone, so that all seven days are of one date: each is its runs, in their order.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from conflict_assets_tests.e2e.client import ASSETS, LOCATION, wait
from conflict_assets_tests.e2e.faults import REFUSE, held, inject, mend, stopped
from conflict_assets_tests.e2e.platform import HELD, PREFIXES, ZONE, Platform
from conflict_assets_tests.e2e.test_nights import await_summary, summarized
from conflict_assets_tests.pg import execute

NIGHT = "nightly_conflicts"
OF_THE_LOCATION = {".dagster/repository": "__repository__@conflict_assets"}
"""What the pages of a job and the timeline ask for: a run without it is not there."""

TOTALS = ("conflicts", "rows", "new", "changed", "resolved", "reopened", "open")
COUNTED = """
    SELECT count(*) FILTER (WHERE (counts ->> 'contested')::int > 0) AS done, coalesce(sum(conflicts), 0),
        coalesce(sum(conflict_rows), 0), coalesce(sum(new_conflicts), 0), coalesce(sum(changed), 0),
        coalesce(sum(resolved), 0), coalesce(sum(reopened), 0), (SELECT count(*) FROM open_conflicts)
    FROM prefix_runs WHERE root_run_id = ANY(%s)"""
COLLAPSED = """
    SELECT ssn_prefix FROM (
        SELECT ssn_prefix, latest, conflicts, counts, lag(conflicts) OVER w AS last, lag(counts) OVER w AS last_counts
        FROM prefix_runs WINDOW w AS (PARTITION BY ssn_prefix ORDER BY as_of)) AS r
    WHERE latest AND conflicts < last / 2.0
        AND (counts ->> 'visits_seen')::int > (last_counts ->> 'visits_seen')::int / 2.0"""
"""Prefixes that have lost more than half of their conflicts, and not of their visits: the check `counts` warns."""

STATUS_NEW = "SELECT count(DISTINCT pair_id) FROM conflict_states WHERE status = 'new'"
NEW_TODAY = """
    SELECT count(DISTINCT c.pair_id) FROM conflict_states AS c
    JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
    WHERE c.status IN ('new', 'open')
        AND (c.first_detected_at AT TIME ZONE %(zone)s)::date = (r.as_of AT TIME ZONE %(zone)s)::date"""


@dataclass
class Week:
    """The platform, and which prefixes are to be red."""

    platform: Platform
    alerts: list[dict[str, Any]]
    source: str
    failed: set[str] = field(default_factory=set)

    @property
    def dagster(self):
        return self.platform.dagster

    # What people do

    def night(self) -> str:
        """The run that the schedule's tick asks for."""
        answer = self.dagster.query(
            """mutation($selector: ScheduleSelector!, $timestamp: Float!) {
                 scheduleDryRun(selectorData: $selector, timestamp: $timestamp) { ... on DryRunInstigationTick {
                   evaluationResult { runRequests { tags { key value } } } } } }""",
            selector={**LOCATION, "scheduleName": NIGHT},
            timestamp=datetime(2026, 11, 23, 2, tzinfo=ZoneInfo(ZONE)).timestamp(),
        )
        (request,) = answer["scheduleDryRun"]["evaluationResult"]["runRequests"]
        return self.dagster.launch(tags={tag["key"]: tag["value"] for tag in request["tags"]})

    def command(self, *arguments: str, ends: int = 0) -> tuple[str, list[str]]:
        """What a command says, and the runs that the job has more since, oldest first."""
        before = self.listed()
        done = self.platform.servers.command(*arguments)
        assert done.returncode == ends, done.stdout + done.stderr
        return done.stdout, [run for run in self.listed() if run not in before]

    def listed(self) -> list[str]:
        """The runs on the job's page, oldest first."""
        return [run["runId"] for run in reversed(self.dagster.runs(NIGHT, tags=OF_THE_LOCATION))]

    def exclude(self, prefix: str) -> None:
        """Put every caregiver of a prefix on the list of those who do not count."""
        with duckdb.connect(self.source, read_only=True) as source:
            digits = """SELECT DISTINCT regexp_replace("SSN", '[^0-9]', '', 'g') AS ssn FROM BI.DIMCAREGIVER"""
            ssns = source.execute(f"SELECT ssn FROM ({digits}) WHERE ssn LIKE ?", [f"{prefix}%"]).fetchall()  # noqa: S608 - a constant
        execute(
            self.platform.store,
            "INSERT INTO excluded_ssns (ssn, reason) SELECT unnest(%s::text[]), 'a test'",
            [[ssn for (ssn,) in ssns]],
        )

    def include_all(self) -> None:
        execute(self.platform.store, "DELETE FROM excluded_ssns")

    # What must be true after each

    def ended(self, run: str, status: str = "SUCCESS", *, root: str | None = None) -> None:
        """Wait for a run's end and hold everything to SQL: partitions, checks, totals, the summary after it."""
        assert self.dagster.await_run(run) == status
        self.dagster.await_message(run, "Totals: ", 60)
        undone = len(self.failed) if status == "FAILURE" else 0
        self.hold_totals("\n".join(self.dagster.messages(run)), [root or run], undone=undone)
        await_summary(self.platform, run)
        self.hold()

    def hold(self) -> None:
        """Hold the UI to the store: partitions, checks, the summary, what is new."""
        self.platform.agree(failed=self.failed)
        self.hold_checks()
        assert summarized(self.platform) == self.number("SELECT count(*) FROM open_conflicts")
        assert self.number(STATUS_NEW) == self.number(NEW_TODAY, {"zone": ZONE}) > 0

    def hold_checks(self) -> None:
        """Each check of a materialized partition has the verdict that its last commit deserves; none is missing."""
        collapsed = {prefix for (prefix,) in self.platform.rows(COLLAPSED)}
        for asset in ASSETS:
            partitions = self.dagster.partitions(asset)
            materialized = partitions["materialized"]
            for check, statuses in self.checks(asset).items():
                warned = collapsed & materialized if (asset, check) == ("visit_conflicts", "counts") else set()
                expected = {"succeeded": materialized - warned, "failed": warned, "inProgress": set()}
                found = {status: statuses[status] - partitions["failed"] for status in expected}
                assert found == expected, (asset, check, statuses)

    def checks(self, asset: str) -> dict[str, dict[str, set[str]]]:
        """Partitions by status for each check, as the page Checks → Partitions asks; those in none are missing."""
        text = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
             assetChecksOrError { ... on AssetChecks { checks { name partitionStatuses {
               ... on AssetCheckDefaultPartitionStatuses { succeededPartitions failedPartitions inProgressPartitions
                 skippedPartitions executionFailedPartitions } } } } } } } }"""
        found = self.dagster.query(text, key={"path": [asset]})["assetNodeOrError"]["assetChecksOrError"]["checks"]
        return {
            check["name"]: {
                name.removesuffix("Partitions"): set(keys) for name, keys in check["partitionStatuses"].items()
            }
            for check in found
        }

    def hold_totals(self, said: str, roots: list[str], *, undone: int = 0) -> None:
        """Success rate and totals, each said once, are those of everything that these runs have committed."""
        ((done, *counted),) = self.platform.rows(COUNTED, [roots])
        assert re.findall(r"Success rate: (\S+) prefixes", said) == [f"{done}/{done + undone}"]
        totals = re.findall(r"Totals: .*", said)
        assert len(totals) == 1
        told = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", totals[0])}
        assert {word: told.get(word, 0) for word in TOTALS} == dict(zip(TOTALS, counted, strict=True))

    def number(self, query: str, parameters: Any = None) -> int:
        return self.platform.rows(query, parameters)[0][0]

    # The days

    def monday(self) -> None:
        """A night, and one prefix again by the asset's button."""
        self.ended(self.night())
        assert self.platform.committed() == set(PREFIXES)
        self.ended(self.dagster.materialize("4", summary=True))

    def tuesday(self) -> str:
        """A night in which everybody of one prefix is excluded, and the store refuses another."""
        self.exclude("2")
        inject(self.platform.store, REFUSE, "5")
        self.failed = {"5"}
        night = self.night()
        self.ended(night, "FAILURE")
        assert self.number("SELECT resolved FROM prefix_runs WHERE latest AND ssn_prefix = '2'") > 0
        mend(self.platform.store)
        return night

    def wednesday(self) -> None:
        """Prefixes by the command line, a backfill, and retention: each leaves the night's red prefix as it is."""
        said, runs = self.command("run", "--prefix", "1")
        assert len(runs) == 1
        self.hold_totals(said, runs)
        said, runs = self.command("run", "--prefix", "3-4", "--prefix", "7")
        assert len(runs) == 2
        self.hold_totals(said, runs)
        self.hold()
        backfill = self.dagster.backfill(["0", "6", "7"], summary=True)
        assert self.dagster.await_backfill(backfill) == "COMPLETED_SUCCESS"
        for run in self.dagster.runs(tags={"dagster/backfill": backfill}):
            await_summary(self.platform, run["runId"])
        self.hold()
        kept = self.platform.night()
        assert self.dagster.await_run(self.dagster.launch("retention", tags={})) == "SUCCESS"
        assert self.platform.night() == kept
        self.hold()

    def thursday(self, night: str) -> None:
        """Tuesday's night is re-executed from failure, after six later runs and as many snapshots."""
        commits = {prefix: self.platform.commits(prefix) for prefix in PREFIXES}
        self.failed = set()
        repeated = self.dagster.reexecute(night)
        self.ended(repeated, root=night)
        commits["5"].append(repeated)
        assert {prefix: self.platform.commits(prefix) for prefix in PREFIXES} == commits

    def friday(self) -> None:
        """The daemon and all that it runs die in mid-night; after a restart one re-execution completes it."""
        self.include_all()
        with held(self.platform.store, "5", "6"):
            night = self.night()
            self.platform.await_stopped(2)
            self.platform.servers.kill_daemon_and_all_that_it_runs()
            wait(lambda: stopped(self.platform.store), lambda found: not found)
        self.platform.servers.start_daemon()
        assert self.dagster.await_run(night, 120) == "FAILURE"
        repeated = self.dagster.reexecute(night)
        self.ended(repeated, root=night)
        assert self.platform.committed(night) == set(PREFIXES)
        assert self.number("SELECT reopened FROM prefix_runs WHERE latest AND ssn_prefix = '2'") > 0

    def saturday(self) -> None:
        """A night by the command line fails in one prefix: listed, alerted about and re-executed like any other."""
        self.exclude("7")
        inject(self.platform.store, REFUSE, "7")
        self.failed = {"7"}
        said, (night,) = self.command("run", ends=1)
        self.hold_totals(said, [night], undone=1)
        self.hold()
        wait(lambda: [alert for alert in self.alerts if alert["run_id"] == night], bool, 120)
        mend(self.platform.store)
        self.failed = set()
        self.ended(self.dagster.reexecute(night), root=night)
        assert self.number("SELECT resolved FROM prefix_runs WHERE latest AND ssn_prefix = '7'") > 0

    def sunday(self) -> None:
        """A night, and the same again at seven in the morning: nothing is written, and what is new stays so."""
        self.include_all()
        self.ended(self.night())
        new, kept = self.number(STATUS_NEW), self.platform.night(*HELD)
        said, runs = self.command("run")
        self.hold_totals(said, runs)
        self.hold()
        assert (self.number(STATUS_NEW), self.platform.night(*HELD)) == (new, kept)


def test_an_operator_s_week(platform, alerts, source):
    week = Week(platform, alerts[1], str(source))
    week.monday()
    night = week.tuesday()
    week.wednesday()
    week.thursday(night)
    week.friday()
    week.saturday()
    week.sunday()
    assert not week.platform.in_progress()
