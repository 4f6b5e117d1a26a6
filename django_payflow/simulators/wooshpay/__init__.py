"""WooshPay, simulated: the API under ``/v1``, the hosted pages under ``/pay``.

Written from WooshPay's documents as of 2026-08 and from what integrators met; where both are silent the code says
GUESS, and where they contradict each other a switch decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from flask import Blueprint, Flask

from django_payflow.simulators.host import Json, PanelRow, Services, WebhookPolicy
from django_payflow.simulators.wooshpay import signing
from django_payflow.simulators.wooshpay.api import Api, Route
from django_payflow.simulators.wooshpay.control import ControlVerbs
from django_payflow.simulators.wooshpay.endpoints import Endpoints
from django_payflow.simulators.wooshpay.events import Events
from django_payflow.simulators.wooshpay.ledger import Ledger
from django_payflow.simulators.wooshpay.money_back import MoneyBack, WebhookEndpoints
from django_payflow.simulators.wooshpay.movements import Movements
from django_payflow.simulators.wooshpay.pages import Pages
from django_payflow.simulators.wooshpay.panel import PanelRows
from django_payflow.simulators.wooshpay.payments import Payments
from django_payflow.simulators.wooshpay.resources import Resources
from django_payflow.simulators.wooshpay.settings import Settings
from django_payflow.simulators.wooshpay.shapes import Shapes

#: 18 deliveries within 72 hours are documented; the gaps (53 s, each 1.6 times the one before) are a GUESS.
_FIRST_GAP, _FACTOR, _DELIVERIES = 53, 1.6, 18
SCHEDULE = (
    0.0,
    *(round(each, 1) for each in itertools.accumulate(_FIRST_GAP * _FACTOR**gap for gap in range(_DELIVERIES - 1))),
)


class WooshPaySimulator:
    """The seam's ``Simulator`` for WooshPay."""

    name = "wooshpay"
    title = "WooshPay"
    webhook_faults: Mapping[str, str] = signing.FAULTS

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = Settings(services.store)
        self._ledger = Ledger(services, self._settings)
        self._shapes = Shapes(self._settings)
        self._endpoints = Endpoints(self._ledger)
        self._events = Events(self._ledger, self._endpoints, self._shapes)
        self._payments = Payments(self._ledger, self._events)
        self._movements = Movements(self._ledger, self._events)
        self._panel = PanelRows(self._payments, self._movements)

    def _routes(self) -> Sequence[Route]:
        return (
            *Resources(self._payments, self._shapes).routes(),
            *MoneyBack(self._movements, self._shapes).routes(),
            *WebhookEndpoints(self._endpoints, self._movements).routes(),
        )

    @property
    def operations(self) -> Sequence[str]:
        return tuple(dict.fromkeys(route.operation for route in self._routes()))

    def app(self) -> Flask:
        # Named after the package, so that Flask finds the templates that are shipped with it.
        app = Flask("django_payflow.simulators", static_folder=None)
        api = Api(app, self._services, self._ledger)
        for route in self._routes():
            api.add(route)
        app.register_blueprint(Pages(self._payments, self._movements).blueprint())
        return app

    def control(self) -> Blueprint:
        return ControlVerbs(self._payments, self._movements, self._endpoints, self._shapes).blueprint()

    def webhook_policy(self) -> WebhookPolicy:
        """Any 2xx counts; that redirects are not followed is a GUESS."""
        timeout = float(self._settings["webhook_timeout"])
        return WebhookPolicy(schedule=SCHEDULE, timeout=timeout, follow_redirects=False)

    def sign(self, delivery: Json) -> Mapping[str, str]:
        return self._events.sign(delivery)

    def on_timer(self, job: str, subject: str, due: float) -> None:
        if job in ("refund", "dispute"):
            self._movements.on_timer(job, subject)
        else:
            self._payments.on_timer(job, subject)

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        return self._panel.rows(base_url, limit)

    def panel_act(self, payment: str, action: str) -> None:
        self._panel.act(payment, action)


SIMULATOR = WooshPaySimulator

NOT_IMITATED = """
- everything but Checkout in payment mode: payment links, the direct API (creating and confirming intents), setup mode
  and saved cards, customers, products, prices, subscriptions, invoices, payouts
- webhook retries by e-mail, a webhook address that has to be https and public
- the rate limit's real numbers: 429 comes for totals that end in 29, and as a fault
- the real test cards and their codes; all but 4111 1111 1111 1111 are the simulator's own
- 3-D Secure and the pages of wallets and banks: a page that asks how it shall end stands for all of them
- amount limits, and which currencies and methods go together
- refunds that some method cannot do, or that are made of disputed money; fees, exchange rates, balances
- captures and cancellations that take their time, which of them a method knows, and what becomes of a dispute whose
  payment is refunded
- the order of checks when a request is wrong in several ways, and WooshPay's codes and wording of errors
- refusing plain http
"""
