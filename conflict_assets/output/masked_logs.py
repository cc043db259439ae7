"""Log lines and traces without SSNs and secrets, whoever writes them: one place for all loggers of a process."""

import logging
import sys
import traceback
from typing import Any

from conflict_assets.domain.privacy import masked

_plain = logging.LogRecord


def mask_logs() -> None:
    """Let every record of this process be made masked."""
    logging.setLogRecordFactory(_masked_record)


def plain_trace(error: BaseException) -> str:
    """The trace of an error with its causes, as Python writes it."""
    return "".join(traceback.format_exception(error))


def masked_trace(error: BaseException) -> str:
    """The same, masked."""
    return masked(plain_trace(error))


def _masked_record(*arguments: Any, **options: Any) -> logging.LogRecord:
    record = _plain(*arguments, **options)
    try:
        record.msg, record.args = masked(record.getMessage()), ()
    except Exception:  # noqa: BLE001 - a wrong log call is told by its handler, as ever
        return record
    if record.exc_info and record.exc_info[1] is not None:
        # Formatters take the text that is there, and make one of the error only where there is none.
        record.exc_text = masked_trace(record.exc_info[1]).rstrip("\n")
    return record


def print_masked_trace(error: BaseException) -> None:
    """Print what Python prints of an error that nobody expects, masked."""
    sys.stderr.write(masked_trace(error))
