"""The API under ``/v1``: who asks, what is asked, and the one way all calls go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from django_payflow.simulators.host import (
    Call,
    Idempotency,
    Json,
    KeyInUse,
    KeyReused,
    Services,
    digest_of,
    fingerprint,
)
from django_payflow.simulators.wooshpay import validation
from django_payflow.simulators.wooshpay.accounts import Account, account_of
from django_payflow.simulators.wooshpay.answers import ApiError, as_json, error_of, plain_error
from django_payflow.simulators.wooshpay.bodies import check_headers, intent_in_body, read_parameters
from django_payflow.simulators.wooshpay.ledger import CHARGES, DISPUTES, REFUNDS, Ledger, Payment

_HEADER = "Idempotency-Key"
#: How long a key is honoured and how long it may be is not documented: Stripe's 24 hours and 255 characters (GUESS).
_KEY_SECONDS = 86400
_KEY_LENGTH = 255


class Asked(NamedTuple):
    """One call, understood: who, the parameters of body and query, the id in the path, and its payment if any."""

    account: Account
    sent: Json
    id: str
    payment: Payment | None


class Route(NamedTuple):
    method: str
    path: str
    operation: str
    #: an error that is raised takes back what was done, one that is returned does not
    act: Callable[[Asked], Json | ApiError]
    #: parameters a GET may have; None: the operation checks what was sent
    query: Sequence[str] | None = ()


class Api:
    """Registers routes on the provider's application and carries out their calls."""

    def __init__(self, app: Flask, services: Services, ledger: Ledger) -> None:
        self._app = app
        self._services = services
        self._ledger = ledger
        self._idempotency = Idempotency(
            services,
            provider="wooshpay",
            seconds=_KEY_SECONDS,
            # Trouble on their side is not remembered, so a retry with the same key is a new try (GUESS).
            remembers=lambda status: status < 500 and status != 429,
        )
        app.register_error_handler(HTTPException, self._http_error)

    def add(self, route: Route) -> None:
        def view(id: str = "") -> Response:
            return self._serve(route, id)

        self._app.add_url_rule(
            route.path, f"{route.method} {route.path}", view, methods=[route.method], provide_automatic_options=False
        )

    # -- the one way ------------------------------------------------------------------------------------

    def _serve(self, route: Route, wanted: str) -> Response:
        """Key first, then the hold on the idempotency key, then faults, then the operation itself."""
        key = request.headers.get(_HEADER) if route.method == "POST" else None
        call = Call(provider="wooshpay", operation=route.operation, key=_key_seen(), idempotency_key=key)
        try:
            account = account_of(request.headers.get("Authorization", ""))
            payment = self._payment_of(wanted, account)
            call = self._with_payment(call, account, payment)
            name = None if key is None else f"{account.id}:{key}"
            with self._idempotency.running(name):
                return self._services.calls.carry_out(
                    call,
                    refuse=lambda status: self._error(plain_error(status), status),
                    perform=lambda: self._perform(route, Asked(account, {}, wanted, payment), name),
                )
        except KeyInUse:
            text = "A request with this idempotency key is still being worked on."
            response = self._error(ApiError(409, text, code="idempotency_key_in_use", kind="idempotency_error"))
        except ApiError as problem:
            response = self._error(problem)
        self._services.calls.record(call, response)
        return response

    def _payment_of(self, wanted: str, account: Account) -> Payment | None:
        """The payment that the call is about, whichever of its ids stands in the path or in a refund's body."""
        wanted = wanted or intent_in_body()
        prefix = wanted.split("_", 1)[0]
        if prefix == "pi":
            return self._ledger.by_intent(wanted, account)
        kind = {"ch": CHARGES, "re": REFUNDS, "dp": DISPUTES}.get(prefix)
        document = self._services.store.get(kind, wanted) if kind else None
        return self._ledger.find(wanted if document is None else document["session"], account)

    def _with_payment(self, call: Call, account: Account, payment: Payment | None) -> Call:
        if payment is None:
            return replace(call, key=account.key)
        return replace(call, key=account.key, payment=payment.id, age=self._ledger.age(payment))

    def _perform(self, route: Route, asked: Asked, name: str | None) -> Response:
        try:
            if name is not None and len(name) - len(asked.account.id) - 1 > _KEY_LENGTH:
                raise ApiError(400, f"An idempotency key has at most {_KEY_LENGTH} characters.", code="key_too_long")
            if self._ledger.settings["required_headers"]:
                check_headers()
            sent = read_parameters()
            if route.query is not None:
                validation.refuse_unknown(sent, route.query)
            digest = digest_of(f"{route.method} {request.path}", sent)
            return self._idempotency.once(name, digest, lambda: self._act(route, asked._replace(sent=sent)))
        except KeyReused:
            text = "This idempotency key was used with other parameters before."
            return self._error(ApiError(400, text, code="idempotency_key_reused", kind="idempotency_error"))
        except ApiError as problem:  # before anything was done, so there is nothing to remember
            return self._error(problem)

    def _act(self, route: Route, asked: Asked) -> Response:
        """An error takes back what the operation did; the answer about it is remembered all the same."""
        try:
            with self._services.store.change():
                if asked.payment is not None:
                    asked = asked._replace(payment=self._ledger.find(asked.payment.id))  # it may have changed
                if asked.payment is not None:
                    self._ledger.spoil_amount(asked.payment, route.operation)
                answer = route.act(asked)
                return self._error(answer) if isinstance(answer, ApiError) else as_json(200, answer)
        except ApiError as problem:
            return self._error(problem)

    # -- errors -----------------------------------------------------------------------------------------

    def _error(self, problem: ApiError, status: int | None = None) -> Response:
        if status is not None:
            problem.status = status
        return error_of(problem, self._ledger.settings["error_envelope"])

    def _http_error(self, problem: HTTPException) -> Any:
        """Addresses and methods that do not exist, in the API's own form; the hosted pages keep plain ones."""
        if not request.path.startswith("/v1"):
            return problem
        response = self._error(plain_error(problem.code or 500), problem.code or 500)
        if isinstance(problem, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(set(problem.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        return response


def _key_seen() -> str | None:
    """The fingerprint of whatever was given as a key, so that the log names it also when it was refused."""
    authorization = request.authorization
    given = None if authorization is None else authorization.username or authorization.token
    return fingerprint(given) if given else None
