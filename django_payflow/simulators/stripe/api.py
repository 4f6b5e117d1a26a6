"""The API under ``/v1``: who asks, what is asked, and the one way all calls go."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from django_payflow.simulators.host import (
    CHANGED_AMOUNT,
    Call,
    Idempotency,
    Json,
    KeyInUse,
    KeyReused,
    digest_of,
    fingerprint,
)
from django_payflow.simulators.stripe import currencies
from django_payflow.simulators.stripe.answers import ApiError, error_for, error_of, ok, random_id
from django_payflow.simulators.stripe.books import SESSIONS, Account, Books
from django_payflow.simulators.stripe.events import caused_by
from django_payflow.simulators.stripe.expansion import Expansion
from django_payflow.simulators.stripe.forms import read_parameters
from django_payflow.simulators.stripe.overwriting import overwrite
from django_payflow.simulators.stripe.reading import Spec, listing, read, text
from django_payflow.simulators.stripe.shapes import VERSION

_HEADER = "Idempotency-Key"
_KEY_LENGTH = 255
_KEY_SECONDS = 24 * 3600
_KEY = re.compile(r"(?P<kind>sk|rk|pk)_(?P<mode>test|live)_\w+", re.ASCII)
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?")


class Asked(NamedTuple):
    """One call, understood: who, the parameters as the route's readers gave them, and the id in the path."""

    account: Account
    sent: Json
    id: str
    version: str
    root: str


class Route(NamedTuple):
    method: str
    path: str
    operation: str
    act: Callable[[Asked], Json]
    #: readers of the parameters; None where the route reads them itself
    spec: Spec | None = {}


def presented_key(authorization: str) -> str:
    """As bearer, or as the user of basic authentication with an empty password."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return rest.strip()
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def account_of(key: str) -> Account:
    """Any well-formed secret or restricted key is an account of its own."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise ApiError(401, "Invalid API Key provided." if key else "You did not provide an API key.")
    if match["kind"] == "pk":
        raise ApiError(401, "A publishable key cannot make this call.", code="secret_key_required")
    mark = fingerprint(key)
    digest = mark.rsplit("...", 1)[1]
    return Account(key=mark, id=f"acct_1Sim{digest}", live=match["mode"] == "live", restricted=match["kind"] == "rk")


class Api:
    """Registers routes on the provider's application and carries out their calls."""

    def __init__(self, app: Flask, books: Books) -> None:
        self._app = app
        self.books = books
        self.services = books.services
        self.expansion = Expansion(books)
        # 500s are remembered; 401 and 429 never get that far, and wrong parameters are not carried out at all.
        self.idempotency = Idempotency(
            books.services,
            provider="stripe",
            seconds=_KEY_SECONDS,
            remembers=lambda _status: True,
            keep=("Original-Request",),
        )
        app.register_error_handler(HTTPException, _http_error)

    def add(self, route: Route) -> None:
        def view(object_id: str = "") -> Response:
            return self._serve(route, object_id)

        self._app.add_url_rule(
            route.path, f"{route.method} {route.path}", view, methods=[route.method], provide_automatic_options=False
        )

    # -- one call ---------------------------------------------------------------------------------------

    def _serve(self, route: Route, object_id: str) -> Response:
        """Key first, then the hold on the idempotency key, then faults, then the operation itself."""
        request_id = random_id("req_", 14)
        idempotency_key = request.headers.get(_HEADER) if route.method == "POST" else None
        key = presented_key(request.headers.get("Authorization", ""))
        call = Call(
            provider="stripe",
            operation=route.operation,
            key=fingerprint(key) if key else None,
            idempotency_key=idempotency_key,
        )
        try:
            response = self._authenticated(route, object_id, call, account_of(key), request_id)
        except KeyInUse:
            response = self._recorded(call, error_for(409))
        except ApiError as problem:
            response = self._recorded(call, error_of(problem))
        return self._with_headers(response, request_id, idempotency_key)

    def _recorded(self, call: Call, response: Response) -> Response:
        self.services.calls.record(call, response)
        return response

    def _authenticated(self, route: Route, object_id: str, call: Call, account: Account, request_id: str) -> Response:
        if account.restricted and route.operation in self.books.settings["restricted_keys_lack"]:
            raise ApiError(403, "The restricted key lacks the permission for this call.")
        if call.idempotency_key is not None and not 1 <= len(call.idempotency_key) <= _KEY_LENGTH:
            raise ApiError(400, f"An idempotency key has 1 to {_KEY_LENGTH} characters.")
        name = None if call.idempotency_key is None else f"{account.id}:{call.idempotency_key}"
        run = Run(self, route, account, object_id, request_id, name)
        with self.idempotency.running(name):
            return self.services.calls.carry_out(self._about(call, object_id), refuse=run.refuse, perform=run.perform)

    def _about(self, call: Call, object_id: str) -> Call:
        """Which payment the call is about: the session behind whatever object it names."""
        named = (object_id, request.values.get("payment_intent"), request.values.get("charge"))
        session = next((found for each in named if each and (found := self.session_behind(each))), None)
        if session is None:
            return call
        return replace(call, payment=session["id"], age=self.services.clock.timestamp() - float(session["created"]))

    def session_behind(self, object_id: str) -> Json | None:
        document = self.books.anything(object_id)
        return None if document is None else self.books.find(SESSIONS, document["session"])

    def _with_headers(self, response: Response, request_id: str, idempotency_key: str | None) -> Response:
        headers = response.headers
        headers["Request-Id"] = request_id
        headers["Stripe-Version"] = request.headers.get("Stripe-Version", VERSION)
        if idempotency_key is not None:
            headers[_HEADER] = idempotency_key
        if response.status_code == 429:
            headers["Stripe-Rate-Limited-Reason"] = "endpoint-rate"
            if self.books.settings["rate_limit_should_retry"] != "absent":
                headers["Stripe-Should-Retry"] = self.books.settings["rate_limit_should_retry"]
        elif response.status_code == 409:
            headers["Stripe-Should-Retry"] = "true"
        elif 400 <= response.status_code < 500:
            headers["Stripe-Should-Retry"] = "false"
        return response


