"""A shop at the Stripe simulator: form-encoded calls, the hosted page as a buyer sees it, endpoints, events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests

from tests.simulators.kit import Shop

KEY = "sk_test_" + "k" * 24
OTHER_KEY = "sk_test_" + "o" * 24
LIVE_KEY = "sk_live_" + "k" * 24
VERSION = "2026-03-25.dahlia"
SECRET = "whsec_" + "s" * 32
RETURN = "https://shop.example/return/9b1d/?sid={CHECKOUT_SESSION_ID}"
CANCEL = "https://shop.example/cancel/9b1d/"

GOOD, DECLINED, POOR, SECURE = "4242424242424242", "4000000000000002", "4000000000009995", "4000000000003220"
IBAN, SLOW_IBAN, BAD_IBAN = "AT611904300234573201", "AT321904300235473204", "AT861904300235473202"


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested parameters as Stripe's libraries send them."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{prefix}[{key}]" if prefix else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for at, item in enumerate(value):
            yield from flat(item, f"{prefix}[{at}]")
    elif isinstance(value, bool):
        yield prefix, str(value).lower()
    else:
        yield prefix, str(value)


class StripeShop(Shop):
    """``call`` and what follows it talk to Stripe; the control verbs are those of the kit."""

    def __init__(self, url: str, session: requests.Session, webhook_url: str) -> None:
        super().__init__(url, session, webhook_url)
        self.url = f"{url}/stripe"

    def call(self, method: str, path: str, key: str = KEY, **more: Any) -> requests.Response:
        """``send`` are nested parameters, in the body of a POST and in the query of a GET."""
        sent = list(flat(more.pop("send", {})))
        headers = {"Stripe-Version": VERSION} | more.pop("headers", {})
        if sent:
            more["data" if method == "POST" else "params"] = sent
        return super().call(method, path, key, headers=headers, **more)

    def order(self, **changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "mode": "payment",
            "success_url": RETURN,
            "cancel_url": CANCEL,
            "client_reference_id": "2026-0042",
            "metadata": {"attempt": "9b1d"},
            "payment_intent_data": {"metadata": {"attempt": "9b1d"}},
            "line_items": [line()],
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def create(self, key: str = KEY, **changes: Any) -> dict[str, Any]:
        return self.ok("POST", "/v1/checkout/sessions", key, send=self.order(**changes))

    def ok(self, method: str, path: str, key: str = KEY, **more: Any) -> dict[str, Any]:
        answer = self.call(method, path, key, **more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def refused(self, method: str, path: str, status: int = 400, **more: Any) -> dict[str, Any]:
        answer = self.call(method, path, **more)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()["error"]
        return error

    def get(self, payment_id: str, key: str = KEY, **params: str) -> dict[str, Any]:
        send = {"expand": ["payment_intent.latest_charge"], **params}
        return self.ok("GET", f"/v1/checkout/sessions/{payment_id}", key, send=send)

    # -- the control API --------------------------------------------------------------------------------

    def set_status(self, payment_id: str, status: str, **more: Any) -> dict[str, Any]:
        return self.verb(payment_id, "status", status=status, **more)

    def verb(self, payment_id: str, verb: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.control("POST", f"stripe/payments/{payment_id}/{verb}", body)
        return answer

    def listen(self, key: str = KEY, secret: str = SECRET, **more: Any) -> dict[str, Any]:
        body = {"api_key": key, "url": self.webhook_url, "secret": secret, **more}
        endpoint: dict[str, Any] = self.control("POST", "stripe/webhook_endpoints", body)
        return endpoint

    def switch(self, **settings: Any) -> None:
        self.control("POST", "stripe/settings", settings)

    def fault(self, on: str, kind: str, **more: Any) -> dict[str, Any]:
        fault: dict[str, Any] = self.control("POST", "faults", {"provider": "stripe", "on": on, "kind": kind, **more})
        return fault

    def events(self) -> list[str]:
        """Types of what was told so far, oldest first."""
        return [json.loads(each["body"])["type"] for each in self.deliveries()]

    # -- the buyer --------------------------------------------------------------------------------------

    def visit(self, url: str) -> requests.Response:
        return self.session.get(url, timeout=5, allow_redirects=False)

    def submit(self, url: str, **form: str) -> requests.Response:
        """Post a form of the hosted page; says where it leads and does not follow."""
        return self.session.post(url.partition("#")[0], data=form, timeout=15, allow_redirects=False)

    def pay(self, session: Mapping[str, Any], number: str = GOOD, **more: str) -> requests.Response:
        form = {"method": "card", "number": number, "expiry": "12 / 34", "cvc": "123", "email": "ada@example.com"}
        return self.submit(session["url"], **(form | more))

    def debit(self, session: Mapping[str, Any], iban: str = IBAN) -> requests.Response:
        return self.submit(session["url"], method="sepa_debit", iban=iban, email="ada@example.com")

    def paid(self, **changes: Any) -> dict[str, Any]:
        """A session paid by card, with PaymentIntent and charge in it."""
        session = self.create(**changes)
        assert self.pay(session).status_code == 303
        return self.get(session["id"])

    def held(self, **changes: Any) -> dict[str, Any]:
        return self.paid(payment_intent_data={"capture_method": "manual"}, **changes)


def line(amount: int = 2495, currency: str = "eur", quantity: int = 1, **price: Any) -> dict[str, Any]:
    data = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Order 2026-0042"}, **price}
    return {"quantity": quantity, "price_data": data}


def stripe_shop(shop: Shop) -> StripeShop:
    """The kit's shop, at Stripe."""
    return StripeShop(shop.root, shop.session, shop.webhook_url)
