"""A command of the platform under way, on a terminal of its own or none, and the home that its nights share."""

import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from select import select

import psutil

from conflict_assets.store.embedded.embedded_server import stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, bare_environment

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
CTRL_C = b"\x03"
IN_FRONT = 'exec "$@" >"$0" 2>&1 <"$0"'
"""A session's first process that opens a terminal is in front there: it gets the keys, and SIGHUP at its end."""

FIRST, OTHER = "A", "B"
"""The two states of the source: as it is generated, and as another file and another policy make it."""


class Terminal:
    """The other end of a command's terminal: reads what is shown, takes keys, and can be closed like a window."""

    def __init__(self, log: Path) -> None:
        self._ours, theirs = pty.openpty()
        self._open = [self._ours, theirs]
        self.path = os.ttyname(theirs)
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> None:
        """Close the window: the kernel sends SIGHUP, and nobody reads what is written from now on."""
        self._closing.set()
        self._reader.join()
        while self._open:
            os.close(self._open.pop())

    def _read(self, log: Path) -> None:
        with log.open("ab", buffering=0) as file:
            while not self._closing.is_set():
                if select([self._ours], [], [], 0.05)[0]:
                    with suppress(OSError):
                        file.write(os.read(self._ours, 65536))


@dataclass
class Night:
    """`conflict-assets run` under way, in a session and process group of its own as a shell starts it."""

    state: str
    process: subprocess.Popen[bytes]
    log: Path
    terminal: Terminal | None
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def is_over_within(self, seconds: float) -> bool:
        """Wait for its end."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self.terminal is not None:
            self.terminal.close()
        return True

    def said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass
class Home:
    """A platform in a folder of its own, with nothing but settings in the environment; no daemon anywhere."""

    folder: Path
    digits: int
    zone: str
    other_source: Path | None = None
    nights: int = 0
    url: str | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environment(self, state: str = FIRST) -> dict[str, str]:
        settings = {
            "CONFLICTS_DATA_DIR": str(self.data),
            "SSN_PREFIX_LENGTH": str(self.digits),
            "SCHEDULE_TIME_ZONE": self.zone,
            "GENERATED_VISITS": "20000",
            "VISITS_PER_STEP": "1",
            "MAX_WORKERS": "2",
        }
        if state == OTHER:
            settings |= {"SOURCE_FILE": str(self.other_source), "EXTRA_DISTANCE_FACTOR": "1.6"}
        inherited = {name: value for name, value in bare_environment().items() if name != "DAGSTER_HOME"}
        return inherited | {"TERM": "xterm", "COLUMNS": "200"} | settings

    def begin(self, state: str, *, on_terminal: bool = False) -> Night:
        """Start a night."""
        self.nights += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"night-{self.nights}.log"
        log.touch()
        terminal = Terminal(log) if on_terminal else None
        shown_on = terminal.path if terminal else str(log)
        process = subprocess.Popen(
            ["sh", "-c", IN_FRONT, shown_on, COMMAND, "run"],
            cwd=ROOT,
            env=self.environment(state),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return Night(state, process, log, terminal)

    def command(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run another command of the platform."""
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def learn_url(self) -> str:
        """Where the store is, as people are told."""
        if self.url is None:
            told = self.command("store", "url", "--password")
            self.url = shlex.split(told.stdout)[1]
        return self.url

    # Its processes

    def workers(self) -> list[psutil.Process]:
        """What lives of commands and their steps."""
        return [each for each in living() if not self._is_of_server(each) and self._is_ours(each)]

    def server(self) -> list[psutil.Process]:
        """What lives of the embedded PostgreSQL and of the process that stops it when it is idle."""
        return [each for each in living() if self._is_of_server(each)]

    def end(self) -> None:
        """End what lives, the server as well."""
        end(self.workers())
        stop_embedded(self.data / "postgres")
        end(self.server())

    def remove(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_of_server(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return Path(process.cwd()).is_relative_to(self.data / "postgres")
        return False

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return process.environ().get("CONFLICTS_DATA_DIR") == str(self.data)
        return False


def living() -> list[psutil.Process]:
    """Every process but the dead that nobody has buried."""
    return [each for each in psutil.process_iter() if is_alive(each)]


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def end(processes: Iterable[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.Error):
            each.send_signal(signal.SIGKILL)
