"""Control verbs of the Mollie simulator, under ``/_control/mollie/``: what buyers, banks and dashboards do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, Unknown, flag, json_body
from django_payflow.simulators.mollie.answers import ApiError
from django_payflow.simulators.mollie.ledger import PAYMENTS, STATUSES, Ledger
from django_payflow.simulators.mollie.methods import METHODS
from django_payflow.simulators.mollie.movements import (
    CAPTURE_STATUSES,
    CAPTURES,
    CHARGEBACKS,
    REFUND_STATUSES,
    REFUNDS,
    Movements,
)
from django_payflow.simulators.mollie.settings import SWITCHES
from django_payflow.simulators.mollie.shapes import EMBEDDABLE, Shapes


class ControlVerbs:
    def __init__(self, ledger: Ledger, movements: Movements) -> None:
        self._ledger = ledger
        self._movements = movements
        self._store = ledger.services.store

    def blueprint(self) -> Blueprint:
        verbs = Blueprint("control_mollie", __name__)
        self._add_payment_verbs(verbs)
        self._add_movement_verbs(verbs)
        verbs.register_error_handler(ApiError, lambda error: ({"error": error.detail}, error.status))
        return verbs

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, payment_id: str) -> Json:
        payment = self._ledger.find(payment_id)
        if payment is None:
            raise Unknown(f"there is no payment {payment_id}")
        return payment

    def _child(self, kind: str, payment_id: str, child_id: str) -> Json:
        self._payment(payment_id)
        child = self._store.get(kind, child_id)
        if child is None or child["payment"] != payment_id:
            raise Unknown(f"payment {payment_id} has nothing with the id {child_id}")
        return child

    def _shape(self, payment: Json) -> Json:
        """The API's shape, and under ``simulator`` what the API never tells."""
        base = f"{request.host_url}mollie"
        shapes = Shapes(self._movements, base)
        names = ("key", "account", "token", "offered", "moves")
        facts = {name: payment[name] for name in names} | {"checkout": shapes.checkout_url(payment)}
        return shapes.payment(payment, EMBEDDABLE) | {"simulator": facts}

    # -- payments ---------------------------------------------------------------------------------------

    def _add_payment_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/payments")
        def mollie_payments() -> ResponseReturnValue:
            """Payments of all keys, newest first."""
            found = self._store.find(PAYMENTS)
            return jsonify([self._shape(payment) for payment in reversed(found)])

        @verbs.get("/payments/<payment_id>")
        def mollie_payment(payment_id: str) -> ResponseReturnValue:
            """One payment, with what the API does not tell under `simulator`."""
            return self._shape(self._payment(payment_id))

        @verbs.patch("/payments/<payment_id>")
        def mollie_overwrite(payment_id: str) -> ResponseReturnValue:
            """Overwrite any stored field: amount, metadata, profileId, mode, ...; no webhook."""
            with self._store.change():
                payment = self._payment(payment_id)
                self._ledger.overwrite(payment, json_body())
            return self._shape(payment)

        @verbs.post("/payments/<payment_id>/status")
        def mollie_status(payment_id: str) -> ResponseReturnValue:
            """What buyer or bank did: {"status": ..., "webhook"?, "method"?}; also moves that no rule allows."""
            body = json_body("status", "webhook", "method")
            with self._store.change():
                payment = self._payment(payment_id)
                if "method" in body:
                    self._ledger.choose_method(payment, _method(body))
                self._ledger.move(payment, _word(body, STATUSES), webhook=flag(body, "webhook", True))
            return self._shape(payment)

        @verbs.post("/payments/<payment_id>/webhook")
        def mollie_webhook(payment_id: str) -> ResponseReturnValue:
            """Send a webhook about the payment now."""
            with self._store.change():
                sent = self._ledger.notify(self._payment(payment_id))
            if not sent:
                raise Refusal(f"payment {payment_id} has no webhookUrl")
            return {"deliveries": sent}

        @verbs.route("/settings", methods=["GET", "POST"])
        def mollie_settings() -> ResponseReturnValue:
            """Switches of the simulated account; POST the ones to change."""
            if request.method == "POST":
                self._ledger.settings.change(json_body())
            values = self._ledger.settings.all()
            return {**values, "meaning": {name: switch.meaning for name, switch in SWITCHES.items()}}

    # -- captures, refunds, chargebacks -----------------------------------------------------------------

    def _add_movement_verbs(self, verbs: Blueprint) -> None:
        movements = self._movements

        @verbs.post("/payments/<payment_id>/capture")
        def mollie_capture(payment_id: str) -> ResponseReturnValue:
            """A capture made in the dashboard, done at once: {"amount"?, "final"?, "webhook"?}; without amount all.

            `final` (default true) lets go of what a method of several captures would still hold.
            """
            body = json_body("amount", "final", "webhook", "metadata")
            self._by_hand(payment_id, "capture", body, final=flag(body, "final", True))
            return mollie_payment_again(payment_id), 201

        @verbs.post("/payments/<payment_id>/void")
        def mollie_void(payment_id: str) -> ResponseReturnValue:
            """The authorization is released in the dashboard, at once: {"webhook"?}."""
            self._by_hand(payment_id, "void", json_body("webhook"))
            return mollie_payment_again(payment_id)

        @verbs.post("/payments/<payment_id>/lapse")
        def mollie_lapse(payment_id: str) -> ResponseReturnValue:
            """Nobody captured in time: {"webhook"?}. Expired, which is a guess, or paid with what was captured."""
            self._by_hand(payment_id, "lapse", json_body("webhook"))
            return mollie_payment_again(payment_id)

        @verbs.post("/payments/<payment_id>/captures/<capture_id>/status")
        def mollie_capture_status(payment_id: str, capture_id: str) -> ResponseReturnValue:
            """The bank's answer to a capture: {"status": "succeeded"|"failed"|"pending", "webhook"?}."""
            body = json_body("status", "webhook")
            with self._store.change():
                capture = self._child(CAPTURES, payment_id, capture_id)
                movements.settle_capture(capture, _word(body, CAPTURE_STATUSES), webhook=flag(body, "webhook", True))
            return mollie_payment_again(payment_id)

        @verbs.post("/payments/<payment_id>/refund")
        def mollie_refund(payment_id: str) -> ResponseReturnValue:
            """A refund made in the dashboard: {"amount"?, "status"?, "webhook"?}; without amount all that remains."""
            body = json_body("amount", "description", "metadata", "status", "webhook")
            with self._store.change():
                payment = self._payment(payment_id)
                refund = movements.refund(payment, self._all_or(payment, body), from_dashboard=True)
                if "status" in body:
                    status = _word(body, REFUND_STATUSES)
                    movements.set_refund_status(refund, status, webhook=flag(body, "webhook", True))
            return mollie_payment_again(payment_id), 201

        @verbs.post("/payments/<payment_id>/refunds/<refund_id>/status")
        def mollie_refund_status(payment_id: str, refund_id: str) -> ResponseReturnValue:
            """Move a refund: {"status": ..., "webhook"?}."""
            body = json_body("status", "webhook")
            with self._store.change():
                refund = self._child(REFUNDS, payment_id, refund_id)
                movements.set_refund_status(refund, _word(body, REFUND_STATUSES), webhook=flag(body, "webhook", True))
            return mollie_payment_again(payment_id)

        @verbs.post("/payments/<payment_id>/chargeback")
        def mollie_chargeback(payment_id: str) -> ResponseReturnValue:
            """The buyer's bank takes money back: {"amount"?, "webhook"?}."""
            body = json_body("amount", "webhook")
            with self._store.change():
                payment = self._payment(payment_id)
                movements.charge_back(payment, body, webhook=flag(body, "webhook", True))
            return mollie_payment_again(payment_id), 201

        @verbs.post("/payments/<payment_id>/chargebacks/<chargeback_id>/reverse")
        def mollie_reverse(payment_id: str, chargeback_id: str) -> ResponseReturnValue:
            """The chargeback is taken back: {"webhook"?}."""
            body = json_body("webhook")
            with self._store.change():
                back = self._child(CHARGEBACKS, payment_id, chargeback_id)
                movements.reverse(back, webhook=flag(body, "webhook", True))
            return mollie_payment_again(payment_id)

        def mollie_payment_again(payment_id: str) -> Json:
            return self._shape(self._payment(payment_id))

    def _by_hand(self, payment_id: str, action: str, body: Json, *, final: bool = True) -> None:
        webhook = flag(body, "webhook", True)
        with self._store.change():
            self._movements.by_hand(self._payment(payment_id), action, body, final=final, webhook=webhook)

    def _all_or(self, payment: Json, body: Json) -> Json:
        if body.get("amount") is not None:
            return body
        return body | {"amount": self._movements.remaining_amount(payment)}


def _method(body: Json) -> str:
    if not isinstance(body["method"], str) or body["method"] not in METHODS:
        raise Refusal(f"method must be one of: {', '.join(METHODS)}")
    return str(body["method"])


def _word(body: Json, words: tuple[str, ...]) -> str:
    word: Any = body.get("status")
    if word not in words:
        raise Refusal(f"status must be one of: {', '.join(words)}")
    return str(word)
