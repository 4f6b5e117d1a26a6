"""What may go wrong between us and WooshPay, as far as its two requests per question make it special.

How a call may end in general is a matter of the HTTP module and is tested with the first adapter.
"""

from __future__ import annotations

import socket
import time
import traceback

import pytest

from django_payflow.exceptions import NotSent, ProviderError, Uncertain
from django_payflow.messages import Reference
from tests.wooshpay.wire import KEY, SECRET, SESSION, adapter, always, answer, checkout, intent, serving, session

STORED = Reference(kind="session", value=SESSION)
GUARD = 8
"""Seconds: against hanging for ever, not a measurement."""
OPERATIONS = {
    "create": [checkout()],
    "retrieve": [checkout(), STORED],
    "find": [checkout()],
    "cancel": [checkout(), STORED],
    "probe": [],
}


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_refused_connection__nothing_was_sent(operation):
    with pytest.raises(NotSent):
        getattr(adapter(closed_port(), deadline=1), operation)(*OPERATIONS[operation])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        answer(b"", 200),
        answer(b"{", 200),
        answer(b"[]", 200),
        answer(b"null", 200),
        answer(b"<html>paid</html>", 200),
        answer(b'{"status": "complete", "amount_total": NaN}', 200),
        answer({}, 200),
        answer({"id": SESSION, "status": "complete", "payment_status": "paid"}, 200),
        answer(session())[:-20],
    ],
)
@pytest.mark.parametrize("operation", ["create", "retrieve", "find", "cancel"])
def test_unreadable_answer__is_an_unclear_end(raw, operation):
    with serving(always(raw)) as wire, pytest.raises(Uncertain):
        getattr(adapter(wire.url), operation)(*OPERATIONS[operation])


@pytest.mark.parametrize("operation", ["retrieve", "cancel"])
def test_second_question__without_an_answer_the_first_one_is_worth_nothing(operation):
    def serve(connection, request):
        first = "/checkout/" in request.path
        connection.sendall(answer(session(status="complete", payment_status="paid")) if first else answer({}, 500))

    with serving(serve) as wire, pytest.raises(Uncertain):
        getattr(adapter(wire.url), operation)(*OPERATIONS[operation])


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["retrieve", "find", "cancel"])
def test_deadline__is_of_all_the_requests_together(operation):
    def serve(connection, request):
        wire.enough.wait(0.7)
        shown = {"data": [session()]} if "limit=" in request.path else session()
        connection.sendall(answer(intent() if "/pi_" in request.path else shown))

    with serving(serve) as wire:
        began = time.monotonic()
        with pytest.raises(Uncertain):
            getattr(adapter(wire.url, deadline=1), operation)(*OPERATIONS[operation])
        spent = time.monotonic() - began
    assert 0.9 < spent < GUARD


# -- secrets

ENDS = {
    "nothing there": None,
    "rejected": answer({"error": {"type": "invalid_request_error", "message": "bad key"}}, 401),
    "server error": answer({"type": "api_error", "message": "a temporary problem with internal servers"}, 500),
    "cut": b"HTTP/1.1 200",
    "not json": answer(b"<html>"),
    "unreadable": answer({"status": "open"}),
}


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_traceback__of_a_failing_call_shows_no_secret_even_with_locals(end, operation):
    with serving(always(ENDS[end] or b"")) as wire:
        wooshpay = adapter(wire.url if ENDS[end] else closed_port(), deadline=2)
        try:
            getattr(wooshpay, operation)(*OPERATIONS[operation])
        except ProviderError as error:
            seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        else:
            assert (end, operation) == ("unreadable", "probe")
            return
    text = "".join(seen.format(chain=True))
    assert "providers/http.py" in text or end == "unreadable"
    assert KEY not in text
    assert SECRET not in text
    assert "Basic c2" not in text


def test_repr__of_everything_that_carries_a_secret():
    wooshpay = adapter("")
    for thing in (wooshpay, wooshpay.options, wooshpay.http, wooshpay._auth()):
        for secret in (KEY, SECRET):
            assert secret not in repr(thing)
            assert secret not in str(thing)
