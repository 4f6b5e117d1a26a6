"""Deliveries that are no deliveries: methods, types, sizes, encodings, repeated parameters."""

from __future__ import annotations

import io

import pytest
from django.test import RequestFactory
from django.urls import resolve

from django_payflow import flow
from django_payflow.models import WebhookDelivery
from tests.attacks.kit import FORM, hook, post, rows, state_of
from tests.attacks.signing_bank import event
from tests.attacks.test_webhook_authenticity import signed

MEGABYTE = 1024 * 1024


@pytest.fixture
def started(story):
    return story.start()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(story, started):
    """Every refusal of this file: no row, no question to the provider, the payment as it was."""
    before, known, asked = rows(), state_of(started), len(story.sim.calls())
    yield
    if not WebhookDelivery.objects.exists():
        flow.sweep(inline=True)
        assert (rows(), state_of(started), len(story.sim.calls())) == (before, known, asked)


# -- 14: method and type


@pytest.mark.attack(14)
@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
def test_attack_14__only_post_is_answered(client, story, started, method):
    answer = getattr(client, method)(hook(started) + f"?id={story.reference}")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form", ""],
)
def test_attack_14__another_content_type(client, story, started, content_type):
    assert post(client, hook(started), f"id={story.reference}", content_type).status_code == 415
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(14)
def test_attack_14__the_id_in_the_query_counts_for_nothing(client, story, started):
    assert post(client, hook(started) + f"?id={story.reference}", "").status_code == 400
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(14)
def test_attack_14__without_the_closing_slash_nothing_is_redirected_into_silence(client, story, started, settings):
    """A redirect would turn the provider's POST into a GET without a body; it must fail where somebody sees it."""
    answer = post(client, hook(started).rstrip("/"), f"id={story.reference}")
    assert answer.status_code in {404, 301} and not WebhookDelivery.objects.exists()
    assert "/payflow/webhook/mollie/" in started.checkout["webhook_url"]
    assert started.checkout["webhook_url"].endswith("/"), "what we give to the provider is the exact address"


# -- 15: size and encoding


@pytest.mark.attack(15)
@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * MEGABYTE, 50 * MEGABYTE])
def test_attack_15__too_big_by_its_own_word(client, started, size):
    """Answered from the header alone: the body is not read."""
    body = _Counting(size)
    answer = _raw_post(client, hook(started), body, str(size))
    assert answer.status_code == 413
    assert body.read_bytes == 0


@pytest.mark.attack(15)
def test_attack_15__a_body_longer_than_its_content_length_says(client, started, story):
    """What lies behind the stated length is not read, and what is read is no notification."""
    body = _Counting(50 * MEGABYTE)
    answer = _raw_post(client, hook(started), body, "20")
    assert answer.status_code == 400
    assert body.read_bytes <= 64 * 1024 + 1


@pytest.mark.attack(15)
def test_attack_15__a_body_without_any_length(started):
    """Chunked uploads reach Django without a length: reading stops at the limit."""
    body = _Counting(50 * MEGABYTE)
    request = RequestFactory().generic("POST", hook(started), b"", FORM)
    request.META.pop("CONTENT_LENGTH", None)
    request._stream = body
    match = resolve(hook(started))

    answer = match.func(request, *match.args, **match.kwargs)

    assert answer.status_code == 413
    assert body.read_bytes <= 64 * 1024 + 1


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "length",
    [
        "-1",
        "1e3",
        " ",
        "0x10",
        "٣",
        "9" * 19,
        "9" * 5000,
    ],
)
def test_attack_15__a_content_length_that_is_none(client, started, length):
    assert _raw_post(client, hook(started), _Counting(100), length).status_code in {400, 413}
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(15)
def test_attack_15__the_limit_is_configurable(client, started, story, payflow):
    payflow(WEBHOOK_MAX_BYTES=16)
    assert post(client, hook(started), f"id={story.reference}").status_code == 413


