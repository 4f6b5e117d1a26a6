"""Payments: one row is one attempt to pay one order at one account."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import fields
from datetime import datetime
from typing import Any, Self

from django.db import connections, models, router

from .. import clock
from ..conf import order_model_name
from ..fields import EncryptedJSONField, EncryptedTextField
from ..messages import Checkout, Phase
from ..money import Money
from ..states import PAYMENT_MOVES, Doubt, Facts, PaymentStatus, label_of
from .fsm import SafeRefreshMixin, choices_of, mover, status_constraint, status_field

FACT_COLUMNS = tuple(spec.name for spec in fields(Facts) if spec.name not in {"status", "expected", "currency"})
"""The columns that keep the last report; they carry the names of ``Facts``."""


def new_key() -> str:
    """Return an attempt's id: the idempotency key and the mark in the provider's metadata."""
    return str(uuid.uuid4())


TOKEN_LENGTH = 43
"""Characters of a token: 32 bytes in URL-safe base64."""


def new_token() -> str:
    """Return 32 random bytes for an address, not to be guessed."""
    return secrets.token_urlsafe(32)


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Questions about payments."""

    def due(self, now: datetime) -> Self:
        """Payments to ask about, oldest first; with no lower bound, so that an outage loses none."""
        return self.filter(next_check_at__lte=now).free(now).order_by("next_check_at", "pk")

    def free(self, now: datetime) -> Self:
        """Payments that no worker owns."""
        return self.filter(models.Q(lease_until=None) | models.Q(lease_until__lte=now))

    def addressed_by(self, token: str, account: str) -> list[tuple[int, str | None]]:
        """Return (payment, reference) of the row whose webhook address holds this token; a row per reference.

        Plain SQL: every webhook asks this, and composing it by the ORM would cost a third of its answer.
        """
        connection = connections[router.db_for_write(Payment)]
        quote = connection.ops.quote_name
        payments, references = quote(Payment._meta.db_table), quote(ProviderReference._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT p.id, r.value FROM {payments} p LEFT JOIN {references} r ON r.payment_id = p.id"  # noqa: S608
                " WHERE p.webhook_token = %s AND p.account = %s",
                [token, account],
            )
            return list(cursor.fetchall())

    def leased(self, account: str, now: datetime) -> Self:
        """Payments of an account that are being asked about."""
        return self.filter(account=account, lease_until__gt=now)


class Payment(SafeRefreshMixin, models.Model):
    """One attempt at one provider account. All amounts are minor units of ``currency``.

    Nothing but the flow writes a row; see ``states`` for what the columns of the money mean.
    """

    order = models.ForeignKey(order_model_name(), on_delete=models.PROTECT, related_name="payments")
    account = models.CharField(max_length=64, help_text="The alias in PAYFLOW['PROVIDERS'].")
    key = models.CharField(max_length=36, unique=True, default=new_key, editable=False)
    webhook_token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    return_token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    status = status_field(PaymentStatus, PaymentStatus.CREATED)
    version = models.PositiveIntegerField(default=0, help_text="Counts every applied change.")

    amount = models.BigIntegerField(help_text="What the order asks for.")
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=40, blank=True, help_text="The provider's word.")
    asked_method = models.CharField(max_length=40, blank=True)
    checkout = EncryptedJSONField(help_text="The frozen request; personal data is removed once the provider has it.")
    checkout_url = EncryptedTextField(blank=True, help_text="The hosted page.")
    live = models.BooleanField(default=False, help_text="Real money, or the provider's test mode.")
    merchant = models.CharField(max_length=64, blank=True, help_text="The provider's id of the receiving account.")

    phase = models.CharField(max_length=12, choices=choices_of(Phase), default=Phase.OPEN.value)
    capturable = models.BigIntegerField(default=0)
    captured = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    charged_back = models.BigIntegerField(default=0)
    let_go = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(null=True, blank=True)
    held = models.BooleanField(default=False)
    push = models.BooleanField(default=False)
    doubt = models.CharField(max_length=10, blank=True, choices=choices_of(d for d in Doubt if d))
    observed_amount = models.BigIntegerField(null=True, blank=True)
    observed_currency = models.CharField(max_length=3, blank=True)
    vanished_since = models.DateTimeField(null=True, blank=True)
    reported_captured = models.BigIntegerField(null=True, blank=True, help_text="By the last report.")
    written_off_at = models.DateTimeField(null=True, blank=True)
    ever_paid = models.BooleanField(default=False)
    asked_wrong = models.BooleanField(default=False)
    failure = models.CharField(max_length=200, blank=True, help_text="Why the attempt could not be started.")

    offer_of = models.OneToOneField(
        order_model_name(), on_delete=models.PROTECT, related_name="offer", null=True, blank=True
    )
    settles = models.OneToOneField(
        order_model_name(), on_delete=models.PROTECT, related_name="settled_by", null=True, blank=True
    )
    withdraw = models.BooleanField(default=False, help_text="End it at the provider at the next opportunity.")

    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    recheck = models.BooleanField(default=False, help_text="Somebody wanted to ask while the row was leased.")
    next_check_at = models.DateTimeField(null=True, blank=True, db_index=True)
    not_found_since = models.DateTimeField(null=True, blank=True)
    troubles = models.PositiveIntegerField(default=0, help_text="Calls in a row that got no usable answer.")

    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="As the provider says.")
    reported_at = models.DateTimeField(null=True, blank=True)
    authorized_at = models.DateTimeField(null=True, blank=True, help_text="When an authorization was first seen.")
    capture_before = models.DateTimeField(null=True, blank=True, help_text="When the authorization runs out.")

    objects = PaymentQuerySet.as_manager()
    move_to = mover(status, PAYMENT_MOVES)

    class Meta:
        permissions = [
            ("capture_payment", "Can capture and void authorized money"),
            ("refund_payment", "Can refund"),
            ("judge_payment", "Can accept, write off and record what a provider does not tell"),
        ]
        constraints = [
            status_constraint(PaymentStatus, "payflow_payment_status"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payflow_payment_amount"),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="payflow_payment_new"),
            models.Index(fields=["account", "lease_until"], name="payflow_payment_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.key[:8]}"

    @property
    def facts(self) -> Facts:
        """What the row keeps of the money."""
        values: dict[str, Any] = {name: getattr(self, name) for name in FACT_COLUMNS}
        values |= {"phase": Phase(self.phase), "doubt": Doubt(self.doubt)}
        return Facts(expected=self.amount, currency=self.currency, status=PaymentStatus(self.status), **values)

    @property
    def label(self) -> str:
        """The words an operator reads: the status, or what the sums make of it."""
        return label_of(self.facts)

    @property
    def money(self) -> Money:
        """The expected amount as money."""
        return Money(minor=self.amount, currency=self.currency)

    @property
    def frozen(self) -> Checkout:
        """The request as it was sent, or will be sent again."""
        return Checkout.from_json(self.checkout)


class ProviderReference(models.Model):
    """An id that the provider gave to something of a payment. Never empty, and never of two payments."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="references")
    account = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    value = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "value"], name="payflow_reference_unique"),
            models.CheckConstraint(condition=~models.Q(value=""), name="payflow_reference_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.value}"
