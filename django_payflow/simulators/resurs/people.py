"""The test persons and companies of Resurs' documentation: what becomes of a payment that they sign."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from django_payflow.simulators.host import Json


class Outcome(NamedTuple):
    """``lands`` is the status after signing; ``seconds`` later it becomes ``then``, where that is set."""

    lands: str
    reason: str | None = None
    seconds: int | None = None
    then: str | None = None


SIGNED = Outcome("ACCEPTED")
DENIED = Outcome("REJECTED", "CREDIT_DENIED")
FROZEN = Outcome("FROZEN")
_MINUTE, _DAY = 60, 86400


def _thaws(seconds: int) -> Outcome:
    return Outcome("FROZEN", None, seconds, "ACCEPTED")


def _annulled(seconds: int) -> Outcome:
    return Outcome("FROZEN", "PAYMENT_FROZEN", seconds, "REJECTED")


def _inspected(seconds: int) -> Outcome:
    return Outcome("INSPECTION", None, seconds, "ACCEPTED")


def _turned_down(seconds: int) -> Outcome:
    return Outcome("INSPECTION", "CREDIT_DENIED", seconds, "REJECTED")


#: (country, id without century and punctuation) -> what happens
_PEOPLE: Mapping[tuple[str, str], Outcome] = {
    ("SE", "8305147715"): SIGNED,
    ("SE", "8801082382"): SIGNED,
    ("SE", "7211072793"): DENIED,
    ("SE", "5004269741"): DENIED,
    ("SE", "8209123705"): FROZEN,
    ("SE", "8001010001"): _thaws(5),
    ("SE", "9401012381"): _thaws(10 * _MINUTE),
    ("SE", "7801069241"): _annulled(5),
    ("SE", "8909194451"): _annulled(10 * _MINUTE),
    ("SE", "9105149612"): _inspected(10),
    ("SE", "9010242395"): _inspected(5 * _MINUTE),
    ("SE", "9010122399"): _inspected(30 * _MINUTE),
    ("SE", "8711192396"): _inspected(_DAY),
    ("SE", "9111282399"): _turned_down(10),
    ("SE", "8810112394"): _turned_down(5 * _MINUTE),
    ("SE", "8806192392"): _turned_down(30 * _MINUTE),
    ("SE", "9111292398"): _turned_down(_DAY),
    # companies, documented for the legacy flow only
    ("SE", "6997368573"): SIGNED,
    ("SE", "9468958195"): DENIED,
    ("SE", "2177385255"): DENIED,
    ("SE", "2830419400"): FROZEN,
    ("NO", "18087248794"): SIGNED,
    ("NO", "01024924986"): DENIED,
    ("NO", "02084929428"): FROZEN,
    ("FI", "2305807335"): SIGNED,
    ("FI", "2209509256"): DENIED,
    ("FI", "1405844785"): FROZEN,
    ("DK", "1402853877"): SIGNED,
    ("DK", "0212500003"): DENIED,
    ("DK", "0605803736"): FROZEN,
}
_FORMS = {
    ("SE", "NATURAL"): r"(18|19|20)?\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]|[67]\d|8\d|9[01])[-+]?\d{4}",
    ("SE", "LEGAL"): r"(16|18|19|20)?\d{6}[-+]?\d{4}",
    ("NO", "NATURAL"): r"\d{6}-?\d{5}",
    ("FI", "NATURAL"): r"\d{6}[-+A-Za-z]\d{3}[0-9A-Za-z]",
    ("DK", "NATURAL"): r"\d{6}-?\d{4}",
}
#: Company numbers outside Sweden: the forms are not in the documentation (GUESS).
_ANY_COMPANY = r"[A-Za-z]{0,2}[\d-]{7,12}"


def is_valid(government_id: str, country: str, customer_type: str) -> bool:
    """Its form only. What else Resurs checks is not documented; check digits are left alone here."""
    form = _FORMS.get((country, customer_type), _ANY_COMPANY)
    return re.fullmatch(form, government_id.strip(), re.ASCII) is not None


def comparable(government_id: str, country: str) -> str:
    """Without punctuation, and in Sweden without the century, which may be left out."""
    bare = re.sub(r"[^0-9A-Za-z]", "", government_id).upper()
    return bare[-10:] if country == "SE" else bare


def outcome_of(government_id: str | None, country: str) -> Outcome:
    """Whoever is not a documented test person is accepted (GUESS)."""
    return _PEOPLE.get((country, comparable(government_id or "", country)), SIGNED)


def address_of(government_id: str, customer_type: str) -> Json | None:
    """Where a Swedish test person lives; None for others. Only the first address is documented."""
    bare = comparable(government_id, "SE")
    if ("SE", bare) not in _PEOPLE:
        return None
    if bare == "8305147715":
        names = {"fullName": "Vincent Williamsson Alexandersson", "firstName": "Vincent", "lastName": "Alexandersson"}
        return names | {
            "addressRow1": "Glassgatan 15",
            "postalArea": "Göteborg",
            "postalCode": "41655",
            "countryCode": "SE",
        }
    company = customer_type == "LEGAL"
    names = {"fullName": f"Simbolaget {bare[-4:]} AB"} if company else _names(bare)
    return names | {
        "addressRow1": f"Simgatan {int(bare[-4:])}",
        "postalArea": "Helsingborg",
        "postalCode": "25467",
        "countryCode": "SE",
    }


def _names(bare: str) -> Json:
    return {"fullName": f"Sim Person {bare[-4:]}", "firstName": "Sim", "lastName": f"Person {bare[-4:]}"}
