"""What the adapter reads without calling out: pushes, and its own options."""

from __future__ import annotations

import json

import pytest

from django_payflow.exceptions import ConfigurationError, WebhookRefused
from django_payflow.providers.golomt import GolomtProvider
from tests.golomt.wire import BEARER, CARD_TOKEN, KEY, OURS, adapter, checkout, outcome, paid, parse, push, seal

PUSH_URL = "https://shop.test/payflow/webhook/golomt/"


def refusal(body: bytes, **more) -> WebhookRefused:
    with pytest.raises(WebhookRefused) as refused:
        parse(body, **more)
    return refused.value


# -- a genuine push


def test_push__names_the_transaction_and_nothing_more():
    notice = parse(push())
    assert (notice.reference, notice.also, notice.our_reference) == (OURS, (), "")
    assert (notice.event_id, notice.kind) == ("", "push"), "it has no id: a repeat is another look"
    assert not notice.ignorable
    assert not notice.foreign


def test_push__says_the_same_whatever_became_of_the_payment():
    notices = {parse(push(errorCode=code, token=token)) for code, token in (("000", CARD_TOKEN), ("300", ...))}
    assert notices == {parse(push())}


@pytest.mark.parametrize("fields", [{"status": "SENT"}, {"cardHolder": "9496250"}, {"somethingNew": {"a": [1]}}])
def test_push__with_other_fields_is_read_all_the_same(fields):
    assert parse(json.dumps({**paid(), **fields}).encode()).reference == OURS


def test_push__without_the_optional_fields():
    bare = {"transactionId": OURS, "checksum": seal(OURS)}
    assert parse(json.dumps(bare).encode()).reference == OURS


@pytest.mark.parametrize("theirs", ["ORD100045", "MEF2026-0001-R2", OURS.lower(), OURS[:-1], OURS + "A", "0" * 15])
def test_push__about_another_systems_transaction_is_foreign(theirs):
    notice = parse(push(transactionId=theirs))
    assert (notice.reference, notice.foreign, notice.ignorable) == (theirs, True, False)


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    ("media", "good"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON", True),
        (None, True),
        ("application/x-www-form-urlencoded", False),
        ("text/plain", False),
        ("application/jsonp", False),
    ],
)
def test_push__is_json(media, good):
    headers = {} if media is None else {"content-type": media}
    if good:
        assert parse(push(), headers=headers).reference == OURS
    else:
        refused = refusal(push(), headers=headers)
        assert (refused.status, refused.reason, refused.alarm) == (415, "content_type", False)


@pytest.mark.parametrize("query", [{}, {"transactionId": "ORD1"}, {"checksum": "0" * 64}])
def test_push__the_address_has_no_say(query):
    (notice,) = adapter().parse_webhook({"content-type": "application/json"}, push(), query, "")
    assert notice.reference == OURS


# -- what is refused


@pytest.mark.attack(1)
def test_push__without_a_checksum_is_refused():
    refused = refusal(push(checksum=...))
    assert (refused.status, refused.reason, refused.alarm) == (401, "checksum", False)


@pytest.mark.attack(3)
def test_push__of_another_merchant_is_refused():
    theirs = push(checksum=seal(OURS, "000", "18500.00", CARD_TOKEN, key="another-merchants-key"))
    refused = refusal(theirs)
    assert (refused.status, refused.reason, refused.alarm) == (401, "checksum", True)
    assert parse(theirs, merchant_key="another-merchants-key").reference == OURS


