"""The adapter's calls, against the simulated bank, and against answers by hand."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from django_payflow.exceptions import InvalidCheckout, NotAuthentic, NotSent, ObjectNotFound, Rejected, Uncertain
from django_payflow.messages import Checkout, Phase, Reference
from django_payflow.providers.golomt import transaction_id
from tests.golomt.wire import (
    BEARER,
    CARD_TOKEN,
    INVOICE,
    OURS,
    adapter,
    always,
    answer,
    checkout,
    inquiry,
    invoice,
    paid,
    seal,
    serving,
)

STORED = Reference(kind="transaction", value=OURS)
UNKNOWN = {
    "timestamp": "2026-03-02T10:51:56.359+0000",
    "status": 400,
    "error": "NotFound",
    "message": "transaction is not found",
    "path": "/api/inquiry",
}


def at_bank(sim) -> dict:
    """The newest transaction as the simulator has it."""
    return sim.payments("golomt")[0]


def move(sim, status, **more) -> None:
    sim.set_status(OURS, status, provider="golomt", **more)


def sent(golomt_options: dict | None = None, **fields) -> dict:
    """The body of the create call, as it arrives."""
    with serving(always(answer(invoice()))) as wire:
        adapter(wire.url, **(golomt_options or {})).create(checkout(**fields))
        body: dict = json.loads(wire.seen[0].body)
    return body


# -- the transaction's id


def test_transaction_id__is_of_the_attempt_alone_and_short_enough_for_the_bank():
    assert transaction_id("a") == transaction_id("a") != transaction_id("b")
    ids = {transaction_id(str(number)) for number in range(2000)}
    assert len(ids) == 2000
    assert all(re.fullmatch("[A-Z2-7]{15}", each) for each in ids)


# -- create


def test_create__gives_the_page_that_the_shop_builds(golomt, sim):
    redirect = golomt.create(checkout())

    made = at_bank(sim)
    page = f"{sim.base_url('golomt')}/payment/en/{made['simulator']['invoice']}"
    assert redirect.url == redirect.report.checkout_url == golomt.safe_checkout_url(page)
    assert redirect.report.references == (
        Reference(kind="transaction", value=OURS),
        Reference(kind="invoice", value=made["simulator"]["invoice"]),
    )
    assert (made["id"], made["amount"], made["callback"]) == (OURS, "18500.00", checkout().return_url)
    assert (redirect.report.phase, redirect.report.captured, redirect.report.requested) == (Phase.OPEN, 0, None)
    assert (redirect.report.our_reference, redirect.report.live) == (checkout().key, False)


def test_create__sends_what_the_documentation_wants_and_hashes_what_it_sends():
    with serving(always(answer(invoice()))) as wire:
        adapter(wire.url).create(checkout())
        (call,) = wire.seen
    assert (call.method, call.path) == ("POST", "/api/invoice")
    assert call.headers["authorization"] == f"Bearer {BEARER}"
    assert (call.headers["accept"], call.headers["content-type"]) == ("application/json", "application/json")
    assert json.loads(call.body) == {
        "amount": "18500.00",
        "callback": checkout().return_url,
        "checksum": seal(OURS, "18500.00", "GET", checkout().return_url),
        "genToken": "Y",
        "returnType": "GET",
        "socialDeeplink": "N",
        "transactionId": OURS,
    }


@pytest.mark.parametrize(
    ("amount", "written"),
    [(1, "0.01"), (100, "1.00"), (1_850_050, "18500.50"), (10**12 - 1, "9999999999.99")],
)
def test_create__amounts_have_two_decimals(golomt, sim, amount, written):
    golomt.check(checkout(amount=amount))
    golomt.create(checkout(amount=amount))
    assert at_bank(sim)["amount"] == written
    assert golomt.retrieve(checkout(), STORED).requested == amount


def test_create__also_of_a_currency_that_has_none(sim):
    tokyo = adapter(sim.base_url("golomt"), currency="JPY")
    tokyo.check(checkout(currency="JPY", amount=500))
    tokyo.create(checkout(currency="JPY", amount=500))
    report = tokyo.retrieve(checkout(currency="JPY", amount=500), STORED)
    assert (at_bank(sim)["amount"], report.requested, report.currency) == ("500.00", 500, "JPY")


def test_create__a_return_by_post_and_no_token_where_the_shop_says_so():
    body = sent({"return_type": "POST", "gen_token": False})
    assert (body["returnType"], body["genToken"]) == ("POST", "N")
    assert body["checksum"] == seal(OURS, "18500.00", "POST", checkout().return_url)


@pytest.mark.parametrize(
    ("option", "locale", "language"),
    [
        ("", "", "en"),
        ("", "en", "en"),
        ("", "nl_NL", "en"),
        ("", "mn", "mn"),
        ("", "mn_MN", "mn"),
        ("", "MN-mn", "mn"),
        ("mn", "en", "mn"),
        ("en", "mn", "en"),
    ],
)
def test_create__the_pages_language(option, locale, language):
    with serving(always(answer(invoice()))) as wire:
        redirect = adapter(wire.url, language=option).create(checkout(locale=locale))
        assert redirect.url == f"{wire.url}/payment/{language}/{INVOICE}"


@pytest.mark.parametrize(("method", "path"), [(None, "payment"), ("card", "payment"), ("socialpay", "socialpay")])
def test_create__the_method_is_another_page(golomt, sim, method, path):
    golomt.check(checkout(method=method))
    assert f"/{path}/en/" in golomt.create(checkout(method=method)).url


@pytest.mark.attack(33)
def test_create__the_page_is_at_the_bank_whatever_the_answer_says():
    """Nothing of an answer but the invoice's id comes into the address, and an id cannot lead elsewhere."""
    with serving(always(answer({**invoice(), "url": "https://evil.test/", "socialDeeplink": "evil://x"}))) as wire:
        assert adapter(wire.url).create(checkout()).url == f"{wire.url}/payment/en/{INVOICE}"
    bank = adapter()
    assert bank.safe_checkout_url(f"{bank.options.base_url}/payment/en/{INVOICE}")
    with pytest.raises(InvalidCheckout):
        bank.safe_checkout_url(f"https://golomtbank.com.evil.test/payment/en/{INVOICE}")


