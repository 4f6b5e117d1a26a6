"""The bank's shapes by hand, and its checksum written a second time; the simulator is for the whole story."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django_payflow import clock
from django_payflow.messages import Buyer, Checkout, Notice
from django_payflow.providers.golomt import GolomtOptions, GolomtProvider, transaction_id
from django_payflow.providers.http import Http
from tests.mollie.wire import DictCache, Handler, always, answer, serving

__all__ = ["adapter", "always", "answer", "checkout", "inquiry", "invoice", "outcome", "parse", "push", "serving"]

KEY, BEARER = "sim-golomt-secret", "sim-golomt-token"
CARD_TOKEN = "3c1f0a7be2d94c5e8f60718293a4b5c6d7e8f90123456789abcdef0011223344"
INVOICE = "6f2d2c0e-5a7f-4a4e-9f3b-0c6f6b0e9d11"
ATTEMPT = "11111111-1111-4111-8111-111111111111"
OURS = transaction_id(ATTEMPT)
SUCCESSFUL = "Амжилттай"


def adapter(url: str = "", *, deadline: float = 5, **options: Any) -> GolomtProvider:
    """The adapter as the registry builds it, for a bank at ``url``; "" is the real one's address."""
    values = {"bearer_token": BEARER, "merchant_key": KEY, "test": True, **({"base_url": url} if url else {})}
    read = GolomtProvider.read_options({**values, **options})
    assert isinstance(read, GolomtOptions)
    return GolomtProvider("golomt", read, Http(base_url=read.base_url, deadline=deadline), DictCache())


def checkout(**fields: Any) -> Checkout:
    values = {
        "key": ATTEMPT,
        "account": "golomt",
        "order_reference": "ABC",
        "description": "Order ABC",
        "amount": 1_850_000,
        "currency": "MNT",
        "return_url": "https://shop.test/payflow/return/r/",
        "webhook_url": "https://shop.test/payflow/webhook/golomt/t/",
        "created_at": clock.now(),
        "buyer": Buyer(email="ada@example.com", name="Ada"),
    }
    return Checkout(**{**values, **fields})


def seal(*values: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), "".join(values).encode(), hashlib.sha256).hexdigest()


def outcome(**fields: Any) -> dict[str, Any]:
    """An inquiry's answer about our transaction of 18,500 tögrög, not paid yet; sealed after the changes.

    A change of ``...`` leaves the field out; a ``checksum`` that is given stays as it is.
    """
    values: dict[str, Any] = {
        "status": "PENDING",
        "amount": "18500.00",
        "bank": None,
        "errorDesc": None,
        "errorCode": None,
        "cardHolder": None,
        "transactionId": OURS,
        "cardNumber": None,
        "token": None,
    } | fields
    hashed = [values.get(name) for name in ("transactionId", "errorCode", "amount", "token")]
    checksum = seal(*(str(value) for value in hashed if value not in (None, ...)))
    return {name: value for name, value in ({"checksum": checksum} | values).items() if value is not ...}


def paid(**fields: Any) -> dict[str, Any]:
    """The same, paid."""
    values = {
        "status": "SENT",
        "bank": "Голомт банк",
        "errorDesc": SUCCESSFUL,
        "errorCode": "000",
        "cardHolder": "SIM BUYER",
        "cardNumber": "949625******0003",
        "token": CARD_TOKEN,
    }
    return outcome(**{**values, **fields})


def invoice(**fields: Any) -> dict[str, Any]:
    """The answer to an invoice, sealed after the changes."""
    values = {"transactionId": OURS, "invoice": INVOICE} | fields
    return {"checksum": seal(str(values["invoice"]), str(values["transactionId"]))} | values


def inquiry(said: Any, status: int = 200) -> Handler:
    """A bank that always says the same."""
    return always(answer(said, status))


def push(**fields: Any) -> bytes:
    """A push about our paid transaction."""
    values = {name: value for name, value in paid(**fields).items() if name != "status"}
    return json.dumps(values, ensure_ascii=False).encode()


def parse(body: bytes, *, headers: Mapping[str, str] | None = None, **options: Any) -> Notice:
    """Read one push."""
    given = {"content-type": "application/json"} if headers is None else headers
    (notice,) = adapter(**options).parse_webhook(given, body, {}, "")
    return notice


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
