"""Attack 43 at its root: what must never be read in a log, an event or a message, and what must stay readable."""

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_payflow.models.order import new_reference
from django_payflow.models.payment import new_token
from django_payflow.redaction import HIDDEN, MAX_TEXT, logger, remember, scrub, scrub_json

pytestmark = pytest.mark.attack(43)

LIVE_KEY = "live_Q7dpFh3kzLx9TgWv2BnRyC5sMuEa8J"
TEST_KEY = "test_Q7dpFh3kzLx9TgWv2BnRyC5sMuEa8J"
REMEMBERED = "no-shape-at-all-but-a-secret"
SECRETS = {
    "live key": LIVE_KEY,
    "test key": TEST_KEY,
    "organization token": "access_Q7dpFh3kzLx9TgWv2BnRyC5sMuEa8J",
    "other providers' key": "sk_live_51Q7dpFh3kzLx9TgWv2BnRy",
    "signing secret": "whsec_Q7dpFh3kzLx9TgWv2BnRyC5s",
    "card": "4111111111111111",
    "card with spaces": "4111 1111 1111 1111",
    "card with dashes": "4111-1111-1111-1111",
    "american express": "3782 822463 10005",
    "e-mail": "ada.lovelace+shop@mail.example.co.uk",
    "remembered": REMEMBERED,
}
SENTENCES = (
    "{}",
    "the provider said: {}.",
    "key={}, status=401",
    '{{"detail": "{}"}}',
    "https://shop.test/x?value={}&y=1",
    "({})",
    "first\n{}\nlast",
    "'{}'",
)


@pytest.fixture(autouse=True)
def _remembered() -> None:
    remember(REMEMBERED)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a shop's own handler would write."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    found = logger()
    level, found_handlers = found.level, list(found.handlers)
    found.addHandler(handler)
    found.setLevel(logging.DEBUG)
    yield stream
    found.setLevel(level)
    found.handlers[:] = found_handlers


# --- what never survives


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("kind", SECRETS)
def test_scrub__hides_a_secret_wherever_it_stands(kind, sentence):
    text = scrub(sentence.format(SECRETS[kind]))
    assert SECRETS[kind] not in text
    assert HIDDEN in text


@pytest.mark.parametrize("header", ["Bearer", "bearer", "Basic", "BEARER"])
def test_scrub__hides_authorization_headers_and_says_which(header):
    text = scrub(f"Authorization: {header} dGVzdDpwYXNzd29yZA==, Accept: */*")
    assert "dGVzdDpwYXNzd29yZA" not in text
    assert text.startswith(f"Authorization: {header} {HIDDEN}")
    assert "Accept" in text


@pytest.mark.parametrize("kind", SECRETS)
def test_scrub_json__hides_secrets_in_every_depth_and_keeps_the_shape(kind):
    secret = SECRETS[kind]
    data = {"a": [{"b": f"x {secret} y"}, secret], "c": (secret, 5, None, True), "amount": 2495}
    clean = scrub_json(data)
    assert secret not in json.dumps(clean)
    assert (clean["amount"], clean["c"][1:]) == (2495, [5, None, True])


@pytest.mark.parametrize(
    "key",
    [
        *("api_key", "apiKey", "API_KEY", "Authorization", "Cookie", "Set-Cookie", "client_secret"),
        *("webhook_token", "return_token", "password", "X-Mollie-Signature", "cardNumber", "cvc", "consumerIban"),
        *("email", "phone", "name", "givenName", "familyName", "billingAddress", "streetAndNumber", "buyer"),
    ],
)
def test_scrub_json__blanks_what_stands_under_a_private_key(key):
    planted = "Za9-plain-looking-value"
    assert planted not in json.dumps(scrub_json({"outer": [{key: planted}, {key: {"deep": planted}}]}))


def test_scrub_json__shows_that_a_private_value_was_empty():
    assert scrub_json({"email": "", "token": None, "buyer": {}}) == {"email": "", "token": None, "buyer": HIDDEN}


@pytest.mark.parametrize("kind", SECRETS)
def test_logger__hides_secrets_in_messages_arguments_and_tracebacks(log, kind):
    secret = SECRETS[kind]
    logger().info("message %s", secret)
    logger().info(f"ready made {secret}")
    logger().warning("mapping %(value)s", {"value": secret})
    try:
        try:
            raise ValueError(f"inner {secret}")
        except ValueError as inner:
            raise RuntimeError(f"outer {secret}") from inner
    except RuntimeError:
        logger().exception("it failed with %s", secret)

    written = log.getvalue()
    assert secret not in written
    assert written.count("message") == 1
    assert written.count(HIDDEN) >= 6
    assert "RuntimeError: outer" in written
    assert "ValueError: inner" in written
    assert "Traceback (most recent call last)" in written


