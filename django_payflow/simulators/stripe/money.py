"""Money that is held or taken: captures, holds that end, balance transactions, and disputes planned by test cards."""

from __future__ import annotations

from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError, random_id, refused
from django_payflow.simulators.stripe.books import CHARGES, INTENTS, SESSIONS, TRANSACTIONS, Books
from django_payflow.simulators.stripe.cards import Instrument
from django_payflow.simulators.stripe.events import Events

CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


class Money:
    def __init__(self, books: Books, events: Events) -> None:
        self._books = books
        self._events = events
        self._timers = books.services.timers

    # -- captures ---------------------------------------------------------------------------------------

    def capture(self, intent: Json, amount: int | None = None, final: bool = True) -> None:
        """Takes what is held, or part of it; the rest is let go. Neither makes a refund (since 2025-03-31.basil)."""
        body, charge = intent["body"], self._books.charge_of(intent)
        if body["status"] != "requires_capture" or charge is None:
            raise _unexpected(intent, "captured", "requires_capture")
        if amount is not None and amount > body["amount_capturable"]:
            raise refused(
                f"The amount to capture is more than the {body['amount_capturable']} that are capturable.",
                code="amount_too_large",
                param="amount_to_capture",
            )
        if not final:
            raise refused("This charge does not allow several captures.", param="final_capture")
        before = charge["body"]["payment_method_details"].get("card", {}).get("capture_before")
        if before is not None and before <= self._books.now:
            raise refused(
                "The hold has lapsed, the charge cannot be captured.",
                code="charge_expired_for_capture",
                more={"charge": charge["id"]},
            )
        self._take(intent, charge, body["amount_capturable"] if amount is None else amount)

    def _take(self, intent: Json, charge: Json, amount: int) -> None:
        charge["body"] |= {"captured": True, "amount_captured": amount}
        self._books.save(CHARGES, charge)
        intent["body"] |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
        self._books.save(INTENTS, intent)
        self.drop_hold(intent)
        self._set_payment_status(intent, "paid")
        self._events.tell("charge.captured", charge)
        self._events.tell("payment_intent.succeeded", intent)
        self.book(charge)

    def _set_payment_status(self, intent: Json, payment_status: str) -> None:
        """Likely, and written nowhere: the session becomes paid with the capture, without an event of its own."""
        session = self._books.session_of(intent)
        session["body"]["payment_status"] = payment_status
        self._books.save(SESSIONS, session)

    # -- holds that end ---------------------------------------------------------------------------------

    def void(self, intent: Json, reason: str | None) -> None:
        """By the shop. While the buyer may still pay, the session has to be expired instead."""
        if intent["body"]["status"] != "requires_capture":
            raise _unexpected(intent, "canceled", "requires_capture")
        self.cancel(intent, reason)

    def lapse(self, intent: Json) -> None:
        """Nobody captured in time. Only what is held can lapse."""
        if intent["body"]["status"] != "requires_capture":
            raise _unexpected(intent, "lapsed", "requires_capture")
        charge = self._books.charge_of(intent)
        if charge is not None:
            self._events.tell("charge.expired", charge)
        self.cancel(intent, "automatic")

    def cancel(self, intent: Json, reason: str | None) -> None:
        """Whatever the state; the charge of a hold keeps saying succeeded and not captured."""
        intent["body"] |= {
            "status": "canceled",
            "canceled_at": self._books.now,
            "cancellation_reason": reason,
            "amount_capturable": 0,
            "amount_received": 0,
            "next_action": None,
        }
        self._books.save(INTENTS, intent)
        self.drop_hold(intent)
        self._events.tell("payment_intent.canceled", intent)

    def drop_hold(self, intent: Json) -> None:
        """Nothing is left that a timer could end."""
        self._timers.cancel("stripe", "lapse", intent["id"])
        self._timers.cancel("stripe", "decide", intent["session"])

    # -- the books of the account -----------------------------------------------------------------------

    def book(self, charge: Json) -> None:
        """The balance transaction is attached a moment after the charge; ``charge.updated`` says so."""
        transaction = self.transaction(charge, charge["body"]["amount_captured"], "charge")
        self.update_charge(charge, balance_transaction=transaction)

    def update_charge(self, charge: Json, **changed: Any) -> None:
        previous = {name: charge["body"].get(name) for name in changed}
        charge["body"] |= changed
        self._books.save(CHARGES, charge)
        self._events.tell("charge.updated", charge, previous=previous)

    def transaction(self, source: Json, amount: int, kind: str) -> str:
        """A line of the account's balance; the fee of a charge is made up."""
        fee = amount * 15 // 1000 + 25 if kind == "charge" else 0
        body = {
            "id": random_id("txn_3", 23),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": self._books.now + 2 * 86400,
            "balance_type": "payments",
            "created": self._books.now,
            "currency": source["body"]["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
        return str(self._books.add(TRANSACTIONS, body, owner=source)["id"])

    def plan_trouble(self, charge: Json, instrument: Instrument) -> None:
        """The test cards that are disputed, inquired about or warned of."""
        if instrument.trouble is None:
            return
        due = self._books.services.clock.timestamp() + float(self._books.settings["dispute_seconds"])
        self._timers.set("stripe", "trouble", charge["id"], due)


def _unexpected(intent: Json, done: str, *fitting: str) -> ApiError:
    return refused(
        f"This PaymentIntent could not be {done} because it has a status of {intent['body']['status']}."
        f" Only a PaymentIntent with one of the following statuses may be {done}: {', '.join(fitting)}.",
        code="payment_intent_unexpected_state",
        more={"payment_intent": dict(intent["body"])},
    )
