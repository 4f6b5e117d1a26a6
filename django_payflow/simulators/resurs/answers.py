"""What answers look like: JSON with decimals written exactly, errors with their four texts, the token endpoint's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Response

from django_payflow.simulators.host import Json, Services, iso

#: BAD_REQUEST is documented, the others are a GUESS.
CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_SERVER_ERROR",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
    504: "GATEWAY_TIMEOUT",
}
_MESSAGES = {
    401: "The access token is missing, unknown or expired",
    404: "There is nothing at this address",
    405: "This address does not take the method",
    429: "Too many requests",
    503: "The service is not available at the moment",
}


class ApiError(Exception):
    """An answer that is an error; ``fields`` maps dotted paths of what was sent to what is wrong with it."""

    def __init__(self, status: int, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields or {})

    def __str__(self) -> str:
        blamed = "; ".join(f"{name} {what}" for name, what in self.fields.items())
        return f"{self.message}: {blamed}" if blamed else self.message


class TokenError(Exception):
    """A refusal of the token endpoint, in the form of RFC 6749."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def text_of(value: Any) -> str:
    """JSON, with decimals as they are: at least one place, no zeros behind it."""
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {text_of(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _decimal(number: Decimal) -> str:
    whole, _point, places = f"{number:f}".partition(".")
    return f"{whole}.{places.rstrip('0') or '0'}"


def answer(status: int, body: Any) -> Response:
    return Response(text_of(body), status=status, content_type="application/json")


class Errors:
    """Builds error answers in the shape that the settings ask for; ``settings`` is read at every answer."""

    def __init__(self, services: Services, settings: Mapping[str, Any]) -> None:
        self._clock = services.clock
        self._settings = settings

    def of(self, problem: ApiError) -> Response:
        code = CODES.get(problem.status, "ERROR")
        body: Json = {
            "traceId": secrets.token_hex(16),
            "code": code if self._settings["error_codes"] == "words" else str(problem.status),
            "message": problem.message,
            "timestamp": iso(self._clock.timestamp()).replace("+00:00", "Z"),
        }
        if problem.fields:
            body |= _blamed(problem.fields, self._settings["error_fields"])
        response = answer(problem.status, body)
        if problem.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def of_fault(self, status: int) -> Response:
        """As a fault answers; the only errors that may lack a body."""
        if self._settings["fault_bodies"] == "empty":
            return Response(b"", status=status, content_type="application/json")
        return self.for_status(status)

    def for_status(self, status: int) -> Response:
        """An error where nothing that was sent is to blame."""
        return self.of(ApiError(status, _MESSAGES.get(status, "Something went wrong")))


def _blamed(fields: dict[str, str], shape: str) -> Json:
    """How the errors of fields have been named and shaped over the years; clients must read all of them."""
    if shape == "parameters":
        return {"parameters": fields}
    if shape == "map":
        return {"validationErrors": fields}
    return {"validationErrors": [{"fieldName": name, "message": message} for name, message in fields.items()]}


def token_error(problem: TokenError) -> Response:
    response = answer(problem.status, {"error": problem.error, "error_description": problem.description})
    response.headers["Cache-Control"] = "no-store"
    return response