def test_logger__scrubs_before_any_handler_sees_the_record(caplog):
    """Error trackers read records, not lines."""
    with caplog.at_level(logging.DEBUG, logger="django_payflow"):
        try:
            raise ValueError(LIVE_KEY)
        except ValueError:
            logger().exception("key %s", LIVE_KEY)
    (record,) = caplog.records
    assert LIVE_KEY not in repr(vars(record))


def test_logger__has_its_filter_once_however_often_it_is_asked_for():
    assert logger() is logger()
    assert len(logger().filters) == 1


def test_remember__ignores_what_would_garble_ordinary_text():
    remember("paid")
    assert scrub("the payment is paid") == "the payment is paid"


def test_scrub__bounds_what_it_returns():
    assert len(scrub("x " * 50_000)) <= MAX_TEXT + 4
    assert len(scrub_json(["x"] * 5000)) == 200


# --- what stays readable

references = st.text(alphabet="23456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=16, max_size=16).filter(
    lambda text: not text.isdigit()
)


@given(reference=references)
def test_order_references__stay_readable(reference):
    text = f"order {reference} is pending; Order {reference}/1"
    assert scrub(text) == text
    assert scrub_json({"order": reference}) == {"order": reference}


def test_order_references__as_they_are_really_made_stay_readable():
    made = " ".join(new_reference() for _ in range(100))
    assert scrub(made) == made


@given(moment=st.datetimes(timezones=st.just(UTC)), separator=st.sampled_from("T "))
def test_moments__stay_readable(moment, separator):
    for spec in ("auto", "seconds", "milliseconds"):
        text = f"at {moment.isoformat(sep=separator, timespec=spec)}, due {moment:%Y-%m-%d} {moment:%H:%M}"
        assert scrub(text) == text


@given(minor=st.integers(min_value=0, max_value=10**12 - 1))
def test_amounts__stay_readable(minor):
    text = f"expected {minor} EUR; captured {minor}, refunded {minor}, charged back 0 EUR (minor units)"
    assert scrub(text) == text
    assert scrub(f"{minor // 100}.{minor % 100:02d} EUR") == f"{minor // 100}.{minor % 100:02d} EUR"


@pytest.mark.parametrize(
    "text",
    [
        "payment: pending -> paid",
        "provider call account=mollie operation=retrieve outcome=ok code= ms=120",
        "tr_5kQpV7m2RsT9wXyZ3bC4d and re_4qqhO89gsT, profile pfl_SimShop001",
        "fulfilment ship attempt 3: ValueError: no stock of TEA-001",
        "payment_webhook_refused account=mollie reason=unknown_token status=404",
        "127.0.0.1:5432, version 2026.11.21",
    ],
)
def test_ordinary_words__stay_readable(text):
    assert scrub(text) == text


@pytest.mark.parametrize(
    "key", ["3f2b8c1e-9a4d-4e7f-8b6c-d5a1e0f29c34", "00000000-0000-4abc-8def-abcdefabcdef", "7c9e6679-7425-40de-944b"]
)
def test_keys_of_attempts__stay_readable(key):
    assert scrub(f"payment {key} of order") == f"payment {key} of order"


@pytest.mark.parametrize("key", ["01234567-8901-4345-8789-abcdefabcdef", "abcdefab-abcd-4345-8789-012345678901"])
def test_keys_of_attempts__stay_readable_also_when_their_groups_are_digits(key):
    assert uuid.UUID(key).version == 4
    assert scrub(f"payment {key}") == f"payment {key}"


@pytest.mark.parametrize(
    "sentence", ["https://shop.test/payflow/webhook/mollie/{}/ is unreachable", "token {} unknown"]
)
def test_scrub__hides_the_tokens_of_our_addresses(sentence):
    token = new_token()
    assert token not in scrub(sentence.format(token))
    assert token not in json.dumps(scrub_json({"webhookUrl": sentence.format(token)}))


@pytest.mark.parametrize("data", [{"a": "card_4111111111111111"}, {"4111111111111111": "a"}])
def test_scrub_json__hides_a_card_number_in_every_disguise(data):
    assert "4111111111111111" not in json.dumps(scrub_json(data))


def test_logger__keeps_the_end_of_a_long_traceback(log):
    def deeper(level: int) -> None:
        if level:
            exec(compile(f"deeper({level - 1})", f"/shop/some/long/path/{level}" * 8, "exec"), {"deeper": deeper})
        raise ValueError("the last line counts")

    try:
        deeper(20)
    except ValueError:
        logger().exception("it failed")
    assert "the last line counts" in log.getvalue()


def test_scrub__does_not_take_quadratic_time_for_a_long_word():
    """An unbounded shape would take hours for this one; the suite's timeout is the guard, no clock is read."""
    word = "a" * 1_000_000

    assert scrub(word, limit=len(word)) == word
