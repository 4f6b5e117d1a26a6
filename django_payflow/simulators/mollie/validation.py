"""What creating and changing a payment accept, field by field; everything else is a 422 that names the field."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlsplit

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie import methods
from django_payflow.simulators.mollie.amounts import read_amount
from django_payflow.simulators.mollie.answers import ApiError

DESCRIPTION_LENGTH = 255
#: "about 1 kB"; counted here in bytes of compact JSON, a GUESS
METADATA_BYTES = 1024
_LISTED_LOCALES = """
    ca_ES cs_CZ da_DK de_AT de_CH de_DE de_LU en_BE en_GB en_NL en_US es_ES fi_FI fr_BE fr_FR fr_LU hu_HU is_IS it_IT
    lt_LT lv_LV nb_NO nl_BE nl_NL pl_PL pt_PT sk_SK sv_SE
"""
LOCALES = frozenset(_LISTED_LOCALES.split())
_CAPTURE_DELAY = re.compile(r"([1-9][0-9]{0,2}) (hours?|days?)")
_WITHOUT_TARGET = ("javascript", "data", "vbscript", "file")


def refuse_unknown(sent: Json, known: Sequence[str]) -> None:
    """``testmode`` and ``profileId`` belong to organization tokens; with an API key they are unknown too."""
    for name in sent:
        if name not in known:
            raise ApiError(422, f"There is no parameter of the name {name} for this call.", name)


def _text(value: object, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ApiError(422, "This must be a text that is not empty.", field)
    return value


def description(value: object) -> str:
    """Longer descriptions are cut, not refused."""
    return _text(value, "description")[:DESCRIPTION_LENGTH]


def _url(value: object, field: str) -> str:
    """Shops also pass the addresses of their mobile apps, so any scheme that leads somewhere is good."""
    text = _text(value, field)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ApiError(422, "This is not a URL.", field) from error
    scheme = parts.scheme.lower()
    if not scheme or scheme in _WITHOUT_TARGET or any(character <= " " for character in text):
        raise ApiError(422, "This is not a URL.", field)
    if scheme in ("http", "https") and not parts.hostname:
        raise ApiError(422, "This is not a URL.", field)
    return text


def redirect_url(value: object) -> str:
    return _url(value, "redirectUrl")


def cancel_url(value: object) -> str | None:
    return None if value is None else _url(value, "cancelUrl")


def webhook_url(value: object, strict: bool) -> str | None:
    """The real API also refuses hosts it cannot reach; that check is ``strict``, or this machine were refused."""
    if value is None:
        return None
    text = _url(value, "webhookUrl")
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https"):
        raise ApiError(422, "Webhooks are sent over http or https.", "webhookUrl")
    if strict and not _is_public(parts.hostname or ""):
        raise ApiError(422, "No public host has this address, so it could never be reached.", "webhookUrl")
    return text


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal", ".test", ".invalid"))


def method_names(value: object, disabled: Sequence[str]) -> list[str]:
    """[] means: the shopper chooses. One name alone is preset, and so is a list of one (a GUESS)."""
    names = [value] if isinstance(value, str) else value
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ApiError(422, "The method must be a name, a list of names or null.", "method")
    enabled = {method.id for method in methods.active(disabled)}
    for name in names:
        if name not in methods.METHODS:
            raise ApiError(422, f"There is no payment method {name}.", "method")
        if name not in enabled:
            raise ApiError(422, f"The payment method {name} is not switched on for this profile.", "method")
    return list(dict.fromkeys(names))


def metadata(value: object) -> object:
    if len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) > METADATA_BYTES:
        raise ApiError(422, f"The metadata must fit into {METADATA_BYTES} bytes.", "metadata")
    return value


def locale(value: object) -> str | None:
    if value is not None and value not in LOCALES:
        raise ApiError(422, "This is not a locale the payment pages come in.", "locale")
    return value if isinstance(value, str) else None


def _one_of(field: str, *words: str) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if value is not None and value not in words:
            raise ApiError(422, f"This must be one of: {', '.join(words)}.", field)
        return value if isinstance(value, str) else None

    return check


def capture_delay_seconds(value: object) -> int | None:
    """``"8 hours"`` or ``"2 days"``, at most seven days."""
    if value is None:
        return None
    match = _CAPTURE_DELAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ApiError(422, 'The delay is written as "8 hours" or "2 days".', "captureDelay")
    seconds = int(match[1]) * (3600 if match[2].startswith("hour") else 86400)
    if seconds > 7 * 86400:
        raise ApiError(422, "The delay can be seven days at most.", "captureDelay")
    return seconds


def _capture_delay(value: object) -> object:
    capture_delay_seconds(value)
    return value


def due_date(value: object, today: date) -> str | None:
    """Tomorrow to 100 days ahead; a weekend moves to the next business day (Monday here, holidays are not known)."""
    if value is None:
        return None
    try:
        wanted = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        wanted = None
    if wanted is None:
        raise ApiError(422, "The due date is written as YYYY-MM-DD.", "dueDate")
    if not timedelta(days=1) <= wanted - today <= timedelta(days=100):
        raise ApiError(422, "The due date must lie between tomorrow and 100 days from now.", "dueDate")
    weekend = wanted.weekday() - 4
    return (wanted + timedelta(days=3 - weekend if weekend > 0 else 0)).isoformat()


def _country(value: object) -> object:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Z]{2}", value)):
        raise ApiError(422, "This must be a country code of two letters.", "restrictPaymentMethodsToCountry")
    return value


_ADDRESS_FORMS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "phone": re.compile(r"\+?[1-9][0-9]{5,14}"),
    "country": re.compile(r"[A-Z]{2}"),
}


def address_for(method: str, address: Json) -> None:
    """What the methods that check buyers want beyond the rule for all; ``field`` of the refusal is a GUESS."""
    wanted = () if method == "billink" else _WHOLE_ADDRESS
    for name in (*wanted, *(("organizationName",) if method == "billie" else ())):
        if not address.get(name):
            raise ApiError(422, f"{method} payments need this.", f"billingAddress.{name}")


_WHOLE_ADDRESS = ("givenName", "familyName", "streetAndNumber", "postalCode", "city", "country", "email")


def _address(field: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ApiError(422, "An address is an object.", field)
        postal = ("streetAndNumber", "postalCode", "city", "country")
        if not value.get("email") and not all(value.get(part) for part in postal):
            raise ApiError(422, "An address needs an e-mail address or a full postal address.", field)
        for name, form in _ADDRESS_FORMS.items():
            if value.get(name) is not None and not form.fullmatch(str(value[name])):
                raise ApiError(422, "This part of the address has not the form it needs.", f"{field}.{name}")
        return value

    return check


def lines(value: object, currency: str, total: Decimal) -> object:
    """The totals of the lines must add up to the amount of the payment."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(line, dict) for line in value):
        raise ApiError(422, "The lines must be a list of objects.", "lines")
    added = Decimal(0)
    for position, line in enumerate(value):
        added += _line(line, currency, f"lines.{position}")
    if added != total:
        raise ApiError(422, "The lines do not add up to the amount.", "lines")
    return value


