"""What the adapter reads without calling out: signed deliveries, and its own options."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from django_payflow import clock
from django_payflow.exceptions import ConfigurationError, WebhookRefused
from django_payflow.providers.stripe import EVENTS, StripeProvider
from tests.stripe.wire import (
    ATTEMPT,
    CHARGE_ID,
    INTENT_ID,
    KEY,
    SECRET,
    SESSION_ID,
    adapter,
    charge,
    event,
    intent,
    move,
    session,
    signature,
    signed,
)

OTHER = "whsec_" + "o7" * 16
NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def parse(headers: dict[str, str], body: bytes, **options: Any) -> list[Any]:
    return adapter(options=options).parse_webhook(headers, body, {}, "")


def refusal(headers: dict[str, str], body: bytes, **options: Any) -> WebhookRefused:
    with pytest.raises(WebhookRefused) as refused:
        parse(headers, body, **options)
    assert refused.value.status in {400, 401, 415}
    return refused.value


def with_header(value: str, body: bytes) -> tuple[dict[str, str], bytes]:
    return {"content-type": "application/json", "stripe-signature": value}, body


BODY = json.dumps(event()).encode()

# -- the signature


def test_signature__a_vector_that_openssl_computed(monkeypatch):
    """The whole secret, its prefix too, is the key; the message is the timestamp, a full stop and the raw body."""
    monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(1772359260, UTC))
    body = b'{"id":"evt_1","type":"checkout.session.expired","livemode":false,"data":{"object":{"id":"cs_1"}}}'
    v1 = "93195f5d7ceec29180e6a7801a2ab194c20f1c4d2ce25b196c5d0772d4479c21"
    (notice,) = parse(*with_header(f"t=1772359260,v1={v1}", body), signing_secrets=["whsec_0123456789abcdef"])
    assert (notice.event_id, notice.reference) == ("evt_1", "cs_1")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("words", ["plain", "ünïcode ✓", "\u2028"])
def test_signature__is_over_the_raw_bytes(indent, words):
    raw = json.dumps(event(session(note=words)), indent=indent, ensure_ascii=False).encode()
    assert parse(*signed(raw))[0].reference == SESSION_ID


@pytest.mark.attack(2)
def test_signature__another_body_is_refused():
    headers, raw = signed(event())
    changed = raw.replace(b'"evt_1Wire"', b'"evt_2Wire"')
    again = json.dumps(json.loads(raw)).encode()
    for body in (changed, again, raw + b"\n", raw[:-1], b"", raw.replace(b"2495", b"2496")):
        refused = refusal(headers, body)
        assert (refused.status, refused.reason) == (401, "signature")


@pytest.mark.attack(3)
@pytest.mark.parametrize("secret", [OTHER, SECRET[len("whsec_") :], SECRET.upper(), SECRET + "x", ""])
def test_signature__another_secret_is_refused(secret):
    assert refusal(*signed(event(), secret=secret)).reason == "signature"


@pytest.mark.parametrize("order", [[SECRET, OTHER], [OTHER, SECRET]])
@pytest.mark.parametrize("used", [SECRET, OTHER])
def test_signature__two_secrets_while_one_is_replaced(order, used):
    assert parse(*signed(event(), secret=used), signing_secrets=tuple(order))


@pytest.mark.attack(7)
def test_signature__any_v1_counts_and_other_schemes_do_not():
    t, v1 = signature(BODY)
    _, foreign = signature(BODY, secret=OTHER)
    for good in (
        f"t={t},v1={foreign},v1={v1}",
        f"t={t},v1={v1},v1={foreign}",
        f"t={t},v1={v1},v0={foreign}",
        f"v0={foreign},v1={v1},t={t}",
        f"t={t},v1=zz,v1={v1}",
        f"t={t},new=1,v1={v1}",
    ):
        assert parse(*with_header(good, BODY))
    for bad in (f"t={t},v0={v1}", f"t={t},v2={v1}", f"t={t},V1={v1}", f"t={t},v1={foreign},v0={v1}", f"t={t}"):
        assert refusal(*with_header(bad, BODY)).status in {400, 401}


@pytest.mark.attack(1)
def test_signature__missing():
    refused = refusal({"content-type": "application/json"}, BODY)
    assert (refused.status, refused.reason) == (401, "unsigned")


T, V1 = signature(BODY, stamp=int(NOW.timestamp()))


@pytest.mark.attack(6)
@pytest.mark.parametrize(
    "header",
    [
        "t",
        ",",
        "=" * 500,
        "," * 3000,
        f"v1={V1}",
        f"t=,v1={V1}",
        f"t={T},v1={V1},t={T}",
        f"t=1,t={T},v1={V1}",
        f"t={T},v1={V1.upper()}",
        f"t={T},v1={V1[:-1]}",
        f"t={T},v1={V1}0",
        f"t={T},v1=",
        f"t={T};v1={V1}",
        f"t= {T},v1={V1}",
        f"t=+{T},v1={V1}",
        f"t={T}.0,v1={V1}",
        f"t=0x10,v1={V1}",
        f"t={'9' * 5000},v1={V1}",
        f"t=-{T},v1={V1}",
        f"t={T},v1=" + "é" * 64,
        f"t={T},v1=" + "\x00" * 64,
        "t=١٢٣,v1=" + V1,
        f"t={T}\x00,v1={V1}",
        f"t={T}\udcff,v1={V1}",
        f"t={T}," + ",".join(["v1=" + "0" * 64] * 50) + f",v1={V1}",
        f"t={T},v1={V1}," + ",".join(["x=y"] * 50),
        f"t={T},v1={V1},pad=" + "x" * 10_000,
        "\udcff",
    ],
)
def test_signature__a_hostile_header_is_refused_without_an_exception_page(header):
    assert refusal(*with_header(header, BODY)).reason in {"signature_header", "signature"}


@pytest.mark.parametrize("off", [-300, -299, 0, 299, 300])
def test_timestamp__inside_the_window(off):
    assert parse(*signed(event(), stamp=int(NOW.timestamp()) + off))


@pytest.mark.attack(4)
@pytest.mark.parametrize("off", [-301, 301, -86400, 86400, 10**10])
def test_timestamp__older_or_newer_is_refused_although_it_is_signed(off):
    refused = refusal(*signed(event(), stamp=int(NOW.timestamp()) + off))
    assert (refused.reason, refused.status) == ("timestamp", 400)


def test_timestamp__a_forged_one_does_not_reach_the_clock_metric():
    old = signature(BODY, secret=OTHER, stamp=1)[1]
    assert refusal(*with_header(f"t=1,v1={old}", BODY)).reason == "signature"


def test_timestamp__the_window_is_an_option():
    late = signed(event(), stamp=int(NOW.timestamp()) - 500)
    assert refusal(*late).reason == "timestamp"
    assert parse(*late, tolerance=600)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_content_type__another_one_is_415(content_type):
    headers, body = signed(event())
    assert refusal({**headers, "content-type": content_type}, body).status == 415


# -- the body


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"evt_1"',
        b"17",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        BODY.replace(b'"livemode": false, "type"', b'"livemode": false, "livemode": false, "type"'),
        BODY.replace(b'"amount_total": 2495', b'"amount_total": 2495, "amount_total": 1'),
        BODY.replace(b'"amount_total": 2495', b'"amount_total": NaN'),
        BODY.replace(b'"amount_total": 2495', b'"amount_total": Infinity'),
        BODY.replace(b'"amount_total": 2495', b'"amount_total": ' + b"9" * 5000),
        json.dumps(event(id=None)).encode(),
        json.dumps(event(id="")).encode(),
        json.dumps(event(id=7)).encode(),
        json.dumps(event(id="evt_" + "x" * 190)).encode(),
        json.dumps(event(id="evt_é")).encode(),
        json.dumps(event(id="evt_\x00")).encode(),
        json.dumps(event(id="evt 1")).encode(),
        json.dumps(event(type=None)).encode(),
        json.dumps(event(type="x" * 191)).encode(),
        json.dumps(event(livemode="false")).encode(),
        json.dumps(event(livemode=0)).encode(),
        json.dumps(event(livemode=None)).encode(),
        json.dumps(event(data=None)).encode(),
        json.dumps(event(data=[])).encode(),
        json.dumps(event([])).encode(),
        json.dumps(event({})).encode(),
        json.dumps(event({"id": 7})).encode(),
        json.dumps(event({"id": "cs_\x00"})).encode(),
        json.dumps(event({"id": "cs_" + "x" * 300})).encode(),
    ],
)
def test_body__signed_but_not_an_event_is_refused(body):
    refused = refusal(*signed(body))
    assert (refused.status, refused.reason, refused.alarm) == (400, "malformed", False)


def test_body__the_replacements_above_really_change_it():
    assert b'"livemode": false, "type"' in BODY and b'"amount_total": 2495' in BODY


@pytest.mark.attack(18)
@pytest.mark.parametrize(("key", "mode"), [(KEY, True), (KEY.replace("test", "live"), False)])
def test_mode__of_the_other_kind_is_refused_and_somebody_should_look(key, mode):
    refused = refusal(*signed(event(livemode=mode)), api_key=key)
    assert (refused.status, refused.reason, refused.alarm) == (400, "mode", True)


def test_mode__live_reaches_a_live_account():
    assert parse(*signed(event(livemode=True)), api_key=KEY.replace("test", "live"))


# -- what it says


def test_notice__of_a_session():
    (notice,) = parse(*signed(event(session(payment_intent=INTENT_ID))))
    assert (notice.event_id, notice.kind) == ("evt_1Wire", "checkout.session.completed")
    assert (notice.reference, notice.also, notice.our_reference) == (SESSION_ID, (INTENT_ID,), ATTEMPT)
    assert notice.ignorable is False


NAMED = [
    # type, object, reference, also, our mark
    ("payment_intent.created", intent(), INTENT_ID, (), ATTEMPT),
    ("payment_intent.succeeded", intent(latest_charge=CHARGE_ID), INTENT_ID, (CHARGE_ID,), ATTEMPT),
    ("payment_intent.succeeded", intent(latest_charge=charge()), INTENT_ID, (CHARGE_ID,), ATTEMPT),
    ("charge.refunded", charge(), CHARGE_ID, (INTENT_ID,), ATTEMPT),
    ("charge.captured", charge(payment_intent=None), CHARGE_ID, (), ATTEMPT),
    (
        "refund.updated",
        move("re", 100, "succeeded", object="refund", charge=CHARGE_ID, payment_intent=INTENT_ID),
        "re_succeeded100",
        (INTENT_ID, CHARGE_ID),
        "",
    ),
    (
        "charge.refund.updated",
        move("re", 100, "failed", object="refund", charge=CHARGE_ID, payment_intent=None),
        "re_failed100",
        (CHARGE_ID,),
        "",
    ),
    (
        "charge.dispute.created",
        move("dp", 100, "needs_response", object="dispute", charge=CHARGE_ID, payment_intent=INTENT_ID),
        "dp_needs_response100",
        (INTENT_ID, CHARGE_ID),
        "",
    ),
    (
        "radar.early_fraud_warning.created",
        {"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": CHARGE_ID},
        "issfr_1",
        (CHARGE_ID,),
        "",
    ),
    (
        "review.opened",
        {"id": "prv_1", "object": "review", "charge": CHARGE_ID, "payment_intent": INTENT_ID},
        "prv_1",
        (INTENT_ID, CHARGE_ID),
        "",
    ),
]


@pytest.mark.parametrize(("kind", "thing", "reference", "also", "mark"), NAMED)
def test_notice__names_every_object_of_the_payment__the_intent_before_what_came_of_it(
    kind, thing, reference, also, mark
):
    (notice,) = parse(*signed(event(thing, type=kind)))
    named = {reference, *also}
    first = next((i for i in (SESSION_ID, INTENT_ID, CHARGE_ID) if i in named), reference)
    assert (notice.kind, notice.reference, {notice.reference, *notice.also}) == (kind, first, named)
    assert (notice.our_reference, notice.ignorable, notice.foreign) == (mark, False, False)


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_notice__every_event_that_matters_is_kept(kind):
    assert parse(*signed(event(type=kind)))[0].ignorable is False


@pytest.mark.attack(17)
@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("invoice.paid", {"id": "in_1", "object": "invoice"}),
        ("customer.created", {"id": "cus_1", "object": "customer"}),
        ("balance.available", {"object": "balance"}),
        ("some.new.event", None),
        ("checkout.session.completed.v2", session()),
    ],
)
def test_notice__of_a_type_that_we_do_not_need_is_ignorable(kind, thing):
    (notice,) = parse(*signed({**event(type=kind), "data": {"object": thing}}))
    assert notice.ignorable is True
    assert notice.reference in {(thing or {}).get("id"), "evt_1Wire"}


@pytest.mark.attack(22)
@pytest.mark.parametrize("thing", [session, intent, charge])
@pytest.mark.parametrize("metadata", [{}, None, {"order": "77"}, {"attempt": ""}, {"attempt": "\x00"}])
def test_notice__an_object_of_another_system_is_foreign(thing, metadata):
    (notice,) = parse(*signed(event(thing(metadata=metadata))))
    assert (notice.foreign, notice.our_reference) == (True, "")


# -- options


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sk_",
        "sk_test_short",
        "pk_test_" + "k" * 30,
        "test_" + "k" * 30,
        " " + KEY,
        KEY + "\n",
        "sk_prod_" + "k" * 30,
    ],
)
def test_options__a_key_that_is_none_is_refused_without_showing_it(key):
    with pytest.raises(ConfigurationError, match="api_key") as wrong:
        StripeProvider.read_options({"api_key": key, "signing_secrets": [SECRET]})
    assert len(key) < 8 or key not in str(wrong.value)


@pytest.mark.attack(8)
@pytest.mark.parametrize(
    "secrets",
    [
        [],
        (),
        "",
        None,
        SECRET,
        {SECRET: 1},
        [""],
        ["whsec_"],
        ["whsec_short"],
        ["whsec_..."],
        [SECRET, ""],
        [SECRET, None],
        ["wrong_" + "s3" * 16],
        [SECRET + " "],
        ["whsec_" + "x" * 300],
        ["whsec_" + "é" * 32],
        [b"whsec_" + b"s3" * 16],
    ],
)
def test_options__an_empty_or_default_secret_is_refused_without_showing_it(secrets):
    with pytest.raises(ConfigurationError, match="signing_secrets") as wrong:
        StripeProvider.read_options({"api_key": KEY, "signing_secrets": secrets})
    assert "s3s3" not in str(wrong.value)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"api_version": "latest"}, "api_version"),
        ({"api_version": "2026-03-25"}, "api_version"),
        ({"api_version": "2024-06-20.acacia"}, "api_version"),
        ({"api_version": None}, "api_version"),
        ({"tolerance": 0}, "tolerance"),
        ({"tolerance": -1}, "tolerance"),
        ({"tolerance": 86400}, "tolerance"),
        ({"tolerance": "300"}, "tolerance"),
        ({"verify": False}, "verify"),
    ],
)
def test_options__what_cannot_work_is_named(wrong, named):
    with pytest.raises(ConfigurationError, match=named):
        StripeProvider.read_options({"api_key": KEY, "signing_secrets": [SECRET], **wrong})


@pytest.mark.parametrize("given", [{}, {"api_key": KEY}, {"signing_secrets": [SECRET]}])
def test_options__a_missing_one_is_named(given):
    with pytest.raises(ConfigurationError, match=r"api_key|signing_secrets"):
        StripeProvider.read_options(given)


@pytest.mark.parametrize(
    ("prefix", "live"), [("sk_test_", False), ("rk_test_", False), ("sk_live_", True), ("rk_live_", True)]
)
def test_live__is_what_the_key_says(prefix, live):
    assert adapter(options={"api_key": prefix + "live_test_" * 3}).live is live


def test_repr__of_everything_that_carries_a_secret():
    stripe = adapter()
    for thing in (stripe, stripe.options, stripe.http, stripe._auth()):
        assert KEY not in repr(thing) + str(thing)
        assert SECRET not in repr(thing) + str(thing)


@pytest.mark.attack(9)
def test_signature__is_compared_in_constant_time_with_every_secret(monkeypatch):
    """A match must not end the comparing early: what it takes would tell which secret is the active one."""
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    t, v1 = signature(BODY)
    assert parse(*with_header(f"t={t},v1={v1},v1={'0' * 64}", BODY), signing_secrets=[SECRET, OTHER])
    assert len(compared) == 4
    assert all(isinstance(side, bytes) and len(side) == 64 for pair in compared for side in pair)
