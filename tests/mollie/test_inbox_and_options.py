"""What the adapter reads without calling out: notifications, and its own options."""

from __future__ import annotations

import pytest

from django_payflow.exceptions import ConfigurationError, WebhookRefused
from django_payflow.providers.mollie import MollieProvider
from tests.mollie.wire import KEY, adapter

FORM = {"content-type": "application/x-www-form-urlencoded"}

# -- webhooks


@pytest.mark.parametrize("body", [b"id=tr_5kQpV7m2Rs", b"id=tr_" + b"a" * 61, b"testmode=1&id=tr_abc"])
def test_parse_webhook__one_id(body):
    (notice,) = parse(body)
    assert notice.reference == dict(pair.split("=") for pair in body.decode().split("&"))["id"]
    assert (notice.event_id, notice.kind, notice.ignorable) == ("", "payment", False)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded; charset=utf-8", "APPLICATION/X-WWW-FORM-URLENCODED", FORM["content-type"]],
)
def test_parse_webhook__content_type_as_servers_write_it(content_type):
    assert parse(b"id=tr_abc", content_type=content_type)[0].reference == "tr_abc"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"id=",
        b"id",
        b"ID=tr_abc",
        b"id=tr_",
        b"id=tr_" + b"a" * 62,
        b"id=tr_a&id=tr_b",
        b"id=tr_a&id=tr_a",
        b"id[]=tr_a",
        b"id=re_abc",
        b"id=tr_abc%00",
        b"id=tr_abc\x00",
        b"id=tr_abc%0A",
        b"id=tr_a/../tr_b",
        b"id=tr_\xff",
        b"id=tr_%C3%A9",
        "id=tr_ａ".encode(),
        b'{"id": "tr_abc"}',
        b"&".join(b"a%d=1" % n for n in range(50)) + b"&id=tr_abc",
    ],
)
def test_parse_webhook__anything_else_is_refused(body):
    with pytest.raises(WebhookRefused) as refused:
        parse(body)
    assert refused.value.status == 400


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_parse_webhook__another_content_type_is_415(content_type):
    with pytest.raises(WebhookRefused) as refused:
        parse(b"id=tr_abc", content_type=content_type)
    assert refused.value.status == 415


def parse(body: bytes, content_type: str = FORM["content-type"]):
    return adapter("http://127.0.0.1:1").parse_webhook({"content-type": content_type}, body, {}, "hint")


# -- options


@pytest.mark.parametrize("key", ["", "live_", "test_short", "access_" + "k" * 30, "sk_test_" + "k" * 30, " " + KEY])
def test_options__a_key_that_is_none_is_refused_without_showing_it(key):
    with pytest.raises(ConfigurationError) as wrong:
        MollieProvider.read_options({"api_key": key})
    assert "api_key" in str(wrong.value)
    assert key.strip("_ ") == "" or len(key) < 8 or key not in str(wrong.value)


def test_options__an_unknown_or_missing_one_is_named():
    with pytest.raises(ConfigurationError, match="verify"):
        MollieProvider.read_options({"api_key": KEY, "verify": False})
    with pytest.raises(ConfigurationError, match="api_key"):
        MollieProvider.read_options({})


@pytest.mark.parametrize(("key", "live"), [("test_" + "k" * 30, False), ("live_" + "k" * 30, True)])
def test_live__is_what_the_key_says(key, live):
    assert adapter("https://api.mollie.com", key=key).live is live
