"""Runs that are launched as the UI launches them, over GraphQL."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

STARTS_WITHIN = 120
ENDS_WITHIN = 300
LOOK_EVERY = 0.05

_LAUNCH = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } } }"""
_RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status creationTime endTime } } }"
_LOCATIONS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"


class Webserver:
    """The UI and the daemon of one checkout, as `conflict-assets dev` starts them."""

    def __init__(self, checkout: Path, environment: Mapping[str, str], port: int) -> None:
        self._command = [str(checkout / ".venv" / "bin" / "conflict-assets"), "dev", "--port", str(port)]
        self._checkout, self._environment = checkout, dict(environment)
        self._url = f"http://127.0.0.1:{port}/graphql"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            cwd=self._checkout,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._is_up():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(self._command)} does not answer within {STARTS_WITHIN} s")
            time.sleep(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(60)

    def launch(self, job: str, prefix: str) -> tuple[float, float]:
        """Launch a job over one prefix, and return the times of its launch and its end."""
        bounds = dict.fromkeys(("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), prefix)
        # No summary follows: it would run beside the next launch.
        tags = bounds | {"conflict_assets/summary_by": "nobody"}
        params = {
            "selector": {
                "repositoryLocationName": "conflict_assets",
                "repositoryName": "__repository__",
                "pipelineName": job,
            },
            "runConfigData": "{}",
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        (launched,) = self._ask(_LAUNCH, params=params).values()
        deadline = time.monotonic() + ENDS_WITHIN
        while True:
            run = self._ask(_RUN, id=launched["run"]["runId"])["runOrError"]
            if run["endTime"] is not None:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the run has not ended within {ENDS_WITHIN} s: {run['status']}")
            time.sleep(LOOK_EVERY)
        if run["status"] != "SUCCESS":
            raise RuntimeError(f"the run has ended as {run['status']}")
        return float(run["creationTime"]), float(run["endTime"])

    def _is_up(self) -> bool:
        try:
            return bool(self._ask(_LOCATIONS)["repositoriesOrError"].get("nodes"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own server
            answer: dict[str, Any] = json.loads(response.read())
        return answer["data"]
