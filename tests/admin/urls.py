"""Two admin sites beside the default one: a shop's own with everything, and a small one with an editable order."""

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.urls import include, path

from django_payflow.admin import (
    CaseAdmin,
    FulfilmentAdmin,
    MoveAdmin,
    OrderAdmin,
    PaymentAdmin,
    WebhookDeliveryAdmin,
)
from django_payflow.models import Case, Fulfilment, Move, Payment, WebhookDelivery, get_order_model


class EditableOrderAdmin(OrderAdmin):
    """What a shop may write; it also asks for what it cannot get."""

    editable_fields = ["name", "status", "total", "reference"]
    fieldsets = [*OrderAdmin.fieldsets, ("Raw", {"fields": ["status", "total"]})]


desk = AdminSite(name="desk")
desk.register(get_order_model(), OrderAdmin)
desk.register(Payment, PaymentAdmin)
desk.register(Move, MoveAdmin)
desk.register(Fulfilment, FulfilmentAdmin)
desk.register(WebhookDelivery, WebhookDeliveryAdmin)
desk.register(Case, CaseAdmin)

counter = AdminSite(name="counter")
counter.register(get_order_model(), EditableOrderAdmin)

urlpatterns = [
    path("payflow/", include("django_payflow.urls")),
    path("admin/", admin.site.urls),
    path("desk/", desk.urls),
    path("counter/", counter.urls),
]


def handler404(request, exception):
    """Plain, because a template named 404.html of some app may link to pages that are not here."""
    return HttpResponse("not found", status=404)