@pytest.mark.attack(16)
@pytest.mark.parametrize(
    "added",
    [b'"transactionId":"ORD1"', b'"transactionId":"%s"' % OURS.encode(), b'"checksum":"x"', b'"a":{"b":1,"b":2}'],
)
def test_push__with_a_name_twice_is_refused(added):
    """Two readers could understand two different things."""
    for body in (push()[:-1] + b"," + added + b"}", b"{" + added + b"," + push()[1:]):
        assert refusal(body).reason == "malformed"


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"\xff",
        b"\xef\xbb\xbf" + push(),
        push().decode().encode("utf-16"),
        b"transactionId=" + OURS.encode(),
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        push()[:-1],
        push() + push(),
        push()[:-1] + b',"x":NaN}',
        push()[:-1] + b',"x":-Infinity}',
        push()[:-1] + b',"x":' + b"9" * 5000 + b"}",
        push(transactionId=...),
        push(transactionId=None),
        push(transactionId=""),
        push(transactionId="a b"),
        push(transactionId="A" * 191),
        push(transactionId="\x00"),
        push(transactionId="../x"),
        json.dumps({**paid(), "transactionId": 17}).encode(),
        json.dumps({**paid(), "transactionId": [OURS]}).encode(),
        push(amount=True),
        push(amount=["18500.00"]),
        push(errorCode=0),
        push(errorCode={"$ne": ""}),
        push(errorCode="0\x00"),
        push(token=1),
        json.dumps({**paid(), "checksum": 0}).encode(),
        json.dumps({**paid(), "checksum": [paid()["checksum"]]}).encode(),
    ],
)
def test_push__that_cannot_be_read_is_refused_quietly(body):
    refused = refusal(body)
    assert (refused.status, refused.reason, refused.alarm) == (400, "malformed", False)


@pytest.mark.attack(6)
@pytest.mark.parametrize(
    "checksum", ["", "0" * 63, "0" * 65, "0" * 100_000, "g" * 64, "é" * 64, "０" * 64, "\x00" * 64]
)
def test_push__a_checksum_that_is_none_rings_no_alarm(checksum):
    refused = refusal(push(checksum=checksum))
    assert (refused.status, refused.reason, refused.alarm) == (401, "checksum", False)


def test_refusal__quotes_no_secret():
    for body in (
        push(checksum="0" * 64),
        push(errorCode=KEY + "\x00"),
        f'{{"transactionId": {{"{BEARER}": 1}}}}'.encode(),
    ):
        refused = refusal(body)
        assert KEY not in str(refused)
        assert BEARER not in str(refused)
        assert CARD_TOKEN not in str(refused)


# -- the simulated bank's pushes


@pytest.fixture
def told(sim):
    """Pay at the simulated bank, then read what it pushed."""
    sim.control("POST", "golomt/settings", {"push_url": PUSH_URL})
    adapter(sim.base_url("golomt")).create(checkout())

    def read(status: str, **more):
        sim.set_status(OURS, status, provider="golomt", **more)
        delivery = sim.deliveries()[-1]
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        return adapter().parse_webhook(headers, delivery.body, {}, "")

    return read


@pytest.mark.parametrize("status", ["paid", "declined", "failed", "canceled"])
def test_delivery__of_the_simulated_bank_is_understood(told, status):
    (notice,) = told(status)
    assert (notice.reference, notice.foreign) == (OURS, False)


@pytest.mark.parametrize("spelling", ["shortest", "two_decimals"])
def test_delivery__in_another_spelling_of_amounts(sim, told, spelling):
    sim.control("POST", "golomt/settings", {"amounts": spelling})
    (notice,) = told("paid")
    assert notice.reference == OURS


@pytest.mark.attack(12)
@pytest.mark.parametrize("spoiling", ["bad_signature", "other_secret", "unsigned", "tampered"])
def test_delivery__that_is_spoilt_is_refused(sim, told, spoiling):
    told("paid")
    sim.control("POST", f"golomt/payments/{OURS}/webhook", {"spoilt": spoiling})
    body = sim.deliveries()[-1].body
    refused = refusal(body)
    assert (refused.status, refused.reason) == (401, "checksum")
    assert refused.alarm is (spoiling != "unsigned")


# -- options

GOOD = {"bearer_token": BEARER, "merchant_key": KEY}


