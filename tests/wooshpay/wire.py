"""WooshPay's shapes by hand, and a little server that shows them; the simulator is for the whole story."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django_payflow.messages import Buyer, Checkout, MoveKind, MoveRequest, Notice, Reference
from django_payflow.providers.http import Http
from django_payflow.providers.wooshpay import WooshPayOptions, WooshPayProvider
from tests.mollie.wire import DictCache, Handler, always, answer, serving

__all__ = [
    "adapter",
    "always",
    "answer",
    "checkout",
    "dispute",
    "intent",
    "pages",
    "parse",
    "refund",
    "request",
    "serving",
    "session",
    "signature",
]

KEY = "sk_test_" + "w" * 30
SECRET = "whsec_" + "s" * 32
SESSION, INTENT = "cs_1790000000000000001", "pi_1790000000000000005"
REFUND, DISPUTE, CHARGE = "re_1790000000000000007", "dp_1790000000000000008", "ch_1790000000000000009"
STORED = (Reference(kind="session", value=SESSION), Reference(kind="payment_intent", value=INTENT))
CREATED = 1_790_000_000_000
"""Milliseconds: 2026-09-21 14:13:20 UTC."""


def adapter(url: str, *, key: str = KEY, secrets: Any = (SECRET,), **http: Any) -> WooshPayProvider:
    """The adapter as the registry builds it, for a server at ``url``; "" is the host of the key's mode."""
    options = WooshPayOptions(api_key=key, signing_secrets=secrets, base_url=url)
    values = {"base_url": options.base_url, "deadline": 5, **http}
    return WooshPayProvider("wooshpay", options, Http(**values), DictCache())


def checkout(**fields: Any) -> Checkout:
    values = {
        "key": "11111111-1111-4111-8111-111111111111",
        "account": "wooshpay",
        "order_reference": "ABC",
        "description": "Order ABC",
        "amount": 1234,
        "currency": "USD",
        "return_url": "https://shop.test/payflow/return/r/",
        "webhook_url": "https://shop.test/payflow/webhook/wooshpay/t/",
        "created_at": datetime.now(UTC),
        "buyer": Buyer(email="ada@example.com", name="Ada"),
    }
    return Checkout(**{**values, **fields})


def request(kind: MoveKind = MoveKind.REFUND, **fields: Any) -> MoveRequest:
    """What the flow asks for later: 5.00 dollars of the payment, unless something else is said."""
    values = {
        "kind": kind,
        "key": "22222222-2222-4222-8222-222222222222",
        "amount": 500,
        "currency": "USD",
        "created_at": datetime.now(UTC),
        "references": STORED,
    }
    return MoveRequest(**{**values, **fields})


def session(**fields: Any) -> dict[str, Any]:
    """A checkout session of 12.34 dollars as the API shows it right after its creation."""
    return {
        "id": SESSION,
        "object": "checkout.session",
        "created": CREATED,
        "livemode": False,
        "currency": "USD",
        "customer": "",
        "mode": "payment",
        "shipping": None,
        "status": "open",
        "url": "https://checkouttest.wooshpay.com/pay/cs_test_1790000000000000001?key=cGtfdGVzdA==",
        "client_reference_id": "ABC",
        "metadata": {"order": "ABC", "attempt": checkout().key},
        "payment_intent": INTENT,
        "payment_method_types": ["card", "alipay"],
        "payment_status": "unpaid",
        "amount_subtotal": 1234,
        "amount_total": 1234,
        "expires_at": CREATED + 86_400_214,
        **fields,
    }


def intent(**fields: Any) -> dict[str, Any]:
    """Its payment intent."""
    return {
        "id": INTENT,
        "object": "payment_intent",
        "created": CREATED,
        "livemode": False,
        "currency": "USD",
        "amount": 1234,
        "amount_received": 0,
        "amount_capturable": 0,
        "status": "requires_payment_method",
        "metadata": {"order": "ABC", "attempt": checkout().key},
        "last_payment_error": None,
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card", "alipay"],
        "capture_method": "automatic",
        "cancellation_reason": None,
        **fields,
    }


def refund(**fields: Any) -> dict[str, Any]:
    """A refund of 5.00 dollars that was made by our ``request``."""
    mark = {"order": "ABC", "attempt": checkout().key, "refund": request().key}
    return {
        "id": REFUND,
        "object": "refund",
        "amount": 500,
        "created": CREATED,
        "currency": "USD",
        "metadata": mark,
        "payment_intent": INTENT,
        "reason": None,
        "receipt_number": None,
        "status": "succeeded",
        "description": None,
        "failure_reason": None,
        **fields,
    }


def dispute(**fields: Any) -> dict[str, Any]:
    """A dispute about everything; which fields it has is a guess."""
    return {
        "id": DISPUTE,
        "object": "dispute",
        "amount": 1234,
        "currency": "USD",
        "charge": CHARGE,
        "payment_intent": INTENT,
        "status": "needs_response",
        **fields,
    }


def pages(shown: Mapping[str, Any]) -> Handler:
    """Answer by address: "METHOD /path" without the query -> an object, or a complete answer as bytes."""

    def handle(connection: Any, request: Any) -> None:
        found = shown.get(f"{request.method} {request.path.partition('?')[0]}")
        missing = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "no"}}
        raw = found if isinstance(found, bytes) else answer(found) if found is not None else answer(missing, 404)
        connection.sendall(raw)

    return handle


def both(session: Any, intent: Any) -> Handler:
    """The two addresses of one payment."""
    return pages({f"GET /v1/checkout/sessions/{SESSION}": session, f"GET /v1/payment_intents/{INTENT}": intent})


def event(thing: Any, kind: str = "payment_intent.succeeded", **fields: Any) -> bytes:
    """An event around an object, as bytes to be signed."""
    values = {
        "id": "evt_1790000000000000001",
        "object": "event",
        "created": CREATED,
        "livemode": False,
        "data": {"object": thing},
        "type": kind,
        **fields,
    }
    return json.dumps(values).encode()


def signature(body: bytes, *, secret: str = SECRET, at: int | None = None) -> str:
    """The signature as WooshPay makes it, written a second time."""
    moment = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def parse(body: bytes, headers: Mapping[str, str] | None = None, **account: Any) -> Notice:
    """Read one genuine delivery, or one with the headers that are given."""
    given = {"signature": signature(body)} if headers is None else headers
    (notice,) = adapter("", **account).parse_webhook({"content-type": "application/json", **given}, body, {}, "")
    return notice
