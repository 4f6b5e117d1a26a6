"""The life of a Checkout Session: opened, tried, confirmed, expired; and the PaymentIntent born on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe import shapes
from django_payflow.simulators.stripe.answers import random_id, refused
from django_payflow.simulators.stripe.books import CHARGES, INTENTS, METHODS, SESSIONS, Account, Books
from django_payflow.simulators.stripe.cards import DEBIT_FAILED, NOT_AUTHENTICATED, Decline, Instrument, found
from django_payflow.simulators.stripe.events import Events
from django_payflow.simulators.stripe.money import Money
from django_payflow.simulators.stripe.session_input import NewSession

#: Stands for the long fragment that real addresses carry; a shop must keep all of it.
FRAGMENT = "fidkdWxOYHwnPyd1blppbHNgWjA0" + "SimulatedFragment" * 12
BUYER: Json = {"email": "buyer@example.com", "name": "Sim Buyer"}


class Step(NamedTuple):
    """Where an attempt led: "complete", "authenticate" or "declined"; and the webhooks about the completion."""

    name: str
    deliveries: Sequence[str] = ()


class Checkout:
    """Methods that take a session change that document *and* store it."""

    def __init__(self, books: Books, events: Events, money: Money) -> None:
        self._books = books
        self._events = events
        self._money = money
        self._timers = books.services.timers

    # -- opening and ending -----------------------------------------------------------------------------

    def open(self, account: Account, new: NewSession, *, root: str, version: str) -> Json:
        """``root`` is the address of this simulator, for the hosted page."""
        now, mode = self._books.now, "live" if account.live else "test"
        session_id = random_id(f"cs_{mode}_a1", 56)
        url = f"{root}/c/pay/{session_id}#{FRAGMENT}"
        body = shapes.session(new, session_id=session_id, live=account.live, now=now, url=url, version=version)
        owner = {"account": account.id, "key": account.key, "live": account.live, "session": session_id}
        items = [shapes.line_item(item, live=account.live, now=now) for item in new.items]
        session = self._books.add(
            SESSIONS, body, owner=owner, intent_data=new.intent_data, items=items, page=url, news=None
        )
        self._timers.set("stripe", "expire", session_id, new.expires_at)
        return session

    def expire(self, session: Json) -> list[str]:
        """Ends an open session. A PaymentIntent of failed attempts ends with it (its reason is a GUESS)."""
        session["body"] |= {"status": "expired", "url": None}
        self._save(session, "checkout.session.expired")
        self._timers.cancel("stripe", "expire", session["id"])
        intent = self._books.intent_of(session)
        if intent is not None and intent["body"]["status"] not in ("succeeded", "canceled"):
            self._money.cancel(intent, "expired")
        return self._events.tell("checkout.session.expired", session)

    def expire_asked(self, session: Json) -> None:
        """By the shop; the wording names the state, and no code does."""
        status = session["body"]["status"]
        if status != "open":
            raise refused(
                'Only Checkout Sessions with a status in ["open"] can be expired.'
                f" This Checkout Session has a status of `{status}`."
            )
        self.expire(session)

    def reopen(self, session: Json) -> None:
        """No rule allows it; a test may."""
        self._save(session, None, {"status": "open", "payment_status": "unpaid", "url": session["page"]})
        expires = max(session["body"]["expires_at"], self._books.now + 1800)
        self._timers.set("stripe", "expire", session["id"], expires)
        intent = self._books.intent_of(session)
        if intent is not None:
            self._money.drop_hold(intent)
            self._save_intent(intent, status="requires_payment_method", amount_capturable=0, amount_received=0)

    # -- an attempt to pay ------------------------------------------------------------------------------

    def attempt(self, session: Json, instrument: Instrument, buyer: Json) -> Step:
        """The buyer pressed the button. A decline leaves the session open for another attempt."""
        if session["body"]["payment_status"] == "no_payment_required":
            return Step("complete", self._complete(session, "no_payment_required", buyer))
        intent = self.intent(session)
        self._use(intent, instrument, buyer)
        if instrument.authenticates:
            step: Json = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
            self._save_intent(intent, status="requires_action", next_action=step)
            self._events.tell("payment_intent.requires_action", intent)
            return Step("authenticate")
        return self._charge(session, intent, instrument, buyer)

    def authenticated(self, session: Json, passed: bool) -> Step:
        """The end of the 3-D Secure step. Failing it makes no charge."""
        intent = self._books.intent_of(session)
        if intent is None or intent["body"]["status"] != "requires_action":
            return Step("declined")
        instrument = found(intent["number"])
        self._save_intent(intent, next_action=None)
        if passed:
            return self._charge(session, intent, instrument, intent["buyer"])
        self._fail_attempt(intent, NOT_AUTHENTICATED, None)
        return Step("declined")

    def _charge(self, session: Json, intent: Json, instrument: Instrument, buyer: Json) -> Step:
        if instrument.method == "sepa_debit":
            return Step("complete", self.process(session, instrument, buyer, intent=intent))
        if instrument.decline is not None:
            charge = self._new_charge(intent, instrument, buyer)
            self._fail_charge(charge, instrument.decline)
            self._fail_attempt(intent, instrument.decline, charge)
            return Step("declined")
        if intent["body"]["capture_method"] == "manual":
            return Step("complete", self.authorize(session, instrument, buyer, intent=intent))
        return Step("complete", self.pay(session, instrument, buyer, intent=intent))

    # -- what an attempt leads to; also what tests order ------------------------------------------------

    def pay(self, session: Json, instrument: Instrument, buyer: Json, *, intent: Json | None = None) -> list[str]:
        """The money is there. What was pending or held before becomes it."""
        intent = intent or self._ready(session, instrument, buyer)
        charge = self._books.charge_of(intent)
        if charge is None or charge["body"]["status"] != "pending":
            charge = self._new_charge(intent, instrument, buyer)
        amount = charge["body"]["amount"]
        charge["body"] |= _APPROVED | {"captured": True, "amount_captured": amount}
        self._books.save(CHARGES, charge)
        self._money.drop_hold(intent)
        self._save_intent(
            intent,
            status="succeeded",
            amount_capturable=0,
            amount_received=amount,
            canceled_at=None,
            cancellation_reason=None,
            last_payment_error=None,
        )
        told = ("charge.succeeded", charge), ("payment_intent.succeeded", intent)
        for event_type, document in told if instrument.method == "card" else told[::-1]:
            self._events.tell(event_type, document)
        deliveries = self._settled(session, "paid", buyer)
        self._money.book(charge)
        self._money.plan_trouble(charge, instrument)
        return deliveries

    def authorize(
        self, session: Json, instrument: Instrument, buyer: Json, *, intent: Json | None = None
    ) -> list[str]:
        """Held for a capture. That the session says unpaid until then is likely, and written nowhere."""
        intent = intent or self._ready(session, instrument, buyer)
        until = self._books.now + int(self._books.settings["hold_days"] * 86400)
        charge = self._new_charge(intent, instrument, buyer, capture_before=until)
        charge["body"] |= _APPROVED
        self._books.save(CHARGES, charge)
        self._save_intent(
            intent,
            status="requires_capture",
            capture_method="manual",
            amount_capturable=charge["body"]["amount"],
            last_payment_error=None,
        )
        self._timers.set("stripe", "lapse", intent["id"], until)
        self._events.tell("charge.succeeded", charge)
        self._events.tell("payment_intent.amount_capturable_updated", intent)
        return self._settled(session, "unpaid", buyer)

    def process(
        self, session: Json, instrument: Instrument, buyer: Json, *, intent: Json | None = None, timed: bool = True
    ) -> list[str]:
        """A delayed method: complete but unpaid, decided when the timer says so, or by hand."""
        intent = intent or self._ready(session, instrument, buyer)
        charge = self._new_charge(intent, instrument, buyer)
        self._save_intent(intent, status="processing", last_payment_error=None)
        self._events.tell("charge.pending", charge)
        self._events.tell("payment_intent.processing", intent)
        if timed:
            wait = self._books.settings["slow_delayed_seconds" if instrument.slow else "delayed_seconds"]
            self._timers.set("stripe", "decide", session["id"], self._books.services.clock.timestamp() + wait)
        return self._settled(session, "unpaid", buyer)

    def decide(self, session: Json) -> None:
        """The bank's answer to a direct debit."""
        intent = self._books.intent_of(session)
        if intent is None or intent["body"]["status"] != "processing":
            return
        if found(intent["number"]).fails:
            self.fail(session)
        else:
            self.collect(session, intent)

    def collect(self, session: Json, intent: Json) -> None:
        """The direct debit that is being processed succeeds."""
        self.pay(session, found(intent["number"]), intent["buyer"], intent=intent)

    def fail(self, session: Json) -> None:
        """For good: the session stays complete and unpaid, the PaymentIntent waits for a method that never comes."""
        intent = self.intent(session)
        charge = self._books.charge_of(intent)
        if charge is not None:
            self._fail_charge(charge, DEBIT_FAILED)
        self._money.drop_hold(intent)
        self._fail_attempt(intent, DEBIT_FAILED, charge)
        self._save(session, "checkout.session.async_payment_failed", {"payment_status": "unpaid"})
        self._events.tell("checkout.session.async_payment_failed", session)

    # -- shared -----------------------------------------------------------------------------------------

    def intent(self, session: Json) -> Json:
        """The session's PaymentIntent, made now if there is none yet."""
        intent = self._books.intent_of(session)
        if intent is not None:
            return intent
        body = shapes.intent(session["body"], session["intent_data"], now=self._books.now)
        intent = self._books.add(INTENTS, body, owner=session, number=None, buyer=None)
        self._save(session, session["news"], {"payment_intent": intent["id"]})
        self._events.tell("payment_intent.created", intent)
        return intent

    def _ready(self, session: Json, instrument: Instrument, buyer: Json) -> Json:
        intent = self.intent(session)
        self._use(intent, instrument, buyer)
        return intent

    def _use(self, intent: Json, instrument: Instrument, buyer: Json) -> None:
        body = shapes.payment_method(instrument, buyer, live=intent["live"], now=self._books.now)
        method = self._books.add(METHODS, body, owner=intent)
        intent |= {"number": instrument.number, "buyer": buyer}
        self._save_intent(intent, payment_method=method["id"])

    def _new_charge(
        self, intent: Json, instrument: Instrument, buyer: Json, *, capture_before: int | None = None
    ) -> Json:
        body = shapes.charge(intent["body"], instrument, buyer, now=self._books.now, capture_before=capture_before)
        charge = self._books.add(CHARGES, body, owner=intent, number=instrument.number)
        self._save_intent(intent, latest_charge=charge["id"])
        return charge

    def _fail_charge(self, charge: Json, decline: Decline) -> None:
        charge["body"] |= {
            "status": "failed",
            "paid": False,
            "captured": False,
            "amount_captured": 0,
            "failure_code": decline.code,
            "failure_message": decline.message,
            "outcome": {
                "network_decline_code": None,
                "network_status": "declined_by_network",
                "reason": decline.decline_code,
                "risk_level": "normal",
                "seller_message": "The bank did not return any further details with this decline.",
                "type": "issuer_declined",
            },
        }
        self._books.save(CHARGES, charge)
        self._events.tell("charge.failed", charge)

    def _fail_attempt(self, intent: Json, decline: Decline, charge: Json | None) -> None:
        """A PaymentIntent has no failed state: it waits for another payment method."""
        error: Json = {
            "type": "card_error" if decline.decline_code else "invalid_request_error",
            "code": decline.code,
            "message": decline.message,
            "payment_method": _method_of(self._books, intent),
        }
        if decline.decline_code is not None:
            error["decline_code"] = decline.decline_code
        if charge is not None:
            error["charge"] = charge["id"]
        self._save_intent(
            intent,
            status="requires_payment_method",
            last_payment_error=error,
            payment_method=None,
            amount_capturable=0,
            amount_received=0,
        )
        self._events.tell("payment_intent.payment_failed", intent)

    def _settled(self, session: Json, payment_status: str, buyer: Json) -> list[str]:
        """The first news about a session is its completion, later ones are about a delayed method."""
        if session["body"]["status"] != "complete":
            return self._complete(session, payment_status, buyer)
        if payment_status == "unpaid":
            self._save(session, session["news"], {"payment_status": payment_status})
            return []
        self._save(session, "checkout.session.async_payment_succeeded", {"payment_status": payment_status})
        return self._events.tell("checkout.session.async_payment_succeeded", session)

    def _complete(self, session: Json, payment_status: str, buyer: Json) -> list[str]:
        details = shapes.customer_details(buyer["email"], buyer["name"])
        changed: Json = {"status": "complete", "payment_status": payment_status, "url": None}
        self._save(session, "checkout.session.completed", changed | {"customer_details": details})
        self._timers.cancel("stripe", "expire", session["id"])
        return self._events.tell("checkout.session.completed", session)

    def _save(self, session: Json, news: str | None, changed: Json | None = None) -> None:
        session["body"] |= changed or {}
        session["news"] = news
        self._books.save(SESSIONS, session)

    def _save_intent(self, intent: Json, **changed: object) -> None:
        intent["body"] |= changed
        self._books.save(INTENTS, intent)


_APPROVED: Json = {
    "status": "succeeded",
    "paid": True,
    "failure_code": None,
    "failure_message": None,
    "outcome": {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
}


def _method_of(books: Books, intent: Json) -> Json | None:
    method_id = intent["body"]["payment_method"]
    method = None if method_id is None else books.find(METHODS, method_id)
    return None if method is None else dict(method["body"])
