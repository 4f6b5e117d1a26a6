"""The adapter against the simulator that speaks Stripe's wire format, buyer and bank included."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from django_payflow import clock
from django_payflow.exceptions import NotSent, ObjectNotFound, Rejected, Uncertain, WebhookRefused
from django_payflow.messages import Capture, Line, Notice, Phase, Reference, Report
from tests.stripe.wire import ATTEMPT, KEY, SECRET, adapter
from tests.stripe.wire import checkout as frozen

ENDPOINT = "https://shop.test/payflow/webhook/stripe/"


def checkout(**fields: Any):
    return frozen(**{"created_at": clock.now(), **fields})


@pytest.fixture
def stripe(sim):
    sim.control("POST", "stripe/webhook_endpoints", {"api_key": KEY, "url": ENDPOINT, "secret": SECRET})
    return adapter(sim.base_url("stripe"))


@pytest.fixture
def bought(stripe, sim):
    """Create a payment, let buyer or bank do something, and ask."""

    def buy(*words: str, **fields: Any) -> Report:
        asked = checkout(**fields)
        reference = stripe.create(asked).report.references[0]
        for word in words:
            sim.set_status(reference.value, word, provider="stripe")
        return stripe.retrieve(asked, reference)

    return buy


def session_of(report: Report) -> str:
    return report.references[0].value


def notices(stripe, sim) -> list[Notice]:
    found = []
    for delivery in sim.deliveries():
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        found += stripe.parse_webhook(headers, delivery.body, {}, "")
    return found


# -- create


def test_create__leaves_our_mark_on_everything_that_is_born_later(stripe, sim, bought):
    report = bought("paid")

    (made,) = sim.payments("stripe")
    facts = made["simulator"]
    marks = {"attempt": ATTEMPT, "order": "ABC"}
    assert made["metadata"] == facts["payment_intent"]["metadata"] == facts["charges"][0]["metadata"] == marks
    assert [reference.kind for reference in report.references] == ["session", "intent", "charge"]
    assert (report.our_reference, report.live) == (ATTEMPT, False)


def test_create__a_repeat_gives_the_same_session(stripe, sim):
    asked = checkout(pay_before=clock.now() + timedelta(hours=2))
    first, again = stripe.create(asked), stripe.create(asked)
    assert (first.url, first.report.references) == (again.url, again.report.references)
    assert len(sim.payments("stripe")) == 1


def test_create__the_same_key_for_another_amount_is_rejected(stripe, sim):
    asked = checkout()
    stripe.create(asked)
    with pytest.raises(Rejected):
        stripe.create(checkout(amount=2500))
    assert len(sim.payments("stripe")) == 1


@pytest.mark.attack(33)
def test_create__the_buyer_may_be_sent_there(stripe):
    redirect = stripe.create(checkout())
    assert stripe.safe_checkout_url(redirect.url) == redirect.url
    assert "#" in redirect.url


def test_create__everything_that_we_can_send_is_taken(stripe, sim):
    lines = (
        Line(name="Sencha", quantity=2, unit_price=895, total=1790),
        Line(name="Pot", quantity=1, unit_price=705, total=705),
    )
    asked = checkout(lines=lines, method="card", locale="nl_NL", pay_before=clock.now(), capture=Capture.MANUAL)
    report = stripe.create(asked).report
    (made,) = sim.payments("stripe")
    assert (made["locale"], made["payment_method_types"], made["client_reference_id"]) == ("nl", ["card"], "ABC")
    assert (report.requested, report.method) == (2495, "card")
    assert timedelta(minutes=30) <= report.expires_at - clock.now() <= timedelta(minutes=36)


@pytest.mark.parametrize(
    ("currency", "amount", "units"),
    [("JPY", 500, 500), ("ISK", 1500, 150_000), ("UGX", 5000, 500_000), ("MGA", 500, 5)],
)
def test_create__currencies_there_and_back(sim, bought, currency, amount, units):
    report = bought("paid", currency=currency, amount=amount)
    assert sim.payments("stripe")[0]["amount_total"] == units
    assert (report.currency, report.requested, report.captured) == (currency, amount, amount)


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
def test_create__bad_ends_are_told_apart_and_never_repeated_by_the_adapter(stripe, sim, fault, error, exists):
    sim.fault("create", provider="stripe", **fault)
    with pytest.raises(error):
        stripe.create(checkout())
    assert len(sim.calls("create")) == 1
    assert len(sim.payments("stripe")) == exists


# -- retrieve


@pytest.mark.parametrize(
    ("words", "phase", "captured", "capturable"),
    [
        ([], Phase.OPEN, 0, 0),
        (["declined"], Phase.OPEN, 0, 0),
        (["requires_action"], Phase.OPEN, 0, 0),
        (["declined", "paid"], Phase.PROCESSING, 2495, 0),
        (["paid"], Phase.PROCESSING, 2495, 0),
        (["processing"], Phase.PROCESSING, 0, 0),
        (["processing", "paid"], Phase.PROCESSING, 2495, 0),
        (["processing", "failed"], Phase.FAILED, 0, 0),
        (["expired"], Phase.EXPIRED, 0, 0),
        (["expired", "paid"], None, 2495, 0),
        (["canceled"], Phase.CANCELED, 0, 0),
        (["authorized"], Phase.PROCESSING, 0, 2495),
        (["authorized", "paid"], Phase.PROCESSING, 2495, 0),
        (["authorized", "expired"], Phase.EXPIRED, 0, 0),
    ],
)
def test_retrieve__what_buyer_and_bank_do(bought, words, phase, captured, capturable):
    capture = Capture.MANUAL if "authorized" in words else Capture.AUTOMATIC
    report = bought(*words, capture=capture)
    assert (report.captured, report.capturable) == (captured, capturable)
    assert report.phase is phase or phase is None


def test_retrieve__the_page_is_offered_while_it_is_open(bought):
    assert bought().checkout_url
    assert bought("paid", key="another").checkout_url == ""


def test_retrieve__under_review(bought, stripe, sim):
    report = bought("held")
    assert (report.held, report.captured) == (True, 2495)
    sim.set_status(session_of(report), "paid", provider="stripe")
    assert stripe.retrieve(checkout(), report.references[0]).held is False


@pytest.mark.parametrize(
    ("status", "refunded"), [("succeeded", 700), ("pending", 0), ("failed", 0), ("requires_action", 0)]
)
def test_retrieve__refunds_of_the_dashboard(bought, stripe, sim, status, refunded):
    report = bought("paid")
    sim.control("POST", f"stripe/payments/{session_of(report)}/refund", {"amount": 700, "status": status})
    report = stripe.retrieve(checkout(), report.references[0])
    assert (report.captured, report.refunded) == (2495, refunded)
    (found,) = report.refunds
    assert (found.amount, found.status) == (700, "pending" if status == "requires_action" else status)


def test_retrieve__more_refunds_than_fit_into_the_charge(bought, stripe, sim):
    report = bought("paid")
    for _ in range(12):
        sim.control("POST", f"stripe/payments/{session_of(report)}/refund", {"amount": 10})
    report = stripe.retrieve(checkout(), report.references[0])
    assert (report.refunded, len(report.refunds)) == (120, 12)


def test_retrieve__a_chargeback_and_its_end(bought, stripe, sim):
    report = bought("paid")
    address = f"stripe/payments/{session_of(report)}/chargeback"
    sim.control("POST", address, {"amount": 2000})
    report = stripe.retrieve(checkout(), report.references[0])
    assert (report.charged_back, report.held, report.disputes[0].status) == (2000, False, "open")
    sim.control("POST", f"{address}s/{report.disputes[0].id}/reverse", {})
    report = stripe.retrieve(checkout(), report.references[0])
    assert (report.charged_back, report.disputes[0].status) == (0, "won")


def test_retrieve__an_inquiry_holds_but_takes_nothing(bought, stripe, sim):
    report = bought("paid")
    sim.control("POST", f"stripe/payments/{session_of(report)}/chargeback", {"inquiry": True})
    report = stripe.retrieve(checkout(), report.references[0])
    assert (report.charged_back, report.held, report.captured) == (0, True, 2495)


@pytest.mark.attack(19)
def test_retrieve__a_changed_total_and_a_changed_currency_are_seen(bought, stripe, sim):
    report = bought()
    sim.overwrite(session_of(report), provider="stripe", amount=2000)
    assert stripe.retrieve(checkout(), report.references[0]).requested == 2000
    report = bought("paid", key="another")
    sim.overwrite(session_of(report), provider="stripe", currency="usd")
    report = stripe.retrieve(checkout(), report.references[0])
    assert (report.currency, report.captured) == ("USD", 2495)


def test_retrieve__unknown_and_foreign(stripe, sim):
    foreign = adapter(sim.base_url("stripe"), options={"api_key": "sk_test_" + "z" * 30})
    for reference in (
        Reference(kind="session", value="cs_test_nobody"),
        foreign.create(checkout()).report.references[0],
    ):
        with pytest.raises(ObjectNotFound):
            stripe.retrieve(checkout(), reference)


def test_retrieve__by_the_intents_id(bought, stripe):
    report = bought("paid")
    assert stripe.retrieve(checkout(), report.references[1]).references == report.references


def test_retrieve__a_passing_fault_is_outlived(bought, stripe, sim):
    report = bought("paid")
    sim.fault("get", "5xx", provider="stripe", times=2)
    assert stripe.retrieve(checkout(), report.references[0]).captured == 2495


# -- find, cancel, probe


def test_find__ours_among_others(stripe, sim):
    for n in range(3):
        stripe.create(checkout(key=f"other-{n}"))
    wanted = checkout()
    reference = stripe.create(wanted).report.references[0]
    sim.set_status(reference.value, "paid", provider="stripe")
    foreign = adapter(sim.base_url("stripe"), options={"api_key": "sk_test_" + "z" * 30})
    foreign.create(checkout(key="somebody-elses"))

    found = stripe.find(wanted)

    assert found is not None
    assert (found.references[0], found.our_reference, found.captured) == (reference, ATTEMPT, 2495)
    assert stripe.find(checkout(key="somebody-elses")) is None
    assert stripe.find(checkout(key="never-was")) is None


@pytest.mark.slow
def test_find__over_pages(stripe):
    wanted = checkout()
    stripe.create(wanted)
    for n in range(101):
        stripe.create(checkout(key=f"other-{n}"))
    found = stripe.find(wanted)
    assert found is not None and found.our_reference == ATTEMPT


def test_find__long_after_the_attempt(stripe, sim):
    wanted = checkout()
    stripe.create(wanted)
    sim.advance(3 * 86400)
    stripe.create(checkout(key="later"))
    found = stripe.find(wanted)
    assert found is not None and found.phase is Phase.EXPIRED


def test_cancel__an_open_session_is_expired(stripe, sim):
    asked = checkout()
    reference = stripe.create(asked).report.references[0]
    assert stripe.cancel(asked, reference).phase is Phase.EXPIRED
    assert sim.payments("stripe")[0]["status"] == "expired"
    assert stripe.retrieve(asked, reference).phase is Phase.EXPIRED


def test_cancel__after_a_declined_try(stripe, sim):
    asked = checkout()
    reference = stripe.create(asked).report.references[0]
    sim.set_status(reference.value, "declined", provider="stripe")
    assert stripe.cancel(asked, reference).phase in {Phase.EXPIRED, Phase.CANCELED}


def test_cancel__what_was_paid_meanwhile_is_rejected_and_stays_paid(stripe, sim):
    asked = checkout()
    reference = stripe.create(asked).report.references[0]
    sim.set_status(reference.value, "paid", provider="stripe")
    with pytest.raises(Rejected):
        stripe.cancel(asked, reference)
    assert stripe.retrieve(asked, reference).captured == 2495


def test_probe__says_whether_the_key_is_accepted(stripe):
    assert stripe.probe() == "test key accepted"


# -- webhooks


def test_webhooks__every_delivery_of_a_story_is_genuine_and_named(stripe, sim, bought):
    report = bought("paid")
    sim.control("POST", f"stripe/payments/{session_of(report)}/refund", {"amount": 700})
    sim.control("POST", f"stripe/payments/{session_of(report)}/chargeback", {"amount": 100})
    ids = {reference.value for reference in stripe.retrieve(checkout(), report.references[0]).references}

    told = notices(stripe, sim)

    assert {
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.refunded",
        "charge.dispute.created",
    } <= {notice.kind for notice in told}
    for notice in told:
        assert {notice.reference, *notice.also} & ids, notice
        assert notice.our_reference == ATTEMPT or notice.kind.startswith(("refund.", "charge.")), notice
        assert notice.ignorable is False
    assert len({notice.event_id for notice in told}) == len(told)


@pytest.mark.parametrize("kind", ["bad_signature", "old_timestamp", "unsigned", "unknown_scheme", "other_secret"])
def test_webhooks__spoiled_signatures_are_refused(stripe, sim, bought, kind):
    sim.fault("webhook", kind, provider="stripe")
    bought("paid")
    assert sim.deliveries()
    with pytest.raises(WebhookRefused):
        notices(stripe, sim)


def test_webhooks__of_the_other_mode_alarm(stripe, sim, bought):
    sim.fault("webhook", "wrong_mode", provider="stripe")
    bought("paid")
    with pytest.raises(WebhookRefused) as refused:
        notices(stripe, sim)
    assert (refused.value.alarm, refused.value.reason) == (True, "mode")


def test_webhooks__while_the_secret_is_replaced(stripe, sim, bought):
    (endpoint,) = sim.control("GET", "stripe/webhook_endpoints")
    other = "whsec_" + "o7" * 16
    sim.control("POST", f"stripe/webhook_endpoints/{endpoint['id']}/rotate", {"secret": other})
    bought("paid")
    for secrets in ([SECRET], [other], [other, SECRET]):
        assert notices(adapter(sim.base_url("stripe"), options={"signing_secrets": secrets}), sim)


def test_webhooks__of_another_system_on_the_same_account_are_foreign(stripe, sim):
    form = (
        "mode=payment&success_url=https://x.test/&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur"
        "&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=x"
    )
    made = stripe._post("/v1/checkout/sessions", "theirs", form.encode())
    sim.set_status(made["id"], "paid", provider="stripe")
    told = notices(stripe, sim)
    assert told and all((notice.foreign or notice.ignorable) and notice.our_reference == "" for notice in told)
    assert json.loads(sim.deliveries()[0].body)["data"]["object"]["metadata"] == {}
