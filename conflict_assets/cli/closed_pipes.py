"""Output that nobody reads any more.

An example is `conflict-assets doctor | head -1`. The output is lost, and that is no failure. A command goes on to its
own end and its own exit code: a night commits, an export is written. This is done below Rich, Click and `print`, since
each of them ends the process in a way of its own.
"""

import io
import os
import sys
from typing import TextIO, cast

OUTPUT, ERRORS = 1, 2


def outlive_readers() -> None:
    """Discard this process's output and errors once their reader is gone.

    They are also discarded where there never was a reader.
    """
    _fill_gaps()
    sys.stdout = _outliving(sys.stdout, OUTPUT)
    sys.stderr = _outliving(sys.stderr, ERRORS)


class _OutlivingFile(io.FileIO):
    """A descriptor that leads nowhere from the moment its reader is gone."""

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
    """Return the same stream over a file that outlives its reader.

    The stream that Python has made stays open beside it, unused.
    """
    file = io.BufferedWriter(cast(io.RawIOBase, _OutlivingFile(descriptor, "wb", closefd=False)))
    encoding, errors = (stream.encoding, stream.errors) if stream else ("utf-8", "replace")
    by_line = descriptor == ERRORS or os.isatty(descriptor)
    return io.TextIOWrapper(file, encoding=encoding, errors=errors, line_buffering=by_line)


def _fill_gaps() -> None:
    """Open standard descriptors that were given closed (`>&-`).

    Otherwise a file of ours would get one of their numbers, and what is printed would go into it.
    """
    for descriptor in range(ERRORS + 1):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
