"""Whether alerts would get through, tried as far as one can without sending any."""

import http.client
import urllib.request

from conflict_assets.automation.channels import mail_server, open_webhook
from conflict_assets.settings import Settings


def try_mail_server(settings: Settings) -> None:
    """Log in to the mail server as an alert does, and leave without a mail.

    Raises:
        AlertError: an alert would not get through, and why.
    """
    with mail_server(settings) as server:
        server.noop()


def try_webhook(settings: Settings) -> None:
    """Connect to the webhook's host as an alert does, and post nothing.

    A proxy is used where there is one.

    Raises:
        AlertError: an alert would not get through, and why.
    """
    opener = urllib.request.build_opener(_ConnectOnly, _ConnectOnlyByTls)
    try:
        open_webhook(opener, settings, b"")
    except _ConnectedError:
        return


class _ConnectedError(Exception):
    """The connection stands. What comes next would be the request."""


class _Connection(http.client.HTTPConnection):
    def request(self, *_: object, **__: object) -> None:
        self.connect()
        raise _ConnectedError


class _TlsConnection(http.client.HTTPSConnection):
    def request(self, *_: object, **__: object) -> None:
        self.connect()
        raise _ConnectedError


class _ConnectOnly(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request)


class _ConnectOnlyByTls(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_TlsConnection, request)
