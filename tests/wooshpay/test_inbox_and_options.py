"""What the adapter reads without calling out: notifications, and its own options."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import timedelta

import pytest

from django_payflow import clock
from django_payflow.exceptions import ConfigurationError, WebhookRefused
from django_payflow.providers.wooshpay import LIVE_URL, TEST_URL, WooshPayProvider
from tests.wooshpay.wire import (
    INTENT,
    KEY,
    SECRET,
    SESSION,
    adapter,
    checkout,
    event,
    intent,
    parse,
    request,
    session,
    signature,
)

REFUND = {"id": "re_1790000000000000007", "object": "refund", "payment_intent": INTENT, "metadata": {}, "amount": 500}
DISPUTE = {"id": "dp_1790000000000000008", "object": "dispute", "payment_intent": INTENT, "charge": "ch_9"}
GENUINE = event(intent(status="succeeded"))


def refusal(body: bytes = GENUINE, headers: dict | None = None, **account) -> WebhookRefused:
    with pytest.raises(WebhookRefused) as refused:
        parse(body, headers, **account)
    assert refused.value.status == (401 if refused.value.reason in {"signature", "unsigned"} else 400)
    return refused.value


@pytest.fixture
def at():
    """Move payflow's clock to a moment, in seconds since 1970; the test ends with the right time."""
    yield lambda seconds: clock.move(timedelta(seconds=seconds - time.time()))
    clock.move(timedelta(0))


# -- the worked example of the sheet, byte for byte

EXAMPLE = (
    b'{"id":"evt_1790000000000000001","object":"event","created":1790000000000,"livemode":false,"data":{"object":'
    b'{"id":"pi_1789999990000000001","object":"payment_intent","amount":1234,"currency":"USD","status":"succeeded"}},'
    b'"type":"payment_intent.succeeded"}'
)
EXAMPLE_SECRET = "whsec_sim_0123456789abcdef0123456789abcdef"
EXAMPLE_HEADER = "t=1790000000,v1=5dff30ca831c42686fba2ddbc27d4e5e61bb86f916b2c2806128864ff3f89249"


def test_parse_webhook__the_worked_example(at):
    assert (len(EXAMPLE), hashlib.sha256(EXAMPLE).hexdigest()[:16]) == (252, "6092ff089a216c02")
    at(1_790_000_000)

    notice = parse(EXAMPLE, {"signature": EXAMPLE_HEADER}, secrets=[EXAMPLE_SECRET])
    assert (notice.event_id, notice.reference) == ("evt_1790000000000000001", "pi_1789999990000000001")
    assert (notice.kind, notice.foreign) == ("payment_intent.succeeded", True)


# -- signatures


@pytest.mark.parametrize("name", ["signature", "wooshpay-signature"])
def test_signature__either_header_is_read(name):
    assert parse(GENUINE, {name: signature(GENUINE)}).reference == INTENT


def test_signature__the_header_with_the_name_in_it_is_preferred():
    both = {"signature": "t=1,v1=" + "0" * 64, "wooshpay-signature": signature(GENUINE)}
    assert parse(GENUINE, both).reference == INTENT
    refusal(GENUINE, {"signature": signature(GENUINE), "wooshpay-signature": "t=1,v1=" + "0" * 64})


@pytest.mark.attack(1)
@pytest.mark.parametrize("headers", [{"x": "y"}, {"signature": ""}, {"stripe-signature": signature(GENUINE)}])
def test_signature__none_is_refused(headers):
    assert refusal(GENUINE, headers).reason == "unsigned"


@pytest.mark.attack(2)
@pytest.mark.parametrize(
    "sent",
    [
        GENUINE[:-1],
        GENUINE + b" ",
        GENUINE.replace(b"1234", b"1235"),
        json.dumps(json.loads(GENUINE)).encode() + b"\n",
    ],
)
def test_signature__is_over_the_raw_bytes(sent):
    assert refusal(sent, {"signature": signature(GENUINE)}).reason == "signature"


@pytest.mark.attack(3)
def test_signature__another_secret_is_refused():
    assert refusal(GENUINE, {"signature": signature(GENUINE, secret="whsec_" + "x" * 32)}).reason == "signature"


def test_signature__either_secret_of_a_rotation_is_good():
    new = "whsec_" + "n" * 32
    for secret in (SECRET, new):
        assert parse(GENUINE, {"signature": signature(GENUINE, secret=secret)}, secrets=[new, SECRET])


