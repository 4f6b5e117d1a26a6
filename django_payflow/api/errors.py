"""Every refusal has one shape, that of RFC 9457: ``type``, ``title``, ``status``, ``detail``, and a ``code``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from .. import redaction
from ..exceptions import (
    BankIsWorking,
    CheckoutRefused,
    CommandRefused,
    ConfigurationError,
    NotEnoughLeft,
    OrderNotPayable,
    OutOfStock,
    TooManyAttempts,
)

__all__ = ["EXPECTED", "MEDIA_TYPE", "answer", "problem"]

MEDIA_TYPE = "application/problem+json"
EXPECTED = (
    exceptions.APIException,
    Http404,
    DjangoPermissionDenied,
    DjangoValidationError,
    CheckoutRefused,
    CommandRefused,
    ConfigurationError,
    OperationalError,
    InterfaceError,
)
"""What ``answer`` has words for; anything else is a bug, and Django's own answer to one."""

_TITLES = {
    400: "The request is not valid",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "This format is not spoken here",
    409: "Not possible now",
    413: "The request is too large",
    415: "This format is not read here",
    422: "The request cannot be carried out",
    429: "Too many requests",
    500: "The shop is not set up for this",
    503: "Try again",
}
_CONFLICTS: dict[type[CheckoutRefused], str] = {
    OrderNotPayable: "order_not_payable",
    BankIsWorking: "bank_is_working",
    TooManyAttempts: "too_many_attempts",
    OutOfStock: "out_of_stock",
}
"""Refusals that another moment may lift: 409. The others need another request: 422."""


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a refusal. ``code`` is for programs, ``detail`` for the developer who reads it."""
    body = {
        "type": f"tag:django-payflow,2026:{code}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    return Response(body, status=status, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of a view into an answer; ``None`` lets it rise. The views' exception handler."""
    if isinstance(error, Http404):
        return problem(404, "not_found", "There is no such thing here.")
    if isinstance(error, DjangoPermissionDenied):
        return problem(403, "permission_denied", "You may not do that.")
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, exceptions.APIException):
        return _from_framework(error)
    if isinstance(error, CheckoutRefused):
        return _checkout_refused(error)
    if isinstance(error, CommandRefused):
        return _command_refused(error)
    if isinstance(error, ConfigurationError):
        redaction.logger().error("an API request cannot be carried out: %s", error)
        return problem(500, "configuration", "The shop's settings do not allow this; its log says more.")
    if isinstance(error, OperationalError | InterfaceError):
        redaction.logger().error("an API request met a database in trouble: %s", type(error).__name__)
        return problem(503, "database", "The database did not answer.", headers={"Retry-After": "1"})
    return None


def _from_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if (challenge := getattr(error, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "invalid", _first(error.detail), headers=headers, errors=error.detail)
    detail: Any = error.detail
    code = getattr(detail, "code", error.default_code)
    return problem(error.status_code, code, str(detail), headers=headers)


def _first(found: Any, path: str = "") -> str:
    """Return the first complaint with the name of its field: ``lines.0.quantity: ...``."""
    if isinstance(found, Mapping):
        name, inner = next(iter(found.items()))
        return _first(inner, f"{path}.{name}" if path else str(name))
    if isinstance(found, list) and found:
        place, inner = next((item for item in enumerate(found) if item[1]), (0, found[0]))
        return _first(inner, f"{path}.{place}" if isinstance(inner, Mapping | list) else path)
    return f"{path}: {found}" if path else str(found)


def _checkout_refused(error: CheckoutRefused) -> Response:
    redaction.logger().warning("checkout refused: %s", error)
    code = _CONFLICTS.get(type(error))
    status = 409 if code else 422
    return problem(status, code or "checkout_refused", _public(error), buyer_message=error.buyer_message)


def _command_refused(error: CommandRefused) -> Response:
    if isinstance(error, NotEnoughLeft):
        return problem(409, "not_enough_left", _public(error), left=error.left)
    return problem(409, "command_refused", _public(error))


def _public(error: Exception) -> str:
    """The words for the shop's own people may name a payment by the number of its row, which is nobody else's."""
    return redaction.scrub(str(error))