def test_create__a_trailing_slash_in_the_base_url_is_harmless():
    with serving(always(answer(invoice()))) as wire:
        assert adapter(wire.url + "/").create(checkout()).url == f"{wire.url}/payment/en/{INVOICE}"
        assert wire.seen[0].path == "/api/invoice"


def test_create__the_same_checkout_always_gives_the_same_bytes():
    frozen = checkout()
    again = Checkout.from_json(json.loads(json.dumps(frozen.to_json())))
    with serving(always(answer(invoice()))) as wire:
        adapter(wire.url).create(frozen)
        adapter(wire.url).create(again)
        bodies = [seen.body for seen in wire.seen]
    assert bodies[0] == bodies[1]


def test_create__an_id_is_never_used_twice(golomt, sim):
    golomt.create(checkout())
    with pytest.raises(Rejected):
        golomt.create(checkout())
    assert len(sim.payments("golomt")) == 1
    assert golomt.create(checkout(key="another")).report.references[0].value != OURS


@pytest.mark.parametrize("key", ["not-the-banks-key", "sim-golomt-secret "[:-1] + "x"])
def test_create__with_another_merchant_key_is_rejected(sim, key):
    with pytest.raises(Rejected):
        adapter(sim.base_url("golomt"), merchant_key=key).create(checkout())
    assert sim.payments("golomt") == []


def test_create__with_another_bearer_token_is_rejected_with_an_empty_body(sim):
    with pytest.raises(Rejected) as no:
        adapter(sim.base_url("golomt"), bearer_token="not-the-banks-token").create(checkout())
    assert no.value.code == "403"


def test_create__an_error_that_calls_itself_200_is_a_no():
    blocked = answer({"message": "merchant is blocked", "transactionId": OURS})
    with serving(always(blocked)) as wire, pytest.raises(Rejected, match="merchant is blocked"):
        adapter(wire.url).create(checkout())


@pytest.mark.parametrize(
    "said",
    [{}, {"invoice": 17, "transactionId": OURS}, {"invoice": [INVOICE], "transactionId": OURS, "checksum": ""}],
)
def test_create__an_answer_that_says_nothing_is_unclear(said):
    with serving(always(answer(said))) as wire, pytest.raises(Uncertain):
        adapter(wire.url).create(checkout())


@pytest.mark.parametrize(
    ("fault", "error", "exists"),
    [
        ({"kind": "5xx"}, Uncertain, 0),
        ({"kind": "5xx", "done": True}, Uncertain, 1),
        ({"kind": "429", "retry_after": 30}, NotSent, 0),
        ({"kind": "lost_answer"}, Uncertain, 1),
        ({"kind": "truncated"}, Uncertain, 1),
    ],
)
def test_create__bad_ends_are_told_apart_and_never_repeated_by_the_adapter(golomt, sim, fault, error, exists):
    sim.fault("invoice", provider="golomt", **fault)

    with pytest.raises(error):
        golomt.create(checkout())

    assert len(sim.calls("invoice")) == 1
    assert len(sim.payments("golomt")) == exists


