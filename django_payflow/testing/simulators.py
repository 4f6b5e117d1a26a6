"""The simulators in this process, driven through their public control API, as a script would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests

from .. import clock
from ..simulators import start

__all__ = ["Delivery", "Simulators", "deliver"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A webhook that a simulator made."""

    id: str
    payment: str
    """The provider's id of the payment."""
    path: str
    """The address's path, for Django's test client."""
    headers: dict[str, str]
    body: bytes
    state: str


class Simulators:
    """Running simulators. Use as a context manager, or call ``close``."""

    def __init__(self) -> None:
        self._running = start(port=0, state=None)
        self.url: str = self._running.url
        self._session = requests.Session()

    def __enter__(self) -> Simulators:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop them, and put the clock back."""
        clock.move(timedelta(0))
        self._session.close()
        self._running.close()

    def base_url(self, provider: str) -> str:
        """Return what stands where the provider's API base URL stands."""
        return f"{self.url}/{provider}"

    def reset(self) -> None:
        """Forget everything: payments, deliveries, faults, calls; both clocks back, webhooks held."""
        self.control("POST", "reset")
        clock.move(timedelta(0))
        self.hold(True)

    def hold(self, on: bool) -> None:
        """Record webhooks without sending them, so that a test can play them; or send them."""
        self.control("POST", "hold", {"on": on})

    def advance(self, seconds: float) -> None:
        """Move the simulators' clock and payflow's by the same amount."""
        self.control("POST", "clock", {"advance": seconds, "shared": True})
        clock.move(clock.offset() + timedelta(seconds=seconds))

    def set_status(
        self, payment: str, status: str, *, provider: str = "mollie", webhook: bool = True, **more: Any
    ) -> dict[str, Any]:
        """Do what the buyer or a bank does; also moves that no rule allows, such as a late success."""
        body = {"status": status, "webhook": webhook, **more}
        return self.object("POST", f"{provider}/payments/{payment}/status", body)

    def overwrite(self, payment: str, *, provider: str = "mollie", **fields: Any) -> dict[str, Any]:
        """Overwrite stored fields of a payment; no webhook follows."""
        return self.object("PATCH", f"{provider}/payments/{payment}", fields)

    def fault(self, on: str, kind: str, *, provider: str = "mollie", **more: Any) -> None:
        """Set a fault: ``on`` an operation or ``webhook``; see the control API for the kinds."""
        self.control("POST", "faults", {"provider": provider, "on": on, "kind": kind, **more})

    def clear_faults(self) -> None:
        """Remove every fault."""
        self.control("DELETE", "faults")

    def payments(self, provider: str = "mollie") -> list[dict[str, Any]]:
        """Return what exists at a provider, newest first."""
        found: list[dict[str, Any]] = self.control("GET", f"{provider}/payments")
        return found

    def calls(self, operation: str | None = None) -> list[dict[str, Any]]:
        """Return the API calls received so far, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", "calls")
        return [call for call in found if operation in (None, call["operation"])]

    def deliveries(self) -> list[Delivery]:
        """Return the webhooks made so far, oldest first."""
        return [
            Delivery(
                id=item["id"],
                payment=item["payment"],
                path=urlsplit(item["url"]).path,
                headers=item["headers"],
                body=item["body"].encode(),
                state=item["state"],
            )
            for item in self.control("GET", "deliveries")
        ]

    def object(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control API and return the object it answers."""
        answer: dict[str, Any] = self.control(method, path, body)
        return answer

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control API. Raises ``AssertionError`` with its words when it refuses."""
        answer = self._session.request(method, f"{self.url}/_control/{path}", json=body, timeout=30)
        assert answer.ok, f"control API refused {method} {path}: {answer.status_code} {answer.text[:300]}"  # noqa: S101
        return answer.json() if answer.content else None


def deliver(client: Any, delivery: Delivery) -> Any:
    """Play a recorded webhook through Django's test client; returns its response."""
    headers = {k: v for k, v in delivery.headers.items() if k.lower() not in {"content-type", "accept-encoding"}}
    return client.post(
        delivery.path, data=delivery.body, content_type=delivery.headers["Content-Type"], headers=headers
    )
