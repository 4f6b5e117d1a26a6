"""What creating a checkout session accepts, and what everything else is answered with: a 400 that names the field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django_payflow.simulators.host import Json
from django_payflow.simulators.wooshpay.answers import ApiError, invalid, missing
from django_payflow.simulators.wooshpay.methods import METHODS

_CREATE = """
    mode success_url cancel_url line_items client_reference_id customer customer_email metadata payment_method_types
    payment_intent_data billing_address_collection shipping_address_collection expires_at
"""
CREATE = tuple(_CREATE.split())
_CURRENCY = re.compile(r"[A-Za-z]{3}")
#: beyond this a number of seconds would lie in the year 5138, so it must be milliseconds
_FIRST_MILLISECONDS = 10**11
_HIGHEST_AMOUNT = 10**12
LONGEST_TEXT = 500


def refuse_unknown(sent: Json, known: Sequence[str]) -> None:
    """Fields that only answers have are refused (create page); that unknown ones are refused too is a GUESS."""
    for name in sent:
        if name not in known:
            raise ApiError(400, f"{name} is not a parameter of this call", code="parameter_unknown", param=name)


def whole_number(value: object, name: str, lowest: int, highest: int = _HIGHEST_AMOUNT) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise invalid(name, f"must be a whole number from {lowest} to {highest}")
    return value


def text(value: object, name: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise invalid(name, f"must be a text of at most {LONGEST_TEXT} characters")
    return value


def word(value: object, name: str, words: Sequence[str], default: str | None = None) -> str | None:
    if value is None:
        return default
    if value not in words:
        raise invalid(name, f"must be one of: {', '.join(words)}")
    return str(value)


def metadata(value: object, name: str = "metadata") -> Json:
    """Texts to texts."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise invalid(name, "must be an object of texts")
    return value


def url(value: object, name: str) -> str:
    if value is None:
        raise missing(name)
    if not isinstance(value, str) or any(character <= " " for character in value):
        raise invalid(name, "must be a URL")
    try:
        parts = urlsplit(value)
        good = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise invalid(name, "must be a URL")
    return value


def method_types(value: object, disabled: Sequence[str]) -> list[str]:
    """Unknown or not enabled methods make a live checkout fail (an integrator's note), so they do here."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid("payment_method_types", "must be a list")
    for method in value:
        if method not in METHODS:
            raise invalid("payment_method_types", f"there is no method {method}")
        if method in disabled:
            raise invalid("payment_method_types", f"{method} is not enabled for this account")
    return list(dict.fromkeys(value))


def expires_at(value: object, now: float) -> int | None:
    """In milliseconds. The unit on input is unclear: what looks like seconds is taken for seconds (GUESS)."""
    if value is None:
        return None
    moment = whole_number(value, "expires_at", 1, 10**14)
    if moment < _FIRST_MILLISECONDS:
        moment *= 1000
    if not now * 1000 < moment <= (now + 30 * 86400) * 1000:
        raise invalid("expires_at", "must lie in the future, 30 days ahead at most")
    return moment


def line_items(value: object) -> list[Json]:
    """What is needed of every line: name, description, unit amount, quantity, currency (upper case)."""
    if value is None or value == []:
        raise missing("line_items")
    if not isinstance(value, list):
        raise invalid("line_items", "must be a list")
    lines = [_line(item, f"line_items[{number}]") for number, item in enumerate(value)]
    if len({line["currency"] for line in lines}) > 1:
        raise invalid("line_items", "all items must have the same currency")
    whole_number(sum(line["unit_amount"] * line["quantity"] for line in lines), "line_items", 1)
    return lines


def _line(item: object, name: str) -> Json:
    price = _object(item, name).get("price_data")
    if price is None:
        raise missing(f"{name}.price_data")
    price = _object(price, f"{name}.price_data")
    for needed in ("currency", "unit_amount", "product_data"):
        if price.get(needed) is None:
            raise missing(f"{name}.price_data.{needed}")
    product = _object(price["product_data"], f"{name}.price_data.product_data")
    if not product.get("name"):
        raise missing(f"{name}.price_data.product_data.name")
    if not isinstance(price["currency"], str) or not _CURRENCY.fullmatch(price["currency"]):
        raise invalid(f"{name}.price_data.currency", "must be a currency code of three letters")
    return {
        "name": text(product["name"], f"{name}.price_data.product_data.name"),
        "description": text(product.get("description"), f"{name}.price_data.product_data.description"),
        "images": product.get("images"),
        "currency": price["currency"].upper(),
        "unit_amount": whole_number(price["unit_amount"], f"{name}.price_data.unit_amount", 0),
        "quantity": whole_number(_object(item, name).get("quantity", 1), f"{name}.quantity", 1, 10**6),
    }


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(name, "must be an object")
    return value


def intent_data(value: object) -> Json:
    """Integrators send metadata, billing_details and shipping; capture_method, description and merchant_order_id
    are a GUESS. What else is in it is taken and forgotten."""
    sent = _object({} if value is None else value, "payment_intent_data")
    methods = ("automatic", "manual")
    return {
        "metadata": metadata(sent.get("metadata"), "payment_intent_data.metadata"),
        "description": text(sent.get("description"), "payment_intent_data.description"),
        "shipping": sent.get("shipping"),
        "merchant_order_id": text(sent.get("merchant_order_id"), "payment_intent_data.merchant_order_id"),
        "capture_method": word(
            sent.get("capture_method"), "payment_intent_data.capture_method", methods, "automatic"
        ),
    }


def read_create(sent: Json, *, disabled: Sequence[str], now: float) -> Json:
    """Everything a new session is made of, with nothing missing."""
    refuse_unknown(sent, CREATE)
    mode = word(sent.get("mode"), "mode", ("payment", "setup", "subscription"), "payment")
    if mode != "payment":
        raise invalid("mode", f"{mode} is not imitated by this simulator")
    return {
        "success_url": url(sent.get("success_url"), "success_url"),
        "cancel_url": url(sent.get("cancel_url"), "cancel_url"),
        "lines": line_items(sent.get("line_items")),
        "client_reference_id": text(sent.get("client_reference_id"), "client_reference_id"),
        "customer": text(sent.get("customer"), "customer"),
        "customer_email": text(sent.get("customer_email"), "customer_email"),
        "metadata": metadata(sent.get("metadata")),
        "payment_method_types": method_types(sent.get("payment_method_types"), disabled),
        "intent": intent_data(sent.get("payment_intent_data")),
        "billing_address_collection": word(
            sent.get("billing_address_collection"), "billing_address_collection", ("auto", "required"), "auto"
        ),
        "expires_at": expires_at(sent.get("expires_at"), now),
    }
