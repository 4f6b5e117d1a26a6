"""WooshPay's payments in the control panel: a row for each, and what its buttons do."""

from __future__ import annotations

from collections.abc import Sequence

from django_payflow.simulators.host import PanelRow, Refusal, Unknown, iso
from django_payflow.simulators.wooshpay.amounts import in_words
from django_payflow.simulators.wooshpay.answers import ApiError
from django_payflow.simulators.wooshpay.ledger import DISPUTES, REFUNDS, SESSIONS, Payment
from django_payflow.simulators.wooshpay.movements import Movements
from django_payflow.simulators.wooshpay.payments import Payments, checked_word, word_of
from django_payflow.simulators.wooshpay.shapes import checkout_url

_ACTIONS = (
    ("paid", "Paid"),
    ("authorized", "Authorized"),
    ("processing", "Processing"),
    ("open", "Open"),
    ("declined", "Declined"),
    ("failed", "Failed"),
    ("canceled", "Canceled"),
    ("expired", "Expired"),
    ("capture", "Capture"),
    ("void", "Release"),
    ("lapse", "Let it lapse"),
    ("refund", "Refund the rest"),
    ("refund_fails", "Refund fails"),
    ("chargeback", "Dispute"),
    ("inquiry", "Inquiry"),
    ("lost", "Dispute lost"),
    ("won", "Dispute won"),
    ("webhook", "Send webhook"),
)


class PanelRows:
    def __init__(self, payments: Payments, movements: Movements) -> None:
        self._payments = payments
        self._movements = movements
        self._ledger = payments.ledger
        self._store = payments.ledger.services.store

    def rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        newest = self._store.keys(SESSIONS)[::-1][:limit]
        return [self._row(payment, base_url) for key in newest if (payment := self._ledger.find(key))]

    def _row(self, payment: Payment, base_url: str) -> PanelRow:
        fields = payment.session["fields"]
        return PanelRow(
            id=payment.id,
            status=word_of(payment),
            amount=in_words(fields["amount_total"], fields["currency"]),
            description=", ".join(line["name"] for line in payment.session["lines"]),
            note=self._note(payment),
            created=iso(payment.session["created"]),
            key=payment.session["key"],
            page_url=checkout_url(payment, base_url) if fields["status"] == "open" else None,
            actions=_ACTIONS,
        )

    def _note(self, payment: Payment) -> str:
        intent = payment.intent["fields"]
        currency = intent["currency"]
        sums = {"received": intent["amount_received"], "refunded": self._movements.refunded(payment)}
        moved = [f"{word} {in_words(minor, currency)}" for word, minor in sums.items() if minor]
        disputes = [f"dispute {each['fields']['status']}" for each in self._ledger.children(DISPUTES, payment)]
        states = f"session {payment.session['fields']['status']}, intent {intent['status']}"
        return ", ".join([str(payment.intent.get("method") or "no method yet"), states, *moved, *disputes])

    def act(self, session_id: str, action: str) -> None:
        with self._store.change():
            payment = self._ledger.find(session_id)
            if payment is None:
                raise Unknown(f"There is no payment {session_id}.")
            try:
                self._act(payment, action)
            except ApiError as problem:
                raise Refusal(problem.message) from problem

    def _act(self, payment: Payment, action: str) -> None:
        if action == "webhook":
            self._payments.events.present_state(payment)
        elif action in ("capture", "void", "lapse"):
            self._act_on_reserved(payment, action)
        elif action == "refund_fails":
            self._fail_refund(payment)
        elif action == "refund":
            self._movements.announce(payment, self._movements.refund(payment, {}))
        elif action in ("chargeback", "inquiry"):
            word = "needs_response" if action == "chargeback" else "warning_needs_response"
            self._movements.dispute(payment, None, word)
        elif action in ("lost", "won"):
            self._end_dispute(payment, action)
        else:
            self._payments.set_word(payment, checked_word(action), None)

    def _end_dispute(self, payment: Payment, status: str) -> None:
        disputes = self._ledger.children(DISPUTES, payment)
        if not disputes:
            raise Refusal("This payment is not disputed.")
        if status == "won":
            self._movements.reverse(disputes[-1])
        else:
            self._movements.set_dispute_status(disputes[-1], status)

    def _act_on_reserved(self, payment: Payment, action: str) -> None:
        fields = payment.intent["fields"]
        if fields["status"] != "requires_capture":
            raise Refusal("Nothing is reserved for this payment.")
        if action == "capture":
            self._payments.capture(payment, fields["amount_capturable"])
        elif action == "void":
            self._payments.cancel(payment)
        else:
            self._payments.lapse(payment)

    def _fail_refund(self, payment: Payment) -> None:
        refunds = self._ledger.children(REFUNDS, payment)
        if not refunds:
            raise Refusal("This payment has no refund.")
        self._movements.set_refund_status(refunds[-1], "failed")
