"""Dagster's GraphQL as the UI speaks it: what is started, what is cancelled, what is seen."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

LOCATION = {"repositoryLocationName": "conflict_assets", "repositoryName": "__repository__"}
ASSETS = ("active_visits", "visit_conflicts")
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
NO_SUMMARY = {"conflict_assets/summary_by": "nobody"}
"""Spares the summary after a run whose test is not about it: each costs as much as a run."""

T = TypeVar("T")


def wait(look: Callable[[], T], ended: Callable[[T], bool], seconds: float = 500) -> T:
    """Look until it is as wanted; what was seen last is told when it never is."""
    deadline = time.monotonic() + seconds
    while not ended(found := look()):
        assert time.monotonic() < deadline, f"still {found} after {seconds} s"
        time.sleep(0.3)
    return found


class Dagster:
    """A webserver's GraphQL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310 - our own server
            answer = json.loads(response.read())
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def _mutate(self, text: str, succeeded: str, **variables: Any) -> dict[str, Any]:
        (answer,) = self.query(text, **variables).values()
        assert answer["__typename"] == succeeded, answer
        return answer

    # Starting and stopping

    def launch(
        self,
        job: str = "nightly_conflicts",
        *,
        tags: dict[str, str],
        workers: int | None = None,
        assets: Iterable[str] = (),
    ) -> str:
        """Launch a job as the launchpad does; some of its assets only, where they are named."""
        selector: dict[str, Any] = {**LOCATION, "pipelineName": job}
        if assets:
            selector["assetSelection"] = [{"path": [asset]} for asset in assets]
        config = {"execution": {"config": {"max_concurrent": workers}}} if workers else {}
        answer = self._mutate(
            """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
                 __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
                 ... on RunConfigValidationInvalid { errors { message } } } }""",
            "LaunchRunSuccess",
            params={
                "selector": selector,
                "runConfigData": json.dumps(config),
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )
        return answer["run"]["runId"]

    def launch_range(self, first: str, last: str, *, workers: int | None = None, **tags: str) -> str:
        """Launch one run of the night's job over a range of prefixes, without a summary unless `tags` are given."""
        bounds = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return self.launch(tags=bounds | (tags or NO_SUMMARY), workers=workers)

    def materialize(self, prefix: str, *, summary: bool = False) -> str:
        """Materialize one partition of both assets, as the button on the asset's page does."""
        tags = {"dagster/partition": prefix} | ({} if summary else NO_SUMMARY)
        return self.launch("__ASSET_JOB", tags=tags, assets=ASSETS)

    def reexecute(self, run_id: str) -> str:
        """Re-execute a run from failure."""
        answer = self._mutate(
            """mutation($params: ReexecutionParams!) { launchPipelineReexecution(reexecutionParams: $params) {
                 __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }""",
            "LaunchRunSuccess",
            params={"parentRunId": run_id, "strategy": "FROM_FAILURE"},
        )
        return answer["run"]["runId"]

    def terminate(self, run_id: str, *, force: bool = False) -> None:
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE"
        self._mutate(
            """mutation($id: String!, $policy: TerminateRunPolicy!) {
                 terminateRun(runId: $id, terminatePolicy: $policy) {
                   __typename ... on TerminateRunFailure { message } } }""",
            "TerminateRunSuccess",
            id=run_id,
            policy=policy,
        )

    def backfill(self, prefixes: Iterable[str], *, summary: bool = False) -> str:
        """Launch a backfill of both assets over any prefixes."""
        tags = {} if summary else NO_SUMMARY
        answer = self._mutate(
            """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
                 __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
            "LaunchBackfillSuccess",
            params={
                "assetSelection": [{"path": [asset]} for asset in ASSETS],
                "partitionNames": list(prefixes),
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            },
        )
        return answer["backfillId"]

    def cancel_backfill(self, backfill_id: str) -> None:
        self._mutate(
            """mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename
                 ... on PythonError { message } } }""",
            "CancelBackfillSuccess",
            id=backfill_id,
        )

    def reexecute_backfill(self, backfill_id: str) -> str:
        """Re-execute a backfill from failure: a backfill of what it has left undone."""
        answer = self._mutate(
            """mutation($params: ReexecutionParams!) { reexecutePartitionBackfill(reexecutionParams: $params) {
                 __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
            "LaunchBackfillSuccess",
            params={"parentRunId": backfill_id, "strategy": "FROM_FAILURE"},
        )
        return answer["backfillId"]

    def forget_assets(self) -> None:
        """Wipe what Dagster knows of the assets: all partitions are missing again."""
        self._mutate(
            """mutation($ranges: [PartitionsByAssetSelector!]!) { wipeAssets(assetPartitionRanges: $ranges) { __typename
                 ... on PythonError { message } } }""",
            "AssetWipeSuccess",
            ranges=[{"assetKey": {"path": [asset]}} for asset in ASSETS],
        )

    # Runs and backfills

    def runs_of_job(self, job: str) -> list[str]:
        """The runs that the job's page lists, newest first."""
        label = f"{LOCATION['repositoryName']}@{LOCATION['repositoryLocationName']}"
        text = """query($filter: RunsFilter!) { pipelineRunsOrError(filter: $filter, limit: 100) {
                    ... on Runs { results { runId } } } }"""
        wanted = {"pipelineName": job, "tags": [{"key": ".dagster/repository", "value": label}]}
        results = self.query(text, filter=wanted)["pipelineRunsOrError"]["results"]
        return [each["runId"] for each in results]

    def runs_of_timeline(self, job: str) -> list[str]:
        """The runs that the code location tells of a job, as the timeline asks."""
        text = """query($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) {
                    ... on Repository { pipelines { name runs(limit: 100) { runId } } } } }"""
        jobs = self.query(text, selector=LOCATION)["repositoryOrError"]["pipelines"]
        return [run["runId"] for each in jobs if each["name"] == job for run in each["runs"]]

    def run_status(self, run_id: str) -> str:
        data = self.query("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
        return data["runOrError"]["status"]

    def await_run(self, run_id: str, seconds: float = 500) -> str:
        """How a run ends."""
        return wait(lambda: self.run_status(run_id), lambda status: status in ENDED, seconds)

    def await_start(self, run_id: str) -> None:
        wait(lambda: self.run_status(run_id), lambda status: status not in {"QUEUED", "NOT_STARTED", "STARTING"})

    def await_backfill(self, backfill_id: str, seconds: float = 800) -> str:
        """How a backfill ends."""
        text = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
                    ... on PartitionBackfill { status } } }"""
        return wait(
            lambda: self.query(text, id=backfill_id)["partitionBackfillOrError"]["status"],
            lambda status: status.startswith(("COMPLETED", "FAILED")) or status == "CANCELED",
            seconds,
        )

    def runs(self, job: str | None = None, tags: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Runs of a job or with tags, newest first: `runId`, `status`, `tags` as a dictionary."""
        chosen: dict[str, Any] = {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]}
        if job:
            chosen["pipelineName"] = job
        text = """query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results {
                    runId status tags { key value } } } } }"""
        found = self.query(text, filter=chosen)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found]

    def runs_of_backfill(self, backfill_id: str) -> dict[tuple[str, str], str]:
        """The ranges of prefixes that a backfill has made runs of, and how each has ended."""
        runs = self.runs(tags={"dagster/backfill": backfill_id})
        return {bounds(run["tags"]): run["status"] for run in runs}

    def steps(self, run_id: str) -> dict[str, dict[str, Any]]:
        """Each step of a run: `status`, `startTime`, `endTime`, and its `attempts`."""
        text = """query($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats {
                    stepKey status startTime endTime attempts { startTime endTime } } } } }"""
        return {step["stepKey"]: step for step in self.query(text, id=run_id)["runOrError"]["stepStats"]}

    def successful_steps(self, run_id: str) -> set[str]:
        """The steps that this very run has done, without the asset's name."""
        steps = self.steps(run_id).items()
        return {key.removeprefix("visit_conflicts.") for key, step in steps if step["status"] == "SUCCESS"}

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """What a run has logged: `type`, `message`, `stepKey`, `timestamp` (seconds), `pid` where one is told."""
        text = """query($id: ID!, $after: String) { logsForRun(runId: $id, afterCursor: $after, limit: 1000) {
             ... on EventConnection { cursor hasMore events { __typename
               ... on MessageEvent { message stepKey timestamp level }
               ... on AssetCheckEvaluationEvent { evaluation { partition } }
               ... on ExecutionStepUpForRetryEvent { secondsToWait }
               ... on DisplayableEvent { metadataEntries { label ... on IntMetadataEntry { intValue }
                 ... on TextMetadataEntry { text } } } } } } }"""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.query(text, id=run_id, after=cursor)["logsForRun"]
            found += page["events"]
            cursor = page["cursor"]
            if not page["hasMore"]:
                return [_event(event) for event in found]

    def messages(self, run_id: str) -> list[str]:
        return [event["message"] for event in self.events(run_id)]

    def await_message(self, run_id: str, part: str, seconds: float = 500) -> str:
        """The first line of a run's log that holds these words."""
        found = wait(lambda: [line for line in self.messages(run_id) if part in line], bool, seconds)
        return found[0]

    def checked_prefixes(self, run_id: str) -> set[str]:
        """The prefixes that a run has logged verdicts for."""
        return {event["evaluation"]["partition"] for event in self.events(run_id) if event.get("evaluation")}

    # Assets

    def partitions(self, asset: str = "visit_conflicts") -> dict[str, set[str]]:
        """Partitions by status, as the UI's bar shows them."""
        text = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
             assetPartitionStatuses { ... on DefaultPartitionStatuses {
               materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions } } } } }"""
        statuses = self.query(text, key={"path": [asset]})["assetNodeOrError"]["assetPartitionStatuses"]
        return {name.removesuffix("Partitions"): set(found) for name, found in statuses.items()}

    def check_partitions(self, check: str, asset: str = "visit_conflicts") -> dict[str, set[str]]:
        """Partitions of a check by status; those that are in none of them show as missing."""
        text = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
             assetChecksOrError { ... on AssetChecks { checks { name partitionStatuses {
               ... on AssetCheckDefaultPartitionStatuses { succeededPartitions failedPartitions inProgressPartitions
                 skippedPartitions executionFailedPartitions } } } } } } } }"""
        found = self.query(text, key={"path": [asset]})["assetNodeOrError"]["assetChecksOrError"]["checks"]
        (statuses,) = [each["partitionStatuses"] for each in found if each["name"] == check]
        return {name.removesuffix("Partitions"): set(keys) for name, keys in statuses.items() if keys}

    def materializations(self, asset: str, limit: int = 300) -> list[dict[str, Any]]:
        """What the newest materializations say, newest first: `partition` and their metadata."""
        text = """query($key: AssetKeyInput!, $limit: Int!) { assetOrError(assetKey: $key) { ... on Asset {
             assetMaterializations(limit: $limit) { partition runId timestamp metadataEntries { label
               ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text } } } } } }"""
        found = self.query(text, key={"path": [asset]}, limit=limit)["assetOrError"].get("assetMaterializations", [])
        return [{**each, **_metadata(each)} for each in found]

    # Schedules and sensors

    def sensors(self) -> dict[str, str]:
        """The sensors, and whether they run."""
        text = """query($selector: RepositorySelector!) { sensorsOrError(repositorySelector: $selector) {
                    ... on Sensors { results { name sensorState { status } } } } }"""
        results = self.query(text, selector=LOCATION)["sensorsOrError"]["results"]
        return {each["name"]: each["sensorState"]["status"] for each in results}

    def ticks(self, sensor: str) -> list[str]:
        """What the last ticks of a sensor have said, newest first."""
        text = """query($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor {
                    sensorState { ticks(limit: 30) { skipReason } } } } }"""
        state = self.query(text, selector={**LOCATION, "sensorName": sensor})["sensorOrError"]["sensorState"]
        return [tick["skipReason"] or "" for tick in state["ticks"]]

    def schedule(self, name: str, since: float = 0.0) -> dict[str, Any]:
        """A schedule, its ticks, and the next ones that it would have after an instant."""
        text = """query($selector: ScheduleSelector!, $since: Float!) { scheduleOrError(scheduleSelector: $selector) {
             ... on Schedule { cronSchedule executionTimezone scheduleState { status ticks { status timestamp runIds } }
               potentialTickTimestamps(startTimestamp: $since, upperLimit: 4, lowerLimit: 0) } } }"""
        return self.query(text, selector={**LOCATION, "scheduleName": name}, since=since)["scheduleOrError"]


def bounds(tags: dict[str, str]) -> tuple[str, str]:
    """First and last prefix of a run, by its tags."""
    first = tags.get("dagster/asset_partition_range_start") or tags["dagster/partition"]
    return first, tags.get("dagster/asset_partition_range_end", first)


def _metadata(event: dict[str, Any]) -> dict[str, Any]:
    return {each["label"]: each.get("intValue", each.get("text")) for each in event.get("metadataEntries") or []}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    pid = _metadata(event).get("pid")
    return {
        "type": event["__typename"],
        "message": event.get("message") or "",
        "level": event.get("level"),
        "stepKey": event.get("stepKey"),
        "timestamp": int(event.get("timestamp") or 0) / 1000,
        "evaluation": event.get("evaluation"),
        "secondsToWait": event.get("secondsToWait"),
        "pid": int(pid) if pid else None,
    }
