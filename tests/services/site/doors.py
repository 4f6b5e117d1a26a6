"""Back doors: one flow call each, so that a test can make two processes do the same thing at the same moment."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from django_payflow import flow, tasks
from django_payflow.models import OrderLine, get_order_model


def ping(request: HttpRequest) -> HttpResponse:
    return HttpResponse("pong")


@csrf_exempt
def orders(request: HttpRequest) -> HttpResponse:
    """Make ``n`` orders of 24.95 euro, or of another ``currency`` and ``total``, with more ``fields`` as JSON.

    Each has an e-mail address of its own, so that mails can be told apart.
    """
    fields = {"currency": request.POST.get("currency", "EUR"), **json.loads(request.POST.get("fields", "{}"))}
    total = int(request.POST.get("total", "2495"))
    made = [_new_order(total, **fields) for _ in range(int(request.POST.get("n", "1")))]
    return JsonResponse({"orders": [{"id": o.pk, "reference": o.reference, "email": o.email} for o in made]})


def _new_order(total: int, **fields: Any) -> Any:
    model = get_order_model()
    reference = model._meta.get_field("reference").get_default()
    lines = [OrderLine(sku="TEA", name="Sencha", quantity=1, unit_price=total, vat_rate=21)]
    email = f"{reference.lower()}@example.com"
    return model.objects.new(lines=lines, reference=reference, email=email, name="Ada", **fields)


@transaction.non_atomic_requests
@csrf_exempt
def sweep(request: HttpRequest) -> HttpResponse:
    swept = flow.sweep(inline=True)
    return JsonResponse({"due": swept.deliveries + swept.payments + swept.fulfilments})


@transaction.non_atomic_requests
@csrf_exempt
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse({"outcome": flow.confirm(payment_id=pk, source="poll").outcome})


@transaction.non_atomic_requests
@csrf_exempt
def fulfil(request: HttpRequest, pk: int) -> HttpResponse:
    flow.fulfil(fulfilment_id=pk)
    return HttpResponse("ok")


@transaction.non_atomic_requests
@csrf_exempt
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    done = flow.refund(payment_id=pk, amount=int(request.POST["amount"]), actor="ann")
    return JsonResponse({"status": done.status, "detail": done.detail})


@transaction.non_atomic_requests
@csrf_exempt
def capture(request: HttpRequest, pk: int) -> HttpResponse:
    done = flow.capture(payment_id=pk, actor="ann")
    return JsonResponse({"status": done.status, "detail": done.detail})


@transaction.non_atomic_requests
@csrf_exempt
def carry(request: HttpRequest, pk: int) -> HttpResponse:
    """What a worker does when it is woken for a capture, void or refund."""
    tasks.carry_out_move(pk)
    return HttpResponse("ok")


@transaction.non_atomic_requests
@csrf_exempt
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    flow.cancel_order(order_id=pk, reason="sold out", actor="ann")
    return HttpResponse("ok")


# -- views of the shop's own


def atomic(request: HttpRequest) -> HttpResponse:
    """Say whether Django wraps a request in a transaction here."""
    return JsonResponse({"atomic": connection.in_atomic_block})


@flow.outside_of_transactions
@csrf_exempt
def refund_and_raise(request: HttpRequest, pk: int) -> HttpResponse:
    """A view that does as it is told, and has a bug behind it."""
    flow.refund(payment_id=pk, amount=int(request.POST["amount"]), actor="ann")
    raise RuntimeError("somebody's bug after the refund")


@csrf_exempt
def careless_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """A view that does not step out of the request's transaction."""
    done = flow.refund(payment_id=pk, amount=int(request.POST["amount"]), actor="ann")
    return JsonResponse({"status": done.status})
