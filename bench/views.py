"""What is compared: payflow's webhook view, awake or quiet, and the bare views; and the bare task."""

from __future__ import annotations

import math
import os
from functools import cache, wraps
from typing import Any

import requests
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from bench.models import Row
from django_payflow import tasks
from django_payflow.views import webhook


@transaction.non_atomic_requests
@csrf_exempt
@require_POST
def bare(request: HttpRequest, token: str) -> HttpResponse:
    """The yardstick: read the body, insert one row, answer."""
    Row.objects.create(token=token, body=request.body)
    return HttpResponse("stored", content_type="text/plain")


@transaction.non_atomic_requests
@csrf_exempt
@require_POST
def bare_published(request: HttpRequest, token: str) -> HttpResponse:
    """The same, and Celery's own publishing: what waking a worker costs anybody."""
    Row.objects.create(token=token, body=request.body)
    nothing.delay(1)
    return HttpResponse("stored", content_type="text/plain")


@transaction.non_atomic_requests
@csrf_exempt
@require_POST
def bare_queued(request: HttpRequest, token: str) -> HttpResponse:
    """The yardstick of draining: leave everything to a task."""
    fetch_and_insert.delay(request.body.decode().partition("=")[2])
    return HttpResponse("queued", content_type="text/plain")


@transaction.non_atomic_requests
@csrf_exempt
@wraps(webhook)
def quiet_webhook(*args: Any, **kwargs: Any) -> HttpResponse:
    """Payflow's view during the pause that follows a broker failure. One request at a time per process only."""
    tasks._quiet_until = math.inf
    try:
        return webhook(*args, **kwargs)
    finally:
        tasks._quiet_until = 0.0


def worker(request: HttpRequest) -> HttpResponse:
    """Say which process answers."""
    return HttpResponse(str(os.getpid()), content_type="text/plain")


@shared_task(name="bench.nothing", ignore_result=True, acks_late=True)
def nothing(number: int) -> None:
    """Never run: its messages are thrown away."""


@shared_task(name="bench.fetch_and_insert", ignore_result=True, acks_late=True)
def fetch_and_insert(payment: str) -> None:
    """One GET to the provider, one row."""
    address = f"{settings.PAYFLOW['PROVIDERS']['mollie']['OPTIONS']['base_url']}/v2/payments/{payment}"
    answer = _session().get(address, params={"embed": "refunds,chargebacks,captures"}, timeout=10)
    answer.raise_for_status()
    Row.objects.create(token=payment, body=answer.content)


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {settings.PAYFLOW['PROVIDERS']['mollie']['OPTIONS']['api_key']}"
    return session


urlpatterns = [
    path("payflow/", include("django_payflow.urls")),
    path("quiet/webhook/<slug:account>/<str:hint>/", quiet_webhook),
    path("bare/<str:token>/", bare),
    path("bare/published/<str:token>/", bare_published),
    path("bare/queued/<str:token>/", bare_queued),
    path("worker/", worker),
]
