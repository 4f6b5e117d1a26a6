"""What a call carries: JSON, the form encoding that only the introduction mentions, and GETs with a JSON body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from flask import request

from django_payflow.simulators.host import Json
from django_payflow.simulators.wooshpay.answers import ApiError

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_DIGITS = re.compile(r"[0-9]{1,15}")
#: Forms know only texts; these parameters are numbers.
_NUMBERS = frozenset("unit_amount quantity amount_to_capture expires_at limit gt gte lt lte".split())


def check_headers() -> None:
    """Both headers are marked as required on every endpoint's page, GETs too; that a call without is refused with
    400 is a GUESS."""
    if _JSON not in request.headers.get("Accept", ""):
        raise ApiError(400, f"The header Accept: {_JSON} is required.", code="header_missing")
    if request.mimetype not in (_JSON, _FORM):
        raise ApiError(400, f"The header Content-Type: {_JSON} is required.", code="header_missing")


def read_parameters() -> Json:
    """Lists are documented with a JSON body on GET; the same names in the query win."""
    sent = _read_body()
    if request.method == "GET":
        return sent | unflatten(request.args.items(multi=True))
    return sent


def intent_in_body() -> str:
    """The intent that a refund is for, before anything is checked: the log and the faults ask for it."""
    try:
        return str(_read_body().get("payment_intent", ""))
    except ApiError:
        return ""


def _read_body() -> Json:
    raw = request.get_data(cache=True)
    if not raw:
        return {}
    if request.mimetype == _FORM:
        return unflatten(request.form.items(multi=True))
    try:
        body = json.loads(raw, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "The body is not JSON.", code="parameter_invalid") from error
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.", code="parameter_invalid")
    return body


def _no_such_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def unflatten(pairs: Iterable[tuple[str, str]]) -> Json:
    """``line_items[0][quantity]=1`` becomes {"line_items": [{"quantity": 1}]}."""
    tree: Json = {}
    for name, text in pairs:
        head = name.split("[", 1)[0]
        path = [head, *_BRACKETS.findall(name)]
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise ApiError(400, f"{head} is named in two ways.", param=head)
        last = path[-1] if path[-1] != "" else str(len(node))
        node[last] = int(text) if path[-1] in _NUMBERS and _DIGITS.fullmatch(text) else text
    found: Json = _with_lists(tree)
    return found


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    inner = {name: _with_lists(value) for name, value in node.items()}
    if inner and all(_DIGITS.fullmatch(name) for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
