"""The cost of a command: wall time, CPU and memory of all its processes.

Memory is sampled five times a second. CPU is exact: a process that a command leaves behind becomes a child of this
process, is waited for, and counts.
"""

import ctypes
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

INTERVAL = 0.2
SERVER_EVERY = 5
"""The number of samples of the command for one sample of PostgreSQL.

A sample of PostgreSQL costs some milliseconds of a core.
"""

ORPHAN_SECONDS = 30
PR_SET_CHILD_SUBREAPER = 36
KIBIBYTE = 1024


@dataclass
class Usage:
    """The usage of one command, with memory in bytes.

    `server` figures are those of PostgreSQL's processes.
    """

    begun: float
    """The start in seconds since 1970."""
    wall: float = 0.0
    cpu: float = 0.0
    server_cpu: float = 0.0
    largest: int = 0
    """The highest resident memory of any one process, as the kernel records it."""
    together: int = 0
    """The highest sum over all processes at one moment.

    A page that several processes share counts once (PSS).
    """
    server_memory: int = 0
    output: str = ""
    seen: dict[str, float] = field(default_factory=dict)
    """The time (seconds since 1970) at which each awaited thing appeared."""


@dataclass(frozen=True)
class Command:
    """A command line and its whole environment.

    `awaited` are things whose first moment is to be noted, by name.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    awaited: Mapping[str, Callable[[], bool]] = field(default_factory=dict)


def measure(command: Command, server: psutil.Process) -> Usage:
    """Run a command to its end and return its usage.

    Raises:
        RuntimeError: it failed; the message holds the end of what it said.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors, _adopting_orphans():
        others = _children()
        before, server_before = _children_cpu(), _cpu_of(server)
        usage, started = Usage(begun=time.time()), time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command.arguments, env=dict(command.environment), stdout=output, stderr=errors
        )
        try:
            _watch(process, usage, command, server)
        except BaseException:
            _kill_all()
            raise
        usage.wall = time.perf_counter() - started
        _bury_orphans(others)
        usage.cpu, usage.server_cpu = _children_cpu() - before, _cpu_of(server) - server_before
        output.seek(0)
        errors.seek(0)
        usage.output = output.read()
        if process.returncode:
            raise RuntimeError(
                f"{' '.join(command.arguments[:4])} failed: {usage.output[-500:]}{errors.read()[-1500:]}"
            )
    return usage


def _watch(process: subprocess.Popen[bytes], usage: Usage, command: Command, server: psutil.Process) -> None:
    looks = 0
    while _still_running(process):
        _look(usage, command.awaited)
        if looks % SERVER_EVERY == 0:
            everyone = [server, *server.children(recursive=True)]
            usage.server_memory = max(usage.server_memory, _proportional(everyone))
        looks += 1


def _kill_all() -> None:
    """End the command and all processes that it has started.

    This process has no other children.
    """
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(INTERVAL)
    return process.returncode is None


def _look(usage: Usage, awaited: Mapping[str, Callable[[], bool]]) -> None:
    tree = psutil.Process().children(recursive=True)
    usage.largest = max(usage.largest, *(_peak_of(process) for process in tree), 0)
    usage.together = max(usage.together, _proportional(tree))
    for name, has_come in awaited.items():
        if name not in usage.seen and has_come():
            usage.seen[name] = time.time()


def _peak_of(process: psutil.Process) -> int:
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * KIBIBYTE
    return 0


def _proportional(processes: Sequence[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


def _cpu_of(server: psutil.Process) -> float:
    """Return the CPU of PostgreSQL since its start.

    Backends that have ended count with the process that started them.
    """
    own = server.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for process in server.children(recursive=True):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Become the parent of processes that outlive theirs, such as Dagster's forkserver."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _bury_orphans(others: set[int]) -> None:
    """Wait for all children but the others, which were there before the command."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while left := _children() - others:
        if time.monotonic() > deadline:
            names = {" ".join(psutil.Process(child).cmdline()) for child in left}
            raise RuntimeError(f"still there {ORPHAN_SECONDS} s after the command's end: {names}")
        for child in left:
            os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)


def _children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}
