"""Output that nobody reads any more, as in `conflict-assets doctor | head -1`: it is lost, and that is no failure.

A command goes on to its own end and its own exit code: a night commits, an export is written. This lies below
whatever prints, since Rich, Click and `print` each end the process in a way of their own.
"""

import io
import os
import sys
from typing import TextIO, cast

OUTPUT, ERRORS = 1, 2


def outlive_readers() -> None:
    """Let this process's output and errors go nowhere once their reader is gone, or where there never was one."""
    _fill_gaps()
    sys.stdout = _outliving(sys.stdout, OUTPUT)
    sys.stderr = _outliving(sys.stderr, ERRORS)


class _OutlivingFile(io.FileIO):
    """A descriptor that leads nowhere from the moment on in which its reader is gone."""

    def write(self, data: "bytes | memoryview") -> int | None:  # type: ignore[override]
        """Write, or lose what is written."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(data).nbytes


def _outliving(stream: TextIO | None, descriptor: int) -> TextIO:
    """The same stream over such a file; the one that Python has made stays open beside it, unused."""
    file = io.BufferedWriter(cast(io.RawIOBase, _OutlivingFile(descriptor, "wb", closefd=False)))
    encoding, errors = (stream.encoding, stream.errors) if stream else ("utf-8", "replace")
    by_line = descriptor == ERRORS or os.isatty(descriptor)
    return io.TextIOWrapper(file, encoding=encoding, errors=errors, line_buffering=by_line)


def _fill_gaps() -> None:
    """Open what was given closed (`>&-`), before a file of ours gets its number, and what is printed."""
    for descriptor in range(ERRORS + 1):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
