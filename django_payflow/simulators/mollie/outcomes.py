"""How a payment may end on the hosted page, and the facts that an ending adds to it."""

from __future__ import annotations

from typing import NamedTuple

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie import methods


class Choice(NamedTuple):
    word: str
    title: str
    meaning: str


_CHOICES = (
    Choice("paid", "Paid", "The money is on its way to the shop."),
    Choice("authorized", "Authorized", "The money is reserved; the shop takes it later."),
    Choice("open", "Open", "Go back to the shop without paying; the payment stays open."),
    Choice("pending", "Pending", "The payment was started, the bank has not decided yet."),
    Choice("failed", "Failed", "The payment was refused, for good."),
    Choice("canceled", "Canceled", "The buyer gave up."),
    Choice("expired", "Expired", "Nobody paid in time."),
)
#: Decided at once, so there is nothing to wait for (a GUESS; all others may stay pending at some bank).
_NEVER_PENDING = frozenset({"giftcard", "voucher", "paysafecard", "applepay"})


def reserves(fields: Json) -> bool:
    """Klarna and its like always, cards when the shop captures by hand or later; who cannot hold is paid at once."""
    method = methods.known(fields["method"])
    by_method = method is not None and method.authorizes
    by_shop = fields.get("captureMode") == "manual" or bool(fields.get("captureDelay"))
    return by_method or (by_shop and str(fields["method"]) in methods.HOLDS)


def choices(fields: Json) -> list[Choice]:
    """The endings that fit the method, in the order the page shows them."""
    left_out = {"paid", "pending"} if reserves(fields) else {"authorized"}
    if str(fields["method"]) in _NEVER_PENDING:
        left_out.add("pending")
    if fields["status"] == "pending":
        left_out.add("open")
    return [choice for choice in _CHOICES if choice.word not in left_out]


def facts_of(fields: Json, status: str) -> Json:
    """``details`` as the method gives them: invented buyers, and the failure reasons of the magic amounts."""
    method = fields["method"]
    if status == "failed" and method == "creditcard":
        return _card_failure(fields)
    if status not in ("paid", "authorized"):
        return {}
    if method == "creditcard":
        return {
            "details": {
                "cardHolder": "Sim Buyer",
                "cardNumber": "0005",
                "cardLabel": "American Express",
                "cardAudience": "consumer",
                "cardCountryCode": "NL",
                "cardSecurity": "normal",
                "feeRegion": "other",
            }
        }
    if method in ("ideal", "bancontact", "banktransfer", "belfius", "kbc", "eps", "trustly"):
        return {
            "details": {
                "consumerName": "Sim Buyer",
                "consumerAccount": "NL00SIMU0000000000",
                "consumerBic": "SIMUNL2A",
            }
        }
    return {}


def _card_failure(fields: Json) -> Json:
    """Only the documented amounts in EUR name a reason."""
    reason = methods.MAGIC_CARD_FAILURES.get(fields["amount"]["value"])
    if reason is None or fields["amount"]["currency"] != "EUR":
        return {}
    return {"details": {"failureReason": reason, "failureMessage": "The card was refused; try another one."}}
