"""The API under ``/api``: who asks, what is asked, and the one way all calls go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from django_payflow.simulators.golomt.answers import ApiError, answer, error_for, error_of, forbidden
from django_payflow.simulators.golomt.ledger import Ledger
from django_payflow.simulators.golomt.merchants import Merchant
from django_payflow.simulators.golomt.operations import Asked, Operations
from django_payflow.simulators.golomt.validation import read_body
from django_payflow.simulators.host import Call, Json


class Api:
    """Registers the calls on the provider's application and carries them out."""

    def __init__(self, app: Flask, ledger: Ledger, operations: Operations) -> None:
        self._ledger = ledger
        self._services = ledger.services
        for path, (operation, act) in operations.routes().items():
            self._add(app, path, operation, act)
        app.register_error_handler(HTTPException, self._http_error)

    def _add(self, app: Flask, path: str, operation: str, act: Callable[[Asked], Json]) -> None:
        def view() -> Response:
            return self._serve(operation, act)

        app.add_url_rule(path, path, view, methods=["POST"], provide_automatic_options=False)

    def _merchant(self) -> Merchant | None:
        if self._ledger.settings["forbidden"]:
            return None
        return self._ledger.merchants.of_bearer(request.headers.get("Authorization"))

    def _serve(self, operation: str, act: Callable[[Asked], Json]) -> Response:
        """The bearer token first, then faults, then the operation itself, all or nothing."""
        call = Call(provider="golomt", operation=operation)
        merchant = self._merchant()
        if merchant is None:
            response = forbidden()
            self._services.calls.record(call, response)
            return response
        return self._services.calls.carry_out(
            self._about(call, merchant),
            refuse=lambda status: error_for(status, self._now()),
            perform=lambda: self._perform(merchant, act),
        )

    def _now(self) -> float:
        return self._services.clock.timestamp()

    def _about(self, call: Call, merchant: Merchant) -> Call:
        """What the call is about, as far as its body can be read; faults and the log want to know."""
        call = replace(call, key=merchant.key)
        try:
            wanted = read_body().get("transactionId")
        except ApiError:
            return call
        if not isinstance(wanted, str):
            return call
        found = self._ledger.of(merchant, wanted)
        return replace(call, payment=wanted, age=None if found is None else self._ledger.age(found))

    def _perform(self, merchant: Merchant, act: Callable[[Asked], Json]) -> Response:
        try:
            with self._services.store.change():
                return answer(act(Asked(merchant, read_body(), request.args)))
        except ApiError as problem:
            return error_of(problem, self._now())

    def _http_error(self, problem: HTTPException) -> Any:
        """Addresses and methods that do not exist, in the API's own form; the hosted pages keep plain ones."""
        if not request.path.startswith("/api"):
            return problem
        if self._merchant() is None:
            return forbidden()
        response = error_for(problem.code or 500, self._now())
        if isinstance(problem, MethodNotAllowed):
            response.headers["Allow"] = "POST"
        return response
