"""The payment methods of the simulated account: limits, currencies, how long a payment stays open."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie.amounts import CURRENCIES, amount
from django_payflow.simulators.mollie.answers import link

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_EUR = ("EUR",)
_CARDS = tuple(sorted(CURRENCIES - {"RUB"}))
_WALLETS = tuple(sorted(CURRENCIES - {"AED", "BGN", "ISK", "RON", "RUB", "ZAR"}))
_NORDIC = ("EUR", "DKK", "GBP", "NOK", "SEK", "CHF")


class Method(NamedTuple):
    """``expires``: seconds until an open payment expires. ``authorizes``: reserves money first, always."""

    id: str
    title: str
    currencies: tuple[str, ...]
    minimum: str
    maximum: str
    expires: int
    authorizes: bool = False
    needs_lines: bool = False
    refundable: bool = True
    #: activated in the simulated account's dashboard
    active: bool = True


# Expiry: status-changes page of 2024; where it says nothing, one hour is a GUESS. Limits: only iDEAL's and the
# card example's are documented, the others are a GUESS of a believable size. Paysafecard and gift cards cannot
# be refunded. Klarna, Billie and Riverty authorize first; the lines rule is the spec's.
_TABLE: tuple[Method, ...] = (
    Method("ideal", "iDEAL", _EUR, "0.01", "50000.00", 15 * _MINUTE),
    Method("creditcard", "Card", _CARDS, "0.01", "2000.00", 30 * _MINUTE),
    Method("paypal", "PayPal", _WALLETS, "0.01", "8000.00", 72 * _HOUR),
    Method("bancontact", "Bancontact", _EUR, "0.02", "50000.00", _HOUR),
    Method("banktransfer", "Bank transfer", _EUR, "0.01", "1000000.00", 12 * _DAY),
    Method("klarna", "Pay with Klarna", _NORDIC, "0.10", "10000.00", 48 * _HOUR, True, True),
    Method("billie", "Pay by invoice for businesses", _NORDIC, "0.10", "50000.00", _HOUR, True, True),
    Method("riverty", "Riverty", _EUR, "0.10", "10000.00", _HOUR, True, True),
    Method("in3", "iDEAL in 3 instalments", _EUR, "50.00", "5000.00", 48 * _HOUR, False, True),
    Method("applepay", "Apple Pay", _CARDS, "0.01", "10000.00", 30 * _MINUTE),
    Method("belfius", "Belfius Pay Button", _EUR, "0.01", "50000.00", _HOUR),
    Method("kbc", "KBC/CBC Payment Button", _EUR, "0.01", "50000.00", _HOUR),
    Method("eps", "eps", _EUR, "1.00", "50000.00", _HOUR),
    Method("przelewy24", "Przelewy24", ("EUR", "PLN"), "0.01", "12815.00", _HOUR),
    Method("blik", "BLIK", ("PLN",), "0.01", "10000.00", _HOUR),
    Method("mybank", "MyBank", _EUR, "0.01", "50000.00", 45 * _MINUTE),
    Method("paysafecard", "paysafecard", _EUR, "1.00", "999.00", 15 * _MINUTE, refundable=False),
    Method("giftcard", "Gift cards", _EUR, "0.01", "100.00", _HOUR, refundable=False),
    Method("voucher", "Vouchers", _EUR, "0.01", "1000.00", 2 * _HOUR, False, True),
    Method("directdebit", "SEPA Direct Debit", _EUR, "0.01", "1000.00", _HOUR),
    Method("trustly", "Trustly", _NORDIC, "0.01", "50000.00", _HOUR),
    Method("twint", "TWINT", ("CHF",), "0.01", "5000.00", _HOUR),
    Method("swish", "Swish", ("SEK",), "0.01", "10000.00", _HOUR),
    Method("mobilepay", "MobilePay", _NORDIC, "0.01", "10000.00", _HOUR, active=False),
    Method("alma", "Alma", _EUR, "50.00", "2000.00", _HOUR, active=False),
    Method("bacs", "BACS Direct Debit", ("GBP",), "0.01", "5000.00", _HOUR, active=False),
    Method("bancomatpay", "BANCOMAT Pay", _EUR, "0.01", "1500.00", _HOUR, active=False),
    Method("billink", "Billink", _EUR, "0.01", "2000.00", _HOUR, False, True, active=False),
    Method("bizum", "Bizum", _EUR, "0.01", "2000.00", _HOUR, active=False),
    Method("mbway", "MB Way", _EUR, "0.01", "5000.00", _HOUR, active=False),
    Method("multibanco", "Multibanco", _EUR, "0.01", "99999.00", _DAY, active=False),
    Method("paybybank", "Pay by Bank", ("EUR", "GBP"), "0.01", "50000.00", _HOUR, active=False),
    Method("pointofsale", "Point of sale", _EUR, "0.01", "50000.00", _HOUR, active=False),
    Method("satispay", "Satispay", _EUR, "0.01", "5000.00", _HOUR, active=False),
    Method("vipps", "Vipps", ("NOK",), "0.01", "10000.00", _HOUR, active=False),
)
METHODS = {method.id: method for method in _TABLE}

#: An open payment whose method is not chosen yet: the sheet's example (two methods offered) shows 15 minutes.
EXPIRES_WITHOUT_METHOD = 15 * _MINUTE

#: Several captures for one authorization; which methods can is a GUESS. Others become ``paid`` on the first.
MULTI_CAPTURE = frozenset({"klarna", "billie", "riverty"})

#: Can be authorized only (hold page, 2026); Apple Pay, a card underneath, is a GUESS. The others are paid at once.
HOLDS = frozenset({"creditcard", "applepay", "klarna", "billie", "riverty", "vipps", "mobilepay"})

#: Card failures by amount in EUR, when *failed* is chosen (testing page).
MAGIC_CARD_FAILURES = {
    "1001.00": "invalid_card_number",
    "1002.00": "invalid_cvv",
    "1003.00": "invalid_card_holder_name",
    "1004.00": "card_expired",
    "1005.00": "invalid_card_type",
    "1006.00": "refused_by_issuer",
    "1007.00": "insufficient_funds",
    "1008.00": "inactive_card",
    "1009.00": "possible_fraud",
    "1010.00": "authentication_failed",
    "1011.00": "card_declined",
}


def active(disabled: Sequence[str]) -> list[Method]:
    return [method for method in _TABLE if method.active and method.id not in disabled]


def fits(method: Method, currency: str, value: Decimal) -> bool:
    """Limits are kept in EUR; other currencies are compared with the same numbers, which is a GUESS."""
    if currency not in method.currencies:
        return False
    return Decimal(method.minimum) <= value <= Decimal(method.maximum)


def takes_zero(method: Method) -> bool:
    """A first payment of 0.00 only asks for consent; cards and PayPal can do that."""
    return method.id in ("creditcard", "paypal")


def known(method: object) -> Method | None:
    """The method of a payment, if it is in the table: not chosen yet, or overwritten by a test, it is not."""
    return METHODS.get(method) if isinstance(method, str) else None


def seconds_open(method: object) -> int:
    found = known(method)
    return found.expires if found else EXPIRES_WITHOUT_METHOD


def method_shape(method: Method, base: str, currency: str = "EUR") -> Json:
    icon = f"{base}/icons/{method.id}"
    shown = currency if currency in method.currencies else method.currencies[0]
    return {
        "resource": "method",
        "id": method.id,
        "description": method.title,
        "minimumAmount": amount(shown, Decimal(method.minimum)),
        "maximumAmount": amount(shown, Decimal(method.maximum)),
        "image": {"size1x": f"{icon}.svg", "size2x": f"{icon}.svg", "svg": f"{icon}.svg"},
        "status": "activated",
        "_links": {"self": link(f"{base}/v2/methods/{method.id}")},
    }
