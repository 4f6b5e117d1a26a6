"""Control verbs of the Golomt simulator, under ``/_control/golomt/``: what buyers, the bank and its desks do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.golomt import shapes
from django_payflow.simulators.golomt.checksums import SPOILINGS
from django_payflow.simulators.golomt.endings import ENDINGS, WORDS, ending_for
from django_payflow.simulators.golomt.ledger import TRANSACTIONS, Ledger
from django_payflow.simulators.golomt.merchants import Merchant
from django_payflow.simulators.golomt.pages import checkout_url
from django_payflow.simulators.golomt.settings import SWITCHES, is_push_url
from django_payflow.simulators.host import Json, Refusal, Unknown, flag, iso, json_body


class ControlVerbs:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.services.store

    def blueprint(self) -> Blueprint:
        verbs = Blueprint("control_golomt", __name__)
        self._add_payment_verbs(verbs)
        self._add_push_verbs(verbs)
        self._add_money_verbs(verbs)
        self._add_account_verbs(verbs)
        return verbs

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, payment_id: str) -> Json:
        return named(self._ledger, payment_id, request.args.get("merchant"))

    def _shape(self, payment: Json) -> Json:
        """The word of this page as status, the bank's own answer below it, and what the bank never tells."""
        fields = payment["fields"]
        base = f"{request.host_url}golomt"
        names = ("merchant", "kind", "invoice", "moves")
        return {
            "id": payment["id"],
            "status": payment["status"],
            "currency": "MNT",
            **fields,
            "inquiry": {k: v for k, v in shapes.inquiry(payment, "as_sent").items() if k != "checksum"},
            "simulator": {
                "key": self._ledger.merchants.named(payment["merchant"]).key,
                "checkout": checkout_url(payment, base),
                "created": iso(payment["created"]),
                "expires": None if payment["expires"] is None else iso(payment["expires"]),
                "reversed": None if payment["reversed"] is None else iso(payment["reversed"]),
                **{name: payment[name] for name in names},
            },
        }

    # -- payments ---------------------------------------------------------------------------------------

    def _add_payment_verbs(self, verbs: Blueprint) -> None:
        @verbs.get("/payments")
        def golomt_payments() -> ResponseReturnValue:
            """Transactions of all merchants, newest first; ?merchant= filters."""
            wanted = request.args.get("merchant")
            found = self._store.find(TRANSACTIONS, lambda each: wanted in (None, each["merchant"]))
            return jsonify([self._shape(payment) for payment in reversed(found)])

        @verbs.get("/payments/<payment_id>")
        def golomt_payment(payment_id: str) -> ResponseReturnValue:
            """One transaction; add ?merchant= where two merchants use the same id."""
            return self._shape(self._payment(payment_id))

        @verbs.patch("/payments/<payment_id>")
        def golomt_overwrite(payment_id: str) -> ResponseReturnValue:
            """Overwrite any stored field: amount, errorCode, errorDesc, token, wireStatus, callback, ...; no push."""
            with self._store.change():
                payment = self._payment(payment_id)
                self._ledger.overwrite(payment, json_body())
            return self._shape(payment)

        @verbs.post("/payments/<payment_id>/status")
        def golomt_status(payment_id: str) -> ResponseReturnValue:
            """What buyer or bank did: {"status": ..., "webhook"?, "errorCode"?, "errorDesc"?}; rules or no rules."""
            body = json_body("status", "webhook", "errorCode", "errorDesc")
            with self._store.change():
                payment = self._payment(payment_id)
                self._move(payment, body)
            return self._shape(payment)

    def _move(self, payment: Json, body: Json) -> None:
        status, push = _word(body), flag(body, "webhook", True)
        code, description = _text(body, "errorCode"), _text(body, "errorDesc")
        if code:
            if (status == "paid") != (code == "000") or status in ("open", "expired"):
                raise Refusal(f"errorCode {code} does not go with status {status}; 000 alone is paid")
            self._ledger.finish(payment, ending_for(code, description)._replace(status=_decided(status)), push=push)
        elif status == "expired":
            self._ledger.expire(payment, push=push)
        elif status in ENDINGS:
            ending = ENDINGS[status]
            self._ledger.finish(payment, ending_for(ending.code, description), push=push)
        else:
            self._ledger.undo(payment, status)

    # -- pushes -----------------------------------------------------------------------------------------

    def _add_push_verbs(self, verbs: Blueprint) -> None:
        @verbs.post("/payments/<payment_id>/webhook")
        def golomt_webhook(payment_id: str) -> ResponseReturnValue:
            """Push the present state now, also while pushes are off: {"spoilt"?: "bad_signature" | ...}."""
            body = json_body("spoilt")
            spoilt = _text(body, "spoilt")
            if spoilt is not None and spoilt not in SPOILINGS:
                raise Refusal(f"spoilt must be one of: {', '.join(SPOILINGS)}")
            with self._store.change():
                payment = self._payment(payment_id)
                sent = self._ledger.pushes.send(payment, spoilt=spoilt, by_hand=True)
            if not sent:
                raise Refusal(f"{payment_id} is not finished, or its merchant has no push_url (see settings)")
            return {"deliveries": sent}

        @verbs.post("/payments/<payment_id>/replay")
        def golomt_replay(payment_id: str) -> ResponseReturnValue:
            """The first genuine push again, byte for byte: {"url"?: another receiver}."""
            url = json_body("url").get("url")
            if not is_push_url(url):
                raise Refusal("url must be an http or https address")
            with self._store.change():
                return {"deliveries": self._ledger.pushes.replay(self._payment(payment_id), url)}

    # -- money that goes back ---------------------------------------------------------------------------

    def _add_money_verbs(self, verbs: Blueprint) -> None:
        @verbs.post("/payments/<payment_id>/refund")
        def golomt_refund(payment_id: str) -> ResponseReturnValue:
            """A reversal arranged with the bank, of the whole amount; only the settlement list tells of it."""
            body = json_body("amount", "status", "webhook")
            if body.get("status", "succeeded") != "succeeded":
                raise Refusal("the settlement list shows a reversal that is done; the only status is succeeded")
            with self._store.change():
                payment = self._payment(payment_id)
                if body.get("amount") not in (None, payment["fields"]["amount"]):
                    raise Refusal("only a reversal of the whole amount shows on the wire; leave amount out")
                self._ledger.reverse(payment, reversed_now=True)
            return self._shape(payment), 201

        @verbs.post("/payments/<payment_id>/refund/undo")
        def golomt_refund_undo(payment_id: str) -> ResponseReturnValue:
            """The reversal is taken back."""
            with self._store.change():
                payment = self._payment(payment_id)
                self._ledger.reverse(payment, reversed_now=False)
            return self._shape(payment)

        @verbs.post("/payments/<payment_id>/chargeback")
        def golomt_chargeback(payment_id: str) -> ResponseReturnValue:
            """Refused: the bank tells of disputes on paper only, nothing would change on the wire."""
            self._payment(payment_id)
            raise Refusal("Golomt tells of chargebacks on paper only; there is nothing to see on the wire")

        @verbs.post("/payments/<payment_id>/<any(capture, void, lapse):verb>")
        def golomt_no_authorization(payment_id: str, verb: str) -> ResponseReturnValue:
            """Refused: the bank takes the money at once, so nothing is captured, released or lapses."""
            self._payment(payment_id)
            raise Refusal(f"Golomt takes the money at once; there is nothing to {verb}")

    # -- merchants and settings -------------------------------------------------------------------------

    def _add_account_verbs(self, verbs: Blueprint) -> None:
        @verbs.route("/webhook_endpoints", methods=["GET", "POST"])
        def golomt_endpoints() -> ResponseReturnValue:
            """Where pushes go, as every simulator with account-wide webhooks tells it; POST {"url"} sets it."""
            if request.method == "POST":
                self._ledger.settings.change({"push_url": json_body("url").get("url")})
            url = self._ledger.settings["push_url"]
            return jsonify([{"url": url}] if url else [])

        @verbs.route("/merchants", methods=["GET", "POST"])
        def golomt_merchants() -> ResponseReturnValue:
            """The merchants; POST {"name", "secret", "bearer", "merchant_id"?, "push_url"?} adds or changes one."""
            if request.method == "GET":
                return jsonify([_shown(merchant) for merchant in self._ledger.merchants.all()])
            body = json_body("name", "secret", "bearer", "merchant_id", "push_url")
            return _shown(self._ledger.merchants.put(body)), 201

        @verbs.route("/settings", methods=["GET", "POST"])
        def golomt_settings() -> ResponseReturnValue:
            """Switches of the simulated bank, push_url among them; POST the ones to change."""
            if request.method == "POST":
                self._ledger.settings.change(json_body())
            values = self._ledger.settings.all()
            return {**values, "meaning": {name: switch.meaning for name, switch in SWITCHES.items()}}


def named(ledger: Ledger, payment_id: str, merchant: str | None = None) -> Json:
    """The one transaction with this id; ids are unique per merchant only."""
    found = [each for each in ledger.with_id(payment_id) if merchant in (None, each["merchant"])]
    if not found:
        raise Unknown(f"there is no payment {payment_id}")
    if len(found) > 1:
        names = ", ".join(each["merchant"] for each in found)
        raise Refusal(f"several merchants have a payment {payment_id}; add ?merchant= with one of: {names}")
    return found[0]


def _shown(merchant: Merchant) -> Json:
    """Without its secrets."""
    return {
        "name": merchant.name,
        "merchant_id": merchant.merchant_id,
        "key": merchant.key,
        "push_url": merchant.push_url,
    }


def _word(body: Json) -> str:
    word: Any = body.get("status")
    if not isinstance(word, str) or word not in WORDS:
        raise Refusal(f"status must be one of: {', '.join(WORDS)}")
    return WORDS[word]


def _decided(status: str) -> str:
    """SENT with a code is a failure, unless another word says which."""
    return "failed" if status == "processing" else status


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(f"{name} must be a text")
    return value