def test_options__the_defaults_are_the_live_bank():
    read = GolomtProvider.read_options(GOOD)
    assert (read.base_url, read.test, read.currency) == ("https://ecommerce.golomtbank.com", False, "MNT")
    assert (read.language, read.return_type, read.gen_token) == ("", "GET", True)
    assert (read.page_minutes, read.grace_minutes) == (10, 10)
    assert (adapter(test=False).live, adapter(test=True).live) == (True, False)


@pytest.mark.attack(8)
@pytest.mark.parametrize("name", ["bearer_token", "merchant_key"])
@pytest.mark.parametrize(
    "value",
    ["", "changeme", "secret", "x" * 11, "x" * 5000, " " + KEY, KEY + "\n", "with a space in it", None, 17, [KEY]],
)
def test_options__a_secret_that_is_none_is_refused_without_showing_it(name, value):
    with pytest.raises(ConfigurationError, match=name) as wrong:
        GolomtProvider.read_options({**GOOD, name: value})
    assert not isinstance(value, str) or len(value) < 9 or value not in str(wrong.value)


def test_options__one_secret_for_both_is_a_mistake():
    with pytest.raises(ConfigurationError, match="merchant_key") as wrong:
        GolomtProvider.read_options({"bearer_token": KEY, "merchant_key": KEY})
    assert KEY not in str(wrong.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "MN"),
        ("language", "ru"),
        ("language", None),
        ("return_type", "MOBILE"),
        ("return_type", "get"),
        ("return_type", ["GET"]),
        ("test", "no"),
        ("test", 1),
        ("gen_token", "Y"),
        ("currency", "mnt"),
        ("currency", "EURO"),
        ("currency", ""),
        ("currency", None),
        ("currency", ["MNT"]),
        ("currency", "XAU"),
        ("currency", "KWD"),
        ("page_minutes", 0),
        ("page_minutes", 1.9),
        ("page_minutes", 61),
        ("page_minutes", "10"),
        ("page_minutes", True),
        ("page_minutes", float("nan")),
        ("grace_minutes", 0),
        ("grace_minutes", -1),
        ("grace_minutes", 361),
        ("grace_minutes", None),
        ("base_url", "https://ecommerce.golomtbank.com/?x=1"),
        ("base_url", "https://ecommerce.golomtbank.com/#x"),
        ("base_url", None),
    ],
)
def test_options__what_is_none_is_named(name, value):
    with pytest.raises(ConfigurationError, match=name):
        GolomtProvider.read_options({**GOOD, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "mn"),
        ("language", "en"),
        ("return_type", "POST"),
        ("currency", "USD"),
        ("currency", "JPY"),
        ("page_minutes", 2),
        ("page_minutes", 2.5),
        ("grace_minutes", 1),
        ("base_url", "https://ecommerce.golomtbank.com:8443"),
    ],
)
def test_options__what_is_good_is_taken(name, value):
    assert getattr(GolomtProvider.read_options({**GOOD, name: value}), name) == value


def test_options__an_unknown_or_missing_one_is_named():
    with pytest.raises(ConfigurationError, match="verify"):
        GolomtProvider.read_options({**GOOD, "verify": False})
    for name in GOOD:
        with pytest.raises(ConfigurationError, match=name):
            GolomtProvider.read_options({other: value for other, value in GOOD.items() if other != name})


def test_options__every_secret_is_known_as_one_and_shows_nowhere():
    assert set(GolomtProvider.secret_fields) == {"bearer_token", "merchant_key"}
    golomt = adapter()
    for thing in (golomt, golomt.options, golomt.http):
        assert KEY not in repr(thing) + str(thing)
        assert BEARER not in repr(thing) + str(thing)


def test_outcome__shows_no_card_token():
    from django_payflow.providers.golomt import _read_outcome

    assert CARD_TOKEN not in repr(_read_outcome(paid()))
    assert "SIM BUYER" not in repr(_read_outcome(paid()))
    assert _read_outcome(outcome()).token == ""
