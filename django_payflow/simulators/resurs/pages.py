"""The gateway: where the buyer identifies himself and signs. In place of a bank there are buttons for the outcome."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host import Json, Refusal, refuse_foreign_pages
from django_payflow.simulators.resurs import books, people
from django_payflow.simulators.resurs.amounts import CURRENCIES, money
from django_payflow.simulators.resurs.ledger import OPEN, Ledger
from django_payflow.simulators.resurs.outcomes import Target
from django_payflow.simulators.resurs.shapes import customer_url

_CARDS = ("DEBIT_CARD", "CREDIT_CARD", "CARD")
_GOOD_CARD, _REFUSED_CARD = "4925 0000 0000 0004", "4925000000000087"
_SAFETY = {
    # No form-action: browsers apply it to the redirect back to the shop as well.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
#: What the buttons beside "Sign" lead to.
_ENDINGS = {
    "reject": Target("REJECTED", "CREDIT_DENIED"),
    "abort": Target("REJECTED", "ABORTED_BY_CUSTOMER", completed=False),
    "freeze": Target("FROZEN"),
    "inspect": Target("INSPECTION"),
    "no_funds": Target("REJECTED", "INSUFFICIENT_FUNDS"),
    "break": Target("REJECTED", "TECHNICAL_ERROR"),
}


class View(NamedTuple):
    """What the pages say about a payment."""

    amount: str
    description: str
    lines: list[tuple[str, str]]
    status: str
    reason: str | None
    shop_url: str | None


class Pages:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.services.store

    def blueprint(self) -> Blueprint:
        pages = Blueprint("pages", __name__)
        pages.before_request(refuse_foreign_pages)
        pages.after_request(_make_safe)
        pages.register_error_handler(Refusal, lambda error: (_plain(str(error)), error.status))
        pages.get("/gateway/customer/<token>")(self.show)
        pages.post("/gateway/customer/<token>")(self.submit)
        pages.get("/gateway/merchant/<token>")(self.merchant)
        pages.get("/legal/<method>/<kind>")(legal)
        return pages

    def _payment(self, token: str) -> Json:
        payment = self._ledger.by_token(token)
        if payment is None:
            raise _NotHere("There is no payment at this address.")
        return payment

    def show(self, token: str) -> ResponseReturnValue:
        """With MOCK_ metadata opening the page is enough: the test environment signs by itself."""
        payment = self._payment(token)
        if payment["status"] != OPEN:
            return render_template("resurs/done.html", view=_view(payment), onwards=False)
        mocks = _mocks(payment)
        if mocks:
            return self._sign_by_itself(token, mocks)
        return render_template(
            "resurs/sign.html",
            view=_view(payment),
            asks_for_id=payment["method"]["credit"] and "governmentId" not in payment["customer"],
            asks_for_card=payment["method"]["type"] in _CARDS,
            method=payment["method"]["name"],
            good_card=_GOOD_CARD,
        )

    def _sign_by_itself(self, token: str, mocks: list[str]) -> ResponseReturnValue:
        """Answered with a page, not a redirect: what opens it need not be a browser. Other values fail (GUESS)."""
        with self._store.change():
            payment = self._payment(token)
            if payment["status"] == OPEN and set(mocks) == {"SUCCESS"}:
                self._ledger.sign(payment)
            elif payment["status"] == OPEN:
                self._ledger.move(payment, "REJECTED", reason="UNKNOWN", completed=False)
        return render_template("resurs/done.html", view=_view(payment), onwards=True)

    def submit(self, token: str) -> ResponseReturnValue:
        with self._store.change():
            payment = self._payment(token)
            if payment["status"] == OPEN:
                self._finish(payment, request.form.get("action", ""))
        here = customer_url(payment, request.url_root.rstrip("/"))
        return redirect(_shop_url(payment) or here, 303)

    def _finish(self, payment: Json, action: str) -> None:
        if action == "sign":
            self._sign(payment)
        elif action in _ENDINGS:
            target = _ENDINGS[action]
            self._ledger.move(payment, target.status, reason=target.reason, completed=target.completed)
        else:
            raise Refusal("Choose one of the buttons.")

    def _sign(self, payment: Json) -> None:
        """Who was not named at create says here who he is."""
        government_id = request.form.get("government_id", "").strip()
        card = request.form.get("card", "").replace(" ", "")
        if government_id and "governmentId" not in payment["customer"]:
            if not people.is_valid(government_id, payment["country"], payment["customer"]["customerType"]):
                raise Refusal("This is not a valid personal or company number. Go back and try again.")
            payment["customer"]["governmentId"] = government_id
        if payment["method"]["type"] in _CARDS and card == _REFUSED_CARD:
            # Which reason a refused card gives is a GUESS.
            self._ledger.move(payment, "REJECTED", reason="INSUFFICIENT_FUNDS", completed=True)
        else:
            self._ledger.sign(payment)

    def merchant(self, token: str) -> ResponseReturnValue:
        self._payment(token)
        return _plain("This page is for a shop assistant at a point of sale, and not imitated.")


class _NotHere(Refusal):
    status = 404


def _mocks(payment: Json) -> list[str]:
    """The values of the keys that ask the test environment to sign."""
    custom = (payment["metadata"] or {}).get("custom", [])
    return [each["value"] for each in custom if each["key"].startswith("MOCK_")]


def _shop_url(payment: Json) -> str | None:
    """Exactly as the shop gave it. A frozen payment returns to the success address."""
    url = payment["options"]["failUrl" if payment["status"] == "REJECTED" else "successUrl"]
    return None if url is None else str(url)


def _view(payment: Json) -> View:
    currency = CURRENCIES[payment["country"]]
    lines = [
        (line["description"] or line["reference"] or "Item", f"{money(line['total']):.2f}")
        for line in books.lines_of(payment, books.CREATE, books.MODIFY)
    ]
    return View(
        amount=f"{money(books.sums_of(payment).total):.2f} {currency}",
        description=f"Order {payment['reference']}",
        lines=lines,
        status=payment["status"],
        reason=payment["reason"],
        shop_url=_shop_url(payment),
    )


def _make_safe(response: Response) -> Response:
    for name, value in _SAFETY.items():
        response.headers.setdefault(name, value)
    return response


def _plain(text: str) -> str:
    return render_template("resurs/message.html", text=text)


def legal(method: str, kind: str) -> ResponseReturnValue:
    """Where legal links lead."""
    return _plain(
        f"{kind} of {method}, for {request.args.get('amount') or 'any amount'}: invented, like all prices here."
    )
