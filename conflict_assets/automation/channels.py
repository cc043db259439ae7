"""The channels by which alerts leave the platform: e-mail and a webhook.

Dagster's own e-mail sensor reports failed runs. It can't report late nights, so their e-mails are sent from here.
"""

import http.client
import json
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from conflict_assets.domain.masking import MaskedError
from conflict_assets.settings import Settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SECONDS = 10.0
ATTEMPTS = 3
WAIT_SECONDS = 2.0
_PORTS = {"ssl": 465, "starttls": 587}
_SERVER_FAULT = 500  # HTTP
_PERMANENT = 500  # SMTP
_MAIL_REMEDY = "Check ALERT_SMTP_HOST, ALERT_SMTP_PORT and ALERT_SMTP_SECURITY."


class AlertError(MaskedError):
    """An alert could not be delivered.

    The message names no addresses and no passwords.
    """


class TransientAlertError(AlertError):
    """An alert could not be delivered for a transient reason.

    The fault may be over in a moment.
    """


# Dagster does not repeat an alert of a failed run, so it is tried again here.
_again = retry(
    retry=retry_if_exception_type(TransientAlertError),
    stop=stop_after_attempt(ATTEMPTS),
    wait=lambda _attempts: WAIT_SECONDS,
    reraise=True,
)


@_again
def send_mail(subject: str, text: str, settings: Settings) -> None:
    """Send an e-mail to all recipients.

    Raises:
        AlertError: the server can't be reached, is not who it says, or refuses.
    """
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = sender = settings.alert_email_from or ""
    message["To"] = ", ".join(settings.alert_recipients)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    message.set_content(text)
    with mail_server(settings) as server:
        server.send_message(message)


@contextmanager
def mail_server(settings: Settings) -> Iterator[smtplib.SMTP]:
    """The mail server, encrypted and logged in to.

    Raises:
        AlertError: it can't be reached, is not who it says, or refuses; so it does in the block.
    """
    password = settings.alert_smtp_password
    user = settings.alert_smtp_user or settings.alert_email_from or ""
    try:
        with _encrypted(settings) as server:
            server.login(user, password.get_secret_value() if password else "")
            yield server
    except OSError as error:  # every error of smtplib and ssl is one
        raise _mail_error(error) from None
    except UnicodeError:  # it quotes a letter
        raise AlertError(
            "ALERT_SMTP_USER or ALERT_SMTP_PASSWORD holds a letter beyond ASCII, which no mail server takes."
        ) from None


def _mail_error(error: OSError) -> AlertError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return AlertError("The mail server refuses ALERT_SMTP_USER with ALERT_SMTP_PASSWORD. Check both.")
    if type(error) in {smtplib.SMTPException, smtplib.SMTPNotSupportedError}:  # their texts are smtplib's own
        return AlertError(f"The mail server can't do what an alert needs: {error} {_MAIL_REMEDY}")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code < _PERMANENT:
        return TransientAlertError(f"The mail server answers {error.smtp_code} for now.")
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return AlertError(f"The mail server refuses the alert ({type(error).__name__}).")
    return _unreached("The mail server", error, _MAIL_REMEDY)


def _unreached(who: str, error: Exception, remedy: str) -> AlertError:
    """Say why nobody could be alerted, without the address and what was read."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.partition(", certificate is not valid for")[0].rstrip(".")
        return AlertError(f"{who}'s certificate is not trusted: {why}. {remedy} A private authority: SSL_CERT_FILE.")
    if isinstance(error, socket.gaierror):
        return TransientAlertError(f"{who} can't be found: its name is not known here. {remedy}")
    if isinstance(error, ssl.SSLError):
        return TransientAlertError(f"{who} does not speak TLS there ({error.reason}). {remedy}")
    return TransientAlertError(f"{who} can't be reached ({type(error).__name__}). {remedy}")


def mail_port(settings: Settings) -> int:
    """Return the mail server's port.

    It is the port of the settings, or else the usual one of the encryption.
    """
    return settings.alert_smtp_port or _PORTS[settings.alert_smtp_security]


def _encrypted(settings: Settings) -> smtplib.SMTP:
    """A connection that is encrypted before anything is said."""
    host, security = settings.alert_smtp_host or "", settings.alert_smtp_security
    port = mail_port(settings)
    context = ssl.create_default_context()
    if security == "ssl":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


@_again
def post_webhook(alert: "DataclassInstance", settings: Settings) -> None:
    """Send an alert to the webhook, as JSON.

    Raises:
        AlertError: the webhook can't be reached, or does not accept the alert.
    """
    open_webhook(urllib.request.build_opener(), settings, _json(asdict(alert)))


def open_webhook(opener: urllib.request.OpenerDirector, settings: Settings, content: bytes) -> None:
    """Let a way of opening addresses post to the webhook.

    Raises:
        AlertError: it can't be reached, is not who it says, or refuses.
    """
    address = settings.alert_webhook_url.get_secret_value() if settings.alert_webhook_url else ""
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(address, content, headers)  # noqa: S310 - held to http(s) by the settings
        opener.open(request, timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        kind = TransientAlertError if error.code >= _SERVER_FAULT else AlertError
        raise kind(f"The webhook answers {error.code}. Check ALERT_WEBHOOK_URL.") from None
    except (ValueError, http.client.InvalidURL):  # they quote the address
        raise AlertError("ALERT_WEBHOOK_URL is no address; write white space and the like in it as %20.") from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        cause = reason if isinstance(reason, Exception) else error
        raise _unreached("The webhook", cause, "Check ALERT_WEBHOOK_URL.") from None


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()
