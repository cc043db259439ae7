"""Steps are forked from a server that imports what they need while the command does something else."""

import subprocess
import sys

PROBE = """
import multiprocessing
import sys
from conflict_assets.running.forkserver import start_forkserver

def tell(queue):
    queue.put(("conflict_assets.definitions" in sys.modules, "matplotlib" in sys.modules))

if __name__ == "__main__":
    start_forkserver()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dagster"])  # as Dagster does, later
    queue = context.Queue()
    process = context.Process(target=tell, args=(queue,))
    process.start()
    print(*queue.get(timeout=60))
    process.join()
"""


def test_a_step_finds_all_imported_although_dagster_asks_for_less(tmp_path):
    script = tmp_path / "probe.py"
    script.write_text(PROBE)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.split() == ["True", "False"], done.stderr
