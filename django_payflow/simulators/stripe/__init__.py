"""Stripe Checkout (API v1), simulated: the API under ``/v1``, the hosted page under ``/c/pay``.

Written from Stripe's documents and recorded traffic as of 2026; where they are silent the code says GUESS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Flask

from django_payflow.simulators.host import Json, PanelRow, Refusal, Services, Unknown, WebhookPolicy
from django_payflow.simulators.stripe import currencies
from django_payflow.simulators.stripe.account_resources import AccountResources
from django_payflow.simulators.stripe.answers import ApiError
from django_payflow.simulators.stripe.api import Api, Route
from django_payflow.simulators.stripe.books import CHARGES, DISPUTES, INTENTS, REFUNDS, SESSIONS, Books
from django_payflow.simulators.stripe.checkout import Checkout
from django_payflow.simulators.stripe.control import ControlVerbs
from django_payflow.simulators.stripe.disputes import Disputes
from django_payflow.simulators.stripe.events import TWIN, WRONG_MODE, Events
from django_payflow.simulators.stripe.money import Money
from django_payflow.simulators.stripe.orders import Orders
from django_payflow.simulators.stripe.pages import Pages
from django_payflow.simulators.stripe.payment_resources import PaymentResources
from django_payflow.simulators.stripe.refunds import Refunds
from django_payflow.simulators.stripe.session_resources import SessionResources
from django_payflow.simulators.stripe.settings import Settings
from django_payflow.simulators.stripe.signing import SIGNATURE_FAULTS, Endpoints

_MINUTE, _HOUR = 60, 3600
#: Seconds after the event at which attempts are made. The exact steps are unpublished (GUESS); their end is not.
SCHEDULES: Mapping[str, tuple[float, ...]] = {
    "sandbox": (0, _HOUR, 2 * _HOUR, 3 * _HOUR),
    "live": (0, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, *(hours * _HOUR for hours in (2, 5, 10, 22, 34, 46, 58, 70))),
}


class StripeSimulator:
    """The seam's ``Simulator`` for Stripe."""

    name = "stripe"
    title = "Stripe"
    webhook_faults: Mapping[str, str] = {
        **SIGNATURE_FAULTS,
        WRONG_MODE: "correctly signed, but livemode says the opposite",
        TWIN: "two events with ids of their own for one fact; `times` counts the deliveries of both",
    }

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = Settings(services.store)
        self._books = Books(services, self._settings)
        self._events = Events(self._books)
        self._endpoints = Endpoints(self._books)
        self._money = Money(self._books, self._events)
        self._refunds = Refunds(self._books, self._events, self._money)
        self._disputes = Disputes(self._books, self._events, self._money)
        self._checkout = Checkout(self._books, self._events, self._money)
        self._orders = Orders(self._books, self._events, self._checkout, self._money, self._disputes)

    def _routes(self) -> Sequence[Route]:
        return (
            *SessionResources(self._books, self._checkout).routes(),
            *PaymentResources(self._books, self._money, self._refunds, self._disputes).routes(),
            *AccountResources(self._books, self._events, self._endpoints).routes(),
        )

    @property
    def operations(self) -> Sequence[str]:
        return tuple(dict.fromkeys(route.operation for route in self._routes()))

    def app(self) -> Flask:
        # Named after the package, so that Flask finds the templates that are shipped with it.
        app = Flask("django_payflow.simulators", static_folder=None)
        api = Api(app, self._books)
        for route in self._routes():
            api.add(route)
        app.register_blueprint(Pages(self._books, self._checkout).blueprint())
        return app

    def control(self) -> Blueprint:
        money = self._money, self._refunds, self._disputes
        return ControlVerbs(self._books, self._orders, money, self._endpoints).blueprint()

    def webhook_policy(self) -> WebhookPolicy:
        """Redirects are failures."""
        schedule = SCHEDULES[self._settings["webhook_schedule"]]
        return WebhookPolicy(
            schedule=schedule, timeout=float(self._settings["webhook_timeout"]), follow_redirects=False
        )

    def sign(self, delivery: Json) -> Mapping[str, str]:
        return self._endpoints.sign(delivery)

    def on_timer(self, job: str, subject: str, due: float) -> None:
        kind = {"lapse": INTENTS, "trouble": CHARGES, "refund_done": REFUNDS, "refund_fails": REFUNDS}.get(
            job, SESSIONS
        )
        document = self._books.find(kind, subject)
        if document is None:
            return
        if job == "expire" and document["body"]["status"] == "open":
            self._checkout.expire(document)
        elif job == "decide":
            self._checkout.decide(document)
        elif job == "lapse" and self._settings["lapsed_hold"] == "canceled":
            if document["body"]["status"] == "requires_capture":
                self._money.lapse(document)
        elif job == "trouble":
            self._disputes.strike(document)
        elif kind == REFUNDS:
            self._refunds.on_timer(job, document)

    # -- the panel --------------------------------------------------------------------------------------

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        newest = self._services.store.keys(SESSIONS)[::-1][:limit]
        return [self._row(found, base_url) for key in newest if (found := self._books.find(SESSIONS, key))]

    def _row(self, session: Json, base_url: str) -> PanelRow:
        body = session["body"]
        intent = self._books.intent_of(session)
        charge = None if intent is None else self._books.charge_of(intent)
        return PanelRow(
            id=session["id"],
            status=f"{body['status']}, {body['payment_status']}",
            amount=currencies.shown(body["amount_total"], body["currency"]),
            description=", ".join(item["description"] for item in session["items"]),
            note=_note(intent, charge),
            created=str(body["created"]),
            key=session["key"],
            page_url=f"{base_url}/c/pay/{session['id']}" if body["status"] == "open" else None,
            actions=_ACTIONS,
        )

    def panel_act(self, payment: str, action: str) -> None:
        with self._services.store.change():
            session = self._books.find(SESSIONS, payment)
            if session is None:
                raise Unknown(f"There is no session {payment}.")
            try:
                self._act(session, action)
            except ApiError as problem:
                raise Refusal(problem.message) from problem

    def _act(self, session: Json, action: str) -> None:
        if action == "webhook":
            self._orders.tell_again(session)
        elif action in _LATER:
            self._act_later(session, action)
        else:
            self._orders.carry_out(session, action)

    def _act_later(self, session: Json, action: str) -> None:
        """What happens to the money after the buyer did his part."""
        intent = self._books.intent_of(session)
        charge = None if intent is None else self._books.charge_of(intent)
        if intent is None or charge is None:
            raise Refusal("This session has no charge yet.")
        if action == "capture":
            self._money.capture(intent)
        elif action == "void":
            self._money.void(intent, None)
        elif action == "lapse":
            self._money.lapse(intent)
        elif action == "refund":
            self._refunds.refund(charge, None, data={})
        elif action in ("chargeback", "inquiry"):
            self._disputes.open(charge, inquiry=action == "inquiry")
        else:
            self._end_dispute(charge, action)

    def _end_dispute(self, charge: Json, action: str) -> None:
        disputes = self._books.of_charge(DISPUTES, charge)
        if not disputes:
            raise Refusal("This charge is not disputed.")
        (self._disputes.win if action == "win" else self._disputes.lose)(disputes[-1])


