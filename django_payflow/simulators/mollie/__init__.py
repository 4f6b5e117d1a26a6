"""Mollie Payments API v2, simulated: the API under ``/v2``, the hosted pages under ``/checkout``.

Written from Mollie's documents as of 2026-08; where they are silent the code says GUESS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Flask

from django_payflow.simulators.host import Json, PanelRow, Refusal, Services, Unknown, WebhookPolicy
from django_payflow.simulators.mollie.answers import ApiError
from django_payflow.simulators.mollie.api import Api
from django_payflow.simulators.mollie.control import ControlVerbs
from django_payflow.simulators.mollie.ledger import PAYMENTS, STATUSES, Ledger
from django_payflow.simulators.mollie.movements import Movements
from django_payflow.simulators.mollie.pages import Pages
from django_payflow.simulators.mollie.resources import Resources
from django_payflow.simulators.mollie.settings import Settings
from django_payflow.simulators.mollie.shapes import Shapes

#: Ten attempts, at these seconds after the change (webhooks page): 0, 1 m, 3 m, 7 m, 15 m, 31 m, 1 h, 2 h, 4 h, 26 h.
SCHEDULE = (0, 60, 180, 420, 900, 1860, 3600, 7200, 14400, 93600)


class MollieSimulator:
    """The seam's ``Simulator`` for Mollie."""

    name = "mollie"
    title = "Mollie"
    webhook_faults: Mapping[str, str] = {}  # classic webhooks carry nothing that could be forged

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = Settings(services.store)
        self._ledger = Ledger(services, self._settings)
        self._movements = Movements(self._ledger)
        self._resources = Resources(self._ledger, self._movements)

    @property
    def operations(self) -> Sequence[str]:
        return tuple(dict.fromkeys(route.operation for route in self._resources.routes()))

    def app(self) -> Flask:
        # Named after the package, so that Flask finds the templates that are shipped with it.
        app = Flask("django_payflow.simulators", static_folder=None)
        api = Api(app, self._services, self._ledger)
        for route in self._resources.routes():
            api.add(route)
        app.register_blueprint(Pages(self._ledger, self._movements).blueprint())
        return app

    def control(self) -> Blueprint:
        return ControlVerbs(self._ledger, self._movements).blueprint()

    def webhook_policy(self) -> WebhookPolicy:
        """301 and 302 turn the POST into a GET and lose the body; 307 and 308 keep it."""
        timeout = float(self._settings["webhook_timeout"])
        return WebhookPolicy(schedule=SCHEDULE, timeout=timeout, follow_redirects=True)

    def sign(self, delivery: Json) -> Mapping[str, str]:
        """Classic webhooks are not signed: a shop fetches the payment with its own key."""
        return {}

    def on_timer(self, job: str, subject: str, due: float) -> None:
        if job in ("capture", "capture_fails", "refund"):
            self._movements.on_timer(job, subject, due)
            return
        payment = self._ledger.find(subject)
        if payment is None:
            return
        if job == "expire":
            self._ledger.expire(payment, due)
        elif job == "release":
            self._movements.carry_out_release(payment, due)
        elif job == "lapse" and self._settings["lapsed_hold"] == "expired":
            self._movements.let_go(payment, due, "expired")
        elif job == "delayed_capture" and payment["fields"]["status"] == "authorized":
            self._movements.capture(payment, {}, at=due)

    # -- the panel --------------------------------------------------------------------------------------

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        shapes = Shapes(self._movements, base_url)
        newest = self._services.store.keys(PAYMENTS)[::-1][:limit]
        return [self._row(payment, shapes) for key in newest if (payment := self._ledger.find(key))]

    def _row(self, payment: Json, shapes: Shapes) -> PanelRow:
        fields = payment["fields"]
        is_open = fields["status"] in ("open", "pending")
        return PanelRow(
            id=payment["id"],
            status=fields["status"],
            amount=f"{fields['amount']['value']} {fields['amount']['currency']}",
            description=fields["description"],
            note=self._note(payment),
            created=fields["createdAt"],
            key=payment["key"],
            page_url=shapes.checkout_url(payment) if is_open else None,
            actions=_ACTIONS,
        )

    def _note(self, payment: Json) -> str:
        sums = {
            "captured": self._movements.captured(payment),
            "refunded": self._movements.refunded(payment),
            "charged back": self._movements.charged_back(payment, reversed_too=False),
        }
        moved = [f"{word} {number}" for word, number in sums.items() if number]
        return ", ".join([str(payment["fields"]["method"] or "no method yet"), *moved])

    def panel_act(self, payment: str, action: str) -> None:
        with self._services.store.change():
            found = self._ledger.find(payment)
            if found is None:
                raise Unknown(f"There is no payment {payment}.")
            try:
                self._act(found, action)
            except ApiError as problem:
                raise Refusal(problem.detail) from problem

    def _act(self, payment: Json, action: str) -> None:
        if action == "webhook":
            self._ledger.notify(payment)
        elif action == "refund":
            rest = self._movements.remaining_amount(payment)
            self._movements.refund(payment, {"amount": rest}, from_dashboard=True)
        elif action == "chargeback":
            self._movements.charge_back(payment, {})
        elif action in ("capture", "void", "lapse"):
            self._movements.by_hand(payment, action)
        elif action in STATUSES:
            self._ledger.move(payment, action)
        else:
            raise Refusal(f"There is nothing called {action} to do.")


_ACTIONS = (
    ("paid", "Paid"),
    ("authorized", "Authorized"),
    ("pending", "Pending"),
    ("open", "Open"),
    ("failed", "Failed"),
    ("canceled", "Canceled"),
    ("expired", "Expired"),
    ("capture", "Capture the rest"),
    ("void", "Release the hold"),
    ("lapse", "Let the hold lapse"),
    ("refund", "Refund the rest"),
    ("chargeback", "Chargeback"),
    ("webhook", "Send webhook"),
)

SIMULATOR = MollieSimulator

NOT_IMITATED = """
- customers, mandates and recurring charges: every customer id is unknown
- payment links, orders, subscriptions, settlements, balances, terminals
- organization tokens and OAuth; live and test keys sharing one profile (here every key is an account of its own)
- next-generation webhooks and events; a webhook address that is checked by really calling it
- Apple Pay and card tokens, issuers, QR codes, remainders of gift cards and vouchers
- captures and releases of lines; Klarna's and the others' own checks of lines and addresses
- several captures: which methods allow them is a guess, and so is that a release fails a capture on its way
- disputes before a chargeback, and a word that a chargeback is lost for good: Mollie's API has neither
- settlement amounts, fees and exchange rates: limits in other currencies are the numbers in EUR
- the rate limit's real numbers: 429 comes as a fault only
- a failed attempt that leads back to the method list: the chooser's failed and canceled are final
- pages in other languages; the locale is checked and stored
- the order of checks when a request is wrong in several ways, and Mollie's wording of errors
"""