def test_signature__any_v1_may_fit_and_other_schemes_do_not_count():
    moment, _, good = signature(GENUINE).partition(",")
    assert parse(GENUINE, {"signature": f"{moment},v0=abc,v1={'0' * 64}, {good},x"})
    for bad in (f"{moment},{good.replace('v1', 'v0')}", f"{moment},{good.replace('v1', 'V1')}", f"{moment},{good}a"):
        assert refusal(GENUINE, {"signature": bad}).reason == "signature_header"


@pytest.mark.attack(4)
@pytest.mark.parametrize(("age", "good"), [(0, True), (290, True), (310, False), (-290, True), (-310, False)])
def test_signature__is_good_for_five_minutes_either_way(age, good):
    headers = {"signature": signature(GENUINE, at=int(time.time()) - age)}
    if good:
        assert parse(GENUINE, headers)
    else:
        assert refusal(GENUINE, headers).reason == "timestamp"


def test_signature__the_window_is_an_option():
    options = WooshPayProvider.read_options({"api_key": KEY, "signing_secrets": [SECRET], "tolerance": 30})
    wooshpay = WooshPayProvider("wooshpay", options, adapter("").http, adapter("").cache)
    with pytest.raises(WebhookRefused):
        wooshpay.parse_webhook({"signature": signature(GENUINE, at=int(time.time()) - 60)}, GENUINE, {}, "")


def test_signature__milliseconds_are_too_new():
    assert (
        refusal(GENUINE, {"signature": signature(GENUINE, at=int(time.time() * 1000) % 10**12)}).reason == "timestamp"
    )


GOOD_DIGEST = signature(GENUINE, at=1_790_000_000).partition("v1=")[2]
HOSTILE = {
    "50 entries": "t=1790000000," + ",".join([f"v1={GOOD_DIGEST}"] * 50),
    "17 entries": "t=1790000000," + ",".join([f"v1={GOOD_DIGEST}"] * 16),
    "10 kB": f"t=1790000000,v1={GOOD_DIGEST}," + "x" * 10_000,
    "two times": f"t=1790000000,t=1790000000,v1={GOOD_DIGEST}",
    "no time": f"v1={GOOD_DIGEST}",
    "empty time": f"t=,v1={GOOD_DIGEST}",
    "long time": f"t={'1' * 200},v1={GOOD_DIGEST}",
    "negative time": f"t=-1790000000,v1={GOOD_DIGEST}",
    "time in other digits": f"t=١٧٩٠٠٠٠٠٠٠,v1={GOOD_DIGEST}",
    "time with an underscore": f"t=1_790_000_000,v1={GOOD_DIGEST}",
    "not hex": "t=1790000000,v1=" + "g" * 64,
    "unicode": "t=1790000000,v1=" + "é" * 64,
    "wide digits": "t=1790000000,v1=" + "０" * 64,
    "NUL": f"t=1790000000,v1={GOOD_DIGEST}\x00",
    "capitals": f"t=1790000000,v1={GOOD_DIGEST.upper()}",
    "only commas": "," * 1000,
    "only equal signs": "=" * 1000,
    "surrogate": "t=1790000000,v1=\udce9" + "0" * 63,
}


@pytest.mark.attack(6)
@pytest.mark.parametrize("header", HOSTILE)
def test_signature__a_hostile_header_is_refused_quietly(header, at):
    at(1_790_000_000)
    assert parse(GENUINE, {"signature": f"t=1790000000,v1={GOOD_DIGEST}"}), "the digest itself is good"
    assert refusal(GENUINE, {"signature": HOSTILE[header]}).reason in {"signature", "signature_header", "unsigned"}


@pytest.mark.attack(9)
def test_signature__is_compared_in_constant_time_with_every_secret(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "django_payflow.providers.webhooks.hmac.compare_digest", lambda ours, theirs: seen.append(1) or ours == theirs
    )
    parse(GENUINE, {"signature": signature(GENUINE) + ",v1=" + "0" * 64}, secrets=[SECRET, "whsec_" + "x" * 32])
    assert len(seen) == 4


@pytest.mark.attack(18)
def test_mode__a_genuine_event_of_the_other_mode_is_an_alarm():
    for livemode, key in ((True, KEY), (False, "sk_live_" + "w" * 30)):
        refused = refusal(event(intent(), livemode=livemode), key=key)
        assert (refused.reason, refused.alarm) == ("mode", True)
    assert parse(event(intent(status="succeeded"), livemode=True), key="sk_live_" + "w" * 30)