def test_create__a_redirect_is_not_followed():
    with serving(always(answer(b"", 302, Location="https://evil.test/api/invoice"))) as wire:
        with pytest.raises(Uncertain):
            adapter(wire.url).create(checkout())
        assert len(wire.seen) == 1


# -- check


@pytest.mark.attack(25)
@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 10**12},
        {"amount": 2**63},
        {"currency": "USD"},
        {"currency": "mnt"},
        {"currency": ""},
        {"currency": "XXX"},
        {"method": "ideal"},
        {"return_url": "https://shop.test/back/?order=1"},
        {"return_url": "https://shop.test/back/#1"},
    ],
)
def test_check__refuses_before_the_wire(golomt, sim, fields):
    with pytest.raises(InvalidCheckout):
        golomt.check(checkout(**fields))
    assert sim.calls() == []


def test_check__takes_an_ordinary_checkout_also_before_its_addresses_are_known(golomt):
    golomt.check(checkout())
    golomt.check(checkout(return_url="", webhook_url=""))


# -- retrieve


def test_retrieve__asks_with_a_post_and_hides_what_is_personal():
    with serving(inquiry(paid())) as wire:
        report = adapter(wire.url).retrieve(checkout(), STORED)
        (call,) = wire.seen
    assert (call.method, call.path) == ("POST", "/api/inquiry")
    assert json.loads(call.body) == {"transactionId": OURS, "checksum": seal(OURS, OURS)}
    assert report.captured == 1_850_000
    assert set(report.raw) == {"transactionId", "status", "errorCode", "errorDesc", "amount"}
    for private in (CARD_TOKEN, "SIM BUYER", "949625"):
        assert private not in str(report.raw) + repr(report)


@pytest.mark.parametrize("spelling", ["as_sent", "two_decimals", "shortest"])
@pytest.mark.parametrize(
    ("word", "phase", "captured", "raw"),
    [
        ("open", Phase.OPEN, 0, "PENDING"),
        ("processing", Phase.OPEN, 0, "SENT"),
        ("paid", Phase.PROCESSING, 1_850_000, "000"),
        ("declined", Phase.FAILED, 0, "300"),
        ("failed", Phase.FAILED, 0, "902"),
        ("canceled", Phase.FAILED, 0, "904"),
    ],
)
def test_retrieve__every_state_in_every_spelling_of_amounts(golomt, sim, spelling, word, phase, captured, raw):
    sim.control("POST", "golomt/settings", {"amounts": spelling})
    golomt.create(checkout())
    move(sim, word)

    report = golomt.retrieve(checkout(), STORED)

    assert (report.phase, report.captured, report.raw_status) == (phase, captured, raw)
    assert (report.requested, report.capturable, report.currency) == (1_850_000, 0, "MNT")
    assert (report.refunded, report.charged_back) == (None, None), "nothing on the wire tells"
    assert (report.references, report.our_reference) == ((STORED,), checkout().key)


def test_retrieve__codes_are_kept_to_the_letter(golomt, sim):
    golomt.create(checkout())
    move(sim, "failed", errorCode="0A7", errorDesc="SIM: odd")
    report = golomt.retrieve(checkout(), STORED)
    assert (report.phase, report.raw_status, report.raw["errorDesc"]) == (Phase.FAILED, "0A7", "SIM: odd")


def test_retrieve__the_page_is_over_by_our_own_clock(golomt, sim):
    wanted = checkout()
    golomt.create(wanted)
    assert golomt.retrieve(wanted, STORED).expires_at == wanted.created_at + timedelta(minutes=10)

    sim.advance(19 * 60)
    assert golomt.retrieve(wanted, STORED).phase is Phase.OPEN, "a success may still be on its way"
    sim.advance(2 * 60)
    assert golomt.retrieve(wanted, STORED).phase is Phase.EXPIRED
    move(sim, "paid")
    late = golomt.retrieve(wanted, STORED)
    assert (late.phase, late.captured) == (Phase.PROCESSING, 1_850_000)


def test_retrieve__a_bank_that_says_so_itself_fails_the_expired(golomt, sim):
    sim.control("POST", "golomt/settings", {"expiry_answer": "905"})
    wanted = checkout()
    golomt.create(wanted)
    sim.advance(11 * 60)
    sim.control("POST", "wait", {"idle": True, "timeout": 10})
    assert golomt.retrieve(wanted, STORED).raw_status == "905"


