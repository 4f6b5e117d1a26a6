"""What answers look like: indented JSON, and the one shape of every error."""

from __future__ import annotations

import json
import secrets

from flask import Response

from django_payflow.simulators.host import Json

_DOCUMENTATION = "https://stripe.com/docs/error-codes"
_MESSAGES = {
    404: "There is nothing at this address.",
    409: "A request with this idempotency key is still being worked on.",
    429: "Too many requests in too little time; come back later.",
}
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def random_id(prefix: str, length: int = 24) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


class ApiError(Exception):
    """An answer that is an error.

    ``executed`` says that the request was understood and carried out up to this refusal: only then is the answer
    kept under the idempotency key. ``more`` are further keys of the error, of a declined card say.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        executed: bool = False,
        more: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind
        self.executed = executed
        self.more = more or {}


def refused(message: str, *, code: str | None = None, param: str | None = None, more: Json | None = None) -> ApiError:
    """A 400 about the state of things, as against one about a parameter that is wrong in itself."""
    return ApiError(400, message, code=code, param=param, executed=True, more=more)


def missing(what: str, object_id: str, param: str = "id", status: int = 404) -> ApiError:
    return ApiError(status, f"No such {what}: '{object_id}'", code="resource_missing", param=param)


def ok(body: Json) -> Response:
    return as_json(200, body)


def as_json(status: int, body: Json) -> Response:
    text = json.dumps(body, ensure_ascii=False, indent=2)
    return Response(text + "\n", status=status, content_type="application/json")


def error_of(problem: ApiError) -> Response:
    """Keys that do not apply are left out."""
    error: Json = {"type": problem.kind, "message": problem.message}
    if problem.code is not None:
        error |= {"code": problem.code, "doc_url": f"{_DOCUMENTATION}/{problem.code.replace('_', '-')}"}
    if problem.param is not None:
        error["param"] = problem.param
    response = as_json(problem.status, {"error": error | problem.more})
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return response


def error_for(status: int) -> Response:
    """The answer where no parameter is to blame: of a fault, or of an address that does not exist."""
    code = {404: "resource_missing", 409: "idempotency_key_in_use", 429: "rate_limit"}.get(status)
    kind = "api_error" if status >= 500 else "invalid_request_error"
    if status == 409:
        kind = "idempotency_error"
    message = _MESSAGES.get(status, "Something went wrong here; nothing is known about why.")
    return error_of(ApiError(status, message, code=code, kind=kind))
