"""The line between a shop and a provider, which can be cut, slowed down, or made to carry rubbish."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

import requests

TROUBLES = ("refused", "server error", "slow", "truncated", "rubbish")
"""What can be wrong with it; "rubbish" is HTML, JSON of other types, and words that are no JSON, in turn."""
_RUBBISH = (
    ("text/html", b"<!doctype html><title>We are back soon</title><h1>Maintenance</h1>"),
    ("application/json", b'{"id": 7, "status": ["paid"], "amount": "a lot", "data": null, "token": {}}'),
    ("application/json", b"[]"),
    ("application/json", b"null"),
    ("text/plain", b"OK\x00\xff"),
)
_KEPT_TO_THE_HOP = {"connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive"}


class Wire:
    """A proxy on a port of its own. It keeps the Host header, so the provider's links lead through it as well."""

    def __init__(self, target: str) -> None:
        self.target, self.trouble, self.seconds = target, "", 30.0
        self.rubbish = cycle(_RUBBISH)
        self.spoilt = 0
        """Calls that met the trouble; none can be counted where connections are refused."""
        self.over = threading.Event()
        self._open: set[socket.socket] = set()
        self._port = 0
        self._listen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def break_(self, trouble: str, *, seconds: float = 30) -> None:
        """From now on. ``seconds``: how long a slow call takes."""
        assert trouble in TROUBLES
        self.trouble, self.seconds, self.spoilt = trouble, seconds, 0
        self.over.clear()
        if trouble == "refused":
            self._hang_up()

    def mend(self) -> None:
        """Everything as it was."""
        was, self.trouble = self.trouble, ""
        self.over.set()
        if was == "refused":
            self._listen()

    def close(self) -> None:
        self.over.set()
        if self.trouble != "refused":
            self._hang_up()

    def _listen(self) -> None:
        wire = self

        class Handler(_Handler):
            pass

        Handler.wire = wire
        self._server = _Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _hang_up(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        self._open.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A shop that hangs up is nothing to write home about."""


class _Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self.wire.opened(self.connection)

    def finish(self) -> None:
        self.wire.closed(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        wire, trouble = self.wire, self.wire.trouble
        wire.spoilt += bool(trouble)
        if trouble == "server error":
            self._answer(503, {"Content-Type": "text/plain"}, b"no healthy upstream")
            return
        if trouble == "rubbish":
            kind, words = next(wire.rubbish)
            self._answer(200, {"Content-Type": kind}, words)
            return
        # A slow provider works first, and a broken answer is one to work that was done.
        status, headers, content = self._ask(body)
        if trouble == "slow":
            wire.over.wait(wire.seconds)
        self._answer(status, headers, content, cut=trouble == "truncated")

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _pass_on  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _KEPT_TO_THE_HOP}
        answer = requests.request(
            self.command,
            self.wire.target + self.path,
            data=body or None,
            headers={**kept, "Accept-Encoding": "identity"},
            allow_redirects=False,
            timeout=30,
        )
        return answer.status_code, dict(answer.headers), answer.content

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _KEPT_TO_THE_HOP | {"server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.wfile.flush()
        self.close_connection = cut or self.close_connection
