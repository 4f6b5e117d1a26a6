"""Stored documents as the API writes them, in the dialect that the switches choose."""

from __future__ import annotations

import base64
import json
from typing import Any

from django_payflow.simulators.host import Json
from django_payflow.simulators.wooshpay.answers import list_of
from django_payflow.simulators.wooshpay.ledger import Payment
from django_payflow.simulators.wooshpay.settings import Settings

_ENCODED = ("next_action", "payment_method_types", "payment_method_options")


class Shapes:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    # -- sessions ---------------------------------------------------------------------------------------

    def session(self, payment: Payment, base: str | None = None) -> Json:
        """``base`` is where the caller sees the hosted pages; without it, where the session's maker saw them."""
        session = payment.session
        fields = session["fields"]
        expanded = self._settings["intent_in_session"] == "object"
        shape = {"id": session["id"], "object": "checkout.session"} | fields
        shape |= {
            "url": checkout_url(payment, base),
            "line_items": self.line_items(payment) | {"url": None, "has_more": None},
            "payment_intent": self.intent(payment) if expanded else payment.intent["id"],
        }
        return self._dressed(shape)

    def line_items(self, payment: Payment) -> Json:
        path = f"/v1/checkout/sessions/{payment.id}/line_items"
        livemode = payment.session["fields"]["livemode"]
        items = [_line_item(line, livemode) for line in payment.session["lines"]]
        written: Json = self._currencies(list_of(path, items, has_more=False))
        return written

    # -- intents and what hangs on them -----------------------------------------------------------------

    def intent(self, payment: Payment) -> Json:
        shape = {"id": payment.intent["id"], "object": "payment_intent"} | payment.intent["fields"]
        if self._settings["amount_received"] == "absent":
            del shape["amount_received"]
        if self._settings["encoded_fields"]:
            shape |= {name: "" if shape[name] is None else json.dumps(shape[name]) for name in _ENCODED}
        return self._dressed(shape)

    def child(self, document: Json) -> Json:
        """A charge, refund or dispute."""
        return self._dressed({"id": document["id"], "object": document["object"]} | document["fields"])

    # -- dialects ---------------------------------------------------------------------------------------

    def _dressed(self, shape: Json) -> Json:
        settings = self._settings.all()
        if settings["stray_live_mode"] and "livemode" in shape:
            shape["live_mode"] = shape["livemode"]
        if settings["empty_values"] == "absent":
            shape = {name: value for name, value in shape.items() if not _is_nothing(value)}
        elif settings["empty_values"] != "sample":
            nothing = None if settings["empty_values"] == "null" else ""
            shape = {name: nothing if _is_nothing(value) else value for name, value in shape.items()}
        written: Json = self._currencies(shape)
        return written

    def _currencies(self, value: Any) -> Any:
        """Lower case on some pages of the documentation, upper case on others."""
        if self._settings["currency_case"] == "upper":
            return value
        return _in_lower_case(value)


def _is_nothing(value: object) -> bool:
    return value is None or value == ""


def _in_lower_case(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_lower_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each.lower() if name == "currency" and isinstance(each, str) else _in_lower_case(each)
        for name, each in value.items()
    }


def page_id(payment: Payment) -> str:
    """The address has the mode in the id, the API has not: cs_test_<digits> and cs_<digits>."""
    mode = str(payment.session["publishable"]).split("_")[1]
    return f"cs_{mode}_{payment.id.removeprefix('cs_')}"


def page_key(payment: Payment) -> str:
    """The publishable key; newer samples have it in base64."""
    return base64.b64encode(str(payment.session["publishable"]).encode()).decode()


def checkout_url(payment: Payment, base: str | None = None) -> str:
    return f"{base or payment.session['base']}/pay/{page_id(payment)}?key={page_key(payment)}"


def _line_item(line: Json, livemode: bool) -> Json:
    total = line["unit_amount"] * line["quantity"]
    common = {"created": line["created"], "livemode": livemode, "active": True}
    product = {"id": line["ids"]["prod"], "object": "product"} | common
    product |= {
        "name": line["name"],
        "description": line["description"],
        "updated": line["created"],
        "images": line["images"],
    }
    price = {"id": line["ids"]["price"], "object": "price"} | common
    price |= {
        "currency": line["currency"],
        "type": "one_time",
        "unit_amount": line["unit_amount"],
        "product": product,
    }
    return {
        "id": line["ids"]["li"],
        "object": "item",
        "currency": line["currency"],
        "description": line["name"],
        "quantity": line["quantity"],
        "amount_subtotal": total,
        "amount_total": total,
        "price": price,
    }
