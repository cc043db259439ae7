"""The reason of a failed step, in one sentence.

An error of this package becomes Dagster's `Failure`, without a trace. Other errors retain their trace, unless it quotes
an SSN or a secret: then they become a `Failure` too, masked.

Transient errors are left to the op's retry policy. The last attempt fails by its cause, not by the policy's own error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from dagster import (
    AssetExecutionContext,
    Backoff,
    Failure,
    Jitter,
    OpExecutionContext,
    RetryPolicy,
    RetryRequested,
)

from conflict_assets.domain.masking import masked
from conflict_assets.output.masked_logs import masked_trace, plain_trace
from conflict_assets.settings import SettingsError
from conflict_assets.source.protocol import SourceError, TransientSourceError
from conflict_assets.store.errors import StoreError, TransientStoreError

RETRIES = 2
STEP_RETRIES = RetryPolicy(max_retries=RETRIES, delay=2, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
"""The policy also repeats a step whose process was killed.

A permanent failure says itself that it is not to be repeated.
"""

SOURCE_RETRIES = RetryPolicy(max_retries=RETRIES, delay=10)
"""The policy of the step that reads the source.

It waits longer, since a busy warehouse needs more time.
"""

OUR_OWN = (SettingsError, SourceError, StoreError)
TRANSIENT = (TransientSourceError, TransientStoreError, ConnectionError, TimeoutError)


@contextmanager
def failing_in_words(context: AssetExecutionContext | OpExecutionContext) -> Iterator[None]:
    """Fail the step with the message of the error that the block raises.

    This holds for errors of this package, of the system, and for those with something to be masked. Others are raised
    again as they are.
    """
    try:
        yield
    except (Failure, RetryRequested):
        raise
    except OUR_OWN as error:
        fail_step(context, str(error), transient=isinstance(error, TRANSIENT))
    except OSError as error:
        fail_step(context, system_error_line(error), transient=isinstance(error, TRANSIENT))
    except Exception as error:
        if masked_trace(error) == plain_trace(error):
            raise
        fail_step(context, f"{type(error).__name__}: {masked(str(error))}", transient=True)


def fail_step(context: AssetExecutionContext | OpExecutionContext, text: str, *, transient: bool) -> NoReturn:
    """Fail the step with a text.

    A transient failure is tried again as often as the policy allows.
    """
    op_context = context.op_execution_context if isinstance(context, AssetExecutionContext) else context
    raise Failure(masked(text), allow_retries=transient and op_context.retry_number < RETRIES) from None


def system_error_line(error: OSError) -> str:
    """Return what the system says and about which file.

    Examples are a full disk and a missing right.
    """
    where = f" ({error.filename})" if error.filename else ""
    return (
        f"The system says: {error.strerror or type(error).__name__}{where}. "
        "Look at the disk of CONFLICTS_DATA_DIR and at the rights of the platform's user."
    )
