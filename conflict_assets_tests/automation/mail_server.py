"""A real mail server on this machine, with TLS by a certificate of its own authority."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER = "night@example.com"
PASSWORD = "mail-password-of-the-test"  # noqa: S105 - of the test's own server


@dataclass
class MailServer:
    """Where it listens, whom one must trust to speak to it, and what it was sent."""

    port: int
    authority: Path
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logged_in: list[bool] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message, and note how it came."""
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(envelope.rcpt_tos)
        self.logged_in.append(session.authenticated)
        return "250 OK"


class StartTlsController(Controller):
    """Begins in the clear, and takes a login only when it is encrypted."""

    def __init__(self, handler: Any, *, context: ssl.SSLContext, **options: Any) -> None:
        self._tls = context
        super().__init__(handler, **options)

    def factory(self) -> SMTP:
        return SMTP(self.handler, tls_context=self._tls, require_starttls=True, **self.SMTP_kwargs)


def _check_login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(folder: Path, security: str) -> Iterator[MailServer]:
    """Serve mail on a free port of the loopback, by `ssl` or `starttls`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    server = MailServer(port=0, authority=folder / "authority.pem")
    options: dict[str, Any] = {"hostname": "localhost", "port": _free_port(), "authenticator": _check_login}
    if security == "ssl":
        # It knows of STARTTLS only; by `ssl` nothing is ever said in the clear.
        controller = Controller(server, ssl_context=context, auth_require_tls=False, **options)
    else:
        controller = StartTlsController(server, context=context, auth_required=True, **options)
    controller.start()
    server.port = options["port"]
    try:
        yield server
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