@pytest.mark.parametrize("headers", [{}, {"signature": "t=1,v1=" + "0" * 64}])
def test_mode__without_a_genuine_signature_there_is_no_alarm(headers):
    assert not refusal(event(intent(), livemode=True), {"x": "y", **headers}).alarm


# -- what an event says


def test_notice__an_intent_with_our_mark():
    notice = parse(GENUINE)
    assert (notice.reference, notice.also, notice.our_reference) == (INTENT, (), checkout().key)
    assert (notice.kind, notice.event_id) == ("payment_intent.succeeded", "evt_1790000000000000001")
    assert not notice.ignorable


def test_notice__a_session_names_its_intent_too():
    for named in (INTENT, intent()):
        notice = parse(event(session(payment_intent=named), "checkout.session.completed"))
        assert (notice.reference, notice.also, notice.ignorable) == (SESSION, (INTENT,), False)


@pytest.mark.parametrize(
    ("thing", "kind", "also"),
    [
        (REFUND, "charge.refund.updated", REFUND["id"]),
        (REFUND, "refund.created", REFUND["id"]),
        (DISPUTE, "charge.dispute.updated", DISPUTE["id"]),
    ],
)
def test_notice__refunds_and_disputes_lead_to_their_intent(thing, kind, also):
    notice = parse(event(thing, kind))
    assert (notice.reference, notice.also, notice.ignorable) == (INTENT, (also,), False)


MARKED = {**REFUND, "metadata": {"attempt": checkout().key, "refund": "22222222-2222-4222-8222-222222222222"}}


@pytest.mark.parametrize(
    ("thing", "kind", "named"),
    [
        (REFUND, "charge.refund.updated", ("refund", REFUND["id"])),
        (REFUND, "refund.created", ("refund", REFUND["id"])),
        (DISPUTE, "charge.dispute.updated", ("dispute", DISPUTE["id"])),
        (DISPUTE, "charge.dispute.closed", ("dispute", DISPUTE["id"])),
        ({**DISPUTE, "object": ""}, "charge.dispute.updated", ("dispute", DISPUTE["id"])),
        ({"id": "ch_1", "object": "charge", "payment_intent": INTENT}, "charge.refunded", None),
        ({"id": "ch_1", "object": "charge", "payment_intent": INTENT}, "charge.refund.updated", None),
        ({**REFUND, "id": None}, "charge.refund.updated", None),
        ({**REFUND, "id": "re_\x00"}, "charge.refund.updated", None),
        (intent(status="succeeded"), "payment_intent.succeeded", None),
    ],
)
def test_notice__names_the_refund_or_dispute_that_can_be_read_by_its_id_only(thing, kind, named):
    parts = parse(event(thing, kind)).parts
    assert [(part.kind, part.value) for part in parts] == ([named] if named else [])


def test_notice__a_refund_with_our_mark_finds_its_payment_also_without_an_intent():
    notice = parse(event({**MARKED, "payment_intent": None}, "charge.refund.updated"))
    assert (notice.reference, notice.our_reference) == (REFUND["id"], checkout().key)
    assert [part.value for part in notice.parts] == [REFUND["id"]]


@pytest.mark.parametrize("nothing", [None, ""])
def test_notice__a_refund_without_an_intent_is_named_by_itself(nothing):
    notice = parse(event({**REFUND, "payment_intent": nothing}, "charge.refund.updated"))
    assert (notice.reference, notice.also) == (REFUND["id"], ())


@pytest.mark.attack(17)
@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        ({"id": "seti_1"}, "setup_intent.succeeded"),
        ({"id": "prod_1"}, "product.created"),
        ({"id": "po_1"}, "payout.paid"),
        ({}, "something.new"),
        (None, "something.new"),
        (intent(), "payment_intent.created"),
    ],
)
def test_notice__what_is_of_no_use_is_ignorable(thing, kind):
    notice = parse(event(thing, kind))
    assert notice.ignorable
    assert notice.reference


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (intent(metadata={"order_id": "of another shop"}), "payment_intent.succeeded"),
        (intent(metadata=None), "payment_intent.succeeded"),
        (session(metadata=""), "checkout.session.completed"),
    ],
)
def test_notice__without_our_mark_is_foreign(thing, kind):
    notice = parse(event(thing, kind))
    assert (notice.foreign, notice.ignorable, notice.our_reference) == (True, False, "")
    assert not parse(GENUINE).foreign and not parse(event(REFUND, "charge.refund.updated")).foreign


