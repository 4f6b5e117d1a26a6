"""The operator's desk in Django's admin: look at everything, change nothing by hand, give a few commands.

Nobody adds, edits or deletes money here. Who may *view* a model sees its pages; who may *change* it may also give
its commands: "ask the provider now", "cancel the attempt" (payments), "cancel", "expire", "complete" (orders), "look
now" (moves), "close", "deliver" (cases), "retry" (fulfilments), "replay" (webhook deliveries). What moves money or
judges about it needs a permission of its own: ``payflow.capture_payment`` (capture, void), ``refund_payment``,
``judge_payment`` (accept, write off, record, confirm, refute) and ``approve_move``. Each command is an address of its
own with a confirmation page, makes one flow call outside of any transaction, and is recorded with the person's name.

A shop with an order model of its own registers it with ``OrderAdmin`` or a class that inherits it; a shop with an
``AdminSite`` of its own registers these classes there.
"""

from django.contrib import admin

from ..models import Case, Fulfilment, Move, Order, Payment, WebhookDelivery
from .base import ReadOnlyAdmin
from .cases import CaseAdmin
from .deliveries import WebhookDeliveryAdmin
from .fulfilments import FulfilmentAdmin
from .moves import MoveAdmin
from .orders import OrderAdmin
from .payments import PaymentAdmin

__all__ = [
    "CaseAdmin",
    "FulfilmentAdmin",
    "MoveAdmin",
    "OrderAdmin",
    "PaymentAdmin",
    "ReadOnlyAdmin",
    "WebhookDeliveryAdmin",
]

if not Order._meta.swapped:
    admin.site.register(Order, OrderAdmin)
admin.site.register(Payment, PaymentAdmin)
admin.site.register(Move, MoveAdmin)
admin.site.register(Fulfilment, FulfilmentAdmin)
admin.site.register(WebhookDelivery, WebhookDeliveryAdmin)
admin.site.register(Case, CaseAdmin)
