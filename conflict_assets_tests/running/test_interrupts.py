"""A night that is broken off ends: in order, or by force where something hangs."""

import signal
import subprocess
import sys

import pytest

STUCK = """
import sys
import threading
from conflict_assets.running import interrupts

interrupts.GRACE_SECONDS = 0.5
interrupts.end_by_interrupt()
try:
    print("ready", flush=True)
    threading.Event().wait()
except KeyboardInterrupt:
    lock = threading.Lock()
    lock.acquire()
    while True:
        try:
            lock.acquire()
        except KeyboardInterrupt:
            pass
"""
"""Hangs as Dagster's executor may: nothing wakes it up."""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda sign: sign.name)
def test_what_hangs_when_it_is_broken_off_is_ended_by_force(sign):
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(sign)
        _, complained = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "ended by force" in complained
    assert "Traceback" not in complained


IGNORED = """
import os
import signal
from conflict_assets.running.interrupts import end_by_interrupt

signal.signal(signal.SIGHUP, signal.SIG_IGN)
end_by_interrupt()
os.kill(os.getpid(), signal.SIGHUP)
print("goes on")
"""


def test_a_night_under_nohup_outlives_its_terminal():
    done = subprocess.run([sys.executable, "-c", IGNORED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "goes on\n")


ASKED = """
import os
import signal
import time
from conflict_assets.running.interrupts import end_by_interrupt

signal.signal(signal.SIGINT, {handler})
end_by_interrupt()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)
    print("goes on")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("handler", "printed"),
    [
        ("signal.SIG_IGN", "interrupted\n"),
        ("signal.default_int_handler", "interrupted\n"),
        ("lambda *_: print('handled')", "handled\ngoes on\n"),
    ],
    ids=["in the background", "Python's own", "Dagster's"],
)
def test_a_request_to_end_is_what_an_interrupt_is_there(handler, printed):
    code = ASKED.format(handler=handler)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (printed, "")
