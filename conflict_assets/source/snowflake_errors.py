"""Translate the connector's errors into ours.

The translation shows which errors may be transient, and what to do about the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from snowflake.connector import errors
from snowflake.connector.vendored import requests

from conflict_assets.source.protocol import SourceError, TransientSourceError

_TRANSIENT = (
    errors.OperationalError,
    errors.InternalServerError,
    errors.ServiceUnavailableError,
    errors.GatewayTimeoutError,
    errors.BadGatewayError,
    errors.RequestTimeoutError,
    errors.TooManyRequests,
    errors.OtherHTTPRetryableError,
    errors.RequestExceedMaxRetryError,
    requests.exceptions.RequestException,
)
_STATEMENT_TIMEOUT = 630
"""`Statement reached its statement or warehouse timeout`: a busy warehouse may be free later."""

_WRONG_ACCOUNT = "Verify the account name"
"""How the connector says that the host answers and refuses. Trying again later does not help."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise what the connector raises as `TransientSourceError` or `SourceError`."""
    try:
        yield
    except (errors.Error, requests.exceptions.RequestException, pa.ArrowException) as error:
        said = str(error)
        if may_pass(error):
            raise TransientSourceError(
                f"Snowflake did not {doing}: {said}. This may pass by itself; if it goes on, look at the network, "
                "SNOWFLAKE_ACCOUNT, SNOWFLAKE_WAREHOUSE and SNOWFLAKE_STATEMENT_TIMEOUT."
            ) from None
        raise SourceError(
            f"Snowflake did not {doing}: {said}. Check SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER and its secret, "
            "SNOWFLAKE_ROLE and what the role may read; `conflict-assets doctor` looks at all of it."
        ) from None


def may_pass(error: Exception) -> bool:
    """Whether trying again later may help: lost connections, time-outs, overloaded servers."""
    if isinstance(error, errors.NonRetryableTlsError | errors.RevocationCheckError) or _WRONG_ACCOUNT in str(error):
        return False
    if isinstance(error, errors.ProgrammingError):
        return error.errno == _STATEMENT_TIMEOUT
    return isinstance(error, _TRANSIENT)
