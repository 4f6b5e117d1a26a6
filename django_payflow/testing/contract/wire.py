"""The wire under an adapter: a record of what it sends, and servers that answer what no simulator would."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from requests.auth import AuthBase

from ...exceptions import ProviderError
from ...providers.http import Answer, Http

__all__ = ["Recorder", "Sent", "answer", "closed_port", "serving"]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request of an adapter."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Recorder(Http):
    """Sends as ``Http`` does, and remembers every request, repeats included."""

    sent: list[Sent] = field(default_factory=list, repr=False)

    @classmethod
    def around(cls, http: Http) -> Recorder:
        """Return one with the settings of ``http``."""
        return cls(
            base_url=http.base_url,
            connect_timeout=http.connect_timeout,
            read_timeout=http.read_timeout,
            deadline=http.deadline,
        )

    def _once(self, method: str, path: str, *, ends: float, auth: AuthBase, **kwargs: Any) -> Answer | ProviderError:
        headers = {name.lower(): value for name, value in (kwargs.get("headers") or {}).items()}
        self.sent.append(Sent(method=method, path=path, body=kwargs.get("body") or b"", headers=headers))
        return super()._once(method, path, ends=ends, auth=auth, **kwargs)


def answer(body: Any = b"", status: int = 200, **headers: str) -> bytes:
    """Return the bytes of a whole answer; ``body`` is JSON unless it is bytes already."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} Word", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def closed_port() -> str:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    raw: bytes
    seen: list[str]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(f"{self.command} {self.path}")
        self.wfile.write(self.server.raw)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the suite's own output is enough."""


@contextmanager
def serving(raw: bytes) -> Iterator[_Server]:
    """Answer every request with the same bytes. ``seen`` lists what was asked."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.raw, server.seen = raw, []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
