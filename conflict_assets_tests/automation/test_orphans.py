"""A step's process ends when its command has gone, even if it waits for somebody who reads what it has to tell."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

COMMAND = """
import multiprocessing, sys, time
from conflict_assets_tests.automation.orphan_steps import tell_much

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["conflict_assets_tests.automation.orphan_steps"])
queue = context.Queue()
step = context.Process(target=tell_much, args=(queue,))
step.start()
print(step.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def command():
    with subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def step(command):
    process = psutil.Process(int(command.stdout.readline()))
    yield process
    if process.is_running():
        process.kill()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM], ids=lambda sign: sign.name)
def test_a_step_whose_command_has_died_ends_though_nobody_reads_what_it_tells(command, step, sign):
    time.sleep(1)
    command.send_signal(sign)
    command.wait(60)
    step.wait(60)


def test_a_step_whose_command_lives_goes_on(step):
    with pytest.raises(psutil.TimeoutExpired):
        step.wait(5)
