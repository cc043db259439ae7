"""Log lines and traces without SSNs and secrets.

This is the one place for all loggers of a process, whoever writes to them.
"""

import logging
import sys
import traceback
from typing import Any

from conflict_assets.domain.masking import masked

_plain = logging.LogRecord


def mask_logs() -> None:
    """Mask every log record that this process makes."""
    logging.setLogRecordFactory(_masked_record)


def plain_trace(error: BaseException) -> str:
    """Return the trace of an error with its causes, as Python writes it."""
    return "".join(traceback.format_exception(error))


def masked_trace(error: BaseException) -> str:
    """Return the trace of an error with its causes, masked."""
    return masked(plain_trace(error))


def _masked_record(*arguments: Any, **options: Any) -> logging.LogRecord:
    record = _plain(*arguments, **options)
    try:
        record.msg, record.args = masked(record.getMessage()), ()
    except Exception:  # noqa: BLE001 - the handler reports a wrong log call, as ever
        return record
    if record.exc_info and record.exc_info[1] is not None:
        # Formatters use this text, and make one from the error only where there is none.
        record.exc_text = masked_trace(record.exc_info[1]).rstrip("\n")
    return record


def print_masked_trace(error: BaseException) -> None:
    """Print the trace of an unexpected error, masked."""
    sys.stderr.write(masked_trace(error))
