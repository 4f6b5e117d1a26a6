"""The API under ``/v2``: who asks, what is asked, and the one way all calls go."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
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
from django_payflow.simulators.mollie.answers import ApiError, error, error_for, error_of, hal
from django_payflow.simulators.mollie.bodies import read_body
from django_payflow.simulators.mollie.ledger import Account, Ledger

#: honoured on POST only, for one hour, per account
_HEADER = "Idempotency-Key"
_KEY_SECONDS = 3600
#: Cached or not above 499 is not documented; Mollie's own plug-in tests cache what is below (GUESS).
_FIRST_UNCACHED = 500
_KEY = re.compile(r"Bearer (?P<key>(?P<mode>test|live)_\w{20,})", re.ASCII)


class Asked(NamedTuple):
    """One call, understood: who, the parameters of body or query, and the ids in the path."""

    account: Account
    sent: Json
    ids: dict[str, str]

    @property
    def payment_id(self) -> str:
        return self.ids["payment_id"]


class Answer(NamedTuple):
    status: int
    body: Json | None


class Route(NamedTuple):
    method: str
    path: str
    operation: str
    act: Callable[[Asked], Answer]
    #: query parameters a GET may have
    query: Sequence[str] = ()


def account_of(authorization: str) -> Account:
    """Any well-formed key is an account of its own; organization tokens are not."""
    match = _KEY.fullmatch(authorization)
    if match is None:
        raise ApiError(401, "The request has no API key, or one that is not good.")
    key = match["key"]
    mark = fingerprint(key)
    digest = mark.rsplit("...", 1)[1]
    return Account(key=mark, id=digest, mode=match["mode"], profile=f"pfl_Sim{digest}")


class Api:
    """Registers routes on the provider's application and carries out their calls."""

    def __init__(self, app: Flask, services: Services, ledger: Ledger) -> None:
        self._app = app
        self._services = services
        self._ledger = ledger
        self._idempotency = Idempotency(
            services, provider="mollie", seconds=_KEY_SECONDS, remembers=lambda status: status < _FIRST_UNCACHED
        )
        app.register_error_handler(HTTPException, _http_error)

    def add(self, route: Route) -> None:
        def view(**ids: str) -> Response:
            return self._serve(route, ids)

        self._app.add_url_rule(
            route.path, f"{route.method} {route.path}", view, methods=[route.method], provide_automatic_options=False
        )

    def _serve(self, route: Route, ids: dict[str, str]) -> Response:
        """Key first, then the hold on the idempotency key, then faults, then the operation itself."""
        key = request.headers.get(_HEADER) if route.method == "POST" else None
        call = Call(provider="mollie", operation=route.operation, payment=ids.get("payment_id"), idempotency_key=key)
        try:
            account = account_of(request.headers.get("Authorization", ""))
            call = self._with_account(call, account)
            name = None if key is None else f"{account.id}:{key}"
            with self._idempotency.running(name):
                return self._services.calls.carry_out(
                    call, refuse=error_for, perform=lambda: self._perform(route, account, ids, name)
                )
        except KeyInUse:
            response = error(409, "A request with this idempotency key is still being worked on.")
        except ApiError as problem:
            response = error_of(problem)
        self._services.calls.record(call, response)
        return response

    def _with_account(self, call: Call, account: Account) -> Call:
        payment = self._ledger.find(call.payment, account) if call.payment else None
        age = None if payment is None else self._ledger.age(payment)
        return replace(call, key=account.key, age=age)

    def _perform(self, route: Route, account: Account, ids: dict[str, str], name: str | None) -> Response:
        try:
            sent = self._parameters(route)
            digest = digest_of(f"{route.method} {request.path}", sent)
            asked = Asked(account, sent, ids)
            return self._idempotency.once(name, digest, lambda: self._act(route, asked))
        except KeyReused:
            return error(400, "This idempotency key was used for a different request before.")
        except ApiError as problem:  # before anything was done, so there is nothing to remember
            return error_of(problem)

    def _parameters(self, route: Route) -> Json:
        if route.method != "GET":
            return read_body()
        for unknown in request.args.keys() - set(route.query):
            raise ApiError(422, f"There is no query parameter of the name {unknown} for this call.", unknown)
        return dict(request.args)

    def _act(self, route: Route, asked: Asked) -> Response:
        """An error takes back what the operation did; the answer about it is remembered all the same."""
        try:
            with self._services.store.change() if route.method != "GET" else nullcontext():
                self._change_amount(route, asked)
                answer = route.act(asked)
        except ApiError as problem:
            return error_of(problem)
        return hal(answer.status, answer.body)

    def _change_amount(self, route: Route, asked: Asked) -> None:
        """The fault that makes Mollie name another amount from now on, for calls about an existing payment."""
        payment_id = asked.ids.get("payment_id")
        payment = self._ledger.find(payment_id, asked.account) if payment_id else None
        if payment is not None:
            self._ledger.spoil_amount(payment, route.operation)


def _http_error(problem: HTTPException) -> Any:
    """Addresses and methods that do not exist, in the API's own form; the hosted pages keep plain ones."""
    if not request.path.startswith("/v2"):
        return problem
    status = problem.code or 500
    if isinstance(problem, MethodNotAllowed):
        response = error(405, "This address does not take the method.")
        allowed = set(problem.valid_methods or ()) - {"HEAD", "OPTIONS"}
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response
    return error_for(status)
