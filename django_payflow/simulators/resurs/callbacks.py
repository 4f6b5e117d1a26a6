"""Callbacks: what the three kinds say, where they go, and when they are tried again.

They carry no signature, no secret and no amount. The address is the one given at create, else the one registered for
the store. A body does not name its kind.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import accumulate

from django_payflow.simulators.host import Json, Services, WebhookPolicy
from django_payflow.simulators.resurs.settings import Settings

AUTHORIZATION, MANAGEMENT, CREDIT_APPLICATION = "authorization", "management", "creditApplication"
REGISTERED = "resurs.callbacks"
#: Seconds between one attempt and the next, twenty attempts in all. This is the legacy platform's schedule; that the
#: Merchant API has the same is a GUESS (that it tries again after a 503 is not).
_WAITS = (0, 30, 45, 60, 90, 150, 240, 330, 510, 780, 1200, 1800, 2700, 3600, 5400, 9000, 14400, 18000, 28800, 43200)
_HEADERS = {"Content-Type": "application/json"}


def schedule(factor: float = 1.0) -> tuple[float, ...]:
    """Seconds since the event at which the attempts are made."""
    return tuple(accumulate(wait * factor for wait in _WAITS))


def with_milliseconds(timestamp: float) -> str:
    moment = datetime.fromtimestamp(timestamp, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def with_seconds(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%dT%H:%M:%S}Z"


class Callbacks:
    def __init__(self, services: Services, settings: Settings) -> None:
        self._services = services
        self._settings = settings

    def policy(self) -> WebhookPolicy:
        """Redirects are not followed (GUESS)."""
        return WebhookPolicy(
            schedule=schedule(float(self._settings["callback_time_factor"])),
            timeout=float(self._settings["callback_timeout"]),
            follow_redirects=False,
        )

    def authorization(self, payment: Json, status: str, at: float) -> list[str]:
        body = {"paymentId": payment["id"], "status": status, "created": with_milliseconds(at)}
        return self._send(AUTHORIZATION, payment, body)

    def management(self, payment: Json, action: str, action_id: str, at: float) -> list[str]:
        body = {"paymentId": payment["id"], "action": action, "actionId": action_id, "created": with_seconds(at)}
        return self._send(MANAGEMENT, payment, body)

    def credit_application(self, payment: Json, status: str, at: float) -> list[str]:
        """Only where the payment named an address for it."""
        body = {"applicationId": payment["application"]["id"], "status": status, "created": with_seconds(at)}
        return self._send(CREDIT_APPLICATION, payment, body)

    def _send(self, kind: str, payment: Json, body: Json) -> list[str]:
        url = self.address(kind, payment)
        if url is None:
            return []
        return self._services.deliveries.enqueue(
            provider="resurs",
            payment=payment["id"],
            url=url,
            headers=_HEADERS,
            body=json.dumps(body),
            facts={"kind": kind},
        )

    def address(self, kind: str, payment: Json) -> str | None:
        own = payment["options"]["callbacks"].get(kind)
        if own:
            return str(own)
        registered = self._services.store.get(REGISTERED, payment["storeId"]) or {}
        url = registered.get("callbacks", {}).get(kind) if kind != CREDIT_APPLICATION else None
        return str(url).replace("{payment_id}", payment["id"]) if url else None
