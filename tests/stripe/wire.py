"""Stripe's objects and signatures, written by hand from its documentation; the raw servers are Mollie's."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django_payflow import clock
from django_payflow.messages import Buyer, Checkout, MoveKind, MoveRequest, Reference
from django_payflow.providers.http import Http
from django_payflow.providers.stripe import StripeOptions, StripeProvider
from tests.mollie.wire import DictCache, Handler, answer

KEY = "sk_test_" + "w" * 30
SECRET = "whsec_" + "s3" * 16
SESSION_ID = "cs_test_" + "a" * 58
INTENT_ID = "pi_" + "b" * 24
CHARGE_ID = "ch_" + "c" * 24
ATTEMPT = "11111111-1111-4111-8111-111111111111"
MOVE = "22222222-2222-4222-8222-222222222222"


def adapter(url: str = "http://127.0.0.1:1", *, options: dict[str, Any] | None = None, **http: Any) -> StripeProvider:
    """The adapter as the registry builds it, for a server at ``url``."""
    given = {"api_key": KEY, "signing_secrets": [SECRET], "base_url": url, **(options or {})}
    return StripeProvider(
        "stripe", StripeOptions(**given), Http(**{"base_url": url, "deadline": 5, **http}), DictCache()
    )


def checkout(**fields: Any) -> Checkout:
    values = {
        "key": ATTEMPT,
        "account": "stripe",
        "order_reference": "ABC",
        "description": "Order ABC",
        "amount": 2495,
        "currency": "EUR",
        "return_url": "https://shop.test/payflow/return/r/",
        "webhook_url": "https://shop.test/payflow/webhook/stripe/",
        "created_at": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "buyer": Buyer(email="ada@example.com", name="Ada"),
    }
    return Checkout(**{**values, **fields})


def move_request(kind: MoveKind = MoveKind.REFUND, **fields: Any) -> MoveRequest:
    """A request about the payment of the objects below, as it is stored when somebody asks for it."""
    values = {
        "kind": kind,
        "key": MOVE,
        "amount": 2495,
        "currency": "EUR",
        "created_at": datetime(2026, 3, 2, 10, tzinfo=UTC),
        "references": (
            Reference(kind="session", value=SESSION_ID),
            Reference(kind="intent", value=INTENT_ID),
            Reference(kind="charge", value=CHARGE_ID),
        ),
    }
    return MoveRequest(**{**values, **fields})


# -- objects, of 24.95 euro


def session(**fields: Any) -> dict[str, Any]:
    """A session as the API shows it right after its creation."""
    return {
        "id": SESSION_ID,
        "object": "checkout.session",
        "amount_total": 2495,
        "client_reference_id": "ABC",
        "created": 1772359200,
        "currency": "eur",
        "expires_at": 1772445600,
        "livemode": False,
        "metadata": {"attempt": ATTEMPT, "order": "ABC"},
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card", "sepa_debit"],
        "payment_status": "unpaid",
        "status": "open",
        "url": f"https://checkout.stripe.com/c/pay/{SESSION_ID}#fid{'x' * 400}",
        **fields,
    }


def intent(**fields: Any) -> dict[str, Any]:
    return {
        "id": INTENT_ID,
        "object": "payment_intent",
        "amount": 2495,
        "amount_capturable": 0,
        "amount_received": 0,
        "cancellation_reason": None,
        "currency": "eur",
        "latest_charge": None,
        "livemode": False,
        "metadata": {"attempt": ATTEMPT, "order": "ABC"},
        "next_action": None,
        "review": None,
        "status": "requires_payment_method",
        **fields,
    }


def charge(**fields: Any) -> dict[str, Any]:
    return {
        "id": CHARGE_ID,
        "object": "charge",
        "amount": 2495,
        "amount_captured": 2495,
        "amount_refunded": 0,
        "captured": True,
        "currency": "eur",
        "disputed": False,
        "livemode": False,
        "metadata": {"attempt": ATTEMPT, "order": "ABC"},
        "paid": True,
        "payment_intent": INTENT_ID,
        "payment_method_details": {"type": "card", "card": {}},
        "refunds": listing(),
        "status": "succeeded",
        **fields,
    }


def move(prefix: str, amount: int, status: str, **fields: Any) -> dict[str, Any]:
    """A refund (``re``) or a dispute (``dp``)."""
    return {"id": f"{prefix}_{status}{amount}", "amount": amount, "currency": "eur", "status": status, **fields}


def paid(*, of_charge: dict[str, Any] | None = None, **of_intent: Any) -> dict[str, Any]:
    """A session that was paid by card."""
    made = intent(
        **{
            "status": "succeeded",
            "amount_received": 2495,
            "latest_charge": charge(**(of_charge or {})),
            **of_intent,
        }
    )
    return session(status="complete", payment_status="paid", payment_intent=made, url=None)


def listing(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": more, "url": "/v1/things"}


# -- servers


def by_path(routes: dict[str, Any]) -> Handler:
    """Answer by the beginning of the path, the longest one that fits; a callable value gets the query."""

    def handle(connection: Any, request: Any) -> None:
        parts = urlsplit(request.path)
        fitting = max((path for path in routes if parts.path.startswith(path)), key=len)
        found: Any = routes[fitting]
        if isinstance(found, Callable):  # type: ignore[arg-type]
            found = found({name: values[0] for name, values in parse_qs(parts.query).items()})
        connection.sendall(found if isinstance(found, bytes) else answer(found))

    return handle


# -- webhooks


def event(thing: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": "evt_1Wire",
        "object": "event",
        "api_version": "2026-03-25.dahlia",
        "data": {"object": session() if thing is None else thing},
        "livemode": False,
        "type": "checkout.session.completed",
        **fields,
    }


def signature(body: bytes, *, secret: str = SECRET, stamp: int | str | None = None) -> tuple[str, str]:
    """The timestamp and the v1 signature of a body, computed as the documentation says."""
    t = str(int(clock.now().timestamp()) if stamp is None else stamp)
    return t, hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()


def signed(body: Any, **how: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery; ``body`` is JSON unless it is bytes already."""
    raw = body if isinstance(body, bytes) else json.dumps(body, indent=2).encode()
    t, v1 = signature(raw, **how)
    return {"content-type": "application/json; charset=utf-8", "stripe-signature": f"t={t},v1={v1}"}, raw
