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


INTERRUPTED = """
import multiprocessing
import os
import signal
import sys
from conflict_assets.running.forkserver import start_forkserver

def tell(queue):
    queue.put(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

if __name__ == "__main__":
    start_forkserver()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.killpg(0, signal.SIGINT)
    signal.signal(signal.SIGINT, handler)
    queue = multiprocessing.get_context("forkserver").Queue()
    process = multiprocessing.get_context("forkserver").Process(target=tell, args=(queue,))
    process.start()
    print(queue.get(timeout=60), handler is signal.default_int_handler)
    process.join()
"""


def test_ctrl_c_while_it_imports_leaves_no_trace_and_its_steps_heed_interrupts(tmp_path):
    script = tmp_path / "probe.py"
    script.write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        start_new_session=True,
    )
    assert done.stdout.split() == ["True", "True"], done.stderr
    assert "Traceback" not in done.stderr
