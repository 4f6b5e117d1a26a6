"""Processes of a real shop: each in a group of its own, watched by what it prints, ended without a trace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

T = TypeVar("T")
PROJECT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 30.0
_LEFT_OUT = ("CELERY_", "COV_", "DJANGO_", "PAYFLOW_CHECKPOINT", "PYTEST_", "PYTHONWARNINGS", "SITE_")


def need(present: object, what: str) -> None:
    """Skip plainly where a service is missing; in CI that is an error."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true, but this machine has no {what}")
    pytest.skip(f"needs {what}")


def eventually(read: Callable[[], T], expected: T, *, seconds: float = 20) -> None:
    """Read again and again until it is as expected; at the deadline show what it was instead."""
    ends = time.monotonic() + seconds
    while (seen := read()) != expected:
        if time.monotonic() > ends:
            assert seen == expected, f"not within {seconds} s"
        time.sleep(0.05)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same moment, each in a thread; return their results in order."""
    barrier = threading.Barrier(len(calls))

    def wait_and(call: Callable[[], T]) -> T:
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and, calls))


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment of a child: ours without what steers this test run, and what it is told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def _mortally() -> list[str]:
    """What makes a child die with us even when we are killed ourselves and clean nothing up; Linux only."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "KILL", "--"] if found else []


class Process:
    """A child process in a group of its own; its lines are kept and can be awaited."""

    def __init__(self, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        self.name = name
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [*_mortally(), *command],
            cwd=PROJECT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"{name} reader", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def await_line(self, words: str, seconds: float = STARTS_WITHIN) -> str:
        """Return the first line that contains the words, as soon as it is there."""

        def found() -> str | None:
            return next((line for line in self.lines if words in line), None)

        with self._news:
            self._news.wait_for(lambda: found() or not self._reader.is_alive(), seconds)
            line = found()
        assert line is not None, f"{self.name} did not say {words!r} within {seconds} s:\n{self.log}"
        return line

    def wait(self, seconds: float = STARTS_WITHIN) -> int:
        """Wait for its own end and return its status."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """kill -9 for the process and all of its children: as if the machine had lost its power."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def log(self) -> str:
        return "\n".join(f"{self.name} | {line}" for line in self.lines)


class Redis(Process):
    """A Redis of its own on a port of its own, so that its death harms nobody."""

    def __init__(self, directory: Path, port: int) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        need(program, "redis-server on the PATH")
        self.port, self.url = port, f"redis://127.0.0.1:{port}/0"
        options = {"--bind": "127.0.0.1", "--port": str(port), "--save": "", "--dir": str(directory)}
        flat = [word for pair in options.items() for word in pair]
        super().__init__("redis", [str(program), *flat], clean_environment())
        self.await_line("Ready to accept connections")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections, accepts new ones, and says nothing."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> str:
        """Send one command and return the first line of the answer, without its type mark."""
        sent = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(f"*{len(words)}\r\n{sent}".encode())
            return line.recv(1000).decode().split("\r\n")[0][1:]

    @property
    def waiting(self) -> int:
        """How many tasks wait in the queue."""
        return int(self.ask("LLEN", "celery"))


@contextmanager
def silent_server(port: int) -> Iterator[None]:
    """Something that accepts connections at a port, reads, and never says a word."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", port)) as server:

        def accept() -> None:
            with suppress(OSError):  # closed: the end
                while True:
                    held.append(server.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in held:
                connection.close()
    assert held, "nobody tried to talk to the silent server"


class Bank(Process):
    """The simulators as a process, and their control API."""

    def __init__(self, directory: Path) -> None:
        command = [sys.executable, "-m", "django_payflow.simulators", "--port", "0", "--state", str(directory)]
        super().__init__("simulators", command, clean_environment())
        self.url = self.await_line("listening on ").split("listening on ")[1].rstrip("/")

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = requests.request(method, f"{self.url}/_control/{path}", json=body, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def reset(self) -> None:
        self.control("POST", "reset")

    def set(self, reference: str, status: str, *, webhook: bool = True) -> None:
        """The buyer or his bank does something."""
        self.control("POST", f"mollie/payments/{reference}/status", {"status": status, "webhook": webhook})

    def fault(self, on: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", {"provider": "mollie", "on": on, "kind": kind, **more})

    def payments_of(self, order_reference: str) -> list[dict[str, Any]]:
        """What exists here for an order, whichever attempt made it."""
        found = self.control("GET", "mollie/payments")
        return [payment for payment in found if payment["metadata"]["order"] == order_reference]

    def await_payment(self, order_reference: str) -> str:
        """Return the id of an order's payment as soon as it exists here."""
        eventually(lambda: len(self.payments_of(order_reference)), 1)
        return str(self.payments_of(order_reference)[0]["id"])

    def calls(self, operation: str) -> list[dict[str, Any]]:
        return [call for call in self.control("GET", "calls") if call["operation"] == operation]

    def webhook_states(self, reference: str) -> list[str]:
        return [each["state"] for each in self.control("GET", f"deliveries?payment={reference}")]
