"""Access tokens: fetched once, shared through the cache, renewed once when they are refused, and never seen."""

from __future__ import annotations

import logging
import traceback
from urllib.parse import parse_qs

import pytest

from django_payflow.exceptions import NotSent, ObjectNotFound, Rejected
from django_payflow.messages import Phase, Reference
from tests.mollie.wire import DictCache
from tests.resurs.wire import CLIENT, ID, SECRET, TOKEN, adapter, answer, checkout, pages, payment, serving

STORED = Reference(kind="payment", value=ID)
PAYMENT = f"GET /v2/payments/{ID}"


class TimedCache(DictCache):
    """Remembers for how long something is kept."""

    def set(self, key, value, timeout):
        super().set(key, value, timeout)
        self.timeout = timeout


def asked(wire) -> list[str]:
    return [f"{each.method} {each.path}" for each in wire.seen]


def test_token__is_asked_for_with_a_form_and_kept_with_a_margin():
    cache = TimedCache()
    with serving(pages({PAYMENT: payment()})) as wire:
        adapter(wire.url, cache=cache).retrieve(checkout(), STORED)
        adapter(wire.url, cache=cache).retrieve(checkout(), STORED)

    assert asked(wire) == ["POST /oauth2/token", PAYMENT, PAYMENT]
    login = wire.seen[0]
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(login.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": [CLIENT],
        "client_secret": [SECRET],
        "scope": ["merchant-api"],
    }
    assert "authorization" not in login.headers
    assert [each.headers["authorization"] for each in wire.seen[1:]] == [f"Bearer {TOKEN}"] * 2
    assert cache.timeout == 3599 - 60


@pytest.mark.parametrize("other", [{"client_id": "another-client"}, {"scope": "mock-merchant-api"}])
def test_token__of_other_credentials_is_never_used(other):
    cache = DictCache()
    with serving(pages({PAYMENT: payment()})) as wire:
        adapter(wire.url, cache=cache).retrieve(checkout(), STORED)
        adapter(wire.url, cache=cache, **other).retrieve(checkout(), STORED)
    assert asked(wire).count("POST /oauth2/token") == 2
    with serving(pages({PAYMENT: payment()})) as elsewhere:
        adapter(elsewhere.url, cache=cache).retrieve(checkout(), STORED)
    assert "POST /oauth2/token" in asked(elsewhere)


@pytest.mark.parametrize("life", [60, 1, 0, None, "3599"])
def test_token__that_ends_soon_or_never_says_when_is_used_once(life):
    cache = DictCache()
    with serving(pages({PAYMENT: payment(), "POST /oauth2/token": {"access_token": TOKEN, "expires_in": life}})) as w:
        assert adapter(w.url, cache=cache).retrieve(checkout(), STORED).phase is Phase.OPEN
    assert cache == {}


def test_token__refused_once_is_renewed_and_the_create_sent_again(resurs, sim):
    """A 401 is a certain no: nothing was made by the first one."""
    resurs.probe()
    sim.control("POST", "resurs/tokens/revoke", {})

    report = resurs.create(checkout()).report
    assert report.references[0].value == sim.payments("resurs")[0]["id"]
    assert len(sim.payments("resurs")) == 1
    assert [call["status"] for call in sim.calls("create")] == [401, 200]
    assert len(sim.calls("token")) == 2


def test_token__that_ran_out_on_their_clock_is_renewed(resurs, sim):
    reference = resurs.create(checkout()).report.references[0]
    sim.control("POST", "clock", {"advance": 3600})
    assert resurs.retrieve(checkout(), reference).phase is Phase.OPEN
    assert len(sim.calls("token")) == 2


def test_token__refused_twice_is_a_refusal_and_not_asked_for_for_ever():
    refusal = answer({"traceId": "1", "code": "UNAUTHORIZED", "message": "no", "timestamp": "x"}, 401)
    with serving(pages({PAYMENT: refusal, "POST /v2/payments": refusal})) as wire:
        resurs = adapter(wire.url)
        for call in (lambda: resurs.retrieve(checkout(), STORED), lambda: resurs.create(checkout())):
            with pytest.raises(Rejected) as refused:
                call()
            assert refused.value.code == "401"
    assert asked(wire).count("POST /v2/payments") == 2
    assert asked(wire).count(PAYMENT) == 2


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (answer({"error": "invalid_client"}, 401), Rejected),
        (answer({"error": "invalid_scope"}, 400), Rejected),
        (answer({"error": "invalid_client"}, 200), Rejected),
        (answer({}, 404), Rejected),
        (answer({}, 500), NotSent),
        (answer({}, 429), NotSent),
        (answer({}, 302), NotSent),
        (answer({}), NotSent),
        (answer(b"<html>"), NotSent),
        (answer({"access_token": "two\nlines", "expires_in": 3599}), NotSent),
        (answer({"access_token": 7, "expires_in": 3599}), NotSent),
        (b"", NotSent),
    ],
)
def test_token__that_cannot_be_had_means_that_nothing_was_sent(told, end):
    """Not "uncertain": the payment was certainly not made. And a 404 of the login is no missing payment."""
    with serving(pages({"POST /oauth2/token": told, "POST /v2/payments": payment(), PAYMENT: payment()})) as wire:
        resurs = adapter(wire.url)
        for call in (lambda: resurs.create(checkout()), lambda: resurs.retrieve(checkout(), STORED)):
            with pytest.raises(end) as ended:
                call()
            assert type(ended.value) is end
            assert not isinstance(ended.value, ObjectNotFound)
    assert set(asked(wire)) == {"POST /oauth2/token"}


def test_token__a_wait_that_the_login_asks_for_is_passed_on():
    with (
        serving(pages({"POST /oauth2/token": answer({}, 429, Retry_After="30")})) as wire,
        pytest.raises(NotSent) as away,
    ):
        adapter(wire.url).create(checkout())
    assert away.value.retry_after == 30


def test_token__the_time_of_a_call_covers_login_and_request():
    """The login's answer drips until the call's time is over: the create call is then not begun."""

    def drip(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        wire.enough.wait(5)

    with serving(drip) as wire:
        with pytest.raises(NotSent):
            adapter(wire.url, deadline=0.3).create(checkout())
        assert asked(wire) == ["POST /oauth2/token"]


def test_token__when_the_time_is_over_the_create_is_not_begun():
    cache = DictCache()
    with serving(pages({"POST /v2/payments": payment(), PAYMENT: payment()})) as wire:
        adapter(wire.url, cache=cache).retrieve(checkout(), STORED)
        with pytest.raises(NotSent):
            adapter(wire.url, cache=cache, deadline=0).create(checkout())
        assert "POST /v2/payments" not in asked(wire)


@pytest.mark.attack(43)
def test_secrets__show_in_no_traceback_and_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    broken = answer({"code": "BAD_REQUEST", "message": "no"}, 400)
    with serving(pages({"POST /v2/payments": broken})) as wire, pytest.raises(Rejected) as refused:
        adapter(wire.url).create(checkout())
    seen = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    with serving(pages({"POST /oauth2/token": answer({}, 400)})) as wire, pytest.raises(Rejected) as unknown:
        adapter(wire.url).create(checkout())
    seen += "".join(traceback.TracebackException.from_exception(unknown.value, capture_locals=True).format())
    seen += caplog.text

    assert "[hidden]" in seen, "the locals that hold them were looked at"
    for secret in (TOKEN, SECRET):
        assert secret not in seen
