"""The bank's pages: card form, SocialPay and card binding, with the timer, and endings for tests below the form.

Every button has the name ``ending`` and one of the values in ``_BUTTONS`` (or pay, cancel, back).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from django_payflow.simulators.golomt.endings import ENDINGS
from django_payflow.simulators.golomt.ledger import Card, Ledger
from django_payflow.simulators.golomt.returning import SCRIPT_HASH, News, send_back
from django_payflow.simulators.golomt.texts import LANGUAGES, TEXTS
from django_payflow.simulators.host import Json, Refusal, refuse_foreign_pages

_SAFETY = {
    # No form-action: browsers apply it to the way back to the shop too. No frame-ancestors: shops frame this page.
    "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}';"
    " base-uri 'none'",
    # Not same-origin: a browser would post its form to the shop with the origin null.
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
#: kind of a transaction -> the first part of the address of its pages
_PATHS: Mapping[str, tuple[str, ...]] = {"invoice": ("payment", "socialpay"), "binding": ("confirmation",)}


class Button(NamedTuple):
    """An ending that only a simulator can offer. ``ending`` None: nothing is decided."""

    label: str
    ending: str | None
    push: bool = True
    copies: int = 1
    spoilt: str | None = None
    returns: bool = True

    @property
    def uses_card(self) -> bool:
        return self.ending is not None and ENDINGS[self.ending].with_card


_BUTTONS: Mapping[str, Button] = {
    "pay": Button("Pay", "paid"),
    "cancel": Button("Cancel", "canceled"),
    "decline": Button("Decline: card expired (300)", "declined"),
    "insufficient_funds": Button("Decline: insufficient funds (SIM 901)", "insufficient_funds"),
    "refuse": Button("Decline: refused by the issuer (SIM 902)", "failed"),
    "authentication_failed": Button("3-D Secure fails (SIM 903)", "authentication_failed"),
    "pay_no_push": Button("Pay, but no push", "paid", push=False),
    "pay_no_redirect": Button("Pay, but close the page", "paid", returns=False),
    "pay_push_twice": Button("Pay, push sent twice", "paid", copies=2),
    "pay_wrong_push": Button("Pay, push with a wrong checksum", "paid", spoilt="bad_signature"),
    "expire": Button("Let the timer run out", "expired", returns=False),
    "leave": Button("Leave without paying", None, returns=False),
}
_PLAIN = ("pay", "cancel")


class Pages:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.services.store

    def blueprint(self) -> Blueprint:
        pages = Blueprint("pages", __name__)
        pages.before_request(refuse_foreign_pages)
        pages.after_request(_make_safe)
        pages.register_error_handler(
            Refusal, lambda error: (render_template("golomt/message.html", text=str(error)), error.status)
        )
        address = "/<any(payment, socialpay, confirmation):path>/<language>/<invoice>"
        pages.get(address)(self.show)
        pages.post(address)(self.submit)
        return pages

    # -- shared -----------------------------------------------------------------------------------------

    def _transaction(self, path: str, language: str, invoice: str) -> Json:
        """Clients write the language in capitals as well as in small letters."""
        found = self._ledger.of_invoice(invoice)
        if found is None or path not in _PATHS[found["kind"]] or language.lower() not in LANGUAGES:
            raise _NotHere("There is no page at this address.")
        due = found["expires"]
        if found["status"] == "open" and self._ledger.services.clock.timestamp() >= due:
            self._ledger.run_out(found, due)
        return found

    def _page(self, template: str, transaction: Json, path: str, language: str, **more: object) -> str:
        fields = transaction["fields"]
        shown = {"amount": _money(fields["amount"]), "id": transaction["id"], "merchant": transaction["merchant"]}
        return render_template(template, texts=TEXTS[language], language=language, path=path, **shown, **more)

    # -- the form ---------------------------------------------------------------------------------------

    def show(self, path: str, language: str, invoice: str) -> ResponseReturnValue:
        with self._store.change():
            transaction = self._transaction(path, language, invoice)
        return self._answer(transaction, path, language.lower())

    def _answer(self, transaction: Json, path: str, language: str, problem: str | None = None) -> str:
        """The form while the timer runs, else what became of it."""
        if transaction["status"] != "open":
            return self._page("golomt/finished.html", transaction, path, language, said=self._said(transaction))
        if self._ledger.settings["pages_need_token"] and transaction["fields"]["genToken"] == "N":
            return self._page("golomt/finished.html", transaction, path, language, said="expired")
        left = max(int(float(transaction["expires"]) - self._ledger.services.clock.timestamp()), 0)
        more = {
            "left": left,
            "left_text": f"{left // 60:02d}:{left % 60:02d}",
            "until": _clock_time(float(transaction["expires"])),
            "problem": problem,
            "small_amount": _small_amount() if transaction["kind"] == "binding" else None,
            "buttons": [(value, each.label) for value, each in _BUTTONS.items() if value not in _PLAIN],
        }
        return self._page("golomt/card.html", transaction, path, language, **more)

    def _said(self, transaction: Json) -> str:
        status = transaction["status"]
        if status == "paid" and transaction["kind"] == "binding":
            return "bound"
        return status if status in ("paid", "expired", "processing") else "failed"

    # -- what the buyer does ----------------------------------------------------------------------------

    def submit(self, path: str, language: str, invoice: str) -> ResponseReturnValue:
        """A page that is finished or whose timer ran out takes nothing but the way back."""
        wanted = request.form.get("ending", "")
        with self._store.change():
            transaction = self._transaction(path, language, invoice)
            texts = TEXTS[language.lower()]
            if wanted == "back":
                return self._back(transaction, texts)
            if wanted not in _BUTTONS:
                raise Refusal("Choose one of the buttons.")
            if transaction["status"] != "open":
                return self._answer(transaction, path, language.lower())
            button = _BUTTONS[wanted]
            card = _card(request.form) if button.uses_card else Card()
            if card is None:
                return self._answer(transaction, path, language.lower(), texts["bad_card"]), 400
            self._end(transaction, button, card)
        if button.returns:
            return self._back(transaction, texts)
        if wanted == "leave":
            return self._page("golomt/closed.html", transaction, path, language.lower())
        return self._answer(transaction, path, language.lower())

    def _end(self, transaction: Json, button: Button, card: Card) -> None:
        if button.ending == "expired":
            self._ledger.run_out(transaction, self._ledger.services.clock.timestamp())
        elif button.ending is not None:
            self._ledger.finish(transaction, ENDINGS[button.ending], push=False, card=card)
            for _copy in range(button.copies if button.push else 0):
                self._ledger.pushes.send(transaction, spoilt=button.spoilt)

    def _back(self, transaction: Json, texts: Mapping[str, str]) -> Response:
        """GUESS: after the timer the browser says so, even where an inquiry still knows no code."""
        fields, expired = transaction["fields"], ENDINGS["expired"]
        news = News(fields["errorCode"], fields["errorDesc"])
        if news.code is None and transaction["status"] == "expired":
            news = News(expired.code, expired.mn)
        return send_back(transaction, news, texts)


class _NotHere(Refusal):
    status = 404


def checkout_url(transaction: Json, base_url: str, language: str = "mn") -> str | None:
    """The address a shop builds itself; payments by token have no page."""
    if transaction["kind"] not in _PATHS:
        return None
    return f"{base_url}/{_PATHS[transaction['kind']][0]}/{language}/{transaction['invoice']}"


def _card(form: Mapping[str, str]) -> Card | None:
    """The first six and the last four digits; the others are forgotten at once. SocialPay sends no card."""
    typed = form.get("card_number")
    if typed is None:
        return Card()
    digits = re.sub(r"[ -]", "", typed)
    if not re.fullmatch(r"[0-9]{12,19}", digits):
        return None
    masked = f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"
    return Card(number=masked, holder=" ".join(form.get("card_holder", "").upper().split())[:60] or Card().holder)


def _money(amount: str | None) -> str | None:
    """Tögrög, with a space between the thousands."""
    try:
        return None if amount is None else f"{Decimal(amount):,.2f} ₮".replace(",", " ")
    except (InvalidOperation, ValueError):  # overwritten by a test
        return amount


def _small_amount() -> str:
    """The random amount that proves a card; nothing on the wire names it."""
    return f"{100 + secrets.randbelow(900)}.{secrets.randbelow(100):02d} ₮"


def _clock_time(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%H:%M:%S} UTC"


def _make_safe(response: Response) -> Response:
    for name, value in _SAFETY.items():
        response.headers.setdefault(name, value)
    return response
