"""What a worker of a run does in the tests of forked workers: it starts a step, and tells of both."""

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

MODULE = "conflict_assets.definitions"


def state() -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "has_definitions": MODULE in sys.modules,
        "freezes": __import__("gc").get_freeze_count() > 100_000,
    }


def step(folder: str, lasts: float) -> None:
    (Path(folder) / "step.new").write_text(json.dumps(state()))
    (Path(folder) / "step.new").rename(Path(folder) / "step.json")
    time.sleep(lasts)


def work(folder: str, lasts: float) -> None:
    started = time.monotonic()
    process = multiprocessing.get_context("forkserver").Process(target=step, args=(folder, lasts))
    process.start()
    while not (Path(folder) / "step.json").exists():
        time.sleep(0.01)
    told = state() | {"step_after": time.monotonic() - started}
    (Path(folder) / "worker.new").write_text(json.dumps(told))
    (Path(folder) / "worker.new").rename(Path(folder) / "worker.json")
    process.join()


def serve(folder: str, lasts: float) -> None:
    """Be the code server: start a worker, and wait for it."""
    from conflict_assets.automation.forked_workers import forked_workers

    context = forked_workers(MODULE)
    assert context is not None
    worker = context.Process(target=work, args=(folder, lasts))
    worker.start()
    worker.join()
    sys.exit(worker.exitcode)


if __name__ == "__main__":
    serve(sys.argv[1], float(sys.argv[2]))
