"""The hosted pages: a card form with the simulator's test cards, 3-D Secure, and in place of wallets and banks a page
that asks how the payment shall end. Markup, looks and card numbers are our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from django_payflow.simulators.host import Refusal, refuse_foreign_pages
from django_payflow.simulators.wooshpay import methods
from django_payflow.simulators.wooshpay.amounts import in_words
from django_payflow.simulators.wooshpay.ledger import Ledger, Payment
from django_payflow.simulators.wooshpay.movements import Movements
from django_payflow.simulators.wooshpay.payments import Payments, word_of
from django_payflow.simulators.wooshpay.shapes import checkout_url, page_id, page_key

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_SAFETY = {
    # No form-action: browsers apply it to the redirect back to the shop as well.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Choice(NamedTuple):
    word: str
    title: str
    meaning: str


ENDINGS = (
    Choice("paid", "Paid", "The buyer confirmed and the money is there."),
    Choice("late_success", "Paid later", "The bank takes its time and then says yes."),
    Choice("late_failure", "Failed later", "The bank takes its time and then says no."),
    Choice("declined", "Failed", "The attempt failed; another one is possible."),
)


class Header(NamedTuple):
    """What every page says above its own content."""

    amount: str
    description: str
    mode: str
    cancel_url: str
    home: str


class Pages:
    def __init__(self, payments: Payments, movements: Movements) -> None:
        self._payments = payments
        self._movements = movements
        self._ledger: Ledger = payments.ledger
        self._store = payments.ledger.services.store

    def blueprint(self) -> Blueprint:
        pages = Blueprint("pages", __name__)
        pages.before_request(refuse_foreign_pages)
        pages.after_request(_make_safe)
        pages.register_error_handler(Refusal, lambda error: (_plain(str(error)), error.status))
        pages.get("/pay/<token>")(self.form)
        pages.post("/pay/<token>")(self.pay_by_card)
        pages.get("/pay/<token>/challenge")(self.challenge)
        pages.post("/pay/<token>/challenge")(self.answer_challenge)
        pages.get("/pay/<token>/method/<method>")(self.chooser)
        pages.post("/pay/<token>/method/<method>")(self.choose)
        return pages

    # -- shared -----------------------------------------------------------------------------------------

    def _payment(self, token: str) -> Payment:
        """The address has to carry the publishable key as well; without it the page is nobody's."""
        payment = self._ledger.find(f"cs_{token.rsplit('_', 1)[-1]}")
        if payment is None or page_id(payment) != token or request.args.get("key") != page_key(payment):
            raise _NotHere("There is no payment at this address.")
        return payment

    def _offered(self, payment: Payment) -> list[str]:
        return methods.offered(payment.session["chosen_types"], self._ledger.settings["disabled_methods"])

    def _success_url(self, payment: Payment) -> str:
        return self._with_id(payment, str(payment.session["fields"]["success_url"]))

    def _with_id(self, payment: Payment, url: str) -> str:
        """The placeholder is Stripe's idea; WooshPay may leave it as it is."""
        if self._ledger.settings["substitute_session_id"]:
            return url.replace("{CHECKOUT_SESSION_ID}", payment.id)
        return url

    def _header(self, payment: Payment) -> Header:
        fields = payment.session["fields"]
        return Header(
            amount=in_words(fields["amount_total"], fields["currency"]),
            description=", ".join(line["name"] for line in payment.session["lines"]),
            mode="live" if fields["livemode"] else "test",
            cancel_url=self._with_id(payment, str(fields["cancel_url"])),
            home=checkout_url(payment, _root()),
        )

    def _over(self, payment: Payment) -> ResponseReturnValue | None:
        """The page of a session that is not open any more."""
        session = payment.session["fields"]
        if session["status"] == "open":
            return None
        back = self._success_url(payment) if session["status"] == "complete" else self._header(payment).cancel_url
        return render_template("wooshpay/over.html", header=self._header(payment), status=word_of(payment), back=back)

    # -- the form ---------------------------------------------------------------------------------------

    def form(self, token: str) -> ResponseReturnValue:
        payment = self._payment(token)
        return self._over(payment) or self._form(payment)

    def _form(self, payment: Payment) -> str:
        offered = self._offered(payment)
        failure: object = payment.intent["fields"]["last_payment_error"]  # tests may have overwritten it
        return render_template(
            "wooshpay/form.html",
            header=self._header(payment),
            problem=failure.get("message") if isinstance(failure, dict) else None,
            takes_cards="card" in offered,
            cards=methods.CARDS,
            others=[
                (method, methods.title(method), _address(payment, f"method/{method}"))
                for method in offered
                if method != "card"
            ],
        )

    def pay_by_card(self, token: str) -> ResponseReturnValue:
        with self._store.change():
            payment = self._payment(token)
            over = self._over(payment)
            if over is not None:
                return over
            if "card" not in self._offered(payment):
                raise Refusal("Cards are not offered for this payment.")
            return self._charge(
                payment, methods.card_of(request.form.get("test_card") or request.form.get("number", ""))
            )

    def _charge(self, payment: Payment, card: methods.Card | None) -> ResponseReturnValue:
        effect = "incorrect_number" if card is None else card.effect
        if effect in methods.DECLINES:
            self._payments.decline(payment, effect, "card")
            return redirect(checkout_url(payment, _root()), 303)
        if effect == "challenge":
            self._payments.challenge(payment, "card")
            return redirect(_address(payment, "challenge"), 303)
        self._payments.pay(payment, "card")
        if effect == "disputed":
            self._movements.dispute_later(payment)
        return Away(self._success_url(payment))

    # -- 3-D Secure -------------------------------------------------------------------------------------

    def challenge(self, token: str) -> ResponseReturnValue:
        payment = self._payment(token)
        if payment.intent["fields"]["status"] != "requires_action":
            return redirect(checkout_url(payment, _root()), 303)
        return self._over(payment) or render_template("wooshpay/challenge.html", header=self._header(payment))

    def answer_challenge(self, token: str) -> ResponseReturnValue:
        with self._store.change():
            payment = self._payment(token)
            over = self._over(payment)
            if over is not None:
                return over
            if payment.intent["fields"]["status"] != "requires_action":
                return redirect(checkout_url(payment, _root()), 303)
            if request.form.get("result") != "passed":
                self._payments.decline(payment, "authentication_failed")
                return redirect(checkout_url(payment, _root()), 303)
            self._payments.pay(payment)
            return Away(self._success_url(payment))

    # -- wallets and banks ------------------------------------------------------------------------------

    def chooser(self, token: str, method: str) -> ResponseReturnValue:
        payment = self._payment(token)
        self._check_method(payment, method)
        return self._over(payment) or render_template(
            "wooshpay/chooser.html", header=self._header(payment), title=methods.title(method), choices=ENDINGS
        )

    def choose(self, token: str, method: str) -> ResponseReturnValue:
        with self._store.change():
            payment = self._payment(token)
            over = self._over(payment)
            if over is not None:
                return over
            self._check_method(payment, method)
            return self._end(payment, method, request.form.get("final_state", ""))

    def _check_method(self, payment: Payment, method: str) -> None:
        if method == "card" or method not in self._offered(payment):
            raise Refusal("This way to pay is not offered for this payment.")

    def _end(self, payment: Payment, method: str, state: str) -> ResponseReturnValue:
        if state == "declined":
            self._payments.decline(payment, "payment_failed", method)
            return redirect(checkout_url(payment, _root()), 303)
        if state == "paid":
            self._payments.pay(payment, method)
        elif state in ("late_success", "late_failure"):
            self._payments.decide_later(payment, method, state)
        else:
            raise Refusal("Choose one of the endings offered.")
        return Away(self._success_url(payment))


class _NotHere(Refusal):
    status = 404


class Away(Response):
    """Back to the shop, to the very text that it gave: nothing added, and nothing encoded anew on the way."""

    def __init__(self, url: str) -> None:
        super().__init__(status=303)
        self.headers["Location"] = self._exactly = url

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        if self._exactly.isascii():
            headers["Location"] = self._exactly
        return headers


def _root() -> str:
    return request.url_root.rstrip("/")


def _address(payment: Payment, page: str) -> str:
    address, _mark, query = checkout_url(payment, _root()).partition("?")
    return f"{address}/{page}?{query}"


def _make_safe(response: Response) -> Response:
    for name, value in _SAFETY.items():
        response.headers.setdefault(name, value)
    return response


def _plain(text: str) -> str:
    return render_template("wooshpay/message.html", text=text)
