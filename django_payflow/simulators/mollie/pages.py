"""The hosted payment pages: method list, then in place of a bank the chooser of how the payment shall end.

What others drive from the outside is kept as on Mollie's test pages: radio inputs ``final_state``, the button
``submit``, the amount in ``.header__amount``, the description in ``.header__info``, ``test-mode/completed`` in the
address of a finished payment. The markup and the looks are our own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, refuse_foreign_pages
from django_payflow.simulators.mollie import methods
from django_payflow.simulators.mollie.amounts import value_of
from django_payflow.simulators.mollie.answers import ApiError
from django_payflow.simulators.mollie.ledger import Ledger
from django_payflow.simulators.mollie.movements import Movements
from django_payflow.simulators.mollie.outcomes import choices
from django_payflow.simulators.mollie.shapes import Shapes

_WAITING = ("open", "pending")
_SAFETY = {
    # No form-action: browsers apply it to the redirect back to the shop as well.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Header(NamedTuple):
    """What every page says above its own content."""

    amount: str
    description: str
    mode: str
    shop_url: str | None


class Pages:
    def __init__(self, ledger: Ledger, movements: Movements) -> None:
        self._ledger = ledger
        self._movements = movements
        self._store = ledger.services.store

    def blueprint(self) -> Blueprint:
        pages = Blueprint("pages", __name__)
        pages.before_request(refuse_foreign_pages)
        pages.after_request(_make_safe)
        pages.register_error_handler(Refusal, lambda error: (_plain(str(error)), error.status))
        pages.register_error_handler(ApiError, lambda error: (_plain(error.detail), error.status))
        pages.get("/checkout/select-method/<token>")(self.method_list)
        pages.post("/checkout/select-method/<token>")(self.choose_method)
        pages.get("/checkout/test-mode")(self.chooser)
        pages.post("/checkout/test-mode")(self.submit)
        pages.get("/checkout/test-mode/completed")(self.completed)
        pages.get("/checkout/test-mode/change-state")(self.change_page)
        pages.post("/checkout/test-mode/change-state")(self.change_state)
        pages.get("/dashboard/<payment_id>")(dashboard)
        pages.get("/icons/<method_id>.svg")(icon)
        return pages

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, token: str | None) -> Json:
        payment = self._ledger.by_token(token or "")
        if payment is None:
            raise _NotHere("There is no payment at this address.")
        return payment

    def _fitting(self, payment: Json) -> list[methods.Method]:
        """Methods a shopper may choose: offered by the shop, switched on, and right for the amount."""
        fields, offered = payment["fields"], payment["offered"]
        number, currency = value_of(fields["amount"]), fields["amount"]["currency"]
        found = methods.active(self._ledger.settings["disabled_methods"])
        if offered:
            found = [each for each in found if each.id in offered]
        else:  # direct debits are for recurring charges, and some methods need to know what is sold
            found = [each for each in found if each.id != "directdebit"]
            found = [each for each in found if "lines" in fields or not each.needs_lines]
        if number == Decimal(0):
            return [each for each in found if methods.takes_zero(each)]
        return [each for each in found if methods.fits(each, currency, number)]

    # -- the method list --------------------------------------------------------------------------------

    def method_list(self, token: str) -> ResponseReturnValue:
        payment = self._payment(token)
        if payment["fields"]["status"] not in _WAITING:
            return redirect(_completed_url(payment), 303)
        return render_template(
            "mollie/methods.html", header=_header(payment), methods=self._fitting(payment), token=token
        )

    def choose_method(self, token: str) -> ResponseReturnValue:
        """Cancelling here, and only here, is a cancel on the real pages; there is no way back from it."""
        with self._store.change():
            payment = self._payment(token)
            if payment["fields"]["status"] not in _WAITING:
                return redirect(_completed_url(payment), 303)
            if "cancel" in request.form:
                return self._finish(payment, "canceled")
            method = request.form.get("method", "")
            if method not in {each.id for each in self._fitting(payment)}:
                raise Refusal("This way to pay is not offered for this payment.")
            self._ledger.choose_method(payment, method)
        return redirect(Shapes(self._movements, _root()).checkout_url(payment), 303)

    # -- the chooser ------------------------------------------------------------------------------------

    def chooser(self) -> ResponseReturnValue:
        payment = self._payment(request.args.get("token"))
        fields = payment["fields"]
        if fields["status"] not in _WAITING:
            return redirect(_completed_url(payment), 303)
        method = methods.known(fields["method"])
        if method is None:
            return redirect(f"{_root()}/checkout/select-method/{payment['token']}", 303)
        several = len(payment["offered"]) != 1
        return render_template(
            "mollie/chooser.html",
            header=_header(payment),
            method=method,
            choices=choices(fields),
            token=payment["token"],
            back=f"{_root()}/checkout/select-method/{payment['token']}" if several else None,
        )

    def submit(self) -> ResponseReturnValue:
        with self._store.change():
            payment = self._payment(request.form.get("token"))
            fields = payment["fields"]
            if fields["status"] not in _WAITING:
                return redirect(_completed_url(payment), 303)
            state = request.form.get("final_state", "")
            if methods.known(fields["method"]) is None or state not in [choice.word for choice in choices(fields)]:
                raise Refusal("Choose one of the states offered.")
            return self._finish(payment, state)

    def _finish(self, payment: Json, state: str) -> ResponseReturnValue:
        """In test mode *failed* and *canceled* are definitive; *open* leaves everything as it is."""
        fields = payment["fields"]
        if state != "open" and state != fields["status"]:
            self._ledger.move(payment, state)
        return redirect(_shop_url(fields) or _completed_url(payment), 303)

    # -- afterwards -------------------------------------------------------------------------------------

    def completed(self) -> ResponseReturnValue:
        payment = self._payment(request.args.get("token"))
        if payment["fields"]["status"] in _WAITING:
            return redirect(Shapes(self._movements, _root()).checkout_url(payment), 303)
        status = payment["fields"]["status"]
        return render_template("mollie/completed.html", header=_header(payment), status=status)

    def change_page(self) -> ResponseReturnValue:
        payment = self._payment(request.args.get("token"))
        if payment["fields"]["status"] != "paid":
            return redirect(_completed_url(payment), 303)
        return render_template("mollie/change.html", header=_header(payment), token=payment["token"])

    def change_state(self) -> ResponseReturnValue:
        """A paid test payment can be refunded or charged back as if its dashboard or its bank had done it."""
        with self._store.change():
            payment = self._payment(request.form.get("token"))
            wanted = request.form.get("final_state")
            if wanted == "refund":
                rest = self._movements.remaining_amount(payment)
                self._movements.refund(payment, {"amount": rest}, from_dashboard=True)
            elif wanted == "chargeback":
                self._movements.charge_back(payment, {})
            else:
                raise Refusal("Choose refund or chargeback.")
        return redirect(_completed_url(payment), 303)


class _NotHere(Refusal):
    status = 404


def _root() -> str:
    return request.url_root.rstrip("/")


def _completed_url(payment: Json) -> str:
    return f"{_root()}/checkout/test-mode/completed?{urlencode({'token': payment['token']})}"


def _shop_url(fields: Json) -> str | None:
    """``cancelUrl`` is for canceled payments only; without it they return like all others."""
    if fields["status"] == "canceled" and fields.get("cancelUrl"):
        return str(fields["cancelUrl"])
    return fields.get("redirectUrl")


def _header(payment: Json) -> Header:
    fields = payment["fields"]
    return Header(
        amount=f"{fields['amount']['value']} {fields['amount']['currency']}",
        description=fields["description"],
        mode=fields["mode"],
        shop_url=_shop_url(fields),
    )


def _make_safe(response: Response) -> Response:
    for name, value in _SAFETY.items():
        response.headers.setdefault(name, value)
    return response


def _plain(text: str) -> str:
    return render_template("mollie/message.html", text=text)


def dashboard(payment_id: str) -> ResponseReturnValue:
    """The dashboard of this account is the panel."""
    return redirect(f"{request.host_url}?{urlencode({'provider': 'mollie'})}#{payment_id}")


def icon(method_id: str) -> ResponseReturnValue:
    """A neutral picture with the first letters; the real logos belong to others."""
    method = methods.METHODS.get(method_id)
    if method is None:
        raise _NotHere("There is no such picture.")
    picture = render_template("mollie/icon.svg", letters=method.title[:2])
    return Response(picture, content_type="image/svg+xml")