@pytest.mark.attack(15)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"\xff",
        b"id=pi_1",
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"id": "evt_1", "id": "evt_2", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1", "id": "pi_2"}}}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1", "amount": NaN}}}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1", "x": Infinity}}}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "amount": ' + b"9" * 5000 + b"}",
        event(intent(), id=None),
        event(intent(), id=""),
        event(intent(), id=17),
        event(intent(), id="evt_" + "1" * 300),
        event(intent(), id="evt_\x00"),
        event(intent(), type=None),
        event(intent(), type="payment_intent.\x00"),
        event(REFUND, "x" * 65),
        event({}, "charge.refund.updated"),
        event({"id": "re_\x00", "payment_intent": "pi_\ud800"}, "charge.refund.updated"),
        event([REFUND], "charge.refund.updated"),
        event(None, "charge.refund.updated"),
        event(REFUND, "charge.refund.updated", data=None),
    ],
)
def test_event__what_cannot_be_read_is_refused_although_it_is_genuine(body):
    assert refusal(body).reason == "malformed"


def test_event__an_odd_mark_is_no_mark():
    for mark in ("x" * 300, "a b", "\x00", 17, None, ["k"]):
        assert parse(event(intent(metadata={"attempt": mark}))).our_reference == ""


# -- the simulator's deliveries


@pytest.fixture
def told(sim):
    """What the shop is told: register an endpoint, then read the deliveries."""
    url = "https://shop.test/payflow/webhook/wooshpay/"
    wanted = {"api_key": KEY, "url": url, "secret": SECRET}
    endpoint = sim.object("POST", "wooshpay/webhook_endpoints", wanted)

    def read(number: int = -1, **account):
        delivery = sim.deliveries()[number]
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        (notice,) = adapter("", **account).parse_webhook(headers, delivery.body, {}, "")
        return notice

    read.endpoint = endpoint["id"]
    return read


@pytest.mark.parametrize("header", ["Signature", "Wooshpay-Signature", "both"])
def test_delivery__of_the_simulator_is_understood(wooshpay, sim, told, header):
    sim.control("POST", "wooshpay/settings", {"signature_header": header})
    made = wooshpay.create(checkout()).report
    sim.set_status(made.references[0].value, "paid", provider="wooshpay")

    born, paid = told(0), told()
    assert (born.kind, born.ignorable) == ("payment_intent.created", True)
    assert (paid.kind, paid.ignorable) == ("payment_intent.succeeded", False)
    assert (paid.reference, paid.our_reference) == (made.references[1].value, checkout().key)
    assert paid.event_id.startswith("evt_") and paid.event_id != born.event_id


@pytest.mark.parametrize("dialect", [{"encoded_fields": True}, {"empty_values": "absent"}, {"stray_live_mode": True}])
def test_delivery__in_another_dialect(wooshpay, sim, told, dialect):
    sim.control("POST", "wooshpay/settings", dialect)
    made = wooshpay.create(checkout()).report
    sim.set_status(made.references[0].value, "declined", provider="wooshpay")
    assert (told().kind, told().reference) == ("payment_intent.payment_failed", made.references[1].value)


def test_delivery__about_a_refund_and_a_dispute_names_the_intent(wooshpay, sim, told):
    made = wooshpay.create(checkout()).report
    path = f"wooshpay/payments/{made.references[0].value}"
    sim.set_status(made.references[0].value, "paid", provider="wooshpay")

    for verb, kind, prefix in (
        ("refund", "charge.refund.updated", "re_"),
        ("chargeback", "charge.dispute.updated", "dp_"),
    ):
        sim.control("POST", f"{path}/{verb}", {"amount": 500})
        notice = told()
        assert (notice.kind, notice.reference) == (kind, made.references[1].value)
        assert notice.also[0].startswith(prefix)
        assert [part.value for part in notice.parts] == list(notice.also)


