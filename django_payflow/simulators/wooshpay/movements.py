"""Money that goes back after the payment: refunds and disputes."""

from __future__ import annotations

from typing import Any

from django_payflow.simulators.host import Json, Refusal
from django_payflow.simulators.wooshpay.answers import ApiError, invalid
from django_payflow.simulators.wooshpay.events import Events
from django_payflow.simulators.wooshpay.ledger import CHARGES, DISPUTES, REFUNDS, Ledger, Payment, milliseconds

#: ``succeeded`` is documented; the others are a GUESS.
REFUND_STATUSES = ("pending", "succeeded", "failed", "canceled", "requires_action")
_REFUND_GONE = ("failed", "canceled")
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "resolved_dispute")
FAILURE_REASONS = ("lost_or_stolen_card", "expired_or_canceled_card", "unknown")
#: ``warning_needs_response`` is documented; the others are Stripe's, a GUESS.
DISPUTE_STATUSES = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
)
_CLOSED = ("warning_closed", "won", "lost")


class Movements:
    def __init__(self, ledger: Ledger, events: Events) -> None:
        self.ledger = ledger
        self._events = events
        self._store = ledger.services.store
        self._clock = ledger.services.clock
        self._timers = ledger.services.timers

    # -- refunds ----------------------------------------------------------------------------------------

    def refunded(self, payment: Payment, *statuses: str) -> int:
        """In minor units; pending refunds count as well, failed and canceled ones do not (GUESS)."""
        refunds = self.ledger.children(REFUNDS, payment)
        return sum(each["fields"]["amount"] for each in refunds if _counts(each["fields"]["status"], statuses))

    def remaining(self, payment: Payment) -> int:
        return max(int(payment.intent["fields"]["amount_received"]) - self.refunded(payment), 0)

    def refund(self, payment: Payment, wanted: Json) -> Json:
        """``wanted``: amount (None is all that remains), reason, metadata. No event yet: see ``announce``."""
        if payment.intent["fields"]["status"] != "succeeded":
            raise ApiError(400, "This payment_intent has no money that could be refunded.", param="payment_intent")
        rest = self.remaining(payment)
        amount = rest if wanted.get("amount") is None else wanted["amount"]
        if not 0 < amount <= rest:
            raise invalid("amount", f"the refund is more than what remains ({rest})")
        starts = self.ledger.settings["refund_starts"]
        document = {
            "id": self.ledger.new_id("re"),
            "object": "refund",
            "created": self._clock.timestamp(),
            "fields": {
                "amount": amount,
                "created": milliseconds(self._clock.timestamp()),
                "currency": payment.intent["fields"]["currency"],
                "metadata": wanted.get("metadata") or {},
                "payment_intent": payment.intent["id"],
                "reason": wanted.get("reason"),
                "receipt_number": None,
                "status": starts,
                "description": None,
                "failure_reason": None,
            },
        }
        self.ledger.record(REFUNDS, payment, document)
        self._settled(payment, document)
        return document

    def set_refund_status(self, refund: Json, status: str, *, webhook: bool = True) -> None:
        refund["fields"]["status"] = status
        refund["fields"]["failure_reason"] = "unknown" if status == "failed" else None
        self._store.put(REFUNDS, refund["id"], refund)
        payment = self.ledger.find(refund["session"])
        if payment is None:
            return
        self._settled(payment, refund)
        if webhook:
            self.announce(payment, refund)

    def announce(self, payment: Payment, refund: Json) -> list[str]:
        """The one documented event about refunds; that it also comes for a new one is a GUESS."""
        sent = self._events.about_child(payment, "charge.refund.updated", refund)
        self._events.about_child(payment, "refund.updated", refund)
        for charge in self.ledger.children(CHARGES, payment)[-1:]:
            if refund["fields"]["status"] == "succeeded":
                self._events.about_child(payment, "charge.refunded", charge)
        return sent

    def _settled(self, payment: Payment, refund: Json) -> None:
        """What a refund's status means for the charge and for the clock."""
        if refund["fields"]["status"] == "pending":
            due = self._clock.timestamp() + float(self.ledger.settings["refund_seconds"])
            self._timers.set("wooshpay", "refund", refund["id"], due)
        else:
            self._timers.cancel("wooshpay", "refund", refund["id"])
        back = self.refunded(payment, "succeeded")
        for charge in self.ledger.children(CHARGES, payment)[-1:]:
            charge["fields"] |= {
                "amount_refunded": back,
                "refunded": back >= payment.intent["fields"]["amount_received"],
            }
            self._store.put(CHARGES, charge["id"], charge)

    # -- disputes ---------------------------------------------------------------------------------------

    def dispute(self, payment: Payment, amount: int | None, status: str, *, webhook: bool = True) -> Json:
        """The buyer's bank takes the money back, or asks first; which fields a dispute has is a GUESS."""
        fields = payment.intent["fields"]
        if fields["status"] != "succeeded":
            raise Refusal("only a paid payment can be disputed")
        if amount is not None and amount > fields["amount_received"]:
            raise Refusal(f"the dispute is about more than was captured ({fields['amount_received']})")
        charge = next(iter(self.ledger.children(CHARGES, payment)[::-1]))
        document = {
            "id": self.ledger.new_id("dp"),
            "object": "dispute",
            "created": self._clock.timestamp(),
            "fields": {
                "amount": fields["amount_received"] if amount is None else amount,
                "charge": charge["id"],
                "created": milliseconds(self._clock.timestamp()),
                "currency": fields["currency"],
                "livemode": fields["livemode"],
                "metadata": {},
                "payment_intent": payment.intent["id"],
                "reason": "fraudulent",
                "status": status,
            },
        }
        charge["fields"]["disputed"] = True
        self._store.put(CHARGES, charge["id"], charge)
        self.ledger.record(DISPUTES, payment, document)
        if webhook:
            self._events.about_child(payment, "charge.dispute.created", document)
            self._events.about_child(payment, "charge.dispute.updated", document)
        return document

    def reverse(self, dispute: Json, *, webhook: bool = True) -> None:
        """The bank decides for the shop: a question is closed, withdrawn money comes back."""
        asked = dispute["fields"]["status"].startswith("warning")
        self.set_dispute_status(dispute, "warning_closed" if asked else "won", webhook=webhook)

    def set_dispute_status(self, dispute: Json, status: str, *, webhook: bool = True) -> None:
        dispute["fields"]["status"] = status
        self._store.put(DISPUTES, dispute["id"], dispute)
        payment = self.ledger.find(dispute["session"])
        if payment is None or not webhook:
            return
        self._events.about_child(payment, "charge.dispute.updated", dispute)
        if status in _CLOSED:
            self._events.about_child(payment, "charge.dispute.closed", dispute)

    # -- timers -----------------------------------------------------------------------------------------

    def dispute_later(self, payment: Payment) -> None:
        due = self._clock.timestamp() + float(self.ledger.settings["dispute_seconds"])
        self._timers.set("wooshpay", "dispute", payment.id, due)

    def on_timer(self, job: str, subject: str) -> None:
        """``refund``: a pending one reaches the buyer. ``dispute``: the bank asks."""
        if job == "refund":
            refund = self._store.get(REFUNDS, subject)
            if refund is not None and refund["fields"]["status"] == "pending":
                self.set_refund_status(refund, "succeeded")
            return
        payment = self.ledger.find(subject)
        if payment is not None and payment.intent["fields"]["status"] == "succeeded":
            self.dispute(payment, None, "needs_response")


def _counts(status: str, statuses: tuple[str, ...]) -> bool:
    return status in statuses if statuses else status not in _REFUND_GONE


def refund_amount(value: Any) -> int | None:
    """Documented as a text, sent as a number by integrators: both are taken. None is a full refund."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    if type(value) is not int:
        raise invalid("amount", "must be a whole number of the smallest unit")
    return value
