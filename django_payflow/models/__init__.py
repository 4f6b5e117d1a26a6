"""The rows that carry the promises. Only ``flow`` writes them."""

from typing import Any

from django.apps import apps

from ..conf import order_model_name
from .account import AccountLock
from .fulfilment import Fulfilment
from .idempotency import IdempotentRequest
from .inbox import DeliveryState, Heartbeat, WebhookDelivery
from .move import Move
from .order import AbstractOrder, Order, OrderLine
from .payment import FACT_COLUMNS, Payment, ProviderReference
from .record import Case, PaymentEvent

__all__ = [
    "FACT_COLUMNS",
    "AbstractOrder",
    "AccountLock",
    "Case",
    "DeliveryState",
    "Fulfilment",
    "Heartbeat",
    "IdempotentRequest",
    "Move",
    "Order",
    "OrderLine",
    "Payment",
    "PaymentEvent",
    "ProviderReference",
    "WebhookDelivery",
    "get_order_model",
]


def get_order_model() -> Any:
    """Return the shop's order model: ``PAYFLOW_ORDER_MODEL``, or ours."""
    return apps.get_model(order_model_name(), require_ready=False)