def test_delivery__about_a_refund_of_ours_carries_the_attempts_mark(wooshpay, sim, told):
    made = wooshpay.create(checkout()).report
    sim.set_status(made.references[0].value, "paid", provider="wooshpay")
    back = wooshpay.refund(checkout(), request(references=made.references))

    notice = told()
    assert (notice.reference, notice.our_reference) == (made.references[1].value, checkout().key)
    assert [(part.kind, part.value) for part in notice.parts] == [("refund", back.id)]
    assert wooshpay.retrieve_move(checkout(), notice.parts[0]) == back


def test_delivery__during_a_rotation_both_secrets_sign(wooshpay, sim, told):
    new = "whsec_" + "n" * 32
    made = wooshpay.create(checkout()).report
    sim.control("POST", f"wooshpay/webhook_endpoints/{told.endpoint}/rotate", {"secret": new})
    sim.set_status(made.references[0].value, "paid", provider="wooshpay")
    for secrets in ([SECRET], [new], [new, SECRET]):
        assert told(secrets=secrets).reference == made.references[1].value


# -- options


@pytest.mark.parametrize(
    "key",
    ["", "sk_live_", "sk_test_short", "pk_test_" + "k" * 30, "test_" + "k" * 30, " " + KEY, KEY + ":", KEY + "é"],
)
def test_options__a_key_that_is_none_is_refused_without_showing_it(key):
    with pytest.raises(ConfigurationError) as wrong:
        WooshPayProvider.read_options({"api_key": key, "signing_secrets": [SECRET]})
    assert "api_key" in str(wrong.value)
    assert len(key) < 14 or key not in str(wrong.value)


@pytest.mark.attack(8)
@pytest.mark.parametrize(
    "secrets",
    [
        [],
        (),
        None,
        "",
        SECRET,
        [""],
        ["changeme"],
        ["x" * 257],
        [None],
        [17],
        [SECRET, ""],
        [SECRET + "\n"],
        {SECRET: 1},
    ],
)
def test_options__without_good_signing_secrets_there_is_no_account(secrets):
    with pytest.raises(ConfigurationError) as wrong:
        WooshPayProvider.read_options({"api_key": KEY, "signing_secrets": secrets})
    assert "signing_secrets" in str(wrong.value)
    assert SECRET not in str(wrong.value)


@pytest.mark.parametrize("secrets", [[SECRET], (SECRET,), [SECRET, "c2tfdGVzdF9zaW11bGF0b3I6"]])
def test_options__a_secret_is_any_text_of_sane_length(secrets):
    read = WooshPayProvider.read_options({"api_key": KEY, "signing_secrets": secrets})
    assert list(read.signing_secrets) == list(secrets)


@pytest.mark.parametrize("tolerance", [0, -1, 3601, "300", None, float("nan")])
def test_options__a_window_that_is_none_is_refused(tolerance):
    with pytest.raises(ConfigurationError, match="tolerance"):
        WooshPayProvider.read_options({"api_key": KEY, "signing_secrets": [SECRET], "tolerance": tolerance})


def test_options__an_unknown_or_missing_one_is_named():
    with pytest.raises(ConfigurationError, match="verify"):
        WooshPayProvider.read_options({"api_key": KEY, "signing_secrets": [SECRET], "verify": False})
    with pytest.raises(ConfigurationError, match="api_key"):
        WooshPayProvider.read_options({"signing_secrets": [SECRET]})
    with pytest.raises(ConfigurationError, match="signing_secrets"):
        WooshPayProvider.read_options({"api_key": KEY})


@pytest.mark.parametrize(
    ("mode", "live", "url"),
    [("sk_test_", False, "https://apitest.wooshpay.com"), ("sk_live_", True, "https://api.wooshpay.com")],
)
def test_options__the_key_decides_mode_and_host(mode, live, url):
    wooshpay = adapter("", key=mode + "k" * 30)
    assert (wooshpay.live, wooshpay.options.base_url) == (live, url)


@pytest.mark.parametrize(
    ("mode", "url"),
    [
        ("sk_test_", LIVE_URL),
        ("sk_live_", TEST_URL),
        ("sk_live_", TEST_URL + "/"),
        ("sk_test_", "https://API.wooshpay.com:443"),
    ],
)
def test_options__a_key_at_the_other_modes_host_is_refused(mode, url):
    with pytest.raises(ConfigurationError, match="base_url"):
        WooshPayProvider.read_options({"api_key": mode + "k" * 30, "signing_secrets": [SECRET], "base_url": url})


def test_options__every_secret_is_known_as_one():
    assert set(WooshPayProvider.secret_fields) == {"api_key", "signing_secrets"}
