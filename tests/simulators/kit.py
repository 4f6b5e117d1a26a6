"""What the simulators' tests talk with: a shop at the Mollie simulator, and a receiver of its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

KEY = "test_" + "k" * 30
OTHER_KEY = "test_" + "o" * 30
LIVE_KEY = "live_" + "k" * 30
ADDRESS = {
    "givenName": "Ada",
    "familyName": "Lovelace",
    "email": "buyer@shop.example",
    "streetAndNumber": "Straat 1",
    "postalCode": "1234AB",
    "city": "Utrecht",
    "country": "NL",
}
"""What Klarna and its like want to know of a buyer."""


@dataclass
class Seen:
    """One request as the receiver got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A tiny web server. ``answers`` maps a path to a status, or to a status and headers; others get 200."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    #: set to make the receiver wait until it is released
    gates: dict[str, threading.Event] = field(default_factory=dict)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, number: int, timeout: float = 5) -> list[Seen]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen) >= number, timeout), f"only {len(self.seen)} came"
            return list(self.seen)

    def note(self, seen: Seen) -> None:
        with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()


def serve(receiver: Receiver) -> Callable[[], None]:
    """Start the receiver; returns what stops it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            receiver.note(Seen(self.command, self.path, dict(self.headers), body))
            if self.path in receiver.gates:
                receiver.gates[self.path].wait(10)
            answer = receiver.answers.get(self.path, 200)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.005))
    thread.start()

    def stop() -> None:
        for gate in receiver.gates.values():
            gate.set()
        server.shutdown()
        thread.join()
        server.server_close()

    return stop


class Shop:
    """A shop that uses the simulated Mollie over HTTP, and the control API beside it."""

    def __init__(self, url: str, session: requests.Session, webhook_url: str) -> None:
        self.root = url
        self.url = f"{url}/mollie"
        self.session = session
        self.webhook_url = webhook_url

    def call(self, method: str, path: str, key: str = KEY, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"} | more.pop("headers", {})
        url = path if path.startswith("http") else f"{self.url}{path}"
        return self.session.request(method, url, headers=headers, timeout=more.pop("timeout", 20), **more)

    def order(self, **changes: Any) -> dict[str, Any]:
        """The body of a good create call; a change of None leaves the parameter out."""
        body: dict[str, Any] = {
            "amount": {"currency": "EUR", "value": "24.95"},
            "description": "Order 2026-0042",
            "redirectUrl": "https://shop.example/return/9b1d/",
            "webhookUrl": self.webhook_url,
            "metadata": {"order": "2026-0042"},
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def create(self, key: str = KEY, **changes: Any) -> dict[str, Any]:
        answer = self.call("POST", "/v2/payments", key, json=self.order(**changes))
        assert answer.status_code == 201, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    def get(self, payment_id: str, key: str = KEY, **params: str) -> dict[str, Any]:
        answer = self.call("GET", f"/v2/payments/{payment_id}", key, params=params)
        assert answer.status_code == 200, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    def try_control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.root}/_control/{path}", json=body, timeout=20)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.try_control(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def set_status(self, payment_id: str, status: str, **more: Any) -> dict[str, Any]:
        payment: dict[str, Any] = self.control(
            "POST", f"mollie/payments/{payment_id}/status", {"status": status, **more}
        )
        return payment

    def paid(self, **changes: Any) -> dict[str, Any]:
        return self.set_status(self.create(**changes)["id"], "paid")

    def advance(self, seconds: float) -> None:
        """Move the clock and let everything that became due happen."""
        self.control("POST", "clock", {"advance": seconds, "shared": True})
        self.settle()

    def settle(self) -> None:
        self.control("POST", "wait", {"idle": True, "timeout": 10})

    def deliveries(self) -> list[dict[str, Any]]:
        self.settle()
        found: list[dict[str, Any]] = self.control("GET", "deliveries")
        return found

    def fault(self, on: str, kind: str, **more: Any) -> dict[str, Any]:
        fault: dict[str, Any] = self.control("POST", "faults", {"provider": "mollie", "on": on, "kind": kind, **more})
        return fault
