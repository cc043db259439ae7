"""The channels by which alerts leave the platform: e-mail and a webhook.

Dagster's own e-mail sensor reports failed runs. It can't report late nights, so their e-mails are sent from here.
"""

import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from dataclasses import asdict
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from conflict_assets.domain.privacy import MaskedError
from conflict_assets.settings import Settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SECONDS = 10.0
ATTEMPTS = 3
WAIT_SECONDS = 2.0
_PORTS = {"ssl": 465, "starttls": 587}
_SERVER_FAULT = 500  # HTTP
_PERMANENT = 500  # SMTP


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
    password = settings.alert_smtp_password
    try:
        with _mail_server(settings) as server:
            server.login(settings.alert_smtp_user or sender, password.get_secret_value() if password else "")
            server.send_message(message)
    except OSError as error:  # every error of smtplib and ssl is one
        raise _mail_error(error) from None


def _mail_error(error: OSError) -> AlertError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return AlertError("The mail server refuses ALERT_SMTP_USER with ALERT_SMTP_PASSWORD. Check both.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return AlertError(f"The mail server's certificate is not trusted: {error.verify_message}.")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code < _PERMANENT:
        return TransientAlertError(f"The mail server answers {error.smtp_code} for now.")
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return AlertError(f"The mail server refuses the alert ({type(error).__name__}).")
    return TransientAlertError(
        f"The mail server can't be reached ({type(error).__name__}). Check ALERT_SMTP_HOST, ALERT_SMTP_PORT and "
        "ALERT_SMTP_SECURITY."
    )


def mail_port(settings: Settings) -> int:
    """Return the mail server's port.

    It is the port of the settings, or else the usual one of the encryption.
    """
    return settings.alert_smtp_port or _PORTS[settings.alert_smtp_security]


def _mail_server(settings: Settings) -> smtplib.SMTP:
    """Connect to the mail server and encrypt before anything else is sent."""
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
    address = settings.alert_webhook_url.get_secret_value() if settings.alert_webhook_url else ""
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(address, _json(asdict(alert)), headers)  # noqa: S310 - held to http(s) by the settings
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310 - likewise
            return
    except urllib.error.HTTPError as error:
        error.close()
        kind = TransientAlertError if error.code >= _SERVER_FAULT else AlertError
        raise kind(f"The webhook answers {error.code}. Check ALERT_WEBHOOK_URL.") from None
    except (ValueError, http.client.InvalidURL):  # they quote the address
        raise AlertError("ALERT_WEBHOOK_URL is no address; write white space and the like in it as %20.") from None
    except (OSError, http.client.HTTPException) as error:
        raise TransientAlertError(
            f"The webhook can't be reached ({type(error).__name__}). Check ALERT_WEBHOOK_URL."
        ) from None


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()
