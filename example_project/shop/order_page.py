"""What the order page says: the truth of the rows, in a shop's words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django_payflow.models import Order, Payment
from django_payflow.money import Money

from .models import Shipment
from .words import BANK_IS_WORKING, MAIL_WORDS, MONEY_WORDS, UNKNOWN, WORDS, WORDS_BY_PAYMENT, Words

_SECURED = {"processing", "completed"}
_CLOSED = {"canceled", "expired"}
_NEWS_EXPECTED = {"due", "running", "retry_wait"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A line of "how it stands": its state is ``done``, ``now``, ``todo`` or ``bad``."""

    title: str
    text: str
    state: str


@dataclass(frozen=True, kw_only=True)
class VatShare:
    """The VAT that is inside the prices, for one rate."""

    rate: Decimal
    money: Money


class OrderPage:
    """An order with everything its page shows."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.status = str(order.status)
        self.lines = list(order.lines.all())
        self.payments = list(order.payments.order_by("pk"))
        self.fulfilments = {row.handler: str(row.status) for row in order.fulfilments.order_by("pk")}
        self.shipment = Shipment.objects.filter(order=order).first()

    @property
    def words(self) -> Words:
        """The status, as closely as the rows can tell."""
        payment = self._telling_payment
        closer = WORDS_BY_PAYMENT.get((self.status, str(payment.status))) if payment else None
        return closer or WORDS.get(self.status, UNKNOWN)

    @property
    def total(self) -> Money:
        """What the buyer pays."""
        return Money(minor=self.order.total, currency=self.order.currency)

    @property
    def vat(self) -> list[VatShare]:
        """The VAT inside the total, per rate."""
        gross: dict[Decimal, int] = {}
        for line in self.lines:
            gross[line.vat_rate] = gross.get(line.vat_rate, 0) + line.total
        return [
            VatShare(rate=rate, money=Money(minor=vat_inside(amount, rate), currency=self.order.currency))
            for rate, amount in sorted(gross.items())
        ]

    @property
    def can_pay(self) -> bool:
        """Whether to offer the pay button: never while a bank works on an attempt."""
        return bool(self.order.can_be_paid) and self.words is not BANK_IS_WORKING

    @property
    def is_live(self) -> bool:
        """Whether news is expected soon, so that the page should look again by itself."""
        return self.status in {"pending", "processing"} or not _NEWS_EXPECTED.isdisjoint(self.fulfilments.values())

    @property
    def steps(self) -> list[Step]:
        """What happened so far, in the order in which it happens."""
        placed = Step(title="Order placed", text=f"{self.order.created_at:%d %B %Y}".lstrip("0"), state="done")
        if self.status in _CLOSED:
            return [placed, self._payment_step()]
        return [placed, self._payment_step(), self._parcel_step(), self._mail_step()]

    @property
    def _telling_payment(self) -> Payment | None:
        """The payment that says most: the one that pays the order, else the last attempt."""
        paying = [payment for payment in self.payments if payment.status in {"paid", "authorized"}]
        told = paying if self.status in _SECURED and paying else self.payments[-1:]
        return told[0] if told else None

    def _payment_step(self) -> Step:
        payment = self._telling_payment
        if self.status in _SECURED:
            label = payment.label if payment else ""
            title = "Approved" if label == "authorized" else "Paid"
            return Step(title=title, text=MONEY_WORDS.get(label, "Your payment is in."), state="done")
        return Step(title="Payment", text=self.words.badge, state="bad" if self.words.tone == "bad" else "now")

    def _parcel_step(self) -> Step:
        if self.shipment is not None:
            return Step(title="Shipped", text=f"Parcel {self.shipment.tracking_code}", state="done")
        if self.fulfilments.get("ship") == "failed":
            return Step(title="Parcel", text="Delayed; we are looking into it.", state="bad")
        if self.status in _SECURED:
            return Step(title="Parcel", text="Being packed.", state="now")
        return Step(title="Parcel", text="Leaves us once you have paid.", state="todo")

    def _mail_step(self) -> Step:
        text, state = MAIL_WORDS.get(self.fulfilments.get("confirmation", ""), ("Comes by e-mail.", "todo"))
        return Step(title="Confirmation", text=text, state=state)


def vat_inside(gross: int, rate: Decimal) -> int:
    """Return the VAT that a gross amount contains, rounded half up to a cent."""
    return int((gross * rate / (100 + rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def masked(email: str) -> str:
    """Return enough of an address to recognise it, for whoever holds the order's link."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}…{at}{domain}" if at else ""
