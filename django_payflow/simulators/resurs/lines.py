"""Order lines: read from requests, kept in hundredths, shown as they are answered."""

from __future__ import annotations

from collections.abc import Sequence

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs.amounts import count, money, rounded, vat_within
from django_payflow.simulators.resurs.bodies import Reader

TYPES = (
    "NORMAL",
    "PHYSICAL_GOODS",
    "DIGITAL_GOODS",
    "DISCOUNT",
    "SHIPPING",
    "FEE",
    "GIFT_CARD",
    "OTHER_PAYMENT",
)
MOST = 1000
#: The legacy documentation tolerates this much of rounding in VAT, in hundredths.
_VAT_TOLERANCE = 5


def read_lines(reader: Reader, *, required: bool, strict_vat: bool = False) -> list[Json] | None:
    """The lines of a request, None where there are none. An empty list is refused: everything is ``{}``."""
    if not reader.has("orderLines") and not required:
        return None
    return [_read_line(line, strict_vat) for line in reader.items("orderLines", 1, MOST, required=True)]


def _read_line(reader: Reader, strict_vat: bool) -> Json:
    line: Json = {
        "type": reader.word("type", TYPES),
        "reference": reader.text("reference", 50),
        "description": reader.text("description", 100),
        "quantity": reader.hundredths("quantity", required=True, least=1),
        "quantityUnit": reader.text("quantityUnit", 50, required=True),
        "vatRate": reader.hundredths("vatRate", required=True, least=0, most=10000),
        "unit": reader.hundredths("unitAmountIncludingVat"),
        "total": reader.hundredths("totalAmountIncludingVat", required=True),
        "vat": reader.hundredths("totalVatAmount"),
    }
    if line["total"] is None or line["vatRate"] is None:  # noted already
        return line
    expected = vat_within(line["total"], line["vatRate"])
    if line["vat"] is None:
        line["vat"] = expected
    elif strict_vat and abs(line["vat"] - expected) > _VAT_TOLERANCE:
        reader.blame("totalVatAmount", "does not fit the total and the rate")
    return line


def one_line(description: str, total: int, rate: int) -> Json:
    """A line that stands for an amount: what is left of an order, what somebody typed into the merchant portal."""
    return {
        "type": "NORMAL",
        "reference": None,
        "description": description,
        "quantity": 100,
        "quantityUnit": "st",
        "vatRate": rate,
        "unit": total,
        "total": total,
        "vat": vat_within(total, rate),
    }


def total_of(lines: Sequence[Json]) -> int:
    return sum(int(line["total"]) for line in lines)


def with_total(line: Json, total: int) -> Json:
    return line | {"total": total, "vat": vat_within(total, line["vatRate"]), "unit": None}


def shape(line: Json) -> Json:
    """A unit amount that nobody sent is worked out. What was not given is left out."""
    unit = line["unit"]
    if unit is None:
        unit = rounded(money(line["total"]) * 10000 / line["quantity"])
    shown = {
        "type": line["type"],
        "reference": line["reference"],
        "description": line["description"],
        "quantity": count(line["quantity"]),
        "quantityUnit": line["quantityUnit"],
        "vatRate": count(line["vatRate"]),
        "unitAmountIncludingVat": money(unit),
        "totalAmountIncludingVat": money(line["total"]),
        "totalVatAmount": money(line["vat"]),
    }
    return {name: value for name, value in shown.items() if value is not None}
