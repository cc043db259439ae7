"""What steps print is kept as Dagster keeps it, by helpers that Ctrl-C does not reach."""

import signal
import sys
from pathlib import Path

import psutil
import pytest

from conflict_assets.automation.compute_logs import FOLDER, StepLogManager

KEY = ["run", "compute_logs", "step"]


def ignores_interrupts(process: psutil.Process) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored, 16) & 1 << signal.SIGINT - 1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_helpers_of_a_step_ignore_interrupts_and_the_step_does_not(tmp_path):
    manager = StepLogManager.from_config_value(None, {"home": str(tmp_path)})
    before = signal.getsignal(signal.SIGINT)
    others = {process.pid for process in psutil.Process().children()}
    with manager.capture_logs(KEY):
        helpers = [process for process in psutil.Process().children() if process.pid not in others]
        assert signal.getsignal(signal.SIGINT) is before
        sys.stdout.write("printed by a step\n")
        sys.stdout.flush()
        assert len(helpers) == 4
        assert all(map(ignores_interrupts, helpers))
    assert signal.getsignal(signal.SIGINT) is before
    assert "printed by a step" in (tmp_path / FOLDER / "run" / "compute_logs" / "step.out").read_text(encoding="utf-8")
