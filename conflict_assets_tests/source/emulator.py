"""A Snowflake account on a local port: fakesnow's server in a process of its own, and what it was asked.

The emulator takes any login; what it is sent is recorded, so that tests can look at it. Three users are answered as
Snowflake would and fakesnow does not: `REFUSED` (wrong password), `BUSY` (statement time-out) and `QUOTED` (a value
that does not fit, which Snowflake quotes).
"""

import gzip
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import snowflake.connector

DATABASE = "ANALYTICS"
REFUSED = "REFUSED"
BUSY = "BUSY"
QUOTED = "QUOTED"
QUOTING = "Numeric value '665115569x' of 665-11-5569 is not recognized: token=S3creT at https://u:a@S3creT@h/"
START_SECONDS = 60


class Emulator:
    """The running server, seen from a test."""

    def __init__(self, port: int, record: Path) -> None:
        self.port = port
        self._record = record

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def execute(self, *statements: str) -> None:
        """Run statements in a session of the test's own."""
        with closing(
            snowflake.connector.connect(
                account="test",
                user="TEST",
                password="any",  # noqa: S106 - the emulator takes any
                host="127.0.0.1",
                port=self.port,
                protocol="http",
            )
        ) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def requests(self, kind: str, *, run_id: str) -> list[dict[str, Any]]:
        """What the sessions tagged with a run sent: `login`, `query` or `logout`."""
        lines = [json.loads(line) for line in self._record.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["kind"] == kind and line["tag"] == f"conflict_assets {run_id}"]

    def statements(self, run_id: str) -> list[str]:
        """The SQL texts that a run sent, in order."""
        return [request["body"]["sqlText"] for request in self.requests("query", run_id=run_id)]

    def sizes(self, run_id: str) -> list[int]:
        """Bytes of each statement that a run sent, its text and its values."""
        return [
            len(json.dumps([request["body"]["sqlText"], request["body"].get("bindings")]))
            for request in self.requests("query", run_id=run_id)
        ]


@contextmanager
def serve(folder: Path, schemas: Mapping[str, Path], *, plain: bool = False) -> Iterator[Emulator]:
    """Serve DuckDB files (schema `BI` of each) as schemas of the database `ANALYTICS`.

    fakesnow knows `RESULT_SCAN` as the whole FROM of a statement only; Snowflake, and so this server unless `plain`,
    knows it wherever a table may stand.
    """
    record = folder / "requests.jsonl"
    record.touch()
    loads = [f"{schema}={path}" for schema, path in schemas.items()]
    kind = "plain" if plain else "with results"
    command = [sys.executable, "-m", "conflict_assets_tests.source.emulator", kind, str(record), *loads]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield Emulator(port, record)
        finally:
            process.kill()


class CuttingProxy:
    """A TCP proxy to the emulator that, once armed, cuts every response of a size short and drops the connection."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut_after: int | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, origin: socket.socket, target: socket.socket, is_response: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := origin.recv(65536):
                passed += len(data)
                if is_response and self.cut_after is not None and passed > self.cut_after:
                    self.cuts += 1
                    break
                target.sendall(data)
        for end in (origin, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class _Recorder:
    """An ASGI application that writes down each request before it hands it on."""

    def __init__(self, app: Any, record: Path) -> None:
        self._app = app
        self._record = record
        self._tags: dict[str, str] = {}
        self._users: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw = await _whole_body(receive)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        body = json.loads(gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw or b"{}")
        token = headers.get("authorization", "")
        if (refusal := self._answer(scope, body, token)) is not None:
            await _respond(send, refusal)
            return
        await self._app(scope, _replay(raw), self._learn_token(send, body) if "login" in scope["path"] else send)

    def _answer(self, scope: Any, body: dict[str, Any], token: str) -> dict[str, Any] | None:
        path, query = scope["path"], scope["query_string"].decode()
        data = body.get("data") or {}
        if "login-request" in path:
            self._write("login", (data.get("SESSION_PARAMETERS") or {}).get("QUERY_TAG"), body)
            if data.get("LOGIN_NAME") == REFUSED:
                return _failed("390100", "Incorrect username or password was specified.")
        elif "query-request" in path:
            self._write("query", self._tags.get(token), body)
            if self._users.get(token) == BUSY and "SSN" in body["sqlText"]:
                return _failed("000630", "Statement reached its statement or warehouse timeout of 3600 second(s)")
            if self._users.get(token) == QUOTED:
                return _failed("100038", QUOTING)
        elif "delete=true" in query:
            self._write("logout", self._tags.get(token), {})
        return None

    def _write(self, kind: str, tag: str | None, body: dict[str, Any]) -> None:
        with self._record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "tag": tag, "body": body}) + "\n")

    def _learn_token(self, send: Any, body: dict[str, Any]) -> Any:
        data = body["data"]
        start: dict[str, Any] = {}

        async def learn(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            answer = json.loads(message["body"])
            session = f'Snowflake Token="{answer["data"]["token"]}"'
            self._tags[session] = (data.get("SESSION_PARAMETERS") or {}).get("QUERY_TAG")
            self._users[session] = data.get("LOGIN_NAME")
            # Without a master token, which fakesnow leaves out, the connector never ends its session.
            answer["data"]["masterToken"] = "master"
            text = json.dumps(answer).encode()
            start["headers"] = [
                (name, str(len(text)).encode() if name == b"content-length" else value)
                for name, value in start["headers"]
            ]
            await send(start)
            await send({**message, "body": text})

        return learn


async def _whole_body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replay(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _respond(send: Any, answer: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"data": {"errorCode": code, "sqlState": "08001"}, "code": code, "message": message, "success": False}


def main(kind: str, record: Path, loads: list[str]) -> None:
    """Load the files, then serve until killed; the port is the first line of the output."""
    import uvicorn
    from fakesnow.server import app, shared_fs

    if kind != "plain":
        _know_results()
    with closing(shared_fs.connect()) as connection:
        connection.cursor().execute(f"CREATE DATABASE {DATABASE}")
        for load in loads:
            schema, path = load.split("=", 1)
            connection.cursor().execute(f'CREATE SCHEMA {DATABASE}."{schema}"')
            _load(shared_fs.duck_conn, schema, path)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_Recorder(app, record), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    thread.join()


def _know_results() -> None:
    """Let a statement find the rows of an earlier one under its query id wherever a table may stand."""
    from fakesnow.cursor import FakeSnowflakeCursor

    plain = FakeSnowflakeCursor.execute

    def execute(self: Any, command: str, *arguments: Any, **options: Any) -> Any:
        def laid(found: re.Match[str]) -> str:
            name = f"RESULT_{found[1].replace('-', '_').upper()}"
            kept = self._conn.results_cache.get(found[1])
            if kept is None:
                raise snowflake.connector.errors.ProgrammingError(
                    msg=f"Statement {found[1]} not found", errno=709, sqlstate="02000"
                )
            self._duck_conn.register(name, kept[0])
            return name

        text = re.sub(r"TABLE\(\s*RESULT_SCAN\(\s*'([0-9a-f-]+)'\s*\)\s*\)", laid, command)
        return plain(self, text, *arguments, **options)

    FakeSnowflakeCursor.execute = execute


def _load(duck: Any, schema: str, path: str) -> None:
    duck.execute(f"ATTACH '{path}' AS loaded (READ_ONLY)")
    tables = duck.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'loaded'").fetchall()
    for (table,) in tables:
        duck.execute(f'CREATE TABLE {DATABASE}."{schema}"."{table}" AS SELECT * FROM loaded."BI"."{table}"')  # noqa: S608 - the tests' own names
    duck.execute("DETACH loaded")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
