"""Operations around payments: stores, methods and what they cost, addresses, registered callbacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from flask import request

from django_payflow.simulators.host import Json, Services, WebhookPolicy, attempt, is_loopback
from django_payflow.simulators.resurs import methods, people
from django_payflow.simulators.resurs.accounts import Accounts, Store
from django_payflow.simulators.resurs.amounts import NotANumber, read_hundredths
from django_payflow.simulators.resurs.answers import ApiError
from django_payflow.simulators.resurs.api import Answer, Asked, Route, base_url
from django_payflow.simulators.resurs.bodies import Reader
from django_payflow.simulators.resurs.callbacks import REGISTERED
from django_payflow.simulators.resurs.methods import Method
from django_payflow.simulators.resurs.paging import paged
from django_payflow.simulators.resurs.settings import Settings
from django_payflow.simulators.resurs.validation import read_callbacks


class Catalogue:
    def __init__(self, services: Services, settings: Settings, accounts: Accounts) -> None:
        self._store = services.store
        self._settings = settings
        self._accounts = accounts

    def routes(self) -> Sequence[Route]:
        of_store = "/v2/stores/<store_id>/payment_methods"
        one = f"{of_store}/<method_id>"
        return (
            Route("GET", "/v2/stores", "stores", self.stores),
            Route("GET", of_store, "methods", self.methods),
            Route("POST", f"{of_store}/personalized", "personalized", self.personalized),
            Route("GET", f"{one}/annuity_factors", "annuity_factors", self.annuity_factors),
            Route("GET", f"{one}/price_signage", "price_signage", self.price_signage),
            Route("GET", f"{one}/application_data_specification", "application_data", self.application_data),
            Route("POST", "/v2/customers/address/by_government_id", "address", self.address),
            Route("POST", "/v2/callbacks", "callbacks", self.register_callbacks),
            Route("GET", "/v2/callbacks", "callbacks", self.registered_callbacks),
            Route("POST", "/v2/callbacks/test", "callback_test", self.test_callback, changes=False),
        )

    # -- stores and methods -----------------------------------------------------------------------------

    def stores(self, asked: Asked) -> Answer:
        return Answer(200, paged([store.shape() for store in self._accounts.stores(asked.client_id)]))

    def methods(self, asked: Asked) -> Answer:
        """With an amount only the methods whose purchase limits it fits."""
        return Answer(200, self._fitting(self._store_of(asked), _amount_asked()))

    def personalized(self, asked: Asked) -> Answer:
        """Which methods a person is offered is not documented beyond the call itself: all that fit (GUESS)."""
        store = self._store_of(asked)
        reader = Reader(asked.sent)
        government_id = reader.text("governmentId", 50, least=1, required=True)
        amount = reader.hundredths("amount", required=True, least=1)
        if government_id is not None and not people.is_valid(government_id, store.country, "NATURAL"):
            reader.blame("governmentId", "is not valid")
        reader.done()
        return Answer(200, self._fitting(store, amount))

    def _fitting(self, store: Store, amount: int | None) -> Json:
        found = [each for each in methods.of_store(store) if amount is None or methods.fits(each, amount)]
        return {"content": [methods.shape(method, store, base_url()) for method in found]}

    def _store_of(self, asked: Asked) -> Store:
        return self._accounts.store(asked.ids["store_id"], asked.client_id)

    def _method_of(self, asked: Asked) -> Method:
        method = methods.find(asked.ids["method_id"], self._store_of(asked))
        if method is None:
            raise ApiError(404, f"The store has no payment method {asked.ids['method_id']}")
        return method

    def annuity_factors(self, asked: Asked) -> Answer:
        """None for methods without credit that is paid back in parts."""
        return Answer(200, {"content": methods.annuity_factors(self._method_of(asked))})

    def price_signage(self, asked: Asked) -> Answer:
        """Too small an amount is answered with 401, as surprising as that is."""
        method, amount = self._method_of(asked), _amount_asked()
        if amount is None:
            raise ApiError(400, "Validation failed", {"amount": "must not be null"})
        if not method.months:
            raise ApiError(400, "The payment method has no price signage")
        if amount < method.least * 100:
            raise ApiError(401, "The amount is too small for the payment method")
        return Answer(200, methods.price_signage(method, amount, base_url()))

    def application_data(self, asked: Asked) -> Answer:
        method = self._method_of(asked)
        _amount_asked()
        return Answer(200, {"elements": list(methods.APPLICATION_FORM) if method.months else []})

    # -- addresses --------------------------------------------------------------------------------------

    def address(self, asked: Asked) -> Answer:
        """For Sweden only."""
        reader = Reader(asked.sent)
        store_id = reader.uuid("storeId")
        reader.done()
        store = self._accounts.store(store_id, asked.client_id)
        reader.text("customerIp", 45, least=2, pattern=r"[0-9a-fA-F:.]+")
        customer_type = reader.word("customerType", ("NATURAL", "LEGAL")) or "NATURAL"
        government_id = reader.text("governmentId", 50, least=1, required=True) or ""
        if government_id and not people.is_valid(government_id, store.country, customer_type):
            reader.blame("governmentId", "is not valid")
        reader.done()
        found = people.address_of(government_id, customer_type) if store.country == "SE" else None
        if found is None:
            raise ApiError(404, "No address is known for this id")
        return Answer(200, {"address": found})

    # -- callbacks for a whole store --------------------------------------------------------------------

    def register_callbacks(self, asked: Asked) -> Answer:
        """``{payment_id}`` in an address stands for the payment's id. The answer's shape is a GUESS."""
        reader = Reader(asked.sent)
        given = read_callbacks(reader.inner("callbacks", required=True), self._settings["strict_callback_url"])
        stores = asked.sent.get("stores")
        if not isinstance(stores, list) or not stores or not all(isinstance(each, str) for each in stores):
            reader.blame("stores", "must be a list of store ids")
        reader.done()
        for store_id in asked.sent["stores"]:
            store = self._accounts.store(store_id, asked.client_id)
            self._store.put(REGISTERED, store.id, {"callbacks": given})
        return self.registered_callbacks(asked)

    def registered_callbacks(self, asked: Asked) -> Answer:
        content = []
        for store in self._accounts.stores(asked.client_id):
            registered = self._store.get(REGISTERED, store.id)
            if registered is not None:
                urls = {kind: {"url": url} for kind, url in registered["callbacks"].items()}
                content.append({"stores": [store.id], "callbacks": urls})
        return Answer(200, {"content": content})

    def test_callback(self, asked: Asked) -> Answer:
        """Resurs calls the address at once; method and body of that call are a GUESS."""
        reader = Reader(asked.sent)
        url = reader.text("url", 2048, least=1, required=True) or ""
        reader.done()
        if not is_loopback(url):
            return Answer(200, {"status": "INVALID_URL", "code": 0})
        timeout = float(self._settings["callback_timeout"])
        policy = WebhookPolicy(schedule=(0,), timeout=timeout, follow_redirects=False)
        outcome = attempt("POST", url, {"Content-Type": "application/json"}, json.dumps({}), policy)
        if outcome.status is None:
            return Answer(200, {"status": "TIMEOUT" if outcome.seconds >= timeout else "ERROR", "code": 0})
        return Answer(200, {"status": "OK" if outcome.accepted else "FAILED", "code": outcome.status})


def _amount_asked() -> int | None:
    text = request.args.get("amount", "")
    if not text:
        return None
    try:
        number = Decimal(text)
        if not number.is_finite():
            raise NotANumber("must be a number")
        return read_hundredths(number)
    except (InvalidOperation, NotANumber) as error:
        message = str(error) if isinstance(error, NotANumber) else "must be a number"
        raise ApiError(400, "Validation failed", {"amount": message}) from error
