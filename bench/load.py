"""The load: raw sockets that stay open and requests that are ready-made bytes, so that the sender costs little."""

from __future__ import annotations

import socket
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Thread

from bench.services import BenchFailed, wait_until

_TIMEOUT = 20.0


@dataclass(frozen=True, kw_only=True)
class Burst:
    """How sending a number of requests went."""

    count: int
    seconds: float
    sender_cpu: float
    """Seconds of CPU that this process used meanwhile."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds


class Line:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return the answer's status and body."""
        self._socket.sendall(request)
        got = b""
        while (cut := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head, body = got[:cut], got[cut + 4 :]
        length = _content_length(head)
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), body

    def _more(self) -> bytes:
        if not (data := self._socket.recv(65536)):
            raise BenchFailed("the server closed a connection")
        return data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def post(path: str, body: str) -> bytes:
    """Return a request as Mollie sends its webhooks."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mollie HTTP client/1.0\r\nAccept: */*\r\n"
        f"Accept-Encoding: deflate, gzip\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def lines_to_every_worker(port: int, workers: int, per_worker: int) -> list[Line]:
    """Open connections until each of the server's processes has as many: chance would favour one of them."""
    kept: dict[bytes, list[Line]] = {}
    surplus: list[Line] = []

    def one_more() -> bool:
        line = Line(port)
        _, pid = line.ask(b"GET /worker/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        here = kept.setdefault(pid, [])
        (here if len(here) < per_worker else surplus).append(line)
        return len(kept) == workers and all(len(found) == per_worker for found in kept.values())

    try:
        wait_until(one_more, "connections to every server process")
    finally:
        for line in surplus:
            line.close()
    return [line for found in kept.values() for line in found]


def burst(lines: list[Line], requests: Iterable[bytes]) -> Burst:
    """Send all requests, one at a time per connection. Raises ``BenchFailed`` unless every answer is 200."""
    todo = deque(requests)
    count, ends, troubles = len(todo), list[int](), list[Exception]()
    threads = [Thread(target=_send, args=(line, todo, ends, troubles), daemon=True) for line in lines]
    cpu, began = time.process_time(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    if troubles or ends.count(200) != count:
        raise BenchFailed(f"of {count} requests: statuses {dict(Counter(ends))}, errors {troubles[:3]}")
    return Burst(count=count, seconds=seconds, sender_cpu=cpu)


def _send(line: Line, todo: deque[bytes], statuses: list[int], troubles: list[Exception]) -> None:
    try:
        while True:
            statuses.append(line.ask(todo.popleft())[0])
    except IndexError:  # nothing left to send
        pass
    except (OSError, BenchFailed) as broken:
        troubles.append(broken)
