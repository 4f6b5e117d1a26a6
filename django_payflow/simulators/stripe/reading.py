"""Readers of parameters: each takes what the form held and gives the typed value, or says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError

Reader = Callable[[Any, str], Any]
Spec = Mapping[str, Reader]

METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500
_INTEGER = re.compile(r"-?[0-9]{1,15}")


def read(sent: object, spec: Spec, prefix: str = "") -> Json:
    """Every parameter through its reader; a name that ``spec`` does not have is a 400."""
    if not isinstance(sent, dict):
        raise ApiError(400, "Invalid object", param=prefix)
    found: Json = {}
    for name, value in sent.items():
        param = f"{prefix}[{name}]" if prefix else name
        if name not in spec:
            raise ApiError(400, f"Received unknown parameter: {param}", code="parameter_unknown", param=param)
        found[name] = spec[name](value, param)
    return found


def required(found: Json, name: str, prefix: str = "") -> Any:
    if found.get(name) is None:
        param = f"{prefix}[{name}]" if prefix else name
        raise ApiError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)
    return found[name]


def text(longest: int = 5000) -> Reader:
    """Empty texts are how a parameter is unset; where that makes no sense they are refused."""

    def reader(value: Any, param: str) -> str:
        if not isinstance(value, str):
            raise ApiError(400, "Invalid string", param=param)
        if not value:
            raise ApiError(400, f"{param} cannot be unset.", code="parameter_invalid_empty", param=param)
        if len(value) > longest:
            raise ApiError(400, f"Invalid string; must be at most {longest} characters", param=param)
        return value

    return reader


def integer(lowest: int | None = None, highest: int | None = None) -> Reader:
    def reader(value: Any, param: str) -> int:
        if not isinstance(value, str) or not _INTEGER.fullmatch(value):
            raise ApiError(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
        number = int(value)
        if (lowest is not None and number < lowest) or (highest is not None and number > highest):
            raise ApiError(
                400, f"The integer {number} is out of range", code="parameter_invalid_integer", param=param
            )
        return number

    return reader


def boolean(value: Any, param: str) -> bool:
    if value not in ("true", "false"):
        raise ApiError(400, f"Invalid boolean: {value}", param=param)
    return bool(value == "true")


def one_of(*words: str) -> Reader:
    def reader(value: Any, param: str) -> str:
        if value not in words:
            raise ApiError(400, f"Invalid {param}: must be one of {', '.join(words)}", param=param)
        return str(value)

    return reader


def mapping(spec: Spec) -> Reader:
    return lambda value, param: read(value, spec, param)


def listing(reader: Reader, longest: int = 1000) -> Reader:
    """Positions need not be without gaps; their order counts."""

    def listed(value: Any, param: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise ApiError(400, "Invalid array", param=param)
        if len(value) > longest:
            raise ApiError(400, f"Invalid array; must have at most {longest} items", param=param)
        return [reader(value[key], f"{param}[{key}]") for key in sorted(value, key=int)]

    return listed


def anything(value: Any, _param: str) -> Any:
    """Known to Stripe, without a meaning here."""
    return value


def one_listed(words: Collection[str], param_message: str) -> Reader:
    def reader(value: Any, param: str) -> str:
        word = str(value).lower()
        if word not in words:
            raise ApiError(400, f"{param_message}: {value}", param=param)
        return word

    return reader


def metadata(value: Any, param: str) -> Json:
    """An empty text in place of the whole unsets all keys, in place of a value that key."""
    if value == "":
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ApiError(400, "Invalid object: metadata must be key and text pairs", param=param)
    for key, content in value.items():
        if len(key) > METADATA_KEY_LENGTH:
            raise ApiError(400, f"Metadata keys have at most {METADATA_KEY_LENGTH} characters", param=param)
        if len(content) > METADATA_VALUE_LENGTH:
            at = f"{param}[{key}]"
            raise ApiError(400, f"Metadata values have at most {METADATA_VALUE_LENGTH} characters", param=at)
    if len(value) > METADATA_KEYS:
        raise ApiError(400, f"Metadata has at most {METADATA_KEYS} keys", param=param)
    return dict(value)


def merged(before: Json, sent: object) -> Json:
    """Metadata after an update: keys that are not sent stay, keys sent empty go."""
    if sent == {} or not isinstance(sent, dict):
        return {}
    kept = {key: value for key, value in (before | sent).items() if value != ""}
    if len(kept) > METADATA_KEYS:
        raise ApiError(400, f"Metadata has at most {METADATA_KEYS} keys", param="metadata")
    return kept


def url(value: Any, param: str) -> str:
    address = str(text()(value, param))
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or any(character <= " " for character in address):
        raise ApiError(400, f"Not a valid URL: {address}", code="url_invalid", param=param)
    return address


def email(value: Any, param: str) -> str:
    address = str(text(512)(value, param))
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        raise ApiError(400, f"Invalid email address: {address}", code="email_invalid", param=param)
    return address
