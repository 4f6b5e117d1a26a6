"""Disputes: chargebacks with their money, inquiries without, early fraud warnings, and reviews."""

from __future__ import annotations

from collections.abc import Mapping

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.stripe import cards
from django_payflow.simulators.stripe.answers import random_id, refused
from django_payflow.simulators.stripe.books import CHARGES, DISPUTES, INTENTS, REVIEWS, TRANSACTIONS, Books
from django_payflow.simulators.stripe.events import Events
from django_payflow.simulators.stripe.money import Money

STATUSES = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
    "appeal_needs_response",
    "appeal_under_review",
)
_OVER = ("won", "lost", "warning_closed", "prevented")
_TAKING = ("needs_response", "under_review", "lost")
#: Test mode decides by what the shop sends as evidence (from memory).
_EVIDENCE: Mapping[str, str] = {"winning_evidence": "won", "losing_evidence": "lost"}


class Disputes:
    def __init__(self, books: Books, events: Events, money: Money) -> None:
        self._books = books
        self._events = events
        self._money = money

    def open(self, charge: Json, amount: int | None = None, *, reason: str = "fraudulent", inquiry: bool) -> Json:
        """The buyer's bank takes the money back at once, or with ``inquiry`` only asks."""
        captured = charge["body"]["amount_captured"]
        if charge["body"]["status"] != "succeeded" or not captured:
            raise Refusal("only a charge whose money was taken can be disputed")
        if amount is not None and amount > captured:
            raise Refusal(f"the dispute of {amount} is about more than the {captured} that were taken")
        body = _shape(charge["body"], captured if amount is None else amount, reason, inquiry, self._books.now)
        dispute = self._books.add(DISPUTES, body, owner=charge)
        self._events.tell("charge.dispute.created", dispute)
        if not inquiry:
            self._move_money(dispute, -body["amount"], "charge.dispute.funds_withdrawn")
        self._money.update_charge(charge, disputed=True, dispute=dispute["id"])
        return dispute

    def _move_money(self, dispute: Json, amount: int, event_type: str) -> None:
        line = self._books.find(TRANSACTIONS, self._money.transaction(dispute, amount, "adjustment"))
        dispute["body"]["balance_transactions"].append({} if line is None else line["body"])
        self._books.save(DISPUTES, dispute)
        self._events.tell(event_type, dispute)

    def set_status(self, dispute: Json, status: str) -> None:
        """Any move. The end of it is told by ``closed``, with the money coming back where it was won.

        The money goes when an inquiry becomes a dispute.
        """
        before = dispute["body"]["status"]
        dispute["body"]["status"] = status
        self._books.save(DISPUTES, dispute)
        over = status in _OVER
        event_type = "charge.dispute.closed" if over else "charge.dispute.updated"
        self._events.tell(event_type, dispute, previous=None if over else {"status": before})
        if status == "won" and self._withdrawn(dispute):
            self._move_money(dispute, dispute["body"]["amount"], "charge.dispute.funds_reinstated")
        elif before.startswith("warning_") and status in _TAKING:
            dispute["body"]["is_charge_refundable"] = False
            self._move_money(dispute, -dispute["body"]["amount"], "charge.dispute.funds_withdrawn")

    def win(self, dispute: Json) -> None:
        """An inquiry is closed instead: it had taken nothing."""
        self.set_status(dispute, "warning_closed" if dispute["body"]["status"].startswith("warning_") else "won")

    def lose(self, dispute: Json) -> None:
        """The bank decides for the buyer; only about money that it took."""
        status = dispute["body"]["status"]
        if status in _OVER or status.startswith("warning_"):
            raise Refusal(f"a dispute that is {status} cannot be lost")
        self.set_status(dispute, "lost")

    @staticmethod
    def _withdrawn(dispute: Json) -> bool:
        """Every withdrawal that was not given back yet: transactions alternate."""
        return len(dispute["body"]["balance_transactions"]) % 2 == 1

    def close(self, dispute: Json) -> None:
        """The shop gives in; a dispute that is over stays as it is."""
        if dispute["body"]["status"] in _OVER:
            raise refused("This dispute is already closed.")
        inquiry = dispute["body"]["status"].startswith("warning_")
        self.set_status(dispute, "warning_closed" if inquiry else "lost")

    def answer(self, dispute: Json, evidence: Json, submit: bool) -> None:
        """Evidence. In test mode its text decides the dispute, anything else is looked at for ever."""
        if dispute["body"]["status"] in _OVER:
            raise refused("This dispute is already closed.")
        dispute["body"]["evidence"] |= evidence
        dispute["body"]["evidence_details"] |= {"has_evidence": True}
        self._books.save(DISPUTES, dispute)
        if not submit:
            self._events.tell("charge.dispute.updated", dispute, previous={"evidence": {}})
            return
        inquiry = dispute["body"]["status"].startswith("warning_")
        dispute["body"]["evidence_details"]["submission_count"] += 1
        self.set_status(dispute, "warning_under_review" if inquiry else "under_review")
        verdict = _EVIDENCE.get(str(evidence.get("uncategorized_text")))
        if verdict is not None:
            self.set_status(dispute, "warning_closed" if inquiry else verdict)

    # -- less than a dispute ----------------------------------------------------------------------------

    def strike(self, charge: Json) -> None:
        """What a test card plans."""
        instrument = cards.found(charge["number"])
        if instrument.trouble == "warning":
            self.warn(charge)
        elif charge["body"]["captured"]:
            self.open(charge, reason=instrument.trouble_reason, inquiry=instrument.trouble == "inquiry")

    def warn(self, charge: Json) -> None:
        body = {
            "id": random_id("issfr_1"),
            "object": "radar.early_fraud_warning",
            "actionable": True,
            "charge": charge["id"],
            "created": self._books.now,
            "fraud_type": "made_with_stolen_card",
            "livemode": charge["live"],
            "payment_intent": charge["body"]["payment_intent"],
        }
        self._events.tell("radar.early_fraud_warning.created", charge | {"body": body})

    def review(self, intent: Json, charge: Json) -> None:
        """Somebody looks at the payment by hand."""
        body = {
            "id": random_id("prv_1"),
            "object": "review",
            "billing_zip": None,
            "charge": charge["id"],
            "closed_reason": None,
            "created": self._books.now,
            "ip_address": None,
            "ip_address_location": None,
            "livemode": charge["live"],
            "open": True,
            "opened_reason": "rule",
            "payment_intent": intent["id"],
            "reason": "rule",
            "session": None,
        }
        review = self._books.add(REVIEWS, body, owner=charge)
        intent["body"]["review"] = charge["body"]["review"] = review["id"]
        self._books.save(INTENTS, intent)
        self._books.save(CHARGES, charge)
        self._events.tell("review.opened", review)

    def end_review(self, intent: Json, reason: str = "approved") -> bool:
        """False when there is none to end."""
        review = self._books.find(REVIEWS, intent["body"]["review"] or "")
        if review is None or not review["body"]["open"]:
            return False
        review["body"] |= {"open": False, "closed_reason": reason, "reason": reason}
        self._books.save(REVIEWS, review)
        self._events.tell("review.closed", review)
        return True


def _shape(charge: Json, amount: int, reason: str, inquiry: bool, now: int) -> Json:
    kind = charge["payment_method_details"]["type"]
    means: Json = {"type": kind}
    if kind == "card":
        means["card"] = {
            "brand": charge["payment_method_details"]["card"]["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network_reason_code": "10.4",
        }
    return {
        "id": random_id("du_1"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"uncategorized_text": None},
        "evidence_details": {
            "due_by": now + 9 * 86400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": charge["livemode"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": means,
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
