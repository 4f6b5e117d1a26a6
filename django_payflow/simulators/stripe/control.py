"""Control verbs of the Stripe simulator, under ``/_control/stripe/``: what buyers, banks and dashboards do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, Unknown, flag, json_body
from django_payflow.simulators.stripe.answers import ApiError
from django_payflow.simulators.stripe.api import account_of
from django_payflow.simulators.stripe.books import CHARGES, DISPUTES, ENDPOINTS, REFUNDS, SESSIONS, Books
from django_payflow.simulators.stripe.disputes import STATUSES as DISPUTE_STATUSES
from django_payflow.simulators.stripe.disputes import Disputes
from django_payflow.simulators.stripe.events import silently
from django_payflow.simulators.stripe.money import Money
from django_payflow.simulators.stripe.orders import Orders
from django_payflow.simulators.stripe.overwriting import overwrite
from django_payflow.simulators.stripe.refunds import STATUSES as REFUND_STATUSES
from django_payflow.simulators.stripe.refunds import Refunds
from django_payflow.simulators.stripe.settings import SWITCHES
from django_payflow.simulators.stripe.signing import OLD_SECRET_SECONDS, Endpoints, new_secret

_MOVEMENTS = {"charges": CHARGES, "refunds": REFUNDS, "disputes": DISPUTES}


class ControlVerbs:
    def __init__(
        self, books: Books, orders: Orders, money: tuple[Money, Refunds, Disputes], endpoints: Endpoints
    ) -> None:
        self._books = books
        self._orders = orders
        self._money, self._refunds, self._disputes = money
        self._endpoints = endpoints
        self._store = books.services.store

    def blueprint(self) -> Blueprint:
        verbs = Blueprint("control_stripe", __name__)
        self._add_payment_verbs(verbs)
        self._add_hold_verbs(verbs)
        self._add_refund_verbs(verbs)
        self._add_dispute_verbs(verbs)
        self._add_endpoint_verbs(verbs)
        verbs.register_error_handler(ApiError, lambda error: ({"error": error.message}, error.status))
        return verbs

    # -- shared -----------------------------------------------------------------------------------------

    def _session(self, session_id: str) -> Json:
        session = self._books.find(SESSIONS, session_id)
        if session is None:
            raise Unknown(f"there is no session {session_id}")
        return session

    def _child(self, kind: str, session_id: str, child_id: str) -> Json:
        child = self._books.find(kind, child_id)
        if child is None or child["session"] != session_id:
            raise Unknown(f"session {session_id} has nothing with the id {child_id}")
        return child

    def _intent(self, session: Json) -> Json:
        intent = self._books.intent_of(session)
        if intent is None:
            raise Refusal("nobody has tried to pay this session yet")
        return intent

    def _charge(self, session: Json) -> Json:
        intent = self._books.intent_of(session)
        charge = None if intent is None else self._books.charge_of(intent)
        if charge is None:
            raise Refusal("this session has no charge yet")
        return charge

    def _shape(self, session_id: str) -> Json:
        """The API's shape, and under ``simulator`` what the API tells elsewhere or never."""
        return self._shapes([self._session(session_id)])[0]

    def _shapes(self, sessions: list[Json]) -> list[Json]:
        wanted = {session["id"] for session in sessions}
        moved: dict[str, dict[str, list[Json]]] = {key: {name: [] for name in _MOVEMENTS} for key in wanted}
        for name, kind in _MOVEMENTS.items():
            for each in self._books.all(kind, lambda document: document["session"] in wanted):
                moved[each["session"]][name].append(each["body"])
        return [session["body"] | {"simulator": self._facts(session) | moved[session["id"]]} for session in sessions]

    def _facts(self, session: Json) -> Json:
        intent = self._books.intent_of(session)
        return {
            "key": session["key"],
            "account": session["account"],
            "checkout": f"{request.host_url}stripe/c/pay/{session['id']}",
            "payment_intent": None if intent is None else intent["body"],
        }

    # -- payments ---------------------------------------------------------------------------------------

    def _add_payment_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/payments")
        def stripe_payments() -> ResponseReturnValue:
            """Checkout Sessions of all keys, newest first."""
            return jsonify(self._shapes(self._books.all(SESSIONS)[::-1]))

        @verbs.get("/payments/<session_id>")
        def stripe_payment(session_id: str) -> ResponseReturnValue:
            """One session; under `simulator` its PaymentIntent, charges, refunds and disputes."""
            return self._shape(session_id)

        @verbs.patch("/payments/<session_id>")
        def stripe_overwrite(session_id: str) -> ResponseReturnValue:
            """Overwrite stored fields: amount, currency, livemode, ...; payment_intent and charge hold theirs."""
            with self._store.change():
                overwrite(self._books, self._session(session_id), json_body())
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/status")
        def stripe_status(session_id: str) -> ResponseReturnValue:
            """What buyer or bank did: {"status": ..., "webhook"?}; also moves that no rule allows."""
            body = json_body("status", "webhook")
            with self._store.change(), self._silently(body):
                self._orders.carry_out(self._session(session_id), body.get("status"))
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/webhook")
        def stripe_webhook(session_id: str) -> ResponseReturnValue:
            """Tell again, in a new event, what last happened to the session."""
            with self._store.change():
                sent = self._orders.tell_again(self._session(session_id))
            if not sent:
                raise Refusal("no webhook endpoint of the account wants this event")
            return {"deliveries": sent}

        @verbs.route("/settings", methods=["GET", "POST"])
        def stripe_settings() -> ResponseReturnValue:
            """Switches of the simulated accounts; POST the ones to change."""
            if request.method == "POST":
                self._books.settings.change(json_body())
            values = self._books.settings.all()
            return {**values, "meaning": {name: switch.meaning for name, switch in SWITCHES.items()}}

    @staticmethod
    def _silently(body: Json) -> Any:
        return silently(not flag(body, "webhook", True))

    # -- holds ------------------------------------------------------------------------------------------

    def _add_hold_verbs(self, verbs: Blueprint) -> None:
        @verbs.post("/payments/<session_id>/capture")
        def stripe_capture(session_id: str) -> ResponseReturnValue:
            """A capture made in the dashboard: {"amount"?, "final"?, "webhook"?}; the rest is let go."""
            body = json_body("amount", "final", "webhook")
            with self._store.change(), self._silently(body):
                intent, amount = self._intent(self._session(session_id)), _amount(body)
                self._money.capture(intent, amount, flag(body, "final", True))
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/void")
        def stripe_void(session_id: str) -> ResponseReturnValue:
            """The hold is canceled in the dashboard: {"webhook"?}."""
            body = json_body("webhook")
            with self._store.change(), self._silently(body):
                self._money.void(self._intent(self._session(session_id)), None)
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/lapse")
        def stripe_lapse(session_id: str) -> ResponseReturnValue:
            """Nobody captured the hold in time: {"webhook"?}."""
            body = json_body("webhook")
            with self._store.change(), self._silently(body):
                self._money.lapse(self._intent(self._session(session_id)))
            return self._shape(session_id)

    # -- refunds ----------------------------------------------------------------------------------------

    def _add_refund_verbs(self, verbs: Blueprint) -> None:
        @verbs.post("/payments/<session_id>/refund")
        def stripe_refund(session_id: str) -> ResponseReturnValue:
            """A refund made in the dashboard: {"amount"?, "reason"?, "status"?, "webhook"?}; or all that is left."""
            body = json_body("amount", "reason", "status", "webhook")
            with self._store.change(), self._silently(body):
                charge, amount = self._charge(self._session(session_id)), _amount(body)
                ordered = _word(body, REFUND_STATUSES) if "status" in body else None
                self._refunds.refund(charge, amount, reason=body.get("reason"), data={}, ordered=ordered)
            return self._shape(session_id), 201

        @verbs.post("/payments/<session_id>/refunds/<refund_id>/status")
        def stripe_refund_status(session_id: str, refund_id: str) -> ResponseReturnValue:
            """Move a refund: {"status": ..., "webhook"?}."""
            body = json_body("status", "webhook")
            with self._store.change(), self._silently(body):
                refund = self._child(REFUNDS, session_id, refund_id)
                self._refunds.set_status(refund, _word(body, REFUND_STATUSES))
            return self._shape(session_id)

    # -- disputes ---------------------------------------------------------------------------------------

    def _add_dispute_verbs(self, verbs: Blueprint) -> None:
        @verbs.post("/payments/<session_id>/chargeback")
        def stripe_chargeback(session_id: str) -> ResponseReturnValue:
            """The buyer's bank disputes: {"amount"?, "reason"?, "inquiry"?, "webhook"?}; inquiries take no money."""
            body = json_body("amount", "reason", "inquiry", "webhook")
            with self._store.change(), self._silently(body):
                charge = self._charge(self._session(session_id))
                reason = str(body.get("reason", "fraudulent"))
                self._disputes.open(charge, _amount(body), reason=reason, inquiry=flag(body, "inquiry", False))
            return self._shape(session_id), 201

        @verbs.post("/payments/<session_id>/chargebacks/<dispute_id>/status")
        def stripe_dispute_status(session_id: str, dispute_id: str) -> ResponseReturnValue:
            """Move a dispute: {"status": "won"|"lost"|"under_review"|..., "webhook"?}."""
            body = json_body("status", "webhook")
            with self._store.change(), self._silently(body):
                dispute = self._child(DISPUTES, session_id, dispute_id)
                self._disputes.set_status(dispute, _word(body, DISPUTE_STATUSES))
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/chargebacks/<dispute_id>/reverse")
        def stripe_reverse(session_id: str, dispute_id: str) -> ResponseReturnValue:
            """The shop wins, an inquiry is closed: {"webhook"?}."""
            body = json_body("webhook")
            with self._store.change(), self._silently(body):
                self._disputes.win(self._child(DISPUTES, session_id, dispute_id))
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/chargebacks/<dispute_id>/lose")
        def stripe_lose(session_id: str, dispute_id: str) -> ResponseReturnValue:
            """The shop loses, and the money stays away: {"webhook"?}."""
            body = json_body("webhook")
            with self._store.change(), self._silently(body):
                self._disputes.lose(self._child(DISPUTES, session_id, dispute_id))
            return self._shape(session_id)

        @verbs.post("/payments/<session_id>/warning")
        def stripe_warning(session_id: str) -> ResponseReturnValue:
            """An early fraud warning; it says nothing in the API, only in an event."""
            with self._store.change():
                self._disputes.warn(self._charge(self._session(session_id)))
            return self._shape(session_id), 201

    # -- webhook endpoints ------------------------------------------------------------------------------

    def _add_endpoint_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/webhook_endpoints")
        def stripe_endpoints() -> ResponseReturnValue:
            """Webhook endpoints of all keys, newest first, with their secrets."""
            found = self._books.all(ENDPOINTS, lambda each: not each["deleted"])
            return jsonify([self._endpoint_shape(each) for each in reversed(found)])

        @verbs.post("/webhook_endpoints")
        def stripe_register() -> ResponseReturnValue:
            """Register one: {"api_key", "url", "secret"?, "enabled_events"?, "api_version"?}."""
            body = json_body("api_key", "url", "secret", "enabled_events", "api_version")
            secret, events = _secret(body), body.get("enabled_events", ["*"])
            if not isinstance(body.get("url"), str) or not isinstance(body.get("api_key"), str):
                raise Refusal("api_key and url are needed, both texts")
            if not isinstance(events, list) or not events or not all(isinstance(each, str) for each in events):
                raise Refusal("enabled_events must be a list of event types, or ['*']")
            fields = {"url": body["url"], "enabled_events": events, "api_version": body.get("api_version")}
            with self._store.change():
                endpoint = self._endpoints.register(account_of(body["api_key"]), fields, secret)
            return self._endpoint_shape(endpoint), 201

        @verbs.post("/webhook_endpoints/<endpoint_id>/rotate")
        def stripe_rotate(endpoint_id: str) -> ResponseReturnValue:
            """A new secret: {"secret"?, "old_lives"?: seconds}; the old one lives for 24 h unless told otherwise."""
            body = json_body("secret", "old_lives")
            lives = body.get("old_lives", OLD_SECRET_SECONDS)
            if type(lives) not in (int, float) or not 0 <= lives <= OLD_SECRET_SECONDS:
                raise Refusal(f"old_lives must be a number of seconds, at most {OLD_SECRET_SECONDS}")
            with self._store.change():
                endpoint = self._books.find(ENDPOINTS, endpoint_id)
                if endpoint is None:
                    raise Unknown(f"there is no webhook endpoint {endpoint_id}")
                self._endpoints.rotate(endpoint, _secret(body), lives)
            return self._endpoint_shape(endpoint)

    def _endpoint_shape(self, endpoint: Json) -> Json:
        secrets = self._endpoints.active_secrets(endpoint)
        facts = {"key": endpoint["key"], "account": endpoint["account"], "active_secrets": secrets}
        return dict(endpoint["body"]) | {"secret": secrets[0], "simulator": facts}


def _secret(body: Json) -> str:
    secret = body.get("secret")
    if secret is None:
        return new_secret()
    if not isinstance(secret, str) or not secret:
        raise Refusal("secret must be a text that is not empty")
    return secret


def _amount(body: Json) -> int | None:
    amount: Any = body.get("amount")
    if amount is not None and (type(amount) is not int or amount <= 0):
        raise Refusal("amount must be a whole number of smallest units, more than zero")
    return amount if amount is None else int(amount)


def _word(body: Json, words: tuple[str, ...]) -> str:
    word: Any = body.get("status")
    if word not in words:
        raise Refusal(f"status must be one of: {', '.join(words)}")
    return str(word)
