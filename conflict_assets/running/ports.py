"""The port of Dagster's UI, tried before anything starts that needs it."""

import errno
import socket

from conflict_assets.domain.masking import MaskedError


class PortError(MaskedError):
    """The UI can't listen on a port.

    The message says why and what to do.
    """


def require_free_port(host: str, port: int) -> None:
    """Listen on a port for a moment, as the webserver will.

    Raises:
        PortError: somebody else listens there, or nobody may.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server((str(address[0]), port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortError(
                f"Port {port} of {host} is taken by another program, perhaps by another Dagster UI. "
                f"Stop that, or choose another port: --port {_next(port)} (make dev PORT={_next(port)})"
            ) from None
        raise PortError(
            f"Port {port} of {host} can't be listened on: {error.strerror}. "
            "Allowed is a port from 1024 of an address of this machine: --port 3000 --host 127.0.0.1"
        ) from None


def _next(port: int) -> int:
    return port + 1 if port < 65_535 else 3000  # noqa: PLR2004
