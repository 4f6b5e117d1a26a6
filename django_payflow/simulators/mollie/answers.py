"""What answers look like: HAL bodies, their media type, and the one shape of every error."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from django_payflow.simulators.host import Json

HAL = "application/hal+json"
DOCUMENTATION = "https://docs.mollie.com"

#: "Unauthorized Request" is Mollie's own title; the others are the usual reason phrases.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_DETAILS = {
    404: "No entity of this name exists here.",
    429: "Too many requests in too little time; come back later.",
    503: "The payment platform is not available at the moment.",
}


class ApiError(Exception):
    """An answer that is an error. ``field`` is the dotted path of the parameter at fault."""

    def __init__(self, status: int, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field


def hal(status: int, body: Json | None) -> Response:
    """202 and 204 have no body at all."""
    if body is None:
        return Response(status=status)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, content_type=HAL)


def error(status: int, detail: str, field: str | None = None) -> Response:
    body: Json = {"status": status, "title": TITLES.get(status, "Error"), "detail": detail}
    if field is not None:
        body["field"] = field
    body["_links"] = {"documentation": {"href": f"{DOCUMENTATION}/errors", "type": "text/html"}}
    return hal(status, body)


def error_of(problem: ApiError) -> Response:
    return error(problem.status, problem.detail, problem.field)


def error_for(status: int) -> Response:
    """The answer of a fault, where no parameter is to blame."""
    return error(status, _DETAILS.get(status, "The request could not be handled; nothing is known about why."))


def link(href: str, media_type: str = HAL) -> Json:
    return {"href": href, "type": media_type}


def documentation(page: str) -> Json:
    return link(f"{DOCUMENTATION}/reference/{page}", "text/html")


def page_of(name: str, items: list[Any], links: Json) -> Json:
    """A list answer; ``count`` is the number of items on this page."""
    return {"count": len(items), "_embedded": {name: items}, "_links": links}
