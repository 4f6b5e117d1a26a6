"""Stripe's test cards and test bank accounts, and what each of them does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Decline(NamedTuple):
    """Why an attempt fails: the error's code, its decline code, and a sentence for the buyer."""

    code: str
    decline_code: str | None
    message: str


class Instrument(NamedTuple):
    """What the buyer pays with, and everything that follows from it."""

    method: str
    number: str
    what: str
    brand: str = "visa"
    decline: Decline | None = None
    #: a 3-D Secure step comes first; a decline then follows it
    authenticates: bool = False
    #: "pending": refunds take their time; "fails": they fail later
    refunds: str = "at_once"
    #: "dispute", "inquiry" or "warning", some seconds after the money moved
    trouble: str | None = None
    trouble_reason: str = "fraudulent"
    #: of a delayed method: which switch says how long it takes, and whether it fails
    slow: bool = False
    fails: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]


_DECLINED = "Your card was declined."
GENERIC = Decline("card_declined", "generic_decline", _DECLINED)
INSUFFICIENT = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
NOT_A_TEST_CARD = Decline("card_declined", "test_mode_live_card", f"{_DECLINED} Use one of the test cards.")
WRONG_NUMBER = Decline("incorrect_number", None, "Your card number is incorrect.")
NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure", None, "We could not authenticate this payment. Try another card."
)
DEBIT_FAILED = Decline("charge_exceeds_source_limit", None, "The bank refused the direct debit.")


def _card(number: str, what: str, **more: object) -> Instrument:
    return Instrument("card", number, what)._replace(**more)  # type: ignore[arg-type]  # names are checked by _replace


_CARDS = (
    _card("4242424242424242", "succeeds"),
    _card("5555555555554444", "succeeds", brand="mastercard"),
    _card("4000000000000077", "succeeds; the money is available at once"),
    _card("4000000000000002", "is declined", decline=GENERIC),
    _card("4000000000009995", "is declined: insufficient funds", decline=INSUFFICIENT),
    _card("4000000000009987", "is declined: lost card", decline=Decline("card_declined", "lost_card", _DECLINED)),
    _card("4000000000009979", "is declined: stolen card", decline=Decline("card_declined", "stolen_card", _DECLINED)),
    _card(
        "4000000000000069",
        "is declined: expired card",
        decline=Decline("expired_card", "expired_card", "Your card has expired."),
    ),
    _card(
        "4000000000000127",
        "is declined: wrong CVC",
        decline=Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    ),
    _card(
        "4000000000000119",
        "is declined: processing error",
        decline=Decline("processing_error", "processing_error", "An error occurred while processing your card."),
    ),
    _card("4000000000000341", "can be saved, then is declined", decline=GENERIC),
    _card("4000000000003220", "asks for 3-D Secure", authenticates=True),
    _card("4000002760003184", "asks for 3-D Secure, always", authenticates=True),
    _card("4000002500003155", "asks for 3-D Secure unless set up", authenticates=True),
    _card("4000008400001629", "asks for 3-D Secure, then is declined", authenticates=True, decline=GENERIC),
    _card(
        "4000008260003178",
        "asks for 3-D Secure, then has insufficient funds",
        authenticates=True,
        decline=INSUFFICIENT,
    ),
    _card("4000000000000259", "succeeds, then is disputed as fraudulent", trouble="dispute"),
    _card(
        "4000000000002685",
        "succeeds, then is disputed as not received",
        trouble="dispute",
        trouble_reason="product_not_received",
    ),
    _card("4000000000001976", "succeeds, then the bank inquires", trouble="inquiry"),
    _card("4000000000005423", "succeeds, then an early fraud warning comes", trouble="warning"),
    _card("4000000000007726", "succeeds; refunds take their time", refunds="pending"),
    _card("4000000000005126", "succeeds; refunds fail later", refunds="fails"),
)


def _debit(
    iban: str, what: str, *, slow: bool = False, fails: bool = False, trouble: str | None = None
) -> Instrument:
    return Instrument("sepa_debit", iban, what, slow=slow, fails=fails, refunds="pending", trouble=trouble)


_ACCOUNTS = (
    _debit("AT611904300234573201", "is collected soon"),
    _debit("AT321904300235473204", "is collected after three minutes", slow=True),
    _debit("AT861904300235473202", "fails soon", fails=True),
    _debit("AT051904300235473205", "fails after three minutes", slow=True, fails=True),
    _debit("AT591904300235473203", "is collected soon, then disputed", trouble="dispute"),
)

CARDS: Mapping[str, Instrument] = {card.number: card for card in _CARDS}
ACCOUNTS: Mapping[str, Instrument] = {account.number: account for account in _ACCOUNTS}


def card(typed: str) -> Instrument:
    """Numbers that are no test cards are declined, numbers that no card can have are called incorrect."""
    number = "".join(typed.split()).replace("-", "")
    if number in CARDS:
        return CARDS[number]
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and _luhn(number)):
        return Instrument("card", number, "", decline=WRONG_NUMBER)
    return Instrument("card", number, "", decline=NOT_A_TEST_CARD)


def account(typed: str) -> Instrument | None:
    return ACCOUNTS.get("".join(typed.split()).upper())


def found(number: str) -> Instrument:
    """By the number that was stored with a charge."""
    return ACCOUNTS.get(number) or card(number)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
