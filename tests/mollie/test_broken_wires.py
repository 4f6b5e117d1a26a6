"""What may go wrong between us and a provider: each end in bounded time, with the right name, without secrets."""

from __future__ import annotations

import gzip
import socket
import time
import traceback

import pytest

from django_payflow.exceptions import NotSent, ObjectNotFound, ProviderError, Rejected, Uncertain
from django_payflow.messages import Reference
from django_payflow.providers.http import MAX_ANSWER_BYTES, Bearer, Http
from tests.mollie.test_adapter import checkout
from tests.mollie.wire import KEY, adapter, always, answer, payment, serving

REFERENCE = Reference(kind="payment", value="tr_" + "A" * 22)
GUARD = 8
"""Seconds: against hanging for ever, not a measurement."""


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def drip(beginning: bytes, rest: bytes):
    """The rest of an answer byte by byte: each in time, all of them after three seconds."""

    def handle(connection, _request):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(beginning)
        for position in range(len(rest)):
            time.sleep(0.1)  # the fault itself
            connection.sendall(rest[position : position + 1])

    return handle


@pytest.mark.parametrize("operation", ["create", "retrieve"])
def test_refused_connection__nothing_was_sent(operation):
    mollie = adapter(closed_port(), deadline=1)
    with pytest.raises(NotSent):
        mollie.create(checkout()) if operation == "create" else mollie.retrieve(checkout(), REFERENCE)


def test_unknown_host__nothing_was_sent():
    with pytest.raises(NotSent):
        adapter("http://mollie.invalid", deadline=1).create(checkout())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "connection"),
    [("headers", "close"), ("headers", "keep-alive"), ("body", "keep-alive"), ("body", "close")],
)
def test_dripping_answer__ends_with_the_deadline(where, connection):
    whole = answer(payment(), Connection=connection)
    cut = whole.index(b"\r\n\r\n") - 30 if where == "headers" else len(whole) - 30
    with serving(drip(whole[:cut], whole[cut : cut + 30])) as wire:
        began = time.monotonic()
        with pytest.raises(Uncertain):
            adapter(wire.url, deadline=1).create(checkout())
        spent = time.monotonic() - began
    assert 0.9 < spent < GUARD


@pytest.mark.slow
def test_silent_server__ends_with_the_deadline_retries_included():
    with serving(lambda _, __: wire.enough.wait(30)) as wire:
        began = time.monotonic()
        with pytest.raises(Uncertain):
            adapter(wire.url, deadline=1, read_timeout=0.4).retrieve(checkout(), REFERENCE)
        spent = time.monotonic() - began
    assert spent < GUARD


@pytest.mark.slow
def test_find__the_deadline_is_of_the_whole_call():
    turns = 12

    def serve(connection, _request):
        wire.enough.wait(0.3)
        item = payment(metadata=None, id=f"tr_{len(wire.seen)}")
        following = {"href": f"x?from=tr_{len(wire.seen)}"} if len(wire.seen) < turns else None
        connection.sendall(answer({"_embedded": {"payments": [item]}, "_links": {"next": following}}))

    with serving(serve) as wire, pytest.raises(Uncertain):
        adapter(wire.url, deadline=1).find(checkout(created_at=checkout().created_at.replace(year=2020)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1",
        b"\x00\x01\x02 not http\r\n\r\n",
        answer(b"", 200),
        answer(b"{", 200),
        answer(b"[]", 200),
        answer(b"null", 200),
        answer(b'"paid"', 200),
        answer(b"<html>paid</html>", 200),
        answer(b"[" * 100_000, 200),
        answer(b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 200),
        answer(b'{"status": "paid", "amount": NaN}', 200),
        answer(b"\xff\xfe", 200),
        answer(payment())[:-20],
        answer(payment(), Content_Encoding="gzip"),
        answer({}, 200),
    ],
)
def test_unreadable_answer__is_an_unclear_end(raw):
    with serving(always(raw)) as wire, pytest.raises(Uncertain):
        adapter(wire.url).create(checkout())


