"""Control verbs of the WooshPay simulator, under ``/_control/wooshpay/``: what buyers, banks and dashboards do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, Unknown, flag, json_body
from django_payflow.simulators.wooshpay.accounts import Account, account_of_key
from django_payflow.simulators.wooshpay.answers import ApiError
from django_payflow.simulators.wooshpay.endpoints import DOCUMENTED, Endpoints, endpoint_shape
from django_payflow.simulators.wooshpay.ledger import CHARGES, DISPUTES, REFUNDS, SESSIONS, Payment
from django_payflow.simulators.wooshpay.methods import METHODS
from django_payflow.simulators.wooshpay.movements import DISPUTE_STATUSES, REFUND_STATUSES, Movements
from django_payflow.simulators.wooshpay.overwriting import overwrite
from django_payflow.simulators.wooshpay.payments import Payments, checked_word, word_of
from django_payflow.simulators.wooshpay.settings import SWITCHES
from django_payflow.simulators.wooshpay.shapes import Shapes, checkout_url


class ControlVerbs:
    def __init__(self, payments: Payments, movements: Movements, endpoints: Endpoints, shapes: Shapes) -> None:
        self._payments = payments
        self._movements = movements
        self._endpoints = endpoints
        self._shapes = shapes
        self._ledger = payments.ledger
        self._store = payments.ledger.services.store

    def blueprint(self) -> Blueprint:
        verbs = Blueprint("control_wooshpay", __name__)
        self._add_payment_verbs(verbs)
        self._add_reservation_verbs(verbs)
        self._add_money_back_verbs(verbs)
        self._add_account_verbs(verbs)
        verbs.register_error_handler(ApiError, lambda problem: ({"error": problem.message}, 400))
        return verbs

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, session_id: str) -> Payment:
        payment = self._ledger.find(session_id) or self._ledger.by_intent(session_id)
        if payment is None:
            raise Unknown(f"there is no payment {session_id}")
        return payment

    def _shape(self, payment: Payment) -> Json:
        """One word for both objects, the objects as the API shows them, and under ``simulator`` what it hides."""
        intent = payment.intent["fields"]
        base = f"{request.host_url}wooshpay"
        shape: Json = {"id": payment.id, "status": word_of(payment), "payment_intent": payment.intent["id"]}
        shape |= {name: intent[name] for name in ("amount", "currency", "metadata", "livemode")}
        shape |= {"session": self._shapes.session(payment, base), "intent": self._shapes.intent(payment)}
        for name, kind in (("charges", CHARGES), ("refunds", REFUNDS), ("disputes", DISPUTES)):
            shape[name] = [self._shapes.child(each) for each in self._ledger.children(kind, payment)]
        facts = {name: payment.session[name] for name in ("key", "account", "publishable", "moves")}
        return shape | {"simulator": facts | {"checkout": checkout_url(payment, base)}}

    def _again(self, session_id: str) -> Json:
        return self._shape(self._payment(session_id))

    def _child(self, kind: str, session_id: str, child_id: str) -> Json:
        payment = self._payment(session_id)
        for child in self._ledger.children(kind, payment):
            if child["id"] == child_id:
                return child
        raise Unknown(f"payment {session_id} has nothing with the id {child_id}")

    # -- payments ---------------------------------------------------------------------------------------

    def _add_payment_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/payments")
        def payments() -> ResponseReturnValue:
            """Payments of all keys, newest first."""
            keys = self._store.keys(SESSIONS)[::-1]
            return jsonify([self._shape(payment) for key in keys if (payment := self._ledger.find(key))])

        @verbs.get("/payments/<payment_id>")
        def payment(payment_id: str) -> ResponseReturnValue:
            """One payment, by its session (or its intent), with what the API does not tell under `simulator`."""
            return self._again(payment_id)

        @verbs.patch("/payments/<payment_id>")
        def change(payment_id: str) -> ResponseReturnValue:
            """Overwrite stored fields, no webhook: {"amount", ..., "session": {...}, "intent": {...}}."""
            with self._store.change():
                overwrite(self._ledger, self._payment(payment_id), json_body())
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/status")
        def status(payment_id: str) -> ResponseReturnValue:
            """What buyer or bank did: {"status": ..., "webhook"?, "method"?}; also moves that no rule allows."""
            body = json_body("status", "webhook", "method")
            method, webhook = _method(body), flag(body, "webhook", True)
            with self._store.change():
                self._payments.set_word(
                    self._payment(payment_id), checked_word(body.get("status")), method, webhook=webhook
                )
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/webhook")
        def webhook(payment_id: str) -> ResponseReturnValue:
            """Send an event about the present state of the intent now."""
            with self._store.change():
                sent = self._payments.events.present_state(self._payment(payment_id))
            if not sent:
                raise Refusal(f"no webhook endpoint of the account of {payment_id} wants this event")
            return {"deliveries": sent}

    # -- reserved money ---------------------------------------------------------------------------------

    def _add_reservation_verbs(self, verbs: Blueprint) -> None:
        @verbs.post("/payments/<payment_id>/capture")
        def capture(payment_id: str) -> ResponseReturnValue:
            """A capture made in the dashboard, everything or {"amount"?, "final"?, "webhook"?}; the rest is free."""
            body = json_body("amount", "final", "webhook")
            minor, final, webhook = _amount(body), flag(body, "final", True), flag(body, "webhook", True)
            with self._store.change():
                payment = self._reserved(payment_id, "captured")
                self._payments.capture(payment, _part(payment, minor, final=final), webhook=webhook)
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/void")
        def void(payment_id: str) -> ResponseReturnValue:
            """The reserved money is released in the dashboard: {"webhook"?}."""
            webhook = flag(json_body("webhook"), "webhook", True)
            with self._store.change():
                self._payments.cancel(self._reserved(payment_id, "released"), webhook=webhook)
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/lapse")
        def lapse(payment_id: str) -> ResponseReturnValue:
            """Nobody captured in time, now and not when `hold_seconds` are over: {"webhook"?}."""
            webhook = flag(json_body("webhook"), "webhook", True)
            with self._store.change():
                self._payments.lapse(self._reserved(payment_id, "released"), webhook=webhook)
            return self._again(payment_id)

    def _reserved(self, payment_id: str, what: str) -> Payment:
        payment = self._payment(payment_id)
        status = payment.intent["fields"]["status"]
        if status != "requires_capture":
            raise Refusal(f"only reserved money can be {what}; the intent's status is {status}")
        return payment

    # -- refunds and disputes ---------------------------------------------------------------------------

    def _add_money_back_verbs(self, verbs: Blueprint) -> None:
        movements = self._movements

        @verbs.post("/payments/<payment_id>/refund")
        def refund(payment_id: str) -> ResponseReturnValue:
            """A refund made in the dashboard: {"amount"?, "status"?, "reason"?, "metadata"?, "webhook"?}."""
            body = json_body("amount", "status", "reason", "metadata", "webhook")
            webhook, status = flag(body, "webhook", True), _word(body, REFUND_STATUSES, None)
            wanted = {"amount": _amount(body), "reason": body.get("reason"), "metadata": body.get("metadata")}
            with self._store.change():
                made = movements.refund(self._payment(payment_id), wanted)
                movements.set_refund_status(made, status or made["fields"]["status"], webhook=webhook)
            return self._again(payment_id), 201

        @verbs.post("/payments/<payment_id>/refunds/<refund_id>/status")
        def refund_status(payment_id: str, refund_id: str) -> ResponseReturnValue:
            """Move a refund: {"status": ..., "webhook"?}."""
            body = json_body("status", "webhook")
            with self._store.change():
                found = self._child(REFUNDS, payment_id, refund_id)
                movements.set_refund_status(
                    found, _needed_word(body, REFUND_STATUSES), webhook=flag(body, "webhook", True)
                )
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/chargeback")
        def chargeback(payment_id: str) -> ResponseReturnValue:
            """The bank takes money back, or asks first: {"amount"?, "inquiry"?, "status"?, "webhook"?}."""
            body = json_body("amount", "inquiry", "status", "webhook")
            begins = "warning_needs_response" if flag(body, "inquiry", False) else "needs_response"
            status = _word(body, DISPUTE_STATUSES, begins) or ""
            with self._store.change():
                movements.dispute(
                    self._payment(payment_id), _amount(body), status, webhook=flag(body, "webhook", True)
                )
            return self._again(payment_id), 201

        @verbs.post("/payments/<payment_id>/disputes/<dispute_id>/status")
        def dispute_status(payment_id: str, dispute_id: str) -> ResponseReturnValue:
            """Move a dispute, "lost" and "won" end it: {"status": ..., "webhook"?}."""
            body = json_body("status", "webhook")
            with self._store.change():
                found = self._child(DISPUTES, payment_id, dispute_id)
                movements.set_dispute_status(
                    found, _needed_word(body, DISPUTE_STATUSES), webhook=flag(body, "webhook", True)
                )
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/chargebacks/<dispute_id>/reverse")
        def reverse(payment_id: str, dispute_id: str) -> ResponseReturnValue:
            """The shop wins the dispute, or its inquiry is closed: {"webhook"?}."""
            webhook = flag(json_body("webhook"), "webhook", True)
            with self._store.change():
                movements.reverse(self._child(DISPUTES, payment_id, dispute_id), webhook=webhook)
            return self._again(payment_id)

        @verbs.post("/payments/<payment_id>/chargebacks/<dispute_id>/lose")
        def lose(payment_id: str, dispute_id: str) -> ResponseReturnValue:
            """The shop loses the dispute, which is final: {"webhook"?}."""
            webhook = flag(json_body("webhook"), "webhook", True)
            with self._store.change():
                found = self._child(DISPUTES, payment_id, dispute_id)
                movements.set_dispute_status(found, "lost", webhook=webhook)
            return self._again(payment_id)

    # -- the account ------------------------------------------------------------------------------------

    def _add_account_verbs(self, verbs: Blueprint) -> None:
        @verbs.route("/settings", methods=["GET", "POST"])
        def settings() -> ResponseReturnValue:
            """Switches of the simulated accounts; POST the ones to change."""
            if request.method == "POST":
                self._ledger.settings.change(json_body())
            meaning = {name: switch.meaning for name, switch in SWITCHES.items()}
            return {**self._ledger.settings.all(), "meaning": meaning}

        @verbs.get("/webhook_endpoints")
        def endpoints() -> ResponseReturnValue:
            """Webhook endpoints of all accounts, with the secrets that sign now."""
            return jsonify([self._endpoint_shape(each) for each in self._endpoints.all()])

        @verbs.post("/webhook_endpoints")
        def register() -> ResponseReturnValue:
            """Register one with a chosen secret: {"api_key", "url", "secret"?, "enabled_events"?: all documented}."""
            body = json_body("api_key", "url", "secret", "enabled_events", "description")
            account, secret = _account(body), _secret(body)
            wanted: Json = {"enabled_events": list(DOCUMENTED)} | {
                name: body[name] for name in ("url", "enabled_events", "description") if name in body
            }
            return self._endpoint_shape(self._endpoints.create(account, wanted, secret)), 201

        @verbs.post("/webhook_endpoints/<endpoint_id>/rotate")
        def rotate(endpoint_id: str) -> ResponseReturnValue:
            """A new secret, {"secret"?} or made up; for `rotation_seconds` the old one signs as well."""
            secret = _secret(json_body("secret"))
            with self._store.change():
                endpoint = self._endpoint(endpoint_id)
                self._endpoints.rotate(endpoint, secret)
            return self._endpoint_shape(endpoint)

        @verbs.delete("/webhook_endpoints/<endpoint_id>")
        def unregister(endpoint_id: str) -> ResponseReturnValue:
            """Remove one."""
            self._endpoints.delete(self._endpoint(endpoint_id))
            return {"removed": endpoint_id}

    def _endpoint(self, endpoint_id: str) -> Json:
        endpoint = self._endpoints.find(endpoint_id)
        if endpoint is None:
            raise Unknown(f"there is no webhook endpoint {endpoint_id}")
        return endpoint

    def _endpoint_shape(self, endpoint: Json) -> Json:
        facts = {"key": endpoint["key"], "secrets": self._endpoints.secrets_of(endpoint)}
        return endpoint_shape(endpoint) | {"simulator": facts}


def _account(body: Json) -> Account:
    account = account_of_key(body["api_key"]) if isinstance(body.get("api_key"), str) else None
    if account is None:
        raise Refusal("api_key must be the secret key of an account: sk_test_... or sk_live_...")
    return account


def _secret(body: Json) -> str | None:
    secret = body.get("secret")
    if secret is not None and (not isinstance(secret, str) or not secret):
        raise Refusal("secret must be a text that is not empty")
    return secret


def _method(body: Json) -> str | None:
    if body.get("method") is None:
        return None
    if body["method"] not in METHODS:
        raise Refusal(f"method must be one of: {', '.join(METHODS)}")
    return str(body["method"])


def _amount(body: Json) -> int | None:
    amount: Any = body.get("amount")
    if amount is not None and (type(amount) is not int or amount <= 0):
        raise Refusal("amount must be a whole number of the smallest unit, more than 0")
    return amount


def _part(payment: Payment, minor: int | None, *, final: bool) -> int:
    """How much is captured: all if nothing is said. There is one capture, so nothing can stay reserved after it."""
    rest = int(payment.intent["fields"]["amount_capturable"])
    if minor is not None and minor > rest:
        raise Refusal(f"that is more than what is reserved ({rest})")
    if not final and minor not in (None, rest):
        raise Refusal("WooshPay captures once and releases the rest: a part is always final")
    return rest if minor is None else minor


def _word(body: Json, words: tuple[str, ...], default: str | None) -> str | None:
    return default if body.get("status") is None else _needed_word(body, words)


def _needed_word(body: Json, words: tuple[str, ...]) -> str:
    word: Any = body.get("status")
    if word not in words:
        raise Refusal(f"status must be one of: {', '.join(words)}")
    return str(word)