class Run:
    """The operation of one call, with what is remembered of it."""

    def __init__(
        self, api: Api, route: Route, account: Account, object_id: str, request_id: str, name: str | None
    ) -> None:
        self._api = api
        self._route = route
        self._account = account
        self._object_id = object_id
        self._request_id = request_id
        self._name = name

    def refuse(self, status: int) -> Response:
        """The answer of a fault. A 500 is remembered like any other answer; 502 to 504 come from in front of the
        API and are not. Where the operation was done before the fault, its own answer is the one remembered.
        """
        if status != 500:
            return error_for(status)
        with suppress(ApiError, KeyReused):
            self._once(self._read()[0], lambda: self._marked(error_for(500)))
        return error_for(status)

    def perform(self) -> Response:
        try:
            parameters, expand = self._read()
            return self._once(parameters, lambda: self._act(parameters, expand))
        except KeyReused:
            return error_of(
                ApiError(400, "This idempotency key was used with other parameters.", kind="idempotency_error")
            )
        except ApiError as problem:  # not carried out, so there is nothing to remember
            return error_of(problem)

    def _once(self, parameters: Json, act: Callable[[], Response]) -> Response:
        digest = digest_of(f"{self._route.method} {request.path}", parameters)
        return self._api.idempotency.once(self._name, digest, act)

    def _read(self) -> tuple[Json, list[str]]:
        version = request.headers.get("Stripe-Version", VERSION)
        if not _VERSION.fullmatch(version):
            raise ApiError(400, f"Invalid Stripe API version: {version}")
        parameters = read_parameters()
        expand = listing(text())(parameters.get("expand", {}), "expand")
        return parameters, expand

    def _act(self, parameters: Json, expand: list[str]) -> Response:
        """A refusal takes back what the operation did; the answer about it is remembered if it got that far."""
        sent = {name: value for name, value in parameters.items() if name != "expand"}
        store = self._api.services.store
        try:
            with (
                store.change() if self._route.method != "GET" else nullcontext(),
                caused_by(self._request_id, request.headers.get(_HEADER)),
            ):
                self._change_amount()
                asked = Asked(
                    account=self._account,
                    sent=sent if self._route.spec is None else read(sent, self._route.spec),
                    id=self._object_id,
                    version=request.headers.get("Stripe-Version", VERSION),
                    root=request.url_root.rstrip("/"),
                )
                body = self._api.expansion.expand(self._route.act(asked), expand)
        except ApiError as problem:
            if not problem.executed:
                raise
            return self._marked(error_of(problem))
        return self._marked(ok(body))

    def _marked(self, response: Response) -> Response:
        """Repeats name the request that was carried out."""
        if self._name is not None:
            response.headers["Original-Request"] = self._request_id
        return response

    def _change_amount(self) -> None:
        """The fault that makes Stripe name another amount from now on, for calls about an existing payment."""
        session = self._api.session_behind(self._object_id) if self._object_id else None
        if session is None:
            return
        faults = self._api.services.faults
        for fault in faults.take("stripe", self._route.operation, session["id"], (CHANGED_AMOUNT,)):
            wanted: Any = fault.amount
            currency = wanted["currency"].lower()
            amount = currencies.smallest_units(wanted["value"], currency)
            overwrite(self._api.books, session, {"amount": amount, "currency": currency})


def _http_error(problem: HTTPException) -> Any:
    """Addresses and methods that do not exist, in the API's own form; the hosted pages keep plain ones."""
    if not request.path.startswith("/v1"):
        return problem
    status = problem.code or 500
    if status in (404, 405):
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return error_of(ApiError(404, message))
    return error_for(status)