@pytest.mark.attack(19)
def test_retrieve__another_amount_is_reported_as_it_is(golomt, sim):
    golomt.create(checkout())
    move(sim, "paid")
    sim.overwrite(OURS, provider="golomt", amount="185.00")
    report = golomt.retrieve(checkout(), STORED)
    assert (report.requested, report.captured) == (18_500, 18_500)


def test_retrieve__unknown(golomt):
    with pytest.raises(ObjectNotFound):
        golomt.retrieve(checkout(), STORED)


def test_retrieve__unknown_with_404():
    with serving(inquiry({**UNKNOWN, "status": 404}, 404)) as wire, pytest.raises(ObjectNotFound):
        adapter(wire.url).retrieve(checkout(), STORED)


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"", 403),
        answer({**UNKNOWN, "status": 403, "error": "Forbidden"}, 403),
        answer({**UNKNOWN, "error": "Validation"}, 400),
    ],
)
def test_retrieve__a_refusal_is_no_missing_transaction(raw):
    with serving(always(raw)) as wire, pytest.raises(Rejected) as no:
        adapter(wire.url).retrieve(checkout(), STORED)
    assert not isinstance(no.value, ObjectNotFound)


def test_retrieve__refused_credentials_of_the_simulated_bank(golomt, sim):
    golomt.create(checkout())
    sim.control("POST", "golomt/settings", {"forbidden": True})
    with pytest.raises(Rejected) as no:
        golomt.retrieve(checkout(), STORED)
    assert not isinstance(no.value, ObjectNotFound)
    with pytest.raises(Rejected):
        golomt.find(checkout())


@pytest.mark.parametrize("spoiling", ["bad_signature", "other_secret", "unsigned", "tampered"])
def test_retrieve__a_spoilt_answer_of_the_simulated_bank_is_none(golomt, sim, spoiling):
    golomt.create(checkout())
    move(sim, "paid")
    sim.control("POST", "golomt/settings", {"spoilt_answers": {"inquiry": spoiling}})
    with pytest.raises(NotAuthentic):
        golomt.retrieve(checkout(), STORED)


@pytest.mark.parametrize("spoiling", ["bad_signature", "other_secret", "unsigned"])
def test_create__a_spoilt_answer_of_the_simulated_bank_leads_nowhere(golomt, sim, spoiling):
    sim.control("POST", "golomt/settings", {"spoilt_answers": {"invoice": spoiling}})
    with pytest.raises(NotAuthentic):
        golomt.create(checkout())


# -- find


def test_find__ours_by_the_attempts_key_alone(golomt, sim):
    golomt.create(checkout())
    golomt.create(checkout(key="another"))

    found = golomt.find(checkout())

    assert (found.references, found.our_reference) == ((STORED,), checkout().key)
    assert (found.requested, found.currency, found.checkout_url) == (1_850_000, "MNT", "")
    assert golomt.find(checkout(key="another")).references[0].value == transaction_id("another")


def test_find__nothing_where_nothing_is(golomt, sim):
    assert golomt.find(checkout()) is None
    assert sim.payments("golomt") == []


def test_find__nothing_with_404_and_the_banks_own_word():
    with serving(inquiry({**UNKNOWN, "status": 404}, 404)) as wire:
        assert adapter(wire.url).find(checkout()) is None


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"", 403),
        answer(b"<html>no such page</html>", 404),
        answer({**UNKNOWN, "error": "Validation"}, 400),
        answer({**UNKNOWN, "error": "Internal"}, 500),
        answer({**paid(), "checksum": "0" * 64}),
    ],
)
def test_find__a_failed_search_is_no_finding_of_nothing(raw):
    with serving(always(raw)) as wire, pytest.raises((Rejected, Uncertain)):
        adapter(wire.url).find(checkout())


# -- probe


@pytest.mark.parametrize(
    ("test", "said"), [(True, "test credentials accepted"), (False, "live credentials accepted")]
)
def test_probe__a_transaction_that_nobody_has_proves_both_secrets(sim, test, said):
    assert adapter(sim.base_url("golomt"), test=test).probe() == said
    assert sim.payments("golomt") == []


@pytest.mark.parametrize(
    "options", [{"bearer_token": "not-the-banks-token"}, {"merchant_key": "not-the-banks-key"}], ids=str
)
def test_probe__wrong_credentials_are_refused(sim, options):
    with pytest.raises(Rejected) as no:
        adapter(sim.base_url("golomt"), **options).probe()
    assert not isinstance(no.value, ObjectNotFound)
