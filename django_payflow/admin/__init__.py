"""The operator's desk in Django's admin: look at everything, change nothing by hand, give a few commands.

Nobody adds, edits or deletes money here. Who may *view* a model sees its pages; who may *change* it may also give
its commands: "ask the provider now" (payments), "retry" (fulfilments), "replay" (webhook deliveries). Each is an
address of its own with a confirmation page, makes one flow call outside of any transaction, and is recorded with
the person's name.

A shop with an order model of its own registers it with ``OrderAdmin`` or a class that inherits it; a shop with an
``AdminSite`` of its own registers these classes there.
"""

from django.contrib import admin

from ..models import Case, Fulfilment, Order, Payment, WebhookDelivery
from .base import ReadOnlyAdmin
from .cases import CaseAdmin
from .deliveries import WebhookDeliveryAdmin
from .fulfilments import FulfilmentAdmin
from .orders import OrderAdmin
from .payments import PaymentAdmin

__all__ = [
    "CaseAdmin",
    "FulfilmentAdmin",
    "OrderAdmin",
    "PaymentAdmin",
    "ReadOnlyAdmin",
    "WebhookDeliveryAdmin",
]

if not Order._meta.swapped:
    admin.site.register(Order, OrderAdmin)
admin.site.register(Payment, PaymentAdmin)
admin.site.register(Fulfilment, FulfilmentAdmin)
admin.site.register(WebhookDelivery, WebhookDeliveryAdmin)
admin.site.register(Case, CaseAdmin)