_LINE_TYPES = ("physical", "digital", "shipping_fee", "discount", "store_credit", "gift_card", "surcharge")
_LOWERING = ("discount", "store_credit", "gift_card")


def _line(line: Json, currency: str, field: str) -> Decimal:
    """The total of one line, which must be what its price, quantity and discount give."""
    for name in ("description", "quantity", "unitPrice", "totalAmount"):
        if line.get(name) in (None, ""):
            raise ApiError(422, "The field is missing.", f"{field}.{name}")
    if type(line["quantity"]) is not int or line["quantity"] < 1:
        raise ApiError(422, "The quantity must be a whole number above zero.", f"{field}.quantity")
    price, total = (_line_amount(line[name], currency, f"{field}.{name}") for name in ("unitPrice", "totalAmount"))
    _check_line_type(line, price, field)
    discount = line.get("discountAmount")
    less = Decimal(0) if discount is None else _line_amount(discount, currency, f"{field}.discountAmount")
    if less < 0 or price * line["quantity"] - less != total:
        raise ApiError(422, "The total is not price times quantity less discount.", f"{field}.totalAmount")
    _check_vat(line, total, currency, field)
    return total


def _check_line_type(line: Json, price: Decimal, field: str) -> None:
    kind = line.get("type", "physical")
    if kind not in _LINE_TYPES:
        raise ApiError(422, "There is no such type of line.", f"{field}.type")
    if (price < 0) is not (kind in _LOWERING):
        raise ApiError(422, "The price is below zero for a discount and for nothing else.", f"{field}.unitPrice")


def _check_vat(line: Json, total: Decimal, currency: str, field: str) -> None:
    """Any deviation is an error, says the spec; that it is rounded half up is a GUESS."""
    if line.get("vatAmount") is None:
        return
    try:
        rate = Decimal(str(line.get("vatRate")))
    except ArithmeticError as error:
        raise ApiError(422, "The VAT needs its rate.", f"{field}.vatRate") from error
    said = _line_amount(line["vatAmount"], currency, f"{field}.vatAmount")
    if said != (total * rate / (100 + rate)).quantize(total, ROUND_HALF_UP):
        raise ApiError(422, "The VAT does not follow from its rate.", f"{field}.vatAmount")


def _line_amount(sent: object, currency: str, field: str) -> Decimal:
    """Discount lines are negative, which no other amount is."""
    value = sent.get("value") if isinstance(sent, dict) else None
    negative = isinstance(sent, dict) and isinstance(value, str) and value.startswith("-")
    read = read_amount(sent | {"value": str(value)[1:]} if isinstance(sent, dict) and negative else sent, field)
    if isinstance(sent, dict) and sent["currency"] != currency:
        raise ApiError(422, "All lines must have the currency of the payment.", f"{field}.currency")
    return -read if negative else read


def _as_sent(value: object) -> object:
    return value


#: Fields whose rule needs nothing but the value itself.
SIMPLE: Mapping[str, Callable[[object], Any]] = {
    "description": description,
    "redirectUrl": redirect_url,
    "cancelUrl": cancel_url,
    "metadata": metadata,
    "locale": locale,
    "captureMode": _one_of("captureMode", "automatic", "manual"),
    "captureDelay": _capture_delay,
    "sequenceType": _one_of("sequenceType", "oneoff", "first", "recurring"),
    "restrictPaymentMethodsToCountry": _country,
    "billingAddress": _address("billingAddress"),
    "shippingAddress": _address("shippingAddress"),
    "issuer": _as_sent,
}
#: Known to the real API, of no effect here; accepted so that nobody's request is refused for them.
_WITHOUT_EFFECT = """
    applicationFee routing company consumerDateOfBirth digitalGoods extraMerchantData voucherNumber voucherPin
    terminalId cardToken applePayPaymentToken storeCredentials customerReference
"""
_WITH_RULES = "amount webhookUrl method lines dueDate customerId mandateId"
_CHANGEABLE = """
    description redirectUrl cancelUrl webhookUrl metadata method locale dueDate restrictPaymentMethodsToCountry issuer
    billingAddress shippingAddress
"""
CREATE = (*SIMPLE, *_WITH_RULES.split(), *_WITHOUT_EFFECT.split())
UPDATE = tuple(_CHANGEABLE.split())
