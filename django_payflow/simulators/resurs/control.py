"""Control verbs of the Resurs simulator, under ``/_control/resurs/``: what buyers, bank and merchant portal do."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, Unknown, flag, json_body
from django_payflow.simulators.resurs import books, outcomes, overwriting
from django_payflow.simulators.resurs.accounts import Accounts
from django_payflow.simulators.resurs.amounts import CURRENCIES
from django_payflow.simulators.resurs.answers import ApiError, answer
from django_payflow.simulators.resurs.bodies import Reader
from django_payflow.simulators.resurs.callbacks import AUTHORIZATION, CREDIT_APPLICATION, MANAGEMENT
from django_payflow.simulators.resurs.ledger import PAYMENTS, Ledger
from django_payflow.simulators.resurs.lines import read_lines
from django_payflow.simulators.resurs.movements import Movements
from django_payflow.simulators.resurs.settings import SWITCHES
from django_payflow.simulators.resurs.shapes import customer_url, payment_shape, tasks_shape


class ControlVerbs:
    def __init__(self, ledger: Ledger, movements: Movements, accounts: Accounts) -> None:
        self._ledger = ledger
        self._movements = movements
        self._accounts = accounts
        self._store = ledger.services.store

    def blueprint(self) -> Blueprint:
        verbs = Blueprint("control_resurs", __name__)
        self._add_payment_verbs(verbs)
        self._add_movement_verbs(verbs)
        self._add_account_verbs(verbs)
        verbs.register_error_handler(ApiError, lambda error: ({"error": str(error)}, error.status))
        return verbs

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, payment_id: str) -> Json:
        payment = self._ledger.find(payment_id)
        if payment is None:
            raise Unknown(f"there is no payment {payment_id}")
        return payment

    def _shape(self, payment: Json) -> Json:
        """The API's shape, and under ``simulator`` what the API never tells."""
        base = f"{request.host_url}resurs"
        shape = payment_shape(payment, base)
        facts = {name: payment[name] for name in ("key", "account", "token", "moves", "awaited", "options")}
        facts |= {
            "checkout": customer_url(payment, base),
            "tasks": tasks_shape(payment, base),
            "currency": CURRENCIES.get(str(shape.get("countryCode"))),
        }
        return shape | {"simulator": facts}

    def _shown(self, payment_id: str, status: int = 200) -> Response:
        return answer(status, self._shape(self._payment(payment_id)))

    # -- payments ---------------------------------------------------------------------------------------

    def _add_payment_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/payments")
        def resurs_payments() -> ResponseReturnValue:
            """Payments of all accounts, newest first."""
            return answer(200, [self._shape(payment) for payment in reversed(self._store.find(PAYMENTS))])

        @verbs.get("/payments/<payment_id>")
        def resurs_payment(payment_id: str) -> ResponseReturnValue:
            """One payment, with what the API does not tell under `simulator`."""
            return self._shown(payment_id)

        @verbs.patch("/payments/<payment_id>")
        def resurs_overwrite(payment_id: str) -> ResponseReturnValue:
            """Overwrite fields of the answer; also amount and currency, which the wire lacks; no callback."""
            body = json_body()
            with self._store.change():
                overwriting.overwrite(self._ledger, self._payment(payment_id), body)
            return self._shown(payment_id)

        @verbs.post("/payments/<payment_id>/status")
        def resurs_status(payment_id: str) -> ResponseReturnValue:
            """What buyer or bank did: {"status": word, "webhook"?}; also moves that no rule allows."""
            body = json_body("status", "webhook")
            with self._store.change():
                payment = self._payment(payment_id)
                outcomes.apply(payment, str(body.get("status")), self._movements, webhook=flag(body, "webhook", True))
            return self._shown(payment_id)

        @verbs.post("/payments/<payment_id>/webhook")
        def resurs_webhook(payment_id: str) -> ResponseReturnValue:
            """A callback now: {"kind"?: authorization|management|creditApplication, "status"?: any, also untrue}."""
            body = json_body("kind", "status")
            with self._store.change():
                sent = self._send(self._payment(payment_id), body)
            if not sent:
                raise Refusal("nothing to send: the payment has no address for it, or waits for the buyer")
            return {"deliveries": sent}

        @verbs.route("/settings", methods=["GET", "POST"])
        def resurs_settings() -> ResponseReturnValue:
            """Switches of the simulated account; POST the ones to change."""
            if request.method == "POST":
                self._ledger.settings.change(json_body())
            values = self._ledger.settings.all()
            return {**values, "meaning": {name: switch.meaning for name, switch in SWITCHES.items()}}

    def _send(self, payment: Json, body: Json) -> list[str]:
        kind, status = body.get("kind", AUTHORIZATION), body.get("status")
        callbacks, now = self._ledger.callbacks, self._ledger.services.clock.timestamp()
        if not isinstance(status, str | None):
            raise Refusal("status must be a word")
        if kind == AUTHORIZATION:
            return callbacks.authorization(payment, status, now) if status else self._ledger.tell_again(payment)
        if kind == CREDIT_APPLICATION:
            return callbacks.credit_application(payment, status or "INSPECTION", now)
        if kind != MANAGEMENT:
            raise Refusal(f"kind must be one of: {AUTHORIZATION}, {MANAGEMENT}, {CREDIT_APPLICATION}")
        last = payment["log"][-1]
        if last["type"] == books.CREATE:
            raise Refusal("nothing has been captured, refunded, cancelled or modified yet")
        return callbacks.management(payment, status or last["type"], last["actionId"], now)

    # -- the merchant portal ----------------------------------------------------------------------------

    def _add_movement_verbs(self, verbs: Blueprint) -> None:
        movements = self._movements

        @verbs.post("/payments/<payment_id>/capture")
        def resurs_capture(payment_id: str) -> ResponseReturnValue:
            """A capture in the merchant portal: {"amount"? or "lines"?, "transactionId"?, "webhook"?, "final"?}.

            `final`: the rest is cancelled there as well.
            """
            with self._store.change():
                shown = self._do_in_portal(payment_id, movements.capture, "final")
                payment = self._payment(payment_id)
                if not flag(json_body(), "final", False) or not books.sums_of(payment).authorized:
                    return shown
                return self._cancel_rest(payment)

        @verbs.post("/payments/<payment_id>/refund")
        def resurs_refund(payment_id: str) -> ResponseReturnValue:
            """A refund in the merchant portal: {"amount"? or "lines"?, "transactionId"?, "webhook"?}."""
            return self._do_in_portal(payment_id, movements.refund)

        @verbs.post("/payments/<payment_id>/cancel")
        def resurs_cancel(payment_id: str) -> ResponseReturnValue:
            """A cancel in the merchant portal: {"amount"? or "lines"?, "webhook"?}."""
            return self._do_in_portal(payment_id, movements.cancel)

        @verbs.post("/payments/<payment_id>/void")
        def resurs_void(payment_id: str) -> ResponseReturnValue:
            """A cancel of everything that was not captured, in the merchant portal: {"webhook"?}."""
            json_body("webhook")
            with self._store.change():
                return self._cancel_rest(self._payment(payment_id))

        @verbs.post("/payments/<payment_id>/modify")
        def resurs_modify(payment_id: str) -> ResponseReturnValue:
            """Lines added in the merchant portal: {"amount" or "lines", "webhook"?}; an amount may be negative."""
            body = json_body("amount", "lines", "webhook")
            with self._store.change():
                payment = self._payment(payment_id)
                lines = self._lines(payment, body)
                if lines is None:
                    raise Refusal("send an amount or lines")
                movements.modify(payment, lines, webhook=flag(body, "webhook", True))
            return self._shown(payment_id, 201)

    def _cancel_rest(self, payment: Json) -> Response:
        webhook = flag(json_body(), "webhook", True)
        self._movements.cancel(payment, None, {"creator": "merchant-portal"}, webhook=webhook)
        return self._shown(payment["id"], 201)

    def _do_in_portal(self, payment_id: str, move: Callable[..., Json], *also: str) -> Response:
        body = json_body("amount", "lines", "transactionId", "webhook", "status", *also)
        if body.get("status", "succeeded") != "succeeded":
            raise Refusal("Resurs decides at once; the only status is succeeded")
        facts = {"creator": "merchant-portal"}
        if body.get("transactionId") is not None:
            facts["transactionId"] = str(body["transactionId"])
        with self._store.change():
            payment = self._payment(payment_id)
            move(payment, self._lines(payment, body), facts, webhook=flag(body, "webhook", True))
        return self._shown(payment_id, 201)

    def _lines(self, payment: Json, body: Json) -> list[Json] | None:
        """Lines as the API takes them, or one line for an amount; None means all that is possible."""
        if body.get("lines") is not None:
            exact: Any = json.loads(request.get_data(), parse_float=Decimal)["lines"]
            reader = Reader({"orderLines": exact})
            lines = read_lines(reader, required=True)
            reader.done()
            return lines
        if body.get("amount") is None:
            return None
        return [books.line_for(payment, overwriting.amount_in(body["amount"]), "Merchant portal")]

    # -- accounts ---------------------------------------------------------------------------------------

    def _add_account_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/accounts")
        def resurs_accounts() -> ResponseReturnValue:
            """Client ids with their stores."""
            return answer(200, self._accounts.shown())

        @verbs.post("/accounts")
        def resurs_add_account() -> ResponseReturnValue:
            """Another client with a store of its own: {client_id, client_secret, country? = SE, name?}."""
            body = json_body("client_id", "client_secret", "country", "name")
            texts = {"country": "SE", "name": "Sim store"} | body
            for name in ("client_id", "client_secret", "country", "name"):
                if not isinstance(texts.get(name), str) or not texts[name]:
                    raise Refusal(f"{name} must be a text")
            self._accounts.add(texts["client_id"], texts["client_secret"], texts["country"], texts["name"])
            found = [each for each in self._accounts.shown() if each["client_id"] == texts["client_id"]]
            return answer(201, found[0])

        @verbs.post("/tokens/revoke")
        def resurs_revoke_tokens() -> ResponseReturnValue:
            """All access tokens end now, or those of {"client_id"}: the next call of each gets a 401."""
            client_id = json_body("client_id").get("client_id")
            if not isinstance(client_id, str | None):
                raise Refusal("client_id must be a text")
            return {"revoked": self._accounts.revoke(client_id)}
