"""Reading what a test or a browser sent to the control API and the panel."""

from __future__ import annotations

from typing import Any

from flask import request

from django_payflow.simulators.host.seam import Refusal
from django_payflow.simulators.host.store import Json


class Foreign(Refusal):
    """Another web page tried to command the simulators through somebody's browser."""

    status = 403


def refuse_foreign_pages() -> None:
    """Browsers name the page a request comes from; programs name none. Only our own pages may change things."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        raise Foreign("requests from other web pages are refused")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Foreign("requests from other web pages are refused")


def json_body(*known: str) -> Json:
    """The JSON object that was sent, or {} for an empty body; refuses keys outside ``known``."""
    if not request.get_data():
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refusal("the body must be a JSON object")
    unknown = sorted(set(body) - set(known))
    if known and unknown:
        raise Refusal(f"unknown keys: {', '.join(unknown)}; known are: {', '.join(known)}")
    return body


def number(body: Json, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not abs(value) < 10**10:
        raise Refusal(f"{name} must be a number of seconds")
    return float(value)


def flag(body: Json, name: str, default: bool | None = None) -> bool:
    value: Any = body.get(name, default)
    if not isinstance(value, bool):
        raise Refusal(f"{name} must be true or false")
    return value
