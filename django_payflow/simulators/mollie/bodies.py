"""Reading a request body: JSON, or a form with bracketed keys as some examples of the documentation use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from flask import request

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie.answers import ApiError

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def read_body() -> Json:
    raw = request.get_data(cache=True)
    if not raw:
        return {}
    if request.mimetype in ("application/json", "application/hal+json"):
        return _json_object(raw)
    if request.mimetype == "application/x-www-form-urlencoded":
        return unflatten(request.form.items(multi=True))
    raise ApiError(415, "The body must be JSON.")


def _json_object(raw: bytes) -> Json:
    try:
        body = json.loads(raw, parse_constant=_no_such_number)
    except ValueError as error:
        raise ApiError(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return body


def _no_such_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def unflatten(pairs: Iterable[tuple[str, str]]) -> Json:
    """``amount[value]=10.00`` becomes {"amount": {"value": "10.00"}}, ``method[]=ideal`` a list."""
    body: Json = {}
    for name, value in pairs:
        head = name.split("[", 1)[0]
        inner = _BRACKETS.findall(name)
        if not inner:
            body[head] = value
        elif inner == [""]:
            body.setdefault(head, []).append(value)
        else:
            _put(body, [head, *inner], value)
    return body


def _put(body: Json, path: list[str], value: str) -> None:
    for part in path[:-1]:
        body = body.setdefault(part, {})
        if not isinstance(body, dict):
            raise ApiError(400, "The form names the same parameter in two ways.")
    body[path[-1]] = value
