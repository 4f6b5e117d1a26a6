"""What an attacker has at hand, and how much of the database he may fill: nothing."""

from __future__ import annotations

from typing import Any

import requests
from django.conf import settings

from django_payflow.models import Case, Fulfilment, Payment, PaymentEvent, ProviderReference, WebhookDelivery
from tests.shop.models import Shipment

FORM = "application/x-www-form-urlencoded"
ROWS = (Payment, ProviderReference, WebhookDelivery, Case, PaymentEvent, Fulfilment, Shipment)


def rows() -> dict[str, int]:
    """How many rows there are of everything that a stranger could make grow."""
    return {model.__name__: model.objects.count() for model in ROWS}


def post(client: Any, path: str, body: bytes | str, content_type: str = FORM, **extra: Any) -> Any:
    """A webhook as a stranger would send it."""
    data = body.encode() if isinstance(body, str) else body
    return client.post(path, data=data, content_type=content_type, CONTENT_TYPE=content_type, **extra)


def hook(payment: Payment | None = None, *, account: str = "mollie", token: str = "") -> str:
    """The webhook address of a payment, or one with a made-up token, or the one without."""
    hint = payment.webhook_token if payment else token
    return f"/payflow/webhook/{account}/{hint}/" if hint else f"/payflow/webhook/{account}/"


def api_key(account: str = "mollie") -> str:
    key: str = settings.PAYFLOW["PROVIDERS"][account]["OPTIONS"]["api_key"]
    return key


def genuine_foreign_payment(sim: Any, *, value: str = "0.01", paid: bool = True, key: str = "", **fields: Any) -> str:
    """A real payment of the same merchant that payflow knows nothing about, such as one of his other shop."""
    wanted = {
        "amount": {"currency": "EUR", "value": value},
        "description": "somewhere else",
        "redirectUrl": "https://elsewhere.test/",
        **fields,
    }
    headers = {"Authorization": f"Bearer {key or api_key()}"}
    made = requests.post(sim.base_url("mollie") + "/v2/payments", json=wanted, headers=headers, timeout=10)
    made.raise_for_status()
    reference: str = made.json()["id"]
    if paid:
        sim.set_status(reference, "paid", webhook=False)
    return reference


def state_of(payment: Payment) -> dict[str, Any]:
    """Everything about a payment that money depends on."""
    names = ("status", "version", "captured", "capturable", "refunded", "merchant", "live", "settles_id", "doubt")
    fresh = Payment.objects.get(pk=payment.pk)
    references = sorted(fresh.references.values_list("value", flat=True))
    return {name: getattr(fresh, name) for name in names} | {"references": references}
