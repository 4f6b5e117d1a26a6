"""What answers look like: JSON in UTF-8, the one shape of errors, and the 403 that has no body."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from flask import Response, request

from django_payflow.simulators.host import Json

#: The bank's words for what went wrong. 404 is not among its documented statuses.
_ERRORS = {400: "Validation", 403: "Forbidden", 404: "NotFound", 405: "Validation", 500: "Internal"}
_MESSAGES = {404: "Not found", 405: "Only POST is supported", 429: "Too many requests"}


class ApiError(Exception):
    """An answer that is an error. ``error`` is the bank's word; without it the one that goes with the status."""

    def __init__(self, status: int, message: str, error: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error = error


def invalid(message: str) -> ApiError:
    return ApiError(400, message)


def not_found(message: str) -> ApiError:
    """GUESS: NotFound is a documented word and 404 is not a documented status, so it comes with 400."""
    return ApiError(400, message, "NotFound")


def moment(timestamp: float) -> str:
    """As the bank writes moments: milliseconds, and an offset without a colon."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def answer(body: Json, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, content_type="application/json")


def error_of(problem: ApiError, now: float) -> Response:
    error = problem.error or _ERRORS.get(problem.status, "Internal")
    body = {"timestamp": moment(now), "status": problem.status, "error": error}
    return answer(body | {"message": problem.message, "path": request.path}, problem.status)


def error_for(status: int, now: float) -> Response:
    """The answer of a fault, or of an address that does not exist."""
    return error_of(ApiError(status, _MESSAGES.get(status, "Internal error")), now)


def forbidden() -> Response:
    """Authorization missing, wrong or blank: not even JSON."""
    response = Response(status=403)
    del response.headers["Content-Type"]
    return response