def test_amount_as_a_number__is_not_rounded_but_refused():
    body = b'{"id":"tr_a","mode":"test","status":"paid","amount":{"currency":"EUR","value":24.95}}'
    with serving(always(answer(body))) as wire:
        report = adapter(wire.url).create(checkout()).report
    assert report.captured == 2495, "JSON numbers stay text on their way in: exact, or not at all"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Uncertain),
        (302, Uncertain),
        (307, Uncertain),
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, ObjectNotFound),
        (408, Uncertain),
        (409, Uncertain),
        (410, Rejected),
        (422, Rejected),
        (425, NotSent),
        (429, NotSent),
        (500, Uncertain),
        (502, Uncertain),
        (503, Uncertain),
        (504, Uncertain),
        (599, Uncertain),
    ],
)
def test_status__which_of_the_three_bad_ends(status, error):
    said = answer({"title": "No", "detail": "not today"}, status)
    with serving(always(said)) as wire, pytest.raises(error) as end:
        adapter(wire.url).create(checkout())
    assert type(end.value) is error
    assert end.value.code == str(status)


def test_redirect__is_not_followed_and_the_key_does_not_travel():
    with serving(always(answer(payment()))) as other:
        moved = answer({}, 302, Location=f"{other.url}/v2/payments")
        with serving(always(moved)) as wire, pytest.raises(Uncertain):
            adapter(wire.url).retrieve(checkout(), REFERENCE)
        assert other.seen == []


@pytest.mark.parametrize("packed", [False, True])
def test_oversized_answer__is_not_read_to_its_end(packed):
    big = b'{"a":"' + b"x" * (MAX_ANSWER_BYTES + 1024) + b'"}'
    raw = answer(gzip.compress(big), Content_Encoding="gzip") if packed else answer(big)
    with serving(always(raw)) as wire, pytest.raises(Uncertain, match="larger"):
        adapter(wire.url).create(checkout())


def test_cookies__are_not_kept():
    with serving(always(answer(payment(), Set_Cookie="session=1; Path=/"))) as wire:
        for _ in range(2):
            adapter(wire.url).create(checkout())
        assert all("cookie" not in seen.headers for seen in wire.seen)


@pytest.mark.parametrize(
    ("value", "seconds"), [("30", 30.0), ("999999", 3600.0), ("-5", None), ("soon", None), ("", None), ("1e9", None)]
)
def test_retry_after__is_bounded_and_nothing_else_is_believed(value, seconds):
    with serving(always(answer({}, 429, Retry_After=value))) as wire, pytest.raises(NotSent) as away:
        adapter(wire.url).create(checkout())
    assert away.value.retry_after == seconds


def test_error_text__is_short_and_keeps_only_the_naming_fields():
    body = {"title": "T" * 500, "detail": "D" * 500, "field": "amount", "extra": "never", "status": 422}
    with serving(always(answer(body, 422))) as wire, pytest.raises(Rejected) as no:
        adapter(wire.url).create(checkout())
    assert len(str(no.value)) < 400
    assert "never" not in str(no.value)


# -- secrets


ENDS = {
    "nothing there": None,
    "rejected": answer({"title": "Unauthorized Request", "detail": "bad key"}, 401),
    "server error": answer({"title": "Oops"}, 500),
    "cut": b"HTTP/1.1 200",
    "not json": answer(b"<html>"),
    "unreadable": answer({"status": "paid"}),
}


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("operation", ["create", "retrieve", "find", "cancel", "probe"])
def test_traceback__of_a_failing_call_shows_no_key_even_with_locals(end, operation):
    arguments = {"create": [checkout()], "find": [checkout()], "probe": []}.get(operation, [checkout(), REFERENCE])
    with serving(always(ENDS[end] or b"")) as wire:
        mollie = adapter(wire.url if ENDS[end] else closed_port(), deadline=2)
        try:
            getattr(mollie, operation)(*arguments)
        except ProviderError as error:
            seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        else:
            assert (end, operation) in {("unreadable", "find"), ("unreadable", "probe")}
            return
    text = "".join(seen.format(chain=True))
    assert "providers/http.py" in text or end == "unreadable"
    assert KEY not in text
    assert "Bearer t" not in text


def test_repr__of_everything_that_carries_the_key():
    mollie = adapter("https://api.mollie.com")
    for thing in (mollie, mollie.options, mollie.http, Bearer(KEY), mollie._auth(), Http(base_url="https://x")):
        assert KEY not in repr(thing)
        assert KEY not in str(thing)
