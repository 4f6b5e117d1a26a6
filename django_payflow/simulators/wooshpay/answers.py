"""What answers look like: plain JSON, lists, and the two shapes of an error."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask import Response

from django_payflow.simulators.host import Json

#: status -> type, code and wording of an answer where no parameter is to blame. The 500 was seen from the real test
#: host (an integrator's note); codes and words of the others are a GUESS.
_PLAIN = {
    401: ("invalid_request_error", "unauthorized", "No valid API key was given."),
    403: ("invalid_request_error", "forbidden", "This API key may not do that."),
    404: ("invalid_request_error", "resource_missing", "There is nothing at this address."),
    405: ("invalid_request_error", "method_not_allowed", "This address does not take the method."),
    429: ("api_error", "rate_limit", "Too many requests hit the API too quickly; back off exponentially."),
}
_INTERNAL = ("api_error", "internal_error", "a temporary problem with internal servers")


class ApiError(Exception):
    """An answer that is an error. ``param`` names the parameter at fault (GUESS, as with Stripe)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "parameter_invalid",
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind


def plain_error(status: int) -> ApiError:
    kind, code, message = _PLAIN.get(status, _INTERNAL)
    return ApiError(status, message, code=code, kind=kind)


def missing(name: str) -> ApiError:
    return ApiError(400, f"{name} is required", code="parameter_missing", param=name)


def invalid(name: str, why: str) -> ApiError:
    return ApiError(400, f"{name}: {why}", param=name)


def as_json(status: int, body: object) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, content_type="application/json")


def error_of(problem: ApiError, envelope: str) -> Response:
    """``envelope`` is ``nested`` ({"error": {...}}) or ``flat``: integrators have seen both."""
    body: Json = {"type": problem.kind, "code": problem.code, "message": problem.message}
    if problem.param is not None:
        body["param"] = problem.param
    return as_json(problem.status, {"error": body} if envelope == "nested" else body)


def list_of(url: str, items: Sequence[Json], has_more: bool) -> Json:
    return {"object": "list", "url": url, "has_more": has_more, "data": list(items)}
