"""Payment methods of a store, what credit costs, and the legal texts that go with it. All numbers are invented."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs.accounts import STORES, Store
from django_payflow.simulators.resurs.amounts import money, rounded


class Method(NamedTuple):
    """Limits are whole units of the store's currency. ``direct`` methods take the money at once, never reserve it.

    Without ``partial`` only the whole can be captured, cancelled or refunded (method data of 2022, so a GUESS).
    """

    code: str
    type: str
    name: str
    least: int
    most: int
    natural: bool = True
    legal: bool = False
    months: tuple[int, ...] = ()
    interest: str = "0"
    direct: bool = False
    partial: bool = True
    countries: tuple[str, ...] = ("SE", "NO", "FI", "DK")

    @property
    def is_credit(self) -> bool:
        return self.type.startswith("RESURS_")


#: In the order of their display. Types outside the documented set would break the official library's whole list.
CATALOGUE = (
    Method("invoice", "RESURS_INVOICE", "Faktura", 1, 50000),
    Method("part", "RESURS_PART_PAYMENT", "Delbetalning", 100, 50000, months=(3, 6, 12, 24, 36), interest="19.9"),
    Method("account", "RESURS_REVOLVING_CREDIT", "Resurs Konto", 100, 50000, months=(12, 24, 36), interest="21.9"),
    Method("new-account", "RESURS_NEW_REVOLVING_CREDIT", "Resurs Konto, ny kund", 100, 50000, months=(12, 24, 36)),
    Method("card-account", "RESURS_CARD", "Resurs-kort", 1, 50000, months=(12,), interest="18.9"),
    Method("zero", "RESURS_ZERO", "Betala senare", 1, 30000, months=(3,)),
    Method("invoice-legal", "RESURS_INVOICE", "Faktura företag", 1, 100000, natural=False, legal=True),
    Method("card", "DEBIT_CARD", "Kort", 1, 100000, legal=True, partial=False),
    Method("swish", "SWISH", "Swish", 1, 100000, direct=True, partial=False, countries=("SE",)),
    Method("trustly", "INTERNET", "Trustly", 1, 100000, direct=True, partial=False, countries=("SE", "FI", "DK")),
)
#: The one id that is written down, for the default store's invoice.
_FIXED_IDS: Mapping[tuple[str, str], str] = {(STORES[0].id, "invoice"): "7d63eb50-0000-4000-8000-0000000000b2"}
_ADMINISTRATION_FEE, _SETUP_FEE = 2900, 9500
_PRICED_KINDS = ("SECCI", "PRICE_INFO")


def of_store(store: Store) -> list[Method]:
    return [method for method in CATALOGUE if store.country in method.countries]


def id_of(method: Method, store: Store) -> str:
    """Method ids differ from store to store."""
    fixed = _FIXED_IDS.get((store.id, method.code))
    return fixed or str(uuid.uuid5(uuid.UUID(store.id), method.code))


def find(method_id: str, store: Store) -> Method | None:
    return next((each for each in of_store(store) if id_of(each, store) == method_id.lower()), None)


def fits(method: Method, amount: int) -> bool:
    """``amount`` in hundredths, against the purchase limits."""
    return method.least * 100 <= amount <= method.most * 100


def shape(method: Method, store: Store, base: str) -> Json:
    return {
        "id": id_of(method, store),
        "name": method.name,
        "type": method.type,
        "minPurchaseLimit": Decimal(method.least),
        "maxPurchaseLimit": Decimal(method.most),
        "minApplicationLimit": Decimal(method.least),
        "maxApplicationLimit": Decimal(method.most),
        "legalLinks": _legal_links(method, base),
        "enabledForLegalCustomer": method.legal,
        "enabledForNaturalCustomer": method.natural,
        "priceSignagePossible": bool(method.months),
    }


def _legal_links(method: Method, base: str) -> list[Json]:
    """Where ``appendAmount`` is set the shop appends the amount to the address."""
    if not method.is_credit:
        return []
    links = [{"url": f"{base}/legal/{method.code}/GENERAL_TERMS", "type": "GENERAL_TERMS", "appendAmount": False}]
    for kind in _PRICED_KINDS if method.months else ():
        links.append({"url": f"{base}/legal/{method.code}/{kind}?amount=", "type": kind, "appendAmount": True})
    return links


# -- what credit costs ----------------------------------------------------------------------------------


def _factor(method: Method, months: int) -> Decimal:
    """What is paid per month for each unit borrowed."""
    rate = Decimal(method.interest) / 1200
    factor = rate / (1 - (1 + rate) ** -months) if rate else Decimal(1) / months
    return factor.quantize(Decimal("0.000001"))


def annuity_factors(method: Method) -> Sequence[Json]:
    return [
        {
            "paymentPlanName": f"{months} månader",
            "annuityFactor": _factor(method, months),
            "durationMonths": months,
            "administrationFee": money(_ADMINISTRATION_FEE),
            "setupFee": money(_SETUP_FEE),
            "interest": Decimal(method.interest),
        }
        for months in method.months
    ]


def price_signage(method: Method, amount: int, base: str) -> Json:
    links = [{"uri": f"{base}/legal/{method.code}/{kind}", "language": "sv"} for kind in ("SECCI", "GENERAL_TERMS")]
    costs = [_cost(method, months, amount) for months in method.months]
    return {"secciLinks": links[:1], "generalTermsLinks": links[1:], "costList": costs}


def _cost(method: Method, months: int, amount: int) -> Json:
    monthly = rounded(amount * _factor(method, months)) + _ADMINISTRATION_FEE
    yearly = ((1 + Decimal(method.interest) / 1200) ** 12 - 1) * 100
    return {
        "interest": Decimal(method.interest),
        "durationMonths": months,
        "totalCost": money(monthly * months + _SETUP_FEE),
        "monthlyCost": money(monthly),
        "administrationFee": money(_ADMINISTRATION_FEE),
        "effectiveInterest": yearly.quantize(Decimal("0.01")),
    }


#: The credit application form; names of fields are invented.
APPLICATION_FORM: Sequence[Json] = (
    {"type": "HEADING", "label": "Your credit application"},
    {"type": "TEXT", "label": "Employer", "fieldName": "employer", "required": False, "maxLength": 50},
    {"type": "NUMBER", "label": "Monthly income", "fieldName": "monthlyIncome", "required": True, "min": 0},
    {
        "type": "LIST",
        "label": "Housing",
        "fieldName": "housing",
        "required": True,
        "options": [{"label": "Rented", "value": "RENTED"}, {"label": "Owned", "value": "OWNED"}],
    },
    {"type": "CHECKBOX", "label": "I have read the terms", "fieldName": "terms", "required": True},
)
