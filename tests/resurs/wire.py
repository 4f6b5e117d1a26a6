"""Resurs Bank's shapes by hand, a checkout that has what it needs, and a little server with a token endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django_payflow.messages import Buyer, Checkout, Line, LineKind, Notice
from django_payflow.providers.http import Http
from django_payflow.providers.resurs import MARK, ResursOptions, ResursProvider, order_reference
from tests.mollie.wire import DictCache, Handler, answer, serving

__all__ = ["adapter", "answer", "checkout", "order", "pages", "parse", "payment", "serving"]

CLIENT, SECRET = "sim-resurs-client", "sim-resurs-secret"
STORE, INVOICE = "b7f88ac4-0000-4000-8000-0000000000a1", "7d63eb50-0000-4000-8000-0000000000b2"
ID = "3f0d4a3c-7a55-4d0e-9a5e-5a9a1f0f2c11"
TOKEN = "token-" + "t" * 37
HINT = "h" * 43
NORWAY = "b7f88ac4-0000-4000-8000-0000000000a2"
VINCENT = "198305147715"
BUYER = {
    "phone": "0701112233",
    "government_id": VINCENT,
    "first_name": "Vincent",
    "last_name": "Alexandersson",
    "street": "Glassgatan 15",
    "postal_code": "41655",
    "city": "Göteborg",
    "country": "SE",
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
}
LAMP = Line(
    name="Desk lamp", sku="SKU-1", quantity=2, unit_price=40_000, total=80_000, vat_rate=Decimal(25), unit="st"
)
PARCEL = Line(
    name="Parcel", quantity=1, unit_price=4_900, total=4_900, vat_rate=Decimal(25), kind=LineKind.SHIPPING, unit="st"
)


def options(**values: Any) -> dict[str, Any]:
    return {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "store_id": STORE,
        "payment_method_id": INVOICE,
        "country": "SE",
        "test": True,
        **values,
    }


def adapter(url: str, *, cache: Any = None, deadline: float = 5, **values: Any) -> ResursProvider:
    """The adapter as the registry builds it, for a server at ``url``; "" is the host of the mode."""
    read = ResursOptions(**options(base_url=url, **values))
    http = Http(base_url=read.base_url, deadline=deadline)
    return ResursProvider("resurs", read, http, DictCache() if cache is None else cache)


def checkout(**fields: Any) -> Checkout:
    """The sheet's example order: 849.00 SEK, two lamps and their parcel."""
    values = {
        "key": "11111111-1111-4111-8111-111111111111",
        "account": "resurs",
        "order_reference": "K7Q2W9RTY4PLM3XZ",
        "description": "Order K7Q2W9RTY4PLM3XZ",
        "amount": 84_900,
        "currency": "SEK",
        "return_url": "https://shop.test/payflow/return/r/",
        "webhook_url": f"https://shop.test/payflow/webhook/resurs/{HINT}/",
        "created_at": datetime.now(UTC),
        "lines": (LAMP, PARCEL),
        "buyer": Buyer(email="buyer@example.com", name="Vincent Alexandersson", **BUYER),
    }
    return Checkout(**{**values, **fields})


def order(**sums: Any) -> dict[str, Any]:
    """The order of a payment of 849.00 that nobody signed yet; what is given replaces it."""
    return {
        "orderReference": order_reference(checkout()),
        "totalOrderAmount": 849,
        "authorizedAmount": 0,
        "capturedAmount": 0,
        "refundedAmount": 0,
        "canceledAmount": 0,
        "possibleActions": [],
        "actionLog": [entry("CREATE", 800, 49)],
        **sums,
    }


def entry(kind: str, *totals: Any, **fields: Any) -> dict[str, Any]:
    """One line of the action log."""
    lines = [{"quantity": 1, "vatRate": 25, "totalAmountIncludingVat": total} for total in totals]
    return {"actionId": f"{kind.lower()}-{totals[0]}", "type": kind, "orderLines": lines, **fields}


def payment(status: str = "TASK_REDIRECTION_REQUIRED", **fields: Any) -> dict[str, Any]:
    """A payment as the API shows it right after its creation, in another status if one is given."""
    shown: dict[str, Any] = {
        "id": ID,
        "created": "2026-01-15T10:21:33.829Z",
        "storeId": STORE,
        "countryCode": "SE",
        "paymentMethod": {"name": "Faktura"},
        "paymentActions": [],
        "status": status,
        "customer": {"customerType": "NATURAL", "governmentId": VINCENT, "email": "buyer@example.com"},
        "order": order(),
        "metadata": {"custom": [{"key": MARK, "value": checkout().key}]},
        **fields,
    }
    if status == "TASK_REDIRECTION_REQUIRED":
        page = {"customerUrl": "https://gateway.resurs.com/c/1", "merchantUrl": "https://gateway.resurs.com/m/1"}
        shown.setdefault("taskRedirectionUrls", page)
    return shown


def rejected(category: str | None) -> dict[str, Any]:
    return payment("REJECTED", **({"rejectedReason": {"category": category}} if category else {}))


def pages(shown: Mapping[str, Any]) -> Handler:
    """Answer by address: "METHOD /path" without the query -> an object, or a complete answer as bytes.

    The token endpoint is there unless it is given.
    """
    shown = {"POST /oauth2/token": {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3599}, **shown}
    missing = {"traceId": "1", "code": "NOT_FOUND", "message": "no", "timestamp": "2026-01-15T10:21:33Z"}

    def handle(connection: Any, request: Any) -> None:
        found = shown.get(f"{request.method} {request.path.partition('?')[0]}")
        raw = found if isinstance(found, bytes) else answer(found) if found is not None else answer(missing, 404)
        connection.sendall(raw)

    return handle


def parse(body: Any, kind: str = "authorization", headers: Mapping[str, str] | None = None) -> Notice:
    """Read one callback; ``body`` is JSON unless it is bytes already."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json"} if headers is None else headers
    (notice,) = adapter("").parse_webhook(given, raw, {}, f"{HINT}-{kind}")
    return notice


FORMS = {
    "email": "two words@example.com",
    "phone": "call me",
    "street": "s" * 101,
    "postal_code": "SE-416 55",
    "city": "c" * 51,
    "country": "Sweden",
}
"""The buyer's fields that Resurs needs -> a value that does not fit."""
