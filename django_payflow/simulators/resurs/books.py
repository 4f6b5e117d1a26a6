"""What a payment's action log adds up to, and what may still be done with the money."""

from __future__ import annotations

from typing import NamedTuple

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs.lines import MOST, one_line, total_of

CREATE, MODIFY, CAPTURE, REFUND, CANCEL = "CREATE", "MODIFY_ORDER", "CAPTURE", "REFUND", "CANCEL"


class Sums(NamedTuple):
    """Hundredths. ``captured`` is gross: refunds do not lower it."""

    total: int
    canceled: int
    authorized: int
    captured: int
    refunded: int

    @property
    def refundable(self) -> int:
        return self.captured - self.refunded


def sums_of(payment: Json) -> Sums:
    """Nothing counts as authorized unless the payment is ACCEPTED (GUESS for the other statuses)."""
    by_type = dict.fromkeys((CREATE, MODIFY, CAPTURE, REFUND, CANCEL), 0)
    for entry in payment["log"]:
        by_type[entry["type"]] += total_of(entry["lines"])
    total = by_type[CREATE] + by_type[MODIFY]
    left = max(total - by_type[CANCEL] - by_type[CAPTURE], 0)
    holds = payment["status"] == "ACCEPTED" and not payment["undecided"]
    return Sums(total, by_type[CANCEL], left if holds else 0, by_type[CAPTURE], by_type[REFUND])


def possible_actions(payment: Json) -> list[str]:
    """A frozen payment can be cancelled as a whole. Some methods move only the whole amount, always."""
    sums = sums_of(payment)
    if payment["status"] == "FROZEN":
        return [CANCEL]
    found = []
    if sums.authorized:
        found += [CAPTURE, CANCEL]
    if sums.refundable > 0 and not payment["undecided"]:
        found.append(REFUND)
    if not payment["method"]["partial"]:
        return found
    return [name for action in found for name in (action, f"PARTIAL_{action}")]


def lines_of(payment: Json, *types: str) -> list[Json]:
    return [line for entry in payment["log"] if entry["type"] in types for line in entry["lines"]]


def entry_of(payment: Json, action_id: str) -> Json | None:
    return next((entry for entry in payment["log"] if entry["actionId"] == action_id.lower()), None)


def left_over(payment: Json, left: int, *types: str) -> list[Json]:
    """The lines of ``types`` as long as they are what is left, else one line for the amount (GUESS)."""
    found = lines_of(payment, *types)
    if total_of(found) == left and len(found) <= MOST:
        return found
    return [line_for(payment, left)]


def line_for(payment: Json, amount: int, description: str = "Remaining amount") -> Json:
    """One line with the VAT rate of the order's first."""
    return one_line(description, amount, payment["log"][0]["lines"][0]["vatRate"])
