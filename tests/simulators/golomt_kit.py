"""What the Golomt simulator's tests talk with: a shop at its API, a buyer on its pages, a checker of checksums."""

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
from tests.simulators.kit import Receiver

SECRET, BEARER = "sim-golomt-secret", "sim-golomt-token"
OTHER_SECRET, OTHER_BEARER = "second-secret", "second-token"
CALLBACK = "https://shop.example/pay/golomt/return"
MERCHANT_ID = "000000000087050"
PAID, EXPIRED_CARD = "Амжилттай", "Картын хугацаа дууссан"


def hmac_hex(message: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def outcome_message(body: dict[str, Any]) -> str:
    """What an inquiry's answer and a push hash: id, code, amount, and the token if there is one."""
    return "".join(body.get(name) or "" for name in ("transactionId", "errorCode", "amount", "token"))


class GolomtShop:
    """A shop at the simulated bank over HTTP, and the control API beside it."""

    def __init__(self, url: str, session: requests.Session, push_url: str) -> None:
        self.root = url
        self.url = f"{url}/golomt"
        self.session = session
        self.push_url = push_url

    # -- the bank's API ---------------------------------------------------------------------------------

    def call(self, path: str, body: Any = None, *, bearer: str | None = BEARER, **more: Any) -> requests.Response:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        headers |= more.pop("headers", {"Content-Type": "application/json"})
        data = more.pop("data", json.dumps(body))
        method = more.pop("method", "POST")
        return self.session.request(method, f"{self.url}{path}", headers=headers, data=data, timeout=20, **more)

    def good(self, path: str, body: Any, **more: Any) -> dict[str, Any]:
        answer = self.call(path, body, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def refused(self, path: str, body: Any, **more: Any) -> tuple[int, str, str]:
        """Status, error word and message; the shape of the error is checked on the way."""
        answer = self.call(path, body, **more)
        found = answer.json()
        assert list(found) == ["timestamp", "status", "error", "message", "path"]
        assert found["status"] == answer.status_code
        return answer.status_code, found["error"], found["message"]

    def order(self, transaction_id: str = "ORD100045", *, secret: str = SECRET, **changes: Any) -> dict[str, Any]:
        """The body of a good invoice, signed after the changes; a change of None leaves the field out."""
        body: dict[str, Any] = {
            "amount": "18500.00",
            "transactionId": transaction_id,
            "returnType": "GET",
            "callback": CALLBACK,
            "genToken": "Y",
            "socialDeeplink": "N",
        } | changes
        parts = [body.get(name) for name in ("transactionId", "amount", "returnType", "callback")]
        checksum = hmac_hex("".join(str(part) for part in parts if part is not None), secret)
        return {name: value for name, value in ({"checksum": checksum} | body).items() if value is not None}

    def create(
        self, transaction_id: str = "ORD100045", *, secret: str = SECRET, bearer: str = BEARER, **changes: Any
    ) -> dict[str, Any]:
        return self.good("/api/invoice", self.order(transaction_id, secret=secret, **changes), bearer=bearer)

    def question(self, transaction_id: str, secret: str = SECRET) -> dict[str, str]:
        return {"checksum": hmac_hex(transaction_id * 2, secret), "transactionId": transaction_id}

    def inquiry(self, transaction_id: str = "ORD100045") -> dict[str, Any]:
        return self.good("/api/inquiry", self.question(transaction_id))

    def token_payment(
        self, token: str, transaction_id: str = "ORD100046", amount: str = "18500.00", **more: Any
    ) -> dict[str, Any]:
        checksum = hmac_hex(f"{amount}{transaction_id}{token}")
        body = {"amount": amount, "checksum": checksum, "transactionId": transaction_id, "lang": "MN", "token": token}
        return body | more

    # -- the control API --------------------------------------------------------------------------------

    def try_control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.root}/_control/{path}", json=body, timeout=20)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.try_control(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def settings(self, **wanted: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.control("POST", "golomt/settings", wanted)
        return found

    def set_status(self, transaction_id: str, status: str, **more: Any) -> dict[str, Any]:
        body = {"status": status, **more}
        found: dict[str, Any] = self.control("POST", f"golomt/payments/{transaction_id}/status", body)
        return found

    def paid(self, transaction_id: str = "ORD100045", **changes: Any) -> dict[str, Any]:
        self.create(transaction_id, **changes)
        return self.set_status(transaction_id, "paid")

    def advance(self, seconds: float) -> None:
        """Move the clock and let everything that became due happen."""
        self.control("POST", "clock", {"advance": seconds})
        self.settle()

    def settle(self) -> None:
        self.control("POST", "wait", {"idle": True, "timeout": 10})

    def deliveries(self) -> list[dict[str, Any]]:
        self.settle()
        found: list[dict[str, Any]] = self.control("GET", "deliveries?provider=golomt")
        return found

    def pushed(self) -> list[dict[str, Any]]:
        """The bodies of all pushes."""
        return [json.loads(each["body"]) for each in self.deliveries()]

    def fault(self, on: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", {"provider": "golomt", "on": on, "kind": kind, **more})


class Buyer:
    """On one page of the bank; never follows the way back to the shop."""

    def __init__(self, shop: GolomtShop, invoice: str, path: str = "payment", language: str = "en") -> None:
        self.session = shop.session
        self.url = f"{shop.url}/{path}/{language}/{invoice}"
        self.page = self.session.get(self.url, timeout=5)

    @property
    def endings(self) -> list[str]:
        return re.findall(r'name="ending" value="(\w+)"', self.page.text)

    def press(self, ending: str, *, headers: dict[str, str] | None = None, **fields: str) -> requests.Response:
        """A button of the form, with the card that the form proposes."""
        typed = dict(re.findall(r'name="(card_\w+)" value="([^"]*)"', self.page.text))
        form = typed | fields | {"ending": ending}
        return self.session.post(self.url, data=form, headers=headers, allow_redirects=False, timeout=5)


def posted_form(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes and what it carries."""
    action = re.search(r'<form [^>]*method="post" action="([^"]+)"', page)
    assert action, page
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in hidden}


def opened_shop(running: Running, receiver: Receiver) -> Iterator[GolomtShop]:
    """A shop at an emptied simulator, its push address registered."""
    with requests.Session() as session:
        session.trust_env = False
        shop = GolomtShop(running.url, session, f"{receiver.url}/push")
        shop.control("POST", "reset")
        shop.settings(push_url=shop.push_url)
        yield shop
        shop.control("POST", "reset")
