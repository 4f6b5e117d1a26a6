"""What may go wrong between us and Stripe, and that no secret shows itself then."""

from __future__ import annotations

import time
import traceback

import pytest

from django_payflow.exceptions import NotSent, ProviderError, Uncertain, WebhookRefused
from django_payflow.messages import Reference
from tests.mollie.test_broken_wires import closed_port
from tests.mollie.wire import always, answer, serving
from tests.stripe.wire import KEY, SECRET, SESSION_ID, adapter, checkout, event, listing, paid, session, signed

REFERENCE = Reference(kind="session", value=SESSION_ID)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200",
        answer(b"<html>paid</html>"),
        answer(b"[]"),
        answer(b"[" * 100_000),
        answer(b'{"status": "complete", "amount_total": NaN}'),
        answer(session())[:-20],
        answer({}),
        answer({}, 302, Location="/v1/elsewhere"),
    ],
)
@pytest.mark.parametrize("operation", ["create", "retrieve", "cancel", "find"])
def test_unreadable_answer__is_an_unclear_end(raw, operation):
    arguments = [checkout()] if operation in {"create", "find"} else [checkout(), REFERENCE]
    with serving(always(raw)) as wire, pytest.raises(Uncertain):
        getattr(adapter(wire.url), operation)(*arguments)


def test_amount_as_a_fraction__is_not_rounded_but_refused():
    body = answer(session()).replace(b'"amount_total": 2495', b'"amount_total": 24.5')
    with serving(always(body)) as wire, pytest.raises(Uncertain):
        adapter(wire.url).create(checkout())


def test_refused_connection__nothing_was_sent():
    with pytest.raises(NotSent):
        adapter(closed_port(), deadline=1).create(checkout())


@pytest.mark.slow
def test_retrieve__one_deadline_for_all_its_calls():
    """Each page of refunds comes in time; all of them together would not."""
    waiting = paid(of_charge={"refunds": listing(more=True), "amount_refunded": 1})

    def serve(connection, request):
        wire.enough.wait(0.3)
        refunds = "/v1/refunds" in request.path
        item = {"id": f"re_{len(wire.seen)}", "amount": 1, "currency": "eur", "status": "succeeded"}
        connection.sendall(answer(listing(item, more=True) if refunds else waiting))

    with serving(serve) as wire:
        began = time.monotonic()
        with pytest.raises(Uncertain):
            adapter(wire.url, deadline=1).retrieve(checkout(), REFERENCE)
        assert time.monotonic() - began < 8, "against hanging, not a measurement"


ENDS = {
    "nothing there": None,
    "rejected": answer({"error": {"type": "invalid_request_error", "message": "bad key"}}, 401),
    "server error": answer({"error": {"type": "api_error"}}, 500),
    "cut": b"HTTP/1.1 200",
    "unreadable": answer({"status": "complete"}),
}


@pytest.mark.attack(43)
@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("operation", ["create", "retrieve", "find", "cancel", "probe"])
def test_traceback__of_a_failing_call_shows_no_secret_even_with_locals(end, operation):
    arguments = {"create": [checkout()], "find": [checkout()], "probe": []}.get(operation, [checkout(), REFERENCE])
    with serving(always(ENDS[end] or b"")) as wire:
        stripe = adapter(wire.url if ENDS[end] else closed_port(), deadline=2)
        try:
            getattr(stripe, operation)(*arguments)
        except ProviderError as error:
            seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        else:
            assert (end, operation) == ("unreadable", "probe")
            return
    text = "".join(seen.format(chain=True))
    assert KEY not in text and SECRET not in text
    assert "Bearer s" not in text


@pytest.mark.attack(43)
@pytest.mark.parametrize("how", [{"secret": "whsec_" + "o7" * 16}, {"stamp": 1}])
def test_traceback__of_a_refused_delivery_shows_no_secret_even_with_locals(how):
    headers, body = signed(event(), **how)
    with pytest.raises(WebhookRefused) as refused:
        adapter().parse_webhook(headers, body, {}, "")
    seen = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    assert "".join(seen.format(chain=True)).count(SECRET) == 0
