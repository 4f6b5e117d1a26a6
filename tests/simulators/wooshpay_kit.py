"""What the WooshPay simulator's tests talk with: a shop at its API, a buyer on its pages, a checker of signatures."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
from collections.abc import Iterator
from typing import Any

import requests

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver, Seen

KEY = "sk_test_simulator"
OTHER_KEY = "sk_test_other"
LIVE_KEY = "sk_live_simulator"
SECRET = "whsec_sim_0123456789abcdef0123456789abcdef"  # noqa: S105 - the sheet's worked example
RETURN = "https://shop.example/pay/wooshpay/return?ref=ORD100045"
CANCEL = "https://shop.example/pay/wooshpay/cancel?ref=ORD100045"
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
DOCUMENTED = [
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "charge.refund.updated",
    "charge.dispute.updated",
]


class WooshShop:
    """A shop that uses the simulated WooshPay over HTTP, and the control API beside it."""

    def __init__(self, url: str, session: requests.Session, webhook_url: str) -> None:
        self.root = url
        self.url = f"{url}/wooshpay"
        self.session = session
        self.webhook_url = webhook_url

    def call(self, method: str, path: str, body: Any = None, key: str = KEY, **more: Any) -> requests.Response:
        headers = {name: value for name, value in (HEADERS | more.pop("headers", {})).items() if value is not None}
        auth = more.pop("auth", (key, ""))
        data = more.pop("data", None if body is None else json.dumps(body))
        return self.session.request(
            method, f"{self.url}{path}", headers=headers, auth=auth, data=data, timeout=20, **more
        )

    def good(self, method: str, path: str, body: Any = None, key: str = KEY, **more: Any) -> dict[str, Any]:
        answer = self.call(method, path, body, key, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def order(self, *, amount: int = 1234, currency: str = "USD", **changes: Any) -> dict[str, Any]:
        """The body of a good create call; a change of None leaves the parameter out."""
        price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Order ORD100045"}}
        body: dict[str, Any] = {
            "mode": "payment",
            "success_url": RETURN,
            "cancel_url": CANCEL,
            "client_reference_id": "ORD100045",
            "customer_email": "buyer@example.org",
            "metadata": {"order_id": "ORD100045"},
            "payment_intent_data": {"metadata": {"order_id": "ORD100045"}},
            "payment_method_types": ["card"],
            "line_items": [{"price_data": price, "quantity": 1}],
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def create(self, key: str = KEY, **changes: Any) -> dict[str, Any]:
        return self.good("POST", "/v1/checkout/sessions", self.order(**changes), key)

    def manual(self, **changes: Any) -> dict[str, Any]:
        return self.create(payment_intent_data={"capture_method": "manual"}, **changes)

    def get(self, session_id: str, key: str = KEY) -> dict[str, Any]:
        return self.good("GET", f"/v1/checkout/sessions/{session_id}", key=key)

    def intent(self, session: dict[str, Any], key: str = KEY) -> dict[str, Any]:
        return self.good("GET", f"/v1/payment_intents/{session['payment_intent']}", key=key)

    # -- the control API --------------------------------------------------------------------------------

    def try_control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.root}/_control/{path}", json=body, timeout=20)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.try_control(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def verb(self, session: dict[str, Any], verb: str, body: Any = None) -> Any:
        return self.control("POST", f"wooshpay/payments/{session['id']}/{verb}", body or {})

    def set_status(self, session: dict[str, Any], status: str, **more: Any) -> dict[str, Any]:
        payment: dict[str, Any] = self.verb(session, "status", {"status": status, **more})
        return payment

    def paid(self, **changes: Any) -> dict[str, Any]:
        session = self.create(**changes)
        self.set_status(session, "paid")
        return session

    def switch(self, **values: Any) -> None:
        self.control("POST", "wooshpay/settings", values)

    def register(self, key: str = KEY, url: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"api_key": key, "url": url or self.webhook_url, "secret": SECRET} | more
        endpoint: dict[str, Any] = self.control("POST", "wooshpay/webhook_endpoints", body)
        return endpoint

    def advance(self, seconds: float) -> None:
        """Move the clock and let everything that became due happen."""
        self.control("POST", "clock", {"advance": seconds, "shared": True})
        self.settle()

    def settle(self) -> None:
        self.control("POST", "wait", {"idle": True, "timeout": 10})

    def deliveries(self) -> list[dict[str, Any]]:
        self.settle()
        found: list[dict[str, Any]] = self.control("GET", "deliveries?provider=wooshpay")
        return found

    def told(self) -> list[str]:
        """Types of the events that were made for an endpoint, oldest first."""
        return [json.loads(each["body"])["type"] for each in self.deliveries()]

    def fault(self, on: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", {"provider": "wooshpay", "on": on, "kind": kind, **more})


class Buyer:
    """Walks through one session's pages; never leaves for the shop."""

    def __init__(self, shop: WooshShop, session: dict[str, Any]) -> None:
        self.session = shop.session
        self.root = shop.root
        self.page = self.session.get(session["url"], timeout=5)
        assert self.page.status_code == 200, self.page.text

    def texts(self, pattern: str) -> list[str]:
        return [html.unescape(found) for found in re.findall(pattern, self.page.text)]

    @property
    def methods(self) -> list[str]:
        return self.texts(r'data-method="(\w+)"')

    def send(self, url: str | None = None, **form: str) -> requests.Response:
        """Press a button of the page; a redirect inside the simulator is followed, one to the shop is not."""
        answer = self.session.post(url or self.page.url, data=form, allow_redirects=False, timeout=5)
        if answer.is_redirect and answer.headers["Location"].startswith(self.root):
            self.page = self.session.get(answer.headers["Location"], timeout=5)
        return answer

    def card(self, number: str) -> requests.Response:
        return self.send(number=number, expiry="03/2027", cvc="123")

    def choose(self, method: str) -> None:
        (address,) = self.texts(rf'href="([^"]+)" data-method="{method}"')
        self.page = self.session.get(address, timeout=5)


def check_signature(seen: Seen, secret: str = SECRET, header: str = "Signature") -> int:
    """Verify as the sheet says; returns the time of the signature."""
    parts = [part.split("=", 1) for part in seen.headers[header].split(",")]
    (moment,) = (value for name, value in parts if name == "t")
    good = hmac.new(secret.encode(), moment.encode() + b"." + seen.body, hashlib.sha256).hexdigest()
    assert good in [value for name, value in parts if name == "v1"], "no signature fits"
    return int(moment)


def opened_shop(running: Running, receiver: Receiver) -> Iterator[WooshShop]:
    """An emptied simulator and a shop at it; every test module makes its fixture ``woosh`` of this."""
    with requests.Session() as session:
        session.trust_env = False
        shop = WooshShop(running.url, session, f"{receiver.url}/hook")
        shop.control("POST", "reset")
        yield shop
        shop.control("POST", "reset")
