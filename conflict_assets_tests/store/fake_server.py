"""A server that speaks PostgreSQL's protocol up to the login, and answers with an error of a test's choice."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trustme

GERMAN = {
    "08004": "der Server lehnt die Verbindung ab",
    "28000": "kein pg_hba.conf-Eintrag für Host »127.0.0.1«, Benutzer »u«, Datenbank »d«, keine Verschlüsselung",
    "28P01": "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen",
    "3D000": "Datenbank »d« existiert nicht",
    "42501": "keine Berechtigung für Datenbank »d«",
    "53300": "tut mir leid, schon zu viele Verbindungen",
    "55000": "Datenbank »d« akzeptiert gegenwärtig keine Verbindungen",
    "57P01": "Abbruch der Verbindung aufgrund von Anweisung des Administrators",
    "57P03": "das Datenbanksystem startet",
}
_ASKS_FOR_SSL, _ASKS_FOR_GSS = 80877103, 80877104


@contextmanager
def fake_server(code: str = "28P01", *, certificate: trustme.LeafCert | None = None) -> Iterator[int]:
    """Refuse everybody with this SQLSTATE, in German, over SSL if there is a certificate; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, code, certificate))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, code: str, certificate: trustme.LeafCert | None) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            client.settimeout(30)
            with client, suppress(OSError, EOFError):
                _refuse(client, code, certificate)


def _refuse(client: socket.socket, code: str, certificate: trustme.LeafCert | None) -> None:
    while (asked := _request(client)) in {_ASKS_FOR_SSL, _ASKS_FOR_GSS}:
        if asked == _ASKS_FOR_SSL and certificate is not None:
            client.sendall(b"S")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            with context.wrap_socket(client, server_side=True) as wrapped:
                return _refuse(wrapped, code, None)
        client.sendall(b"N")
    fields = ("SFATAL", "VFATAL", f"C{code}", f"M{GERMAN.get(code, 'etwas anderes')}")
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    client.sendall(b"E" + struct.pack("!I", len(body) + 4) + body)
    return None


def _request(client: socket.socket) -> int:
    """Read a start-up packet; its kind."""
    length, kind = struct.unpack("!II", _read(client, 8))
    _read(client, length - 8)
    return int(kind)


def _read(client: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = client.recv(length - len(found))
        if not part:
            raise EOFError
        found += part
    return found
