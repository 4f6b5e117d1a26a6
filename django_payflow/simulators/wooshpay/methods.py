"""The payment methods a session may offer, and the test cards of the hosted page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

#: ``payment_method_types`` values seen in the documentation, and after them what integrators send besides.
_LISTED = """
    card alipay alipayplus alipay_hk wechat_pay sepa_debit boost truemoney gcash kakaopay touchngo rabbit_line_pay
    dana klarna ideal giropay sofort eps trustly bancontact p24 unionpay fpx mcash grabpay bank_transfer_id qris
    promptpay ovo shopeepay upi boleto paynow pix 9pay stitch bpi
    googlepay applepay mobile_money
"""
METHODS = tuple(_LISTED.split())
#: What the page offers for a session that names no methods; the real choice is made in the dashboard.
OFFERED_WITHOUT_CHOICE = ("card", "alipay", "wechat_pay", "ideal", "bank_transfer_id")
_TITLES = {
    "card": "Card",
    "alipay": "Alipay",
    "wechat_pay": "WeChat Pay",
    "ideal": "iDEAL",
    "bank_transfer_id": "Bank transfer",
    "sepa_debit": "SEPA direct debit",
    "googlepay": "Google Pay",
    "applepay": "Apple Pay",
    "paynow": "PayNow",
    "unionpay": "UnionPay",
}


class Card(NamedTuple):
    """One of the simulator's own test cards (SIM): none but the first is WooshPay's."""

    number: str
    #: what follows: "ok", "challenge", "disputed", or the decline code
    effect: str
    meaning: str


#: 4111... is the one card that the documentation names; the others are invented for the simulator.
CARDS: Sequence[Card] = (
    Card("4111111111111111", "ok", "is accepted"),
    Card("4000000000000002", "card_declined", "is declined; another try is possible"),
    Card("4000000000009995", "insufficient_funds", "has insufficient funds"),
    Card("4000000000003220", "challenge", "asks for 3-D Secure"),
    Card("4000000000000259", "disputed", "is accepted, and disputed later"),
)
CARDS_BY_NUMBER: Mapping[str, Card] = {card.number: card for card in CARDS}

#: code -> what the buyer reads
DECLINES: Mapping[str, str] = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "authentication_failed": "The authentication of your card failed.",
    "payment_failed": "The payment was not completed.",
    "expired_card": "Your card has expired.",
    "incorrect_number": "This is not a card number.",
}


def title(method: str) -> str:
    return _TITLES.get(method) or method.replace("_", " ").capitalize()


def offered(types: Sequence[str], disabled: Sequence[str]) -> list[str]:
    return [method for method in types or OFFERED_WITHOUT_CHOICE if method not in disabled]


def card_of(number: str) -> Card | None:
    """Numbers may be written in groups; a number that is none of the test cards is declined as a bad number."""
    return CARDS_BY_NUMBER.get("".join(number.split()).replace("-", ""))
