"""What the Resurs simulator's tests talk with: a shop with a token of its own, and the sheet's example order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import requests

CLIENT, SECRET = "sim-resurs-client", "sim-resurs-secret"
STORE, INVOICE = "b7f88ac4-0000-4000-8000-0000000000a1", "7d63eb50-0000-4000-8000-0000000000b2"
NORWAY, FINLAND, DENMARK = (f"b7f88ac4-0000-4000-8000-0000000000a{number}" for number in (2, 3, 4))
OK, FAIL = "https://shop.example/pay/return/1042/ok?a=1&b=2", "https://shop.example/pay/return/1042/fail"
VINCENT = "198305147715"
MOCKS = ("SIGNING", "AUTH", "CONSENT", "FORM", "PRE_SIGN", "IDENTITY_CHECK", "CUSTOMER_LANDING")


def line(total: Any, **changes: Any) -> dict[str, Any]:
    return {"quantity": 1, "quantityUnit": "st", "vatRate": 25, "totalAmountIncludingVat": total} | changes


class ResursShop:
    """A shop that uses the simulated Merchant API over HTTP, and the control API beside it."""

    def __init__(self, url: str, session: requests.Session, receiver_url: str) -> None:
        self.root = url
        self.url = f"{url}/resurs"
        self.session = session
        self.receiver_url = receiver_url
        self.token = ""

    def ask_token(self, **changes: Any) -> requests.Response:
        body = {"client_id": CLIENT, "client_secret": SECRET, "grant_type": "client_credentials"}
        sent = {
            name: value for name, value in (body | {"scope": "merchant-api"} | changes).items() if value is not None
        }
        return self.session.post(f"{self.url}/oauth2/token", json=sent, timeout=10)

    def log_in(self, **changes: Any) -> str:
        answer = self.ask_token(**changes)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self.token

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = None, **more: Any
    ) -> requests.Response:
        if not self.token:
            self.log_in()
        headers = {"Authorization": f"Bearer {token or self.token}", "accept-language": "en"} | more.pop(
            "headers", {}
        )
        url = path if path.startswith("http") else f"{self.url}{path}"
        return self.session.request(method, url, json=body, headers=headers, timeout=10, **more)

    def order(self, *, options: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """The sheet's example. ``governmentId`` and ``email`` go to the customer; None leaves out."""
        goods = line(800.00, type="PHYSICAL_GOODS", reference="SKU-1", description="Desk lamp", quantity=2)
        goods["totalVatAmount"] = 160.00
        shipping = line(49.00, type="SHIPPING", reference="shipping", description="Parcel", totalVatAmount=9.80)
        customer: dict[str, Any] = {
            "customerType": "NATURAL",
            "governmentId": VINCENT,
            "email": "buyer@example.com",
            "mobilePhone": "0701112233",
            "deliveryAddress": {
                "fullName": "Vincent Alexandersson",
                "firstName": "Vincent",
                "lastName": "Alexandersson",
                "addressRow1": "Glassgatan 15",
                "postalCode": "41655",
                "postalArea": "Göteborg",
                "countryCode": "SE",
            },
            "deviceInfo": {"ip": "203.0.113.7", "userAgent": "Mozilla/5.0"},
        }
        for name in ("governmentId", "email", "mobilePhone", "customerType", "contactPerson"):
            if name in changes:
                customer[name] = changes.pop(name)
        body: dict[str, Any] = {
            "storeId": STORE,
            "paymentMethodId": INVOICE,
            "order": {"orderReference": "ORD-1042", "orderLines": [goods, shipping]},
            "customer": {name: value for name, value in customer.items() if value is not None},
            "metadata": {"custom": [{"key": "externalCustomerId", "value": "77"}]},
            "options": {
                "initiatedOnCustomersDevice": True,
                "handleFrozenPayments": True,
                "handleManualInspection": False,
                "automaticCapture": False,
                "redirectionUrls": {"customer": {"successUrl": OK, "failUrl": FAIL}},
                "callbacks": {
                    "authorization": {"url": f"{self.receiver_url}/authorization"},
                    "management": {"url": f"{self.receiver_url}/management"},
                    "creditApplication": {"url": f"{self.receiver_url}/credit"},
                },
                "timeToLiveInMinutes": 120,
            }
            | (options or {}),
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def create(self, **changes: Any) -> dict[str, Any]:
        return self.good("POST", "/v2/payments", self.order(**changes))

    def good(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.call(method, path, body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
        return found

    def get(self, payment_id: str) -> dict[str, Any]:
        return self.good("GET", f"/v2/payments/{payment_id}")

    def refused(self, method: str, path: str, body: Any, status: int = 400) -> dict[str, str]:
        """What is wrong with which field."""
        answer = self.call(method, path, body)
        assert answer.status_code == status, answer.text
        error = answer.json()
        assert all(
            isinstance(error[name], str) and error[name] for name in ("traceId", "code", "message", "timestamp")
        )
        return {each["fieldName"]: each["message"] for each in error.get("validationErrors", [])}

    def sign(self, payment: dict[str, Any], action: str = "sign", **form: str) -> requests.Response:
        """Press a button of the hosted page."""
        url = payment["taskRedirectionUrls"]["customerUrl"]
        return self.session.post(url, data={"action": action} | form, allow_redirects=False, timeout=10)

    def accepted(self, **changes: Any) -> dict[str, Any]:
        payment = self.create(**changes)
        self.sign(payment)
        return self.get(payment["id"])

    # -- control ----------------------------------------------------------------------------------------

    def try_control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.root}/_control/{path}", json=body, timeout=20)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.try_control(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return json.loads(answer.text, parse_float=Decimal)

    def settings(self, **wanted: Any) -> None:
        self.control("POST", "resurs/settings", wanted)

    def set_status(self, payment_id: str, status: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.control(
            "POST", f"resurs/payments/{payment_id}/status", {"status": status, **more}
        )
        return found

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", {"advance": seconds})
        self.settle()

    def settle(self) -> None:
        self.control("POST", "wait", {"idle": True, "timeout": 10})

    def deliveries(self) -> list[dict[str, Any]]:
        self.settle()
        found: list[dict[str, Any]] = self.control("GET", "deliveries?provider=resurs")
        return found

    def told(self) -> list[str]:
        """What callbacks said so far, in the order of their making: authorization AUTHORIZED and the like."""
        said = []
        for each in self.deliveries():
            body = json.loads(each["body"])
            said.append(f"{each['facts']['kind']} {body.get('status') or body['action']}")
        return said

    def fault(self, on: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", {"provider": "resurs", "on": on, "kind": kind, **more})


def sums(payment: dict[str, Any]) -> tuple[str, ...]:
    """total, authorized, captured, refunded, canceled as they were written."""
    names = ("totalOrderAmount", "authorizedAmount", "capturedAmount", "refundedAmount", "canceledAmount")
    return tuple(str(payment["order"][name]) for name in names)


def actions(payment: dict[str, Any]) -> list[str]:
    return [each["action"] for each in payment["order"]["possibleActions"]]


@contextmanager
def shop_at(url: str, receiver_url: str) -> Iterator[ResursShop]:
    """A shop at simulators that are empty before and after."""
    with requests.Session() as session:
        session.trust_env = False
        shop = ResursShop(url, session, receiver_url)
        shop.control("POST", "reset")
        yield shop
        shop.control("POST", "reset")
