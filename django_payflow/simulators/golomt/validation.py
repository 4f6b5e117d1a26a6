"""What requests must look like; every refusal is a 400 that says which field is wrong.

Unknown fields are ignored: clients send some (``invoice``, ``getToken``) and the bank serves them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from flask import request

from django_payflow.simulators.golomt.answers import invalid
from django_payflow.simulators.golomt.checksums import REQUESTS, is_right
from django_payflow.simulators.host import Json

#: The document says less than 16 characters, digits or digits and letters; live shops also send hyphens, some more
#: than 15 characters.
_TRANSACTION_IDS: Mapping[str, re.Pattern[str]] = {
    "documented": re.compile(r"[A-Za-z0-9]{1,15}"),
    "tolerant": re.compile(r"[A-Za-z0-9_-]{1,15}"),
    "long": re.compile(r"[A-Za-z0-9_-]{1,256}"),
}
#: Major units with a decimal point; samples have no decimals as well as two.
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?")
_RETURN_TYPES = ("GET", "POST", "MOBILE")
_WEB = ("http", "https")
_WITHOUT_TARGET = ("javascript", "data", "vbscript", "file", "")


def read_body() -> Json:
    if request.mimetype != "application/json":
        raise invalid("Content-Type must be application/json")
    try:
        body = json.loads(request.get_data())
    except ValueError as error:  # also what is not UTF-8
        raise invalid("the body is not JSON") from error
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    return body


def text(sent: Json, name: str) -> str:
    value = sent.get(name)
    if value is None or value == "":
        raise invalid(f"{name} must not be empty")
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    if not value.isprintable():  # half a surrogate pair, say, which has no bytes to hash
        raise invalid(f"{name} has characters that cannot be read")
    return value


def transaction_id(sent: Json, rule: str) -> str:
    value = text(sent, "transactionId")
    if not _TRANSACTION_IDS[rule].fullmatch(value):
        raise invalid("transactionId must be less than 16 characters, digits or digits and letters")
    return value


def amount(sent: Json) -> str:
    """The text as it was sent: it is what was hashed."""
    value = text(sent, "amount")
    if not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise invalid("amount must be a positive number with at most two decimals")
    return value


def return_type(sent: Json) -> str:
    value = text(sent, "returnType")
    if value not in _RETURN_TYPES:
        raise invalid(f"returnType must be one of {', '.join(_RETURN_TYPES)}")
    return value


def callback(sent: Json) -> str:
    """An address for the browser; with MOBILE it opens an app, so any scheme that leads somewhere is good."""
    value = text(sent, "callback")
    if not leads_somewhere(value):
        raise invalid("callback must be a URL")
    if urlsplit(value).scheme.lower() not in _WEB and sent.get("returnType") != "MOBILE":
        raise invalid("callback must be an http or https URL")
    return value


def leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    scheme = parts.scheme.lower()
    if scheme in _WITHOUT_TARGET or any(character <= " " for character in url):
        return False
    return scheme not in _WEB or bool(parts.hostname)


def yes_or_no(sent: Json, name: str) -> str:
    """GUESS: what is left out means N, as a client in the field leaves ``genToken`` out."""
    value = sent.get(name)
    if value in (None, ""):
        return "N"
    if value not in ("Y", "N"):
        raise invalid(f"{name} must be Y or N")
    return str(value)


def language(sent: Json) -> str:
    """MN or EN, in either case; GUESS: MN when it is left out, as an early client did."""
    value = sent.get("lang")
    if value in (None, ""):
        return "MN"
    if not isinstance(value, str) or value.upper() not in ("MN", "EN"):
        raise invalid("lang must be MN or EN")
    return value.upper()


def checksum(sent: Json, operation: str, secret: str) -> None:
    """Every hashed field is there by now. GUESS: a wrong checksum is a 400 of the usual shape."""
    for name in (*REQUESTS[operation], "checksum"):
        text(sent, name)
    if not is_right(secret, operation, sent):
        raise invalid("checksum is not valid")


def whole(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    value = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) > highest:
        raise invalid(f"{name} must be a whole number up to {highest}")
    return int(value)


def day(query: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(query[name])
    except (KeyError, ValueError) as error:
        raise invalid(f"{name} must be a date like 2026-07-01") from error
