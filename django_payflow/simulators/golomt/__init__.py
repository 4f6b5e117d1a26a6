"""Golomt Bank's e-commerce product, simulated: the API under ``/api``, its pages where shops build their addresses.

Written from the bank's documents and from public clients as of 2026; where both are silent the code says GUESS.
The first merchant is always there: checksum key ``sim-golomt-secret``, bearer token ``sim-golomt-token``, merchant
number ``000000000087050``. Its push address is set with ``POST /_control/golomt/settings {"push_url": ...}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Flask

from django_payflow.simulators.golomt.api import Api
from django_payflow.simulators.golomt.checksums import SPOILINGS
from django_payflow.simulators.golomt.control import ControlVerbs, named
from django_payflow.simulators.golomt.endings import ENDINGS, UNDECIDED
from django_payflow.simulators.golomt.ledger import TRANSACTIONS, Ledger
from django_payflow.simulators.golomt.merchants import Merchants
from django_payflow.simulators.golomt.operations import Operations
from django_payflow.simulators.golomt.pages import Pages, checkout_url
from django_payflow.simulators.golomt.settings import Settings
from django_payflow.simulators.host import Json, PanelRow, Refusal, Services, WebhookPolicy, iso


class GolomtSimulator:
    """The seam's ``Simulator`` for Golomt Bank."""

    name = "golomt"
    title = "Golomt Bank"
    webhook_faults: Mapping[str, str] = SPOILINGS

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = Settings(services.store)
        self._ledger = Ledger(services, self._settings, Merchants(services.store, self._settings))
        self._operations = Operations(self._ledger)

    @property
    def operations(self) -> Sequence[str]:
        return tuple(dict.fromkeys(operation for operation, _act in self._operations.routes().values()))

    def app(self) -> Flask:
        # Named after the package, so that Flask finds the templates that are shipped with it.
        app = Flask("django_payflow.simulators", static_folder=None)
        Api(app, self._ledger, self._operations)
        app.register_blueprint(Pages(self._ledger).blueprint())
        return app

    def control(self) -> Blueprint:
        return ControlVerbs(self._ledger).blueprint()

    def webhook_policy(self) -> WebhookPolicy:
        """The schedule is not documented: one attempt unless told otherwise. Only POST is served, so no redirects."""
        schedule = tuple(float(seconds) for seconds in self._settings["push_schedule"])
        timeout = float(self._settings["push_timeout"])
        return WebhookPolicy(schedule=schedule, timeout=timeout, follow_redirects=False)

    def sign(self, delivery: Json) -> Mapping[str, str]:
        """Nothing: the checksum is in the body, and has no time in it, so a retry is the same to the byte."""
        return {}

    def on_timer(self, job: str, subject: str, due: float) -> None:
        transaction = self._ledger.get(subject)
        if transaction is not None:
            self._ledger.run_out(transaction, due)

    # -- the panel --------------------------------------------------------------------------------------

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        newest = self._services.store.keys(TRANSACTIONS)[::-1][:limit]
        return [self._row(found, base_url) for key in newest if (found := self._ledger.get(key))]

    def _row(self, transaction: Json, base_url: str) -> PanelRow:
        fields = transaction["fields"]
        code = fields["errorCode"]
        notes = [
            "no code yet" if code is None else f"{code} {fields['errorDesc']}",
            f"merchant {transaction['merchant']}",
            *(["reversed"] if transaction["reversed"] is not None else []),
        ]
        return PanelRow(
            id=transaction["id"],
            status=transaction["status"],
            amount="a random amount" if fields["amount"] is None else f"{fields['amount']} MNT",
            description={"invoice": "Invoice", "token": "Payment by token", "binding": "Card"}[transaction["kind"]],
            note=", ".join(notes),
            created=iso(transaction["created"]),
            key=self._ledger.merchants.named(transaction["merchant"]).key,
            page_url=checkout_url(transaction, base_url) if transaction["status"] == "open" else None,
            actions=_ACTIONS,
        )

    def panel_act(self, payment: str, action: str) -> None:
        with self._services.store.change():
            found = named(self._ledger, payment)
            if action == "webhook":
                if not self._ledger.pushes.send(found, by_hand=True):
                    raise Refusal(f"{payment} is not finished, or its merchant has no push_url (see settings).")
            elif action == "refund":
                self._ledger.reverse(found, reversed_now=True)
            elif action == "expired":
                self._ledger.expire(found)
            elif action in ENDINGS:
                self._ledger.finish(found, ENDINGS[action])
            elif action in UNDECIDED:
                self._ledger.undo(found, action)
            else:
                raise Refusal(f"There is nothing called {action} to do.")


_ACTIONS = (
    ("paid", "Paid"),
    ("declined", "Declined (300)"),
    ("failed", "Failed (SIM 902)"),
    ("canceled", "Canceled (SIM 904)"),
    ("expired", "Expired"),
    ("processing", "SENT without a code"),
    ("open", "Open"),
    ("refund", "Reverse at the bank"),
    ("webhook", "Send push"),
)

SIMULATOR = GolomtSimulator

NOT_IMITATED = """
- the bank's table of error codes, which could not be had: 000 and 300 are real, 901 to 905 are invented and say SIM
- a second port, TLS, and the limits on calls
- the SocialPay app: its page, QR code and deeplink are there, the app is not
- the calls that the page makes itself (/payment/get/details), and that these use up the page's token
- 3-D Secure pages, checks of the card's number, date and CVV
- the random amount of a card binding and its way back: it is shown on the page and booked nowhere
- batches, sums and transfers of settlements: every paid transaction is one row, partial reversals do not exist
- whether payments by token and bindings are pushed (here they are not), and the bank's own retries (a setting)
- the bank's wording of errors, and the order of checks when a request is wrong in several ways
- a void call that one public client tries and no document names; refunds and disputes are agreed on paper
"""
