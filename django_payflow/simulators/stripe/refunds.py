"""Refunds: who may have one, how they begin, and what the bank makes of them later."""

from __future__ import annotations

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe import cards
from django_payflow.simulators.stripe.answers import random_id, refused
from django_payflow.simulators.stripe.books import CHARGES, DISPUTES, REFUNDS, Books
from django_payflow.simulators.stripe.events import Events
from django_payflow.simulators.stripe.money import Money

STATUSES = ("pending", "requires_action", "succeeded", "failed", "canceled")
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_WAITING = ("pending", "requires_action")
_DISPUTE_OVER = ("won", "warning_closed", "prevented")


class Refunds:
    def __init__(self, books: Books, events: Events, money: Money) -> None:
        self._books = books
        self._events = events
        self._money = money
        self._timers = books.services.timers

    # -- asking -----------------------------------------------------------------------------------------

    def remaining(self, charge: Json) -> int:
        """What can still be refunded. That waiting refunds count at once is a GUESS."""
        body = charge["body"]
        waiting = sum(
            each["body"]["amount"]
            for each in self._books.of_charge(REFUNDS, charge)
            if each["body"]["status"] in _WAITING
        )
        return int(body["amount_captured"] - body["amount_refunded"] - waiting)

    def refund(
        self,
        charge: Json | None,
        amount: int | None,
        *,
        reason: str | None = None,
        data: Json,
        ordered: str | None = None,
    ) -> Json:
        """A refund of a charge, of all that is left without ``amount``. Refusals name a code where Stripe does.

        ``ordered`` is the status it begins with and keeps until somebody moves it.
        """
        if charge is None or charge["body"]["status"] != "succeeded":
            raise refused("This PaymentIntent does not have a successful charge to refund.")
        self._check(charge, amount)
        wanted = self.remaining(charge) if amount is None else amount
        status = ordered or self._first_status(charge)
        refund = self._record(charge, wanted, reason, data, status)
        self._events.tell("refund.created", refund)
        if status == "succeeded":
            self._count(charge, wanted)
        if status == "failed":
            self._events.tell("refund.failed", refund)
        if ordered is None:
            self._plan(refund, charge)
        return refund

    def _check(self, charge: Json, amount: int | None) -> None:
        body = charge["body"]
        more = {"charge": charge["id"]}
        if not body["captured"]:
            raise refused("This charge is not captured; cancel the PaymentIntent instead.", more=more)
        if any(self._in_dispute(each) for each in self._books.of_charge(DISPUTES, charge)):
            raise refused("This charge is disputed.", code="charge_disputed", more=more)
        left = self.remaining(charge)
        if left == 0:
            raise refused("This charge has already been refunded.", code="charge_already_refunded", more=more)
        if amount is None or amount <= left:
            return
        if left < body["amount_captured"]:
            raise refused(f"The refund of {amount} is more than the unrefunded amount of {left}.", param="amount")
        raise refused(f"The refund of {amount} is greater than charge amount {left}.", param="amount")

    @staticmethod
    def _in_dispute(dispute: Json) -> bool:
        body = dispute["body"]
        return body["status"] not in _DISPUTE_OVER and not body["is_charge_refundable"]

    def _first_status(self, charge: Json) -> str:
        starts = str(self._books.settings["refund_starts"])
        if starts != "by_method":
            return starts
        return "pending" if cards.found(charge["number"]).refunds == "pending" else "succeeded"

    def _record(self, charge: Json, amount: int, reason: str | None, data: Json, status: str) -> Json:
        card = charge["body"]["payment_method_details"]["type"] == "card"
        kind = "card" if card else "sepa_debit"
        details: Json = {"reference": None, "reference_status": "pending"}
        if card:
            details |= {"reference_type": "acquirer_reference_number", "type": "refund"}
        body: Json = {
            "id": random_id("re_3" if card else "pyr_3", 23),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": self._books.now,
            "currency": charge["body"]["currency"],
            "destination_details": {kind: details if card else {}, "type": kind},
            "metadata": data,
            "payment_intent": charge["body"]["payment_intent"],
            "payment_method": charge["body"]["payment_method"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": status,
            "transfer_reversal": None,
        }
        refund = self._books.add(REFUNDS, body, owner=charge)
        self._dress(refund)
        return refund

    # -- what becomes of it -----------------------------------------------------------------------------

    def _dress(self, refund: Json) -> None:
        """Keys that appear only with the status they explain, and the line in the balance."""
        body = refund["body"]
        for name in ("failure_reason", "pending_reason", "next_action"):
            body.pop(name, None)
        if body["status"] == "failed":
            body["failure_reason"] = "expired_or_canceled_card"
        elif body["status"] == "pending":
            body["pending_reason"] = "processing"
        elif body["status"] == "requires_action":
            body["next_action"] = {"type": "display_details", "display_details": {"expires_at": self._books.now}}
        elif body["status"] == "succeeded" and body["balance_transaction"] is None:
            body["balance_transaction"] = self._money.transaction(refund, -body["amount"], "refund")
        self._books.save(REFUNDS, refund)

    def _plan(self, refund: Json, charge: Json) -> None:
        test_card = cards.found(charge["number"]).refunds
        starts, status = self._books.settings["refund_starts"], refund["body"]["status"]
        job = None
        if status == "pending":
            job = "refund_done"
        elif status == "succeeded" and test_card == "fails" and starts == "by_method":
            job = "refund_fails"
        if job is not None:
            due = self._books.services.clock.timestamp() + float(self._books.settings["refund_seconds"])
            self._timers.set("stripe", job, refund["id"], due)

    def _count(self, charge: Json, amount: int) -> None:
        """``refunded`` is true only when nothing of the captured sum is left. Negative when a refund failed."""
        total = charge["body"]["amount_refunded"] + amount
        everything = total >= charge["body"]["amount_captured"]
        if amount > 0:
            charge["body"] |= {"amount_refunded": total, "refunded": everything}
            self._books.save(CHARGES, charge)
            self._events.tell("charge.refunded", charge)
        else:  # that the sum goes down again when a refund fails is a GUESS
            self._money.update_charge(charge, amount_refunded=total, refunded=False)

    def set_status(self, refund: Json, status: str) -> None:
        """Any move, also those that no rule allows."""
        before = refund["body"]["status"]
        if before == status:
            return
        for job in ("refund_done", "refund_fails"):
            self._timers.cancel("stripe", job, refund["id"])
        refund["body"]["status"] = status
        self._dress(refund)
        charge = self._books.find(CHARGES, refund["body"]["charge"])
        if status == "failed":
            self._events.tell("refund.failed", refund)
        else:
            self._events.tell("refund.updated", refund, previous={"status": before})
        self._events.tell("charge.refund.updated", refund, previous={"status": before})
        if charge is not None and "succeeded" in (before, status):
            amount = refund["body"]["amount"]
            self._count(charge, amount if status == "succeeded" else -amount)

    def cancel(self, refund: Json) -> None:
        """Only what waits for the customer, and the pending refunds of the test card, can be taken back."""
        charge = self._books.find(CHARGES, refund["body"]["charge"])
        status = refund["body"]["status"]
        card = charge is not None and charge["body"]["payment_method_details"]["type"] == "card"
        if status != "requires_action" and not (status == "pending" and card):
            raise refused(f"A refund with the status {status} cannot be canceled.")
        self.set_status(refund, "canceled")

    def on_timer(self, job: str, refund: Json) -> None:
        expected, then = ("pending", "succeeded") if job == "refund_done" else ("succeeded", "failed")
        if refund["body"]["status"] == expected:
            self.set_status(refund, then)
