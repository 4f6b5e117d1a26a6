"""Small words for long stories."""

from __future__ import annotations

from typing import Any

from django_payflow.models import Case, Fulfilment, Payment, PaymentEvent


def open_cases() -> set[str]:
    return set(Case.objects.open().values_list("kind", flat=True))


def closed_cases() -> set[str]:
    return set(Case.objects.exclude(closed_at=None).values_list("kind", flat=True))


def transitions(payment: Payment) -> list[str]:
    """What happened to the payment's status, in order."""
    rows = PaymentEvent.objects.filter(payment=payment, kind="transition").order_by("pk")
    return [event.summary.removeprefix("payment: ") for event in rows]


def again(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def done() -> dict[str, str]:
    return dict(Fulfilment.objects.values_list("handler", "status"))


def seconds_until(moment: Any) -> float:
    from django_payflow import clock

    return (moment - clock.now()).total_seconds()
