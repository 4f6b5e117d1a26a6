"""What browsers and providers call. Each view makes one flow call, hands the result to ``tasks.wake``, answers.

All of them are outside of ``ATOMIC_REQUESTS``: the flow commits step by step, and a provider is never asked while
a transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from . import conf, flow, redaction
from .exceptions import CheckoutRefused, ConfigurationError
from .flow import Arrival, Received
from .models import get_order_model
from .tasks import wake
from .throttle import SLOW_DOWN, starts_wait, too_many

__all__ = ["pay", "return_", "start", "status", "webhook"]

View = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    """303: follow with GET, whatever brought you here."""

    status_code = 303


def private(view: View) -> View:
    """Keep a page with a token in its address out of caches, and its address out of referrers."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return wrapped


@flow.outside_of_transactions
@require_POST
@private
def start(request: HttpRequest, reference: str) -> HttpResponse:
    """Begin to pay an order: fields ``account``, optional ``method``, optional ``confirmed=1``. 303 to the page.

    429: too many starts from one address, session or customer.
    """
    order = get_object_or_404(get_order_model(), reference=reference)
    return _start(request, order, account=request.POST.get("account", ""), method=request.POST.get("method") or None)


@flow.outside_of_transactions
@require_http_methods(["GET", "HEAD", "POST"])
@private
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """Where a pay link leads: a button for each way to pay, which posts ``account`` back. 410: too old."""
    try:
        invitation = flow.read_pay_link(token)
    except ConfigurationError as wrong:
        redaction.logger().error("a pay link cannot be followed: %s", wrong)
        return render(request, "payflow/refused.html", {"message": CheckoutRefused.default_buyer_message}, status=409)
    if invitation is None:
        raise Http404
    aliases = {choice.alias for choice in invitation.choices}
    chosen = request.POST.get("account", "")
    if request.method == "POST" and chosen in aliases:
        return _start(request, invitation.order, account=chosen, method=invitation.method)
    context = {"order": invitation.order, "standing": invitation.standing, "choices": invitation.choices}
    return render(request, "payflow/pay.html", context, status=410 if invitation.standing == "expired" else 200)


def _start(request: HttpRequest, order: Any, *, account: str, method: str | None) -> HttpResponse:
    address = request.META.get("REMOTE_ADDR", "")
    session = getattr(getattr(request, "session", None), "session_key", None) or ""
    limit = conf.get().starts_per_minute
    if wait := starts_wait(limit=limit, address=address, session=session, customer=order.email):
        throttled = _refused(request, order, SLOW_DOWN, 429)
        throttled.headers["Retry-After"] = str(wait)
        return throttled
    try:
        started = flow.start_checkout(
            order=order,
            account=account,
            method=method,
            confirmed=request.POST.get("confirmed") == "1",
            ip=address,
            user_agent=request.headers.get("User-Agent", ""),
        )
    except CheckoutRefused as refused:
        redaction.logger().warning("checkout refused: %s", refused)
        return _refused(request, order, refused.buyer_message, 409)
    except ConfigurationError as wrong:
        redaction.logger().error("checkout impossible: %s", wrong)
        return _refused(request, order, CheckoutRefused.default_buyer_message, 400)
    wake(started)
    return SeeOther(started.url or flow.success_url(order) or "/")


def _refused(request: HttpRequest, order: Any, message: str, status: int) -> HttpResponse:
    context = {"message": message, "retry_url": flow.retry_url(order)}
    return render(request, "payflow/refused.html", context, status=status)


@flow.outside_of_transactions
@csrf_exempt  # banks send the buyer back with a cross-site POST; nothing here trusts what they send
@require_http_methods(["GET", "HEAD", "POST"])
@private
def return_(request: HttpRequest, token: str) -> HttpResponse:
    """Where the buyer comes back to, and waits. Every parameter but the token is ignored."""
    if request.method == "POST":
        return SeeOther(request.path)
    arrival = flow.handle_return(token=token)
    if arrival is None:
        raise Http404
    wake(arrival)
    if arrival.url and (arrival.standing == "secured" or arrival.go_on):
        return SeeOther(arrival.url)
    return render(request, f"payflow/{_PAGES[arrival.standing]}.html", _context(token, arrival))


_PAGES = {"secured": "paid", "open": "waiting", "dead": "failed", "review": "review"}


def _context(token: str, arrival: Arrival) -> dict[str, Any]:
    order = get_order_model()._default_manager.get(pk=arrival.order_id)
    return {"token": token, "order": order, "next_url": arrival.url}


@require_GET
@private
def status(request: HttpRequest, token: str) -> HttpResponse:
    """What the waiting page watches: ``{"standing": ..., "next": ...}``. Asks nobody, shows no personal data."""
    arrival = flow.payment_standing(token=token)
    if arrival is None:
        return JsonResponse({"error": "unknown"}, status=404)
    return JsonResponse({"standing": arrival.standing, "next": arrival.url})


@flow.outside_of_transactions
@csrf_exempt  # a provider has no session; the flow authenticates the delivery
@require_POST
def webhook(request: HttpRequest, account: str, hint: str = "") -> HttpResponse:
    """Receive a provider's delivery: store, answer, wake. Answers are plain words, never a traceback."""
    limit = conf.get().webhook_max_bytes
    if _content_length(request) > limit:
        return _answer(request, Received(status=413, reason="too_big"))
    if request.headers.get("Content-Encoding", "identity") not in {"", "identity"}:
        return _answer(request, Received(status=415, reason="encoded"))
    try:
        body = request.read(limit + 1)
    except OSError:  # the caller went away while sending
        return _answer(request, Received(status=400, reason="cut_short"))
    if len(body) > limit:
        return _answer(request, Received(status=413, reason="too_big"))
    try:
        received = flow.receive_webhook(
            account=account,
            hint=hint,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            query=request.GET.dict(),
        )
    except DatabaseError as broken:
        redaction.logger().error("webhook not stored: %s", type(broken).__name__)
        received = Received(status=503, reason="not_stored")
    wake(received)
    return _answer(request, received)


def _content_length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text[:18]) if text.isascii() and text.isdigit() else 0


def _answer(request: HttpRequest, received: Received) -> HttpResponse:
    status_code = received.status
    if 400 <= status_code < 500 and _refused_too_often(request):
        status_code = 429
    response = HttpResponse(received.reason, content_type="text/plain", status=status_code)
    # The flow logs refusals itself; Django would log the address, and the address holds a token.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _refused_too_often(request: HttpRequest) -> bool:
    """Count refusals per address and minute. Deliveries that are accepted are never throttled."""
    address = request.META.get("REMOTE_ADDR", "")
    return too_many(f"refused:{address}", limit=conf.get().refusals_per_minute, seconds=60)
