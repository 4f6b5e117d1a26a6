"""What may go wrong between us and the bank, and that nobody's secret or card shows when it does.

How a call may end in general is a matter of the HTTP module and is tested with the first adapter.
"""

from __future__ import annotations

import socket
import time
import traceback

import pytest

from django_payflow.exceptions import NotSent, ProviderError, Rejected, Uncertain
from django_payflow.messages import Reference
from tests.golomt.wire import (
    BEARER,
    CARD_TOKEN,
    KEY,
    OURS,
    adapter,
    always,
    answer,
    checkout,
    invoice,
    outcome,
    paid,
    serving,
)

GUARD = 8
"""Seconds: against hanging for ever, not a measurement."""
OPERATIONS = {
    "create": [checkout()],
    "retrieve": [checkout(), Reference(kind="transaction", value=OURS)],
    "find": [checkout()],
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
        answer(b"<html>000</html>", 200),
        answer(b'{"errorCode": "000", "amount": NaN}', 200),
        answer({}, 200),
        answer({"errorCode": "000", "amount": "18500.00"}, 200),
        answer({"timestamp": "x", "status": 500, "error": "Internal", "message": "no", "path": "/"}, 500),
        answer(paid())[:-20],
        answer(invoice())[:-20],
    ],
)
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_unreadable_answer__is_an_unclear_end(raw, operation):
    with serving(always(raw)) as wire, pytest.raises(Uncertain):
        getattr(adapter(wire.url), operation)(*OPERATIONS[operation])
    assert len(wire.seen) == 1, "the flow asks again, not the adapter"


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_empty_403__is_a_refusal(operation):
    with serving(always(answer(b"", 403))) as wire, pytest.raises(Rejected) as no:
        getattr(adapter(wire.url), operation)(*OPERATIONS[operation])
    assert no.value.code == "403"


@pytest.mark.slow
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_deadline__ends_an_answer_that_drips(operation):
    def drip(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not wire.enough.wait(0.1):
            connection.sendall(b" ")

    with serving(drip) as wire:
        began = time.monotonic()
        with pytest.raises(Uncertain):
            getattr(adapter(wire.url, deadline=1), operation)(*OPERATIONS[operation])
        assert 0.9 < time.monotonic() - began < GUARD


# -- secrets

ENDS = {
    "nothing there": None,
    "rejected": answer({"status": 400, "error": "Validation", "message": "checksum"}, 400),
    "no such page": answer(b"<html>", 404),
    "server error": answer({"status": 500, "error": "Internal", "message": "no"}, 500),
    "cut": b"HTTP/1.1 200",
    "not json": answer(b"<html>"),
    "unreadable": answer({**paid(), "amount": ["18500.00"], "invoice": 17}),
    "no amount": answer(outcome(transactionId=OURS, errorCode="000", amount="018500.00", token=CARD_TOKEN)),
    "spoilt": answer({**paid(), "invoice": "x", "checksum": "0" * 64}),
}


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_traceback__of_a_failing_call_shows_no_secret_even_with_locals(end, operation):
    with serving(always(ENDS[end] or b"")) as wire:
        golomt = adapter(wire.url if ENDS[end] else closed_port(), deadline=2)
        try:
            getattr(golomt, operation)(*OPERATIONS[operation])
        except ProviderError as error:
            seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        else:
            pytest.fail("it went well")
    text = "".join(seen.format(chain=True))
    assert "providers/golomt.py" in text
    for private in (KEY, BEARER, CARD_TOKEN, "SIM BUYER", "949625"):
        assert private not in text
