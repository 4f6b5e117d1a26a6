"""Servers that answer raw bytes: for the ends of a call that no well-behaved server produces."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django_payflow.providers.http import Http
from django_payflow.providers.mollie import MollieOptions, MollieProvider

KEY = "test_" + "w" * 30
Handler = Callable[[socket.socket, "Seen"], None]


class Seen:
    """One request as it arrived."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}


class Wire:
    """A server on a free port. ``handle(connection, request)`` writes whatever it likes; then the end."""

    def __init__(self, handle: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handle, self._tls = handle, tls
        self.seen: list[Seen] = []
        self.enough = threading.Event()
        """Set when the test is over: a handler that waits, waits on it."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self.enough.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._secured(connection) as secured:
            raw = _read_request(secured)
            if raw:
                self.seen.append(Seen(raw))
                self._handle(secured, self.seen[-1])

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise


def _read_request(connection: socket.socket) -> bytes:
    connection.settimeout(10)
    raw = b""
    while b"\r\n\r\n" not in raw and (chunk := connection.recv(65536)):
        raw += chunk
    wanted = int(Seen(raw).headers.get("content-length", "0")) if raw else 0
    while len(raw.partition(b"\r\n\r\n")[2]) < wanted and (chunk := connection.recv(65536)):
        raw += chunk
    return raw


def answer(body: Any, status: int = 200, **headers: str) -> bytes:
    """A complete answer; ``body`` is JSON unless it is bytes already."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/hal+json", "Content-Length": str(len(data)), "Connection": "close"}
    lines = [f"HTTP/1.1 {status} Word", *(f"{k.replace('_', '-')}: {v}" for k, v in {**named, **headers}.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def always(raw: bytes) -> Handler:
    """Answer every request with the same bytes."""
    return lambda connection, _: connection.sendall(raw)


@contextmanager
def serving(handle: Handler, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    wire = Wire(handle, tls)
    try:
        yield wire
    finally:
        wire.close()


class DictCache(dict):
    """The adapters' cache protocol, as a dict."""

    def set(self, key: str, value: Any, timeout: float) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


def adapter(url: str, *, key: str = KEY, **http: Any) -> MollieProvider:
    """The adapter as the registry builds it, for a server at ``url``."""
    options = MollieOptions(api_key=key, base_url=url)
    return MollieProvider("mollie", options, Http(**{"base_url": url, "deadline": 5, **http}), DictCache())


def payment(**fields: Any) -> dict[str, Any]:
    """A payment as Mollie's API shows it, of 24.95 euro."""
    return {
        "resource": "payment",
        "id": "tr_" + "A" * 22,
        "mode": "test",
        "createdAt": "2026-03-01T10:00:00+00:00",
        "amount": {"currency": "EUR", "value": "24.95"},
        "description": "Order X",
        "method": None,
        "metadata": {"order": "X", "attempt": "k-1"},
        "status": "open",
        "profileId": "pfl_Wire1",
        "sequenceType": "oneoff",
        "_links": {"checkout": {"href": "https://www.mollie.com/checkout/x", "type": "text/html"}},
        **fields,
    }
