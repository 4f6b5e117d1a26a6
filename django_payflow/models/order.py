"""Orders: what the shop sells, and the status that follows its payments."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from typing import Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from .. import clock
from ..conf import order_model_name
from ..exceptions import InvalidCheckout
from ..fields import EncryptedJSONField
from ..messages import Buyer, Line, LineKind
from ..money import Money
from ..states import ORDER_MOVES, PAYABLE_ORDER, OrderStatus
from .fsm import SafeRefreshMixin, mover, status_constraint, status_field

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: references are read out over the phone."""


def new_reference() -> str:
    """Return a public order reference: 16 random characters, 80 bits, not to be guessed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


class OrderQuerySet(models.QuerySet[Any]):
    """Questions about orders, and the way to make one."""

    def new(self, *, currency: str, lines: Iterable[OrderLine], **fields: Any) -> Any:
        """Save a draft order with these unsaved lines; its total is their sum.

        Raises ``ValueError`` for an order without lines, ``ConfigurationError`` for an unknown currency.
        """
        rows = list(lines)
        if not rows:
            raise ValueError("an order needs at least one line")
        for row in rows:
            row.full_clean(exclude=["order"])
        total = Money(minor=sum(row.total for row in rows), currency=currency)
        with transaction.atomic(using=self.db):
            order = self.create(currency=currency, total=total.minor, **fields)
            for row in rows:
                row.order = order
            OrderLine.objects.using(self.db).bulk_create(rows)
        return order

    def awaiting_payment(self) -> Self:
        """Orders whose buyer may pay now."""
        return self.filter(status__in=[status.value for status in PAYABLE_ORDER])


class AbstractOrder(SafeRefreshMixin, models.Model):
    """What payflow needs of an order. A shop with a model of its own inherits this one and sets
    ``PAYFLOW_ORDER_MODEL = "shop.Order"`` before its first migration.

    Nothing but the flow writes ``status``.
    """

    reference = models.CharField(max_length=32, unique=True, default=new_reference, editable=False)
    status = status_field(OrderStatus, OrderStatus.DRAFT)
    total = models.BigIntegerField(
        validators=[MinValueValidator(0)], help_text="What the buyer pays, in minor units of the currency."
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217 code, such as EUR.")
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=200, blank=True)
    payment_details = EncryptedJSONField(
        default=dict,
        blank=True,
        help_text="What only payment providers need of the buyer, by the names of messages.Buyer: phone, street, "
        "government_id ... Emptied when the order is completed, canceled or expired.",
    )
    locale = models.CharField(max_length=16, blank=True, help_text="For the hosted page, such as nl_NL.")
    pay_before = models.DateTimeField(
        null=True, blank=True, help_text="Unpaid after this moment, the order expires. Empty: it waits for ever."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    placed_at = models.DateTimeField(null=True, blank=True, editable=False)
    secured_at = models.DateTimeField(null=True, blank=True, editable=False)
    canceled_at = models.DateTimeField(null=True, blank=True, editable=False)
    stock_reserved = models.BooleanField(default=False, editable=False, help_text="PAYFLOW['STOCK'] reserved for it.")
    stock_due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a failed release is tried again."
    )

    objects = OrderQuerySet.as_manager()
    move_to = mover(status, ORDER_MOVES)

    class Meta:
        abstract = True
        constraints = [
            status_constraint(OrderStatus, "%(app_label)s_%(class)s_status"),
            models.CheckConstraint(condition=models.Q(total__gte=0), name="%(app_label)s_%(class)s_total"),
        ]
        indexes = [models.Index(fields=["-created_at"], name="%(app_label)s_%(class)s_new")]

    def __str__(self) -> str:
        return self.reference

    # -- what a shop may override

    def payflow_lines(self) -> list[Line]:
        """Return the lines as a provider may see them; their totals must add up to ``total``."""
        rows: Iterable[OrderLine] = self.lines.all()  # type: ignore[attr-defined]  # made by OrderLine.order
        return [row.as_line() for row in rows]

    def payflow_buyer(self) -> Buyer:
        """Return what a provider may need to know about the customer.

        Raises ``InvalidCheckout`` when ``payment_details`` holds something that no provider knows.
        """
        details = {"email": self.email, "name": self.name, **self.payment_details}
        unknown = sorted(set(details) - {spec.name for spec in dataclass_fields(Buyer)})
        if unknown:
            raise InvalidCheckout(f"payment_details of order {self.reference} has {unknown[0]!r}, unknown to Buyer")
        return Buyer(**{name: str(value) for name, value in details.items()})

    def payflow_description(self) -> str:
        """Return what the buyer reads on the hosted page and the bank statement."""
        return f"Order {self.reference}"

    def payflow_erased(self) -> dict[str, Any]:
        """Return what the personal fields become when the customer is erased. Add your own model's fields."""
        return {"email": "", "name": "", "payment_details": {}}

    # -- queries

    @property
    def can_be_paid(self) -> bool:
        """Whether a buyer may start or repeat a payment."""
        return OrderStatus(self.status) in PAYABLE_ORDER

    @property
    def amount(self) -> Money:
        """The total as money."""
        return Money(minor=self.total, currency=self.currency)


class Order(AbstractOrder):
    """The order model of a shop that has none of its own."""

    class Meta(AbstractOrder.Meta):
        swappable = "PAYFLOW_ORDER_MODEL"


class OrderLine(models.Model):
    """One line: gross prices in minor units of the order's currency."""

    order = models.ForeignKey(order_model_name(), on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=255)
    kind = models.CharField(
        max_length=10,
        choices=[(kind.value, kind.value.replace("_", " ")) for kind in LineKind],
        default=LineKind.GOODS.value,
    )
    unit = models.CharField(max_length=20, default="pcs", help_text="What the quantity counts.")
    quantity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    unit_price = models.BigIntegerField(help_text="Gross, in minor units; negative for a discount.")
    vat_rate = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="In percent.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=models.Q(quantity__gte=1), name="payflow_orderline_quantity")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"

    def as_line(self) -> Line:
        """Return the line as a provider may see it."""
        return Line(
            name=self.name,
            sku=self.sku,
            quantity=self.quantity,
            unit_price=self.unit_price,
            total=self.total,
            vat_rate=self.vat_rate,
            kind=LineKind(self.kind),
            unit=self.unit,
        )

    @property
    def total(self) -> int:
        """Gross, in minor units."""
        return self.quantity * self.unit_price