def _note(intent: Json | None, charge: Json | None) -> str:
    """What is worth seeing beside the session's two states."""
    words = [] if intent is None else [str(intent["body"]["status"])]
    if charge is not None:
        sums = {"captured": charge["body"]["amount_captured"], "refunded": charge["body"]["amount_refunded"]}
        currency = charge["body"]["currency"]
        words += [f"{word} {currencies.shown(amount, currency)}" for word, amount in sums.items() if amount]
        words += ["disputed"] if charge["body"]["disputed"] else []
    return ", ".join(words) or "not tried yet"


_ACTIONS = (
    ("paid", "Paid"),
    ("authorized", "Authorized"),
    ("processing", "Processing"),
    ("declined", "Declined"),
    ("failed", "Failed"),
    ("canceled", "Canceled"),
    ("expired", "Expired"),
    ("open", "Open again"),
    ("held", "Under review"),
    ("capture", "Capture"),
    ("void", "Void"),
    ("lapse", "Let the hold lapse"),
    ("refund", "Refund the rest"),
    ("chargeback", "Dispute"),
    ("inquiry", "Inquiry"),
    ("win", "Win the dispute"),
    ("lose", "Lose the dispute"),
    ("webhook", "Send webhook"),
)
_LATER = frozenset({"capture", "void", "lapse", "refund", "chargeback", "inquiry", "win", "lose"})

SIMULATOR = StripeSimulator

NOT_IMITATED = """
- modes setup and subscription, customers, saved payment methods, prices and products: every such id is unknown
- PaymentIntents and charges made without a Checkout Session; embedded and custom pages
- other payment methods than cards and SEPA direct debit: they may be listed, the page has no form for them
- promotion codes, shipping rates, taxes, adaptive pricing, recovery of expired sessions: taken and ignored
- Connect (accounts, transfers, fees), payouts, exchange rates; settlement currencies have no minimum of their own
- event payloads in older shapes: every version gets the shape of one, only `ui_mode` follows its renaming
- organization endpoints, thin events and API v2; deliveries to an endpoint deleted meanwhile go on
- one retry schedule for both modes, chosen by a setting; the real steps are unpublished
- several captures of one hold, captures of more than was held, and captures that a bank takes its time over
- fees of disputes, and disputes that Stripe prevents by itself; a second dispute of one charge is like the first
- the rate limits' real numbers: 429 comes as a fault only, and never as a lock_timeout
- pages in other languages; the locale is checked and stored
- the order of checks when a request is wrong in several ways, and Stripe's wording of errors
"""
