"""The API under ``/oauth2`` and ``/v2``: who asks, what is asked, and the one way all calls go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from django_payflow.simulators.host import Call, Json, Services, fingerprint
from django_payflow.simulators.resurs.accounts import Accounts
from django_payflow.simulators.resurs.answers import ApiError, Errors, TokenError, answer, token_error
from django_payflow.simulators.resurs.bodies import read_json
from django_payflow.simulators.resurs.ledger import Ledger

TOKEN = "token"  # noqa: S105 - the name of an operation
_API = ("/v2", "/oauth2")


class Asked(NamedTuple):
    """One call, understood: who, the body (empty for a GET), and the ids in the path."""

    client_id: str
    sent: Json
    ids: dict[str, str]


class Answer(NamedTuple):
    status: int
    body: Json


class Route(NamedTuple):
    method: str
    path: str
    operation: str
    act: Callable[[Asked], Answer]
    #: false: changes nothing, so that others may call while it waits for an answer of the shop
    changes: bool = True


class Api:
    """Registers routes on the provider's application and carries out their calls."""

    def __init__(self, app: Flask, services: Services, ledger: Ledger, accounts: Accounts) -> None:
        self._app = app
        self._services = services
        self._ledger = ledger
        self._accounts = accounts
        self._errors = Errors(services, ledger.settings)
        app.register_error_handler(HTTPException, self._http_error)
        self._rule("POST", "/oauth2/token", self._serve_token)

    def add(self, route: Route) -> None:
        def view(**ids: str) -> Response:
            return self._serve(route, ids)

        self._rule(route.method, route.path, view)

    def _rule(self, method: str, path: str, view: Callable[..., Response]) -> None:
        self._app.add_url_rule(
            path, f"{method} {path}", view, methods=[method], provide_automatic_options=False, strict_slashes=False
        )

    # -- tokens -----------------------------------------------------------------------------------------

    def _serve_token(self) -> Response:
        sent = _credentials()
        client_id = sent.get("client_id")
        key = fingerprint(client_id) if isinstance(client_id, str) and client_id.isprintable() else None
        call = Call(provider="resurs", operation=TOKEN, key=key)

        def perform() -> Response:
            try:
                response = answer(200, self._accounts.issue(sent))
            except TokenError as problem:
                return token_error(problem)
            response.headers["Cache-Control"] = "no-store"
            return response

        return self._services.calls.carry_out(call, refuse=self._errors.of_fault, perform=perform)

    # -- everything else --------------------------------------------------------------------------------

    def _serve(self, route: Route, ids: dict[str, str]) -> Response:
        """Token first, then faults, then the operation itself."""
        call = Call(provider="resurs", operation=route.operation, payment=ids.get("payment_id"))
        try:
            client_id = self._accounts.client_of(request.headers.get("Authorization", ""))
        except ApiError as problem:
            response = self._errors.of(problem)
            self._services.calls.record(call, response)
            return response
        return self._services.calls.carry_out(
            self._with_account(call, client_id),
            refuse=self._errors.of_fault,
            perform=lambda: self._perform(route, client_id, ids),
        )

    def _with_account(self, call: Call, client_id: str) -> Call:
        payment = self._ledger.find(call.payment) if call.payment else None
        age = None if payment is None else self._ledger.age(payment)
        return replace(call, key=fingerprint(client_id), age=age)

    def _perform(self, route: Route, client_id: str, ids: dict[str, str]) -> Response:
        """An error takes back what the operation did."""
        try:
            sent = {} if route.method == "GET" else read_json()
            alone = route.changes and route.method != "GET"
            with self._services.store.change() if alone else nullcontext():
                self._change_amount(route, ids)
                result = route.act(Asked(client_id, sent, ids))
        except ApiError as problem:
            return self._errors.of(problem)
        return answer(result.status, result.body)

    def _change_amount(self, route: Route, ids: dict[str, str]) -> None:
        payment = self._ledger.find(ids["payment_id"]) if "payment_id" in ids else None
        if payment is not None:
            self._ledger.spoil_amount(payment, route.operation)

    def _http_error(self, problem: HTTPException) -> Any:
        """Addresses and methods that do not exist, in the API's own form; the hosted pages keep plain ones."""
        if not request.path.startswith(_API):
            return problem
        response = self._errors.for_status(problem.code or 500)
        if isinstance(problem, MethodNotAllowed):
            allowed = set(problem.valid_methods or ()) - {"HEAD", "OPTIONS"}
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response


def base_url() -> str:
    """Where the API is mounted, as the caller addresses it."""
    return request.url_root.rstrip("/")


def _credentials() -> Json:
    """What the token endpoint was sent: a form as documented, or JSON as the official library does it."""
    if request.mimetype == "application/x-www-form-urlencoded":
        return dict(request.form)
    try:
        return read_json()
    except ApiError:
        return {}
