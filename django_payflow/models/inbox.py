"""The inbox: every authentic webhook delivery is stored before it is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

from django.db import connections, models, router, transaction
from django.db.backends.utils import CursorWrapper

from .. import clock
from ..fields import EncryptedBinaryField, EncryptedJSONField
from .payment import Payment


class DeliveryState(models.TextChoices):
    """What became of a delivery."""

    PENDING = "pending", "to be processed"
    DONE = "done", "processed"
    IGNORED = "ignored", "of no interest"


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """The inbox's queries, and its one writing statement."""

    def due(self, now: datetime) -> Self:
        """Deliveries to process, oldest first, with no lower bound."""
        return self.filter(state=DeliveryState.PENDING, due_at__lte=now).free(now).order_by("due_at", "pk")

    def free(self, now: datetime) -> Self:
        """Deliveries that no worker owns."""
        return self.filter(models.Q(lease_until=None) | models.Q(lease_until__lte=now))

    def put(self, row: WebhookDelivery, *, rearm: bool) -> tuple[int, bool]:
        """Store a delivery in one statement; a repeat of its dedupe key counts as a hit.

        ``rearm``: the repeat may mean something new (the provider sends no event ids), so the row becomes due
        again. Returns the row's id and whether it is new.
        """
        alias = router.db_for_write(WebhookDelivery)
        connection = connections[alias]
        columns = [f for f in WebhookDelivery._meta.local_concrete_fields if not f.primary_key]
        quote = connection.ops.quote_name
        table, names = quote(WebhookDelivery._meta.db_table), [quote(str(f.column)) for f in columns]
        values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in columns]
        slots = ", ".join(["%s"] * len(columns))
        insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({slots})"  # noqa: S608  (names are our own)
        changes = [("hits", f"{table}.{quote('hits')} + 1"), *_repeated(connection.vendor, quote, rearm)]
        update = ", ".join(f"{quote(name)} = {value}" for name, value in changes)
        with _cursor(alias) as cursor:
            if connection.vendor == "mysql":
                return _put_mysql(
                    cursor, f"{insert} ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), {update}", values
                )
            conflict = f"({quote('account')}, {quote('dedupe_key')})"
            cursor.execute(f"{insert} ON CONFLICT {conflict} DO UPDATE SET {update} RETURNING id, hits", values)
            pk, hits = cursor.fetchone()
        return int(pk), hits == 1


@contextmanager
def _cursor(alias: str) -> Iterator[CursorWrapper]:
    """A cursor whose failure does not poison a transaction that a test or a caller holds open."""
    connection = connections[alias]
    if connection.in_atomic_block:
        with transaction.atomic(using=alias), connection.cursor() as cursor:
            yield cursor
    else:
        with connection.cursor() as cursor:
            yield cursor


def _repeated(vendor: str, quote: Any, rearm: bool) -> list[tuple[str, str]]:
    names = ["last_at", *(["state", "due_at", "attempts"] if rearm else [])]
    if vendor == "mysql":
        return [(name, f"VALUES({quote(name)})") for name in names]
    return [(name, f"excluded.{quote(name)}") for name in names]


def _put_mysql(cursor: CursorWrapper, statement: str, values: Sequence[Any]) -> tuple[int, bool]:
    """MySQL and MariaDB: one changed row means inserted, two mean updated."""
    cursor.execute(statement, values)
    return int(cursor.lastrowid or 0), cursor.rowcount == 1


class WebhookDelivery(models.Model):
    """One authentic delivery, or several that say the same."""

    account = models.CharField(max_length=64)
    dedupe_key = models.CharField(max_length=200)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="deliveries", null=True, blank=True)
    reference = models.CharField(max_length=255, help_text="What the delivery names.")
    kind = models.CharField(max_length=64)
    parts = models.JSONField(
        default=list, blank=True, help_text="Refunds and disputes that it names, by kind and id."
    )
    verified = models.BooleanField(default=False, help_text="Signed by the provider; unsigned ones are only hints.")
    body = EncryptedBinaryField(help_text="The raw bytes.")
    headers = EncryptedJSONField(default=dict, help_text="A harmless selection.")
    state = models.CharField(max_length=8, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    hits = models.PositiveIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    due_at = models.DateTimeField()
    asks = models.PositiveIntegerField(default=0, help_text="Provider calls made for it since asks_since.")
    asks_since = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    last_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["account", "dedupe_key"], name="payflow_delivery_unique"),
            models.CheckConstraint(condition=models.Q(state__in=DeliveryState.values), name="payflow_delivery_state"),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="payflow_delivery_due"),
            models.Index(fields=["-received_at"], name="payflow_delivery_new"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.reference}"


class Heartbeat(models.Model):
    """When something that must run regularly ran last; the doctor reads it."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name