@pytest.mark.attack(15)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "gzip, gzip", "unknown"])
def test_attack_15__a_packed_body_is_not_unpacked(client, started, encoding):
    answer = post(client, hook(started), b"\x1f\x8b\x08\x00", headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.content) == (415, b"encoded")


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"id=\x00",
        b"id=tr_%00",
        b"id=tr_abc%0D%0AX-Evil:1",
        b"\xff\xfe\xfd",
        b"id=" + "trü_".encode("latin-1"),
        b"id=%ff%fe",
        b"[" * 60_000,
        b"&" * 60_000,
        b"=&" * 30_000,
        b"id=tr_" + b"a" * 60_000,
        b"id=%74%72%5f" + b"%" * 1000,
    ],
)
def test_attack_15__bytes_that_mean_nothing(client, started, body):
    assert post(client, hook(started), body).status_code == 400
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(15)
def test_attack_15__a_client_that_goes_away_while_sending(client, started):
    client.raise_request_exception = False
    answer = _raw_post(client, hook(started), _Broken(), "1000")
    assert answer.status_code == 400


NUL = "%00"


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "path",
    [
        f"/payflow/webhook/mollie/{NUL}/",
        f"/payflow/webhook/mollie/a{NUL}b/",
        "/payflow/webhook/mollie/%ff%fe/",
        "/payflow/webhook/mollie/" + "a" * 5000 + "/",
        "/payflow/webhook/mollie/ü/",
        "/payflow/webhook/..%2f..%2fmollie/x/",
        f"/payflow/webhook/mollie{NUL}/x/",
    ],
)
def test_attack_15__addresses_that_mean_nothing(client, story, started, path):
    """On PostgreSQL a NUL byte in a parameter is an error of the database: it must not reach it."""
    assert post(client, path, f"id={story.reference}").status_code == 404


# -- 16, 17


@pytest.mark.attack(16)
@pytest.mark.parametrize(
    "body", ["id={0}&id=tr_b", "id=tr_b&id={0}", "id={0}&id={0}", "id[]={0}", "id={0}&id", "ID={0}"]
)
def test_attack_16__repeated_parameters(client, story, started, body):
    assert post(client, hook(started), body.format(story.reference)).status_code == 400
    assert not WebhookDelivery.objects.exists()


@pytest.mark.attack(16)
def test_attack_16__the_query_does_not_mix_with_the_body(client, story, started):
    answer = post(client, hook(started) + "?id=tr_other&id=tr_third", f"id={story.reference}")

    assert answer.status_code == 200
    assert WebhookDelivery.objects.get().reference == story.reference


@pytest.mark.attack(17)
def test_attack_17__an_event_of_a_kind_we_do_not_know(bank, started, client):
    """Mollie's classic webhooks have no event types; played with the tests' own signing provider."""
    answer = signed(client, event("cus_1", kind="customer.updated"))
    flow.sweep(inline=True)

    assert (answer.status_code, answer.content) == (200, b"ignored")
    assert WebhookDelivery.objects.get().state == "ignored"
    assert bank.asked == []


@pytest.mark.attack(17)
@pytest.mark.parametrize(
    "other", ["re_abc", "ord_1.abc", "sub_abc", "chb_abc", "pl_abc", "event_abc", "tr-abc", "TR_abc"]
)
def test_attack_17__an_id_of_another_kind_of_object(client, started, other):
    assert post(client, hook(started), f"id={other}").status_code == 400
    assert not WebhookDelivery.objects.exists()


class _Counting(io.RawIOBase):
    """A body of any size that is made while it is read, and that knows how much of it was."""

    def __init__(self, size: int) -> None:
        self.left, self.read_bytes = size, 0

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size is None or size < 0 else min(size, self.left)
        self.left -= wanted
        self.read_bytes += wanted
        return b"a" * wanted


class _Broken(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise OSError("the other side went away")


def _raw_post(client, path: str, body: io.RawIOBase, length: str):
    return client.generic("POST", path, b"", **{"wsgi.input": body, "CONTENT_LENGTH": length, "CONTENT_TYPE": FORM})
