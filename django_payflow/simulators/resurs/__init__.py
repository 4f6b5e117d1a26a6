"""Resurs Bank Merchant API 2.0, simulated: the API under ``/v2``, tokens, the hosted gateway under ``/gateway``.

Fixed credentials: client id ``sim-resurs-client``, secret ``sim-resurs-secret``, scope ``merchant-api`` or
``mock-merchant-api``; the stores and their ids are in ``accounts.py``. Written from Resurs' documentation and its
official library as of 2026-06; where they are silent the code says GUESS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Flask

from django_payflow.simulators.host import Json, PanelRow, Refusal, Services, Unknown, WebhookPolicy
from django_payflow.simulators.resurs import books, outcomes
from django_payflow.simulators.resurs.accounts import Accounts
from django_payflow.simulators.resurs.amounts import money
from django_payflow.simulators.resurs.answers import ApiError
from django_payflow.simulators.resurs.api import TOKEN, Api, Route
from django_payflow.simulators.resurs.callbacks import Callbacks, with_seconds
from django_payflow.simulators.resurs.catalogue import Catalogue
from django_payflow.simulators.resurs.control import ControlVerbs
from django_payflow.simulators.resurs.ledger import OPEN, PAYMENTS, Ledger
from django_payflow.simulators.resurs.movements import Movements
from django_payflow.simulators.resurs.pages import Pages
from django_payflow.simulators.resurs.payments import Payments
from django_payflow.simulators.resurs.settings import Settings
from django_payflow.simulators.resurs.shapes import customer_url


class ResursSimulator:
    """The seam's ``Simulator`` for Resurs Bank."""

    name = "resurs"
    title = "Resurs Bank"
    webhook_faults: Mapping[str, str] = {}  # callbacks carry nothing that could be forged

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = Settings(services.store)
        self._callbacks = Callbacks(services, self._settings)
        self._accounts = Accounts(services, self._settings)
        self._ledger = Ledger(services, self._settings, self._callbacks)
        self._movements = Movements(self._ledger)
        self._payments = Payments(self._ledger, self._movements, self._accounts)
        self._catalogue = Catalogue(services, self._settings, self._accounts)

    def _routes(self) -> Sequence[Route]:
        return (*self._payments.routes(), *self._catalogue.routes())

    @property
    def operations(self) -> Sequence[str]:
        return tuple(dict.fromkeys((TOKEN, *(route.operation for route in self._routes()))))

    def app(self) -> Flask:
        # Named after the package, so that Flask finds the templates that are shipped with it.
        app = Flask("django_payflow.simulators", static_folder=None)
        api = Api(app, self._services, self._ledger, self._accounts)
        for route in self._routes():
            api.add(route)
        app.register_blueprint(Pages(self._ledger).blueprint())
        return app

    def control(self) -> Blueprint:
        return ControlVerbs(self._ledger, self._movements, self._accounts).blueprint()

    def webhook_policy(self) -> WebhookPolicy:
        return self._callbacks.policy()

    def sign(self, delivery: Json) -> Mapping[str, str]:
        """Callbacks are not signed: a shop fetches the payment with its own token."""
        return {}

    def on_timer(self, job: str, subject: str, due: float) -> None:
        payment = self._ledger.find(subject)
        if payment is not None:
            self._ledger.on_timer(job, payment, due)

    # -- the panel --------------------------------------------------------------------------------------

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        newest = self._services.store.keys(PAYMENTS)[::-1][:limit]
        return [self._row(payment, base_url) for key in newest if (payment := self._ledger.find(key))]

    def _row(self, payment: Json, base_url: str) -> PanelRow:
        return PanelRow(
            id=payment["id"],
            status=payment["status"],
            amount=self._ledger.amount_in_words(payment),
            description=f"Order {payment['reference']}",
            note=_note(payment),
            created=with_seconds(payment["created"]),
            key=payment["key"],
            page_url=customer_url(payment, base_url) if payment["status"] == OPEN else None,
            actions=_ACTIONS,
        )

    def panel_act(self, payment: str, action: str) -> None:
        with self._services.store.change():
            found = self._ledger.find(payment)
            if found is None:
                raise Unknown(f"There is no payment {payment}.")
            try:
                self._act(found, action)
            except ApiError as problem:
                raise Refusal(str(problem)) from problem

    def _act(self, payment: Json, action: str) -> None:
        portal = {"creator": "merchant-portal"}
        if action == "webhook":
            self._ledger.tell_again(payment)
        elif action == "portal_capture":
            self._movements.capture(payment, None, portal)
        elif action == "portal_refund":
            self._movements.refund(payment, None, portal)
        elif action == "portal_cancel":
            self._movements.cancel(payment, None, portal)
        else:
            outcomes.apply(payment, action, self._movements, webhook=True)


def _note(payment: Json) -> str:
    sums = books.sums_of(payment)._asdict()
    moved = [f"{word} {money(sums[word]):.2f}" for word in ("captured", "refunded", "canceled") if sums[word]]
    reason = [payment["reason"]] if payment["reason"] else []
    return ", ".join([payment["method"]["name"], *reason, *moved])


_ACTIONS = (
    ("authorized", "Accepted"),
    ("paid", "Accepted and captured"),
    ("frozen", "Frozen"),
    ("inspection", "Inspection"),
    ("failed", "Credit denied"),
    ("canceled", "Aborted or cancelled"),
    ("expired", "Timed out"),
    ("open", "Open again"),
    ("portal_capture", "Capture the rest"),
    ("portal_refund", "Refund the rest"),
    ("portal_cancel", "Cancel the rest"),
    ("webhook", "Send callback"),
)

SIMULATOR = ResursSimulator

NOT_IMITATED = """
- Checkout Plus and its scope, the legacy SOAP platform and its callbacks with a digest
- co-applicants, shop assistants (merchantUrl leads to a plain notice)
- links by mail or text message: accepted, not sent
- the credit application form: its elements are invented and what is sent in applicationData is not looked at
- application/json-strict refuses unknown properties at Resurs; here it is read like plain JSON
- real checks of mail addresses, phone numbers and check digits of personal numbers
- the rate limit (429 comes as a fault only), TLS, source addresses
- payment methods with types outside the official library's closed set, campaigns, names in other languages
- interest, fees, limits and addresses: invented, except where the documentation names them
- a signature that fails and can be tried again; settlement, accounting files, invoices
- chargebacks: the API does not know them
- a refund that takes time or comes back: Resurs decides at once, and shows nothing later
- an authorization that lapses: no documentation says when, or how it would look
"""
