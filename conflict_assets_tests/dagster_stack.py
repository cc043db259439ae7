"""A real webserver and a real daemon over a folder of their own, driven by GraphQL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conflict_assets.running.instance import instance_yaml, make_storage
from conflict_assets.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
LOCATION = "conflict_assets"
REPOSITORY = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


def platform_environment(folder: Path, **settings: str) -> dict[str, str]:
    """An environment in which nothing is configured but where the data lies, and what is given."""
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    home = folder / "dagster_home"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(instance_yaml(load_settings()))
    return inherited | {"CONFLICTS_DATA_DIR": str(folder / "data"), "DAGSTER_HOME": str(home)} | settings


@dataclass
class Stack:
    """A running platform: its address and the environment of its processes."""

    url: str
    environment: dict[str, str]

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310 - our own server
            answer = json.loads(response.read())
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def materialize(self, assets: list[str], partition: str) -> str:
        """Materialize one partition of some assets, as the asset page's button does."""
        selection = {"assetSelection": [{"path": [asset]} for asset in assets]}
        return self.launch("__ASSET_JOB", {"dagster/partition": partition}, selection=selection)

    def launch(
        self,
        job: str,
        tags: dict[str, str] | None = None,
        config: dict[str, Any] | None = None,
        selection: dict[str, Any] | None = None,
    ) -> str:
        data = self.query(
            """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
                 __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
                 ... on RunConfigValidationInvalid { errors { message } }
                 ... on InvalidSubsetError { message } } }""",
            params={
                "selector": {**REPOSITORY, "pipelineName": job, **(selection or {})},
                "runConfigData": json.dumps(config or {}),
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]},
            },
        )["launchPipelineExecution"]
        assert data["__typename"] == "LaunchRunSuccess", data
        return data["run"]["runId"]

    def backfill(self, assets: list[str], partitions: list[str]) -> str:
        data = self.query(
            """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
                 __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
            params={
                "assetSelection": [{"path": [asset]} for asset in assets],
                "partitionNames": partitions,
            },
        )["launchPartitionBackfill"]
        assert data["__typename"] == "LaunchBackfillSuccess", data
        return data["backfillId"]

    def reexecute_from_failure(self, run_id: str) -> str:
        data = self.query(
            """mutation($params: ReexecutionParams!) { launchPipelineReexecution(reexecutionParams: $params) {
                 __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }""",
            params={"parentRunId": run_id, "strategy": "FROM_FAILURE"},
        )["launchPipelineReexecution"]
        assert data["__typename"] == "LaunchRunSuccess", data
        return data["run"]["runId"]

    def run_status(self, run_id: str) -> str:
        data = self.query("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
        return data["runOrError"]["status"]

    def wait_for_run(self, run_id: str, seconds: float = 400) -> str:
        return self.wait(lambda: self.run_status(run_id), lambda status: status in ENDED, seconds)

    def wait_for_backfill(self, backfill_id: str, seconds: float = 500) -> str:
        text = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
                    ... on PartitionBackfill { status } } }"""
        return self.wait(
            lambda: self.query(text, id=backfill_id)["partitionBackfillOrError"]["status"],
            lambda status: status.startswith(("COMPLETED", "FAILED", "CANCELED")),
            seconds,
        )

    def wait(self, look: Any, ended: Any, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while not ended(found := look()):
            assert time.monotonic() < deadline, f"still {found} after {seconds} s"
            time.sleep(0.5)
        return found

    def partition_statuses(self, asset: str) -> dict[str, set[str]]:
        """Partitions by status, as the UI's bar shows them: materialized, failed, unmaterialized."""
        text = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
             partitionKeys assetPartitionStatuses { ... on DefaultPartitionStatuses {
               materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions } } } } }"""
        node = self.query(text, key={"path": [asset]})["assetNodeOrError"]
        statuses = node["assetPartitionStatuses"]
        return {
            name: set(statuses[f"{name}Partitions"])
            for name in ("materialized", "failed", "unmaterialized", "materializing")
        }

    def steps(self, run_id: str) -> dict[str, str]:
        text = """query($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats { stepKey status } } } }"""
        return {each["stepKey"]: each["status"] for each in self.query(text, id=run_id)["runOrError"]["stepStats"]}

    def checked_prefixes(self, run_id: str) -> set[str]:
        """The prefixes that a run has logged verdicts for."""
        text = """query($id: ID!) { logsForRun(runId: $id, limit: 1000) { ... on EventConnection { events {
             ... on AssetCheckEvaluationEvent { evaluation { partition } } } } } }"""
        events = self.query(text, id=run_id)["logsForRun"]["events"]
        return {each["evaluation"]["partition"] for each in events if each.get("evaluation")}

    def messages(self, run_id: str) -> list[str]:
        """What a run has said so far."""
        text = """query($id: ID!) { logsForRun(runId: $id, limit: 1000) { ... on EventConnection { events {
             ... on MessageEvent { message } } } } }"""
        return [each["message"] for each in self.query(text, id=run_id)["logsForRun"]["events"] if "message" in each]

    def runs(self, job: str) -> list[dict[str, Any]]:
        text = """query($job: String!) { runsOrError(filter: {pipelineName: $job}) {
                    ... on Runs { results { runId status tags { key value } } } } }"""
        return self.query(text, job=job)["runsOrError"]["results"]


@contextmanager
def running_stack(folder: Path, **settings: str) -> Iterator[Stack]:
    """Start webserver and daemon; stop both at the end, with all that they have started."""
    environment = platform_environment(folder, **settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    binaries = Path(sys.executable).parent
    commands = (
        [str(binaries / "dagster-webserver"), "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)],
        [str(binaries / "dagster-daemon"), "run", "-w", "workspace.yaml"],
    )
    processes: list[subprocess.Popen[bytes]] = []
    try:
        stack = Stack(f"http://127.0.0.1:{port}", environment)
        make_storage(Path(environment["DAGSTER_HOME"]))
        processes += [_start(command, environment, folder / f"{Path(command[0]).name}.log") for command in commands]
        _wait_until_up(stack, processes, folder)
        yield stack
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait_until_up(stack: Stack, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            data = stack.query(
                """{ workspaceOrError { ... on Workspace { locationEntries {
                       loadStatus locationOrLoadError { __typename } } } } }"""
            )
            entries = data["workspaceOrError"]["locationEntries"]
            if entries and all(entry["loadStatus"] == "LOADED" for entry in entries):
                assert entries[0]["locationOrLoadError"]["__typename"] == "RepositoryLocation", entries
                return
        except OSError:
            pass
        logs = {path.name: path.read_text()[-2000:] for path in folder.glob("*.log")}
        assert all(process.poll() is None for process in processes), logs
        assert time.monotonic() < deadline, logs
        time.sleep(0.5)
