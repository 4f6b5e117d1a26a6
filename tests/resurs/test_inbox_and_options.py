"""What the adapter reads without calling out: callbacks, and its own options."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_payflow.exceptions import ConfigurationError, InvalidCheckout, WebhookRefused
from django_payflow.providers.resurs import LIVE_URL, TEST_URL, ResursProvider
from tests.resurs.wire import CLIENT, HINT, ID, SECRET, adapter, options, parse

ACTION = "0d0b63f0-3a9a-4b9e-8d4b-1d3a2a0a9a10"
AUTHORIZED = {"paymentId": ID, "status": "AUTHORIZED", "created": "2026-01-15T10:24:02.120Z"}
CAPTURED = {"paymentId": ID, "action": "CAPTURE", "actionId": ACTION, "created": "2026-01-15T10:30:00Z"}
INSPECTED = {"applicationId": ACTION, "status": "INSPECTION", "created": "2026-01-15T10:24:02Z"}


def refusal(body: Any, kind: str = "authorization", headers: dict | None = None) -> WebhookRefused:
    with pytest.raises(WebhookRefused) as refused:
        parse(body, kind, headers)
    return refused.value


# -- the three kinds


@pytest.mark.parametrize(("body", "kind"), [(AUTHORIZED, "authorization"), (CAPTURED, "management")])
def test_callback__names_the_payment_and_its_kind(body, kind):
    notice = parse(body, kind)
    assert (notice.reference, notice.kind, notice.also) == (ID, kind, ())
    assert (notice.our_reference, notice.event_id) == ("", ""), "anybody could have written them"


def test_callback__about_a_credit_application_leaves_it_to_the_token():
    notice = parse(INSPECTED, "creditApplication")
    assert (notice.reference, notice.kind, notice.ignorable) == ("", "creditApplication", False)


@pytest.mark.parametrize("word", ["AUTHORIZED", "FROZEN", "REJECTED", "CREDIT_APPROVED", "BRAND_NEW"])
def test_callback__its_word_is_only_a_hint(word):
    assert parse(AUTHORIZED | {"status": word, "checkoutId": ACTION, "amount": 0.01}) == parse(AUTHORIZED)


@pytest.mark.parametrize("type_", ["application/json", "application/json; charset=utf-8", "Application/JSON", ""])
def test_callback__content_types(type_):
    assert parse(AUTHORIZED, headers={"content-type": type_}).reference == ID
    assert parse(AUTHORIZED, headers={}).reference == ID


@pytest.mark.attack(14)
@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "é\x00"])
def test_callback__of_another_content_type_is_415(type_):
    assert refusal(AUTHORIZED, headers={"content-type": type_}).status == 415


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 60_000,
        b'{"paymentId": NaN}',
        json.dumps(AUTHORIZED).encode()[:-1] + f', "paymentId": "{ACTION}"}}'.encode(),
        {"status": "AUTHORIZED"},
        {"paymentId": None},
        {"paymentId": [ID]},
        {"paymentId": f"{ID}x"},
        {"paymentId": f"{ID}\n"},
        {"paymentId": "../stores"},
        {"paymentId": ID.replace("3", "٣")},
    ],
)
def test_callback__that_names_nothing_is_refused(body):
    assert refusal(body).status == 400


def test_callback__at_the_wrong_address_is_refused():
    refusal(INSPECTED, "authorization")
    refusal(AUTHORIZED, "creditApplication")


@pytest.mark.attack(10)
@pytest.mark.parametrize(
    "hint", ["", HINT, f"{HINT}-", f"{HINT}-payout", f"{HINT}-Authorization", "-" * 43, f"{HINT}-x-y"]
)
def test_callback__without_a_kind_in_its_address_is_404(hint):
    with pytest.raises(WebhookRefused) as refused:
        adapter("").parse_webhook({"content-type": "application/json"}, json.dumps(AUTHORIZED).encode(), {}, hint)
    assert (refused.value.status, refused.value.alarm) == (404, False)


def test_callback__a_token_may_hold_dashes():
    token = "a-b_c" * 8 + "-ma"
    (notice,) = adapter("").parse_webhook({}, json.dumps(CAPTURED).encode(), {}, f"{token}-management")
    assert notice.kind == "management"


# -- options


def test_options__the_mode_decides_the_host():
    for test, host in ((True, TEST_URL), (False, LIVE_URL)):
        built = adapter("", test=test)
        assert (built.options.base_url, built.live) == (host, not test)


def test_options__the_least_that_is_needed():
    read = ResursProvider.read_options({name: value for name, value in options().items() if name != "test"})
    assert (read.test, read.scope, read.time_to_live) == (False, "merchant-api", 120)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["client_id", "client_secret", "store_id", "payment_method_id", "country"])
def test_options__what_is_missing_is_named(name):
    with pytest.raises(ConfigurationError, match=name):
        ResursProvider.read_options({key: value for key, value in options().items() if key != name})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("client_id", ""),
        ("client_id", None),
        ("client_secret", "short"),
        ("client_secret", "with a space"),
        ("client_secret", "line\nline line"),
        ("store_id", "107"),
        ("store_id", None),
        ("payment_method_id", "RESURS_INVOICE"),
        ("country", "DE"),
        ("country", "se"),
        ("country", None),
        ("scope", ""),
        ("scope", "two words"),
        ("time_to_live", 0),
        ("time_to_live", 43_201),
        ("time_to_live", 1.5),
        ("time_to_live", True),
        ("time_to_live", "120"),
        ("test", "yes"),
        ("handle_frozen", 1),
        ("handle_manual_inspection", None),
        ("automatic_capture", "no"),
        ("base_url", LIVE_URL),
        ("base_url", 7),
    ],
)
def test_options__what_is_wrong_is_named_and_not_quoted(name, wrong):
    with pytest.raises(ConfigurationError, match=name) as refused:
        ResursProvider.read_options(options(**{name: wrong}))
    if name == "client_secret":
        assert wrong not in str(refused.value)


def test_options__live_credentials_do_not_go_to_the_test_host():
    with pytest.raises(ConfigurationError, match="base_url"):
        ResursProvider.read_options(options(test=False, base_url=TEST_URL))


def test_options__capture_at_once_and_waiting_for_fraud_control_exclude_each_other():
    with pytest.raises(ConfigurationError, match="automatic_capture"):
        ResursProvider.read_options(options(automatic_capture=True))
    ResursProvider.read_options(options(automatic_capture=True, handle_frozen=False))


def test_options__the_secret_does_not_show():
    built = adapter("")
    assert SECRET not in repr(built.options) + repr(built)
    assert CLIENT in repr(built.options)


def test_checkout_address__is_the_banks():
    resurs = adapter("")
    for url in ("https://gateway.resurs.com/c/1", "https://gateway.integration.resurs.com/c/1"):
        assert resurs.safe_checkout_url(url) == url
    for url in ("https://resurs.com.evil.example/", "http://gateway.resurs.com/", "https://notresurs.com/"):
        with pytest.raises(InvalidCheckout):
            resurs.safe_checkout_url(url)


def test_polling__goes_on_through_the_longest_wait():
    """Thirty days for the buyer, and then an inspection."""
    born = datetime(2026, 1, 15, tzinfo=UTC)
    schedule = ResursProvider.poll_schedule
    for days in (2, 29, 40):
        now = born + timedelta(days=days)
        due = schedule.next_check(created=born, expires=born + timedelta(hours=2), now=now)
        assert due is not None and due - now <= timedelta(hours=6)
