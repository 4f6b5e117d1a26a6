"""A buyer's story over Golomt Bank, through the flow: pushes, returns, lost answers, and the page's timer."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client

from django_payflow import clock, flow
from django_payflow.exceptions import CheckoutRefused
from django_payflow.models import Case, Payment, PaymentEvent, WebhookDelivery
from django_payflow.providers.golomt import transaction_id
from django_payflow.testing import deliver
from tests.conftest import new_order
from tests.golomt.wire import CARD_TOKEN, INVOICE, push, seal
from tests.shop.models import Shipment

FORGED = {"status_code": "000", "desc": "Амжилттай", "status": "paid", "errorCode": "000"}


@pytest.fixture
def order(db):
    """24.95 tögrög: small change, but two lines of tea."""
    return new_order(currency="MNT")


@pytest.fixture
def start(account, order):

    def start() -> Payment:
        started = flow.start_checkout(order=order, account="golomt")
        return Payment.objects.get(pk=started.payment_id)

    return start


def id_of(payment: Payment) -> str:
    return payment.references.get(kind="transaction").value


def bank(sim, payment: Payment, status: str, **more) -> None:
    sim.set_status(transaction_id(payment.key), status, provider="golomt", **more)


def now(payment: Payment) -> Payment:
    flow.sweep(inline=True)
    return Payment.objects.get(pk=payment.pk)


def order_of(payment: Payment):
    return Payment.objects.select_related("order").get(pk=payment.pk).order


def cases() -> set[str]:
    return set(Case.objects.filter(closed_at=None).values_list("kind", flat=True))


def post_push(client, body: bytes, account: str = "golomt"):
    return client.post(f"/payflow/webhook/{account}/", data=body, content_type="application/json")


# -- the ordinary day


def test_story__paid_by_push(sim, start, client):
    payment = start()
    assert (payment.status, id_of(payment)) == ("pending", transaction_id(payment.key))
    assert [stored.kind for stored in payment.references.order_by("pk")] == ["transaction", "invoice"]
    assert urlsplit(payment.checkout_url).path.startswith("/golomt/payment/en/")

    bank(sim, payment, "paid")
    assert deliver(client, sim.deliveries()[-1]).status_code == 200

    payment = now(payment)
    assert (payment.status, payment.captured, order_of(payment).status) == ("paid", 2495, "completed")
    assert (Shipment.objects.count(), cases()) == (1, set())


def test_story__paid_and_no_push_ever_comes(sim, start):
    payment = start()
    bank(sim, payment, "paid", webhook=False)
    sim.advance(61)
    assert (now(payment).status, Shipment.objects.count()) == ("paid", 1)


def test_story__declined_and_paid_with_a_new_transaction(sim, start, client):
    first = start()
    bank(sim, first, "declined")
    deliver(client, sim.deliveries()[-1])
    assert (now(first).status, order_of(first).status) == ("failed", "failed")

    second = start()
    assert id_of(second) != id_of(first), "an id is never used twice"
    bank(sim, second, "paid")
    deliver(client, sim.deliveries()[-1])
    assert (now(second).status, order_of(second).status) == ("paid", "completed")


def test_story__what_is_personal_leaves_no_trace_in_the_record(sim, start, client):
    payment = start()
    bank(sim, payment, "paid")
    body = sim.deliveries()[-1].body
    deliver(client, sim.deliveries()[-1])
    assert now(payment).status == "paid"
    record = str([*PaymentEvent.objects.values_list("summary", "data"), *Case.objects.values_list("detail")])
    for name in ("token", "cardHolder", "cardNumber"):
        assert json.loads(body)[name] not in record


def test_story__the_card_token_is_thrown_away(sim, start, client):
    payment = start()
    bank(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    token = json.loads(sim.deliveries()[-1].body)["token"]
    assert token.encode() not in bytes(WebhookDelivery.objects.get().body)


# -- the page's timer


def test_timer__an_unpaid_payment_expires_by_our_clock(sim, start):
    payment = start()
    sim.advance(15 * 60)
    assert now(payment).status == "pending", "a success may still be on its way"
    sim.advance(6 * 60)
    assert now(payment).status == "expired"


def test_timer__a_late_success_is_learned_of_by_the_polls_of_the_grace(sim, start):
    payment = start()
    sim.advance(11 * 60)
    assert now(payment).status == "pending"
    bank(sim, payment, "paid", webhook=False)
    sim.advance(61)
    assert (now(payment).status, order_of(payment).status) == ("paid", "completed")


def test_timer__a_success_after_the_end_wins_all_the_same(sim, start, client):
    payment = start()
    sim.advance(25 * 60)
    assert now(payment).status == "expired"

    bank(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    payment = now(payment)
    assert (payment.status, payment.captured) == ("paid", 2495)
    assert Case.objects.filter(kind="late_money").exists()


def test_timer__a_success_after_the_end_is_found_without_any_push(sim, start):
    payment = start()
    sim.advance(25 * 60)
    assert now(payment).status == "expired"
    bank(sim, payment, "paid", webhook=False)
    sim.advance(24 * 3600)
    assert now(payment).status == "paid"


def test_timer__a_page_that_is_over_is_not_offered_again(sim, start):
    first = start()
    sim.advance(11 * 60)
    second = start()
    assert (second.pk != first.pk, second.status) == (True, "pending")
    assert second.checkout_url != first.checkout_url

    bank(sim, first, "paid", webhook=False)
    sim.advance(61)
    assert now(first).status == "paid", "it stays watched until its grace is over"


def test_timer__after_the_end_a_new_attempt_has_a_new_transaction(sim, start):
    first = start()
    sim.advance(25 * 60)
    assert now(first).status == "expired"
    second = start()
    assert (second.status, id_of(second) != id_of(first)) == ("pending", True)


# -- a lost answer to the invoice


def test_lost_create__nobody_has_the_page_and_the_buyer_gets_a_new_one(sim, start):
    sim.fault("invoice", "lost_answer", provider="golomt", times=1)
    first = start()
    assert (first.status, first.references.count()) == ("created", 0)

    sim.advance(11)
    first = now(first)
    assert (first.status, first.checkout_url, id_of(first)) == ("pending", "", transaction_id(first.key))
    assert len(sim.calls("invoice")) == 1, "the bank refuses an id that it has"

    second = start()
    assert second.pk != first.pk
    assert "/payment/en/" in second.checkout_url
    assert id_of(second) != id_of(first)


def test_lost_create__a_spoilt_answer_is_a_case_and_leads_nobody_anywhere(sim, start):
    sim.control("POST", "golomt/settings", {"spoilt_answers": {"invoice": "other_secret"}})
    payment = start()
    assert (payment.status, payment.checkout_url, payment.references.count()) == ("created", "", 0)
    assert cases() == {"unresolved"}


def test_create__that_was_turned_away_is_over_at_once_and_the_buyer_may_start_anew(sim, start):
    """Without an idempotency key nothing is sent twice; what was certainly not taken need not be searched for."""
    sim.fault("invoice", "429", provider="golomt", times=1)
    with pytest.raises(CheckoutRefused, match="turned away"):
        start()
    assert Payment.objects.get().status == "failed"

    second = start()

    assert (second.status, Payment.objects.count()) == ("pending", 2)
    assert len(sim.payments("golomt")) == 1


def test_lost_create__that_never_arrived_is_given_up_after_two_inquiries(sim, start):
    sim.fault("invoice", "5xx", provider="golomt", times=1)
    payment = start()
    sim.advance(60)
    assert now(payment).status == "created"
    sim.advance(11 * 60)
    assert now(payment).status == "failed"
    assert start().status == "pending"


# -- pushes that are not what they seem


@pytest.mark.attack(5)
def test_push__replayed_a_hundred_times_has_one_effect(sim, start, client):
    payment = start()
    bank(sim, payment, "paid")
    genuine = sim.deliveries()[-1]

    answers = []
    for number in range(100):
        answers.append(deliver(client, genuine).status_code)
        if number % 10 == 0:
            flow.sweep(inline=True)

    payment = now(payment)
    assert set(answers) == {200}
    assert (payment.status, payment.captured, order_of(payment).status) == ("paid", 2495, "completed")
    assert PaymentEvent.objects.filter(summary="payment: pending -> paid").count() == 1
    assert (Shipment.objects.count(), WebhookDelivery.objects.count(), cases()) == (1, 1, set())
    assert len(sim.calls("inquiry")) < 20, "one address makes us ask only so often"


@pytest.mark.attack(5)
def test_push__of_a_paid_transaction_replayed_proves_nothing_today(sim, start, client):
    """The bank's answer counts, not the push: a genuine 000 is nothing once the bank says otherwise."""
    payment = start()
    bank(sim, payment, "paid")
    genuine = sim.deliveries()[-1]
    bank(sim, payment, "declined", webhook=False)

    assert deliver(client, genuine).status_code == 200
    assert (now(payment).status, Shipment.objects.count()) == ("failed", 0)


@pytest.mark.attack(12)
@pytest.mark.parametrize("spoiling", ["bad_signature", "other_secret", "tampered"])
def test_push__with_a_wrong_checksum_is_refused_and_a_case(sim, start, client, spoiling):
    sim.advance(3600 - clock.now().timestamp() % 3600)  # the hour begins
    payment = start()
    bank(sim, payment, "paid", webhook=False)
    sim.control("POST", f"golomt/payments/{id_of(payment)}/webhook", {"spoilt": spoiling})
    asked = len(sim.calls("inquiry"))

    answers = [deliver(client, sim.deliveries()[-1]) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {401}
    assert (WebhookDelivery.objects.count(), len(sim.calls("inquiry"))) == (0, asked)
    assert Payment.objects.get(pk=payment.pk).status == "pending"
    assert Case.objects.count() == 1, "one an hour at most"


@pytest.mark.attack(12)
def test_push__made_up_by_a_stranger_does_nothing(sim, start, client):
    payment = start()
    for key in ("", "000", "golomt", id_of(payment)):
        forged = push(
            transactionId=id_of(payment),
            amount="24.95",
            checksum=seal(id_of(payment), "000", "24.95", CARD_TOKEN, key=key or "x"),
        )
        assert post_push(client, forged).status_code == 401
    assert WebhookDelivery.objects.count() == 0
    assert now(payment).status == "pending"


@pytest.mark.attack(13)
def test_push__of_one_account_at_the_address_of_another_is_refused(sim, start, client, account, settings):
    payment = start()
    bank(sim, payment, "paid")
    other = {**settings.PAYFLOW["PROVIDERS"]["golomt"]}
    other["OPTIONS"] = {**other["OPTIONS"], "merchant_key": "another-merchants-key"}
    settings.PAYFLOW = {
        **settings.PAYFLOW,
        "PROVIDERS": {**settings.PAYFLOW["PROVIDERS"], "second": other},
    }
    genuine = sim.deliveries()[-1].body
    assert post_push(client, genuine, "second").status_code == 401
    assert post_push(client, genuine, "golomt").status_code == 200


def test_push__about_another_systems_transaction_is_kept_and_ignored(account, db, client):
    answer = post_push(client, push(transactionId="ORD100045"))
    assert (answer.status_code, answer.content) == (200, b"ignored")
    assert Payment.objects.count() == 0


def test_push__that_overtakes_the_answer_to_the_invoice_is_not_lost(sim, start, client):
    sim.fault("invoice", "lost_answer", provider="golomt", times=1)
    payment = start()
    bank(sim, payment, "paid")

    assert deliver(client, sim.deliveries()[-1]).status_code == 503
    sim.advance(11)
    assert now(payment).status == "paid"
    assert Shipment.objects.count() == 1


# -- answers that are not what they seem


@pytest.mark.attack(12)
@pytest.mark.parametrize("spoiling", ["bad_signature", "other_secret", "unsigned", "tampered"])
def test_inquiry__with_a_wrong_checksum_is_no_answer_and_a_case(sim, start, client, spoiling):
    payment = start()
    sim.control("POST", "golomt/settings", {"spoilt_answers": {"inquiry": spoiling}})
    bank(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])

    after = now(payment)
    assert (after.status, after.captured, after.version) == ("pending", 0, payment.version)
    assert (cases(), Shipment.objects.count()) == ({"unresolved"}, 0)

    sim.control("POST", "golomt/settings", {"spoilt_answers": {}})
    sim.advance(3600)
    assert (now(payment).status, cases(), Shipment.objects.count()) == ("paid", set(), 1)


@pytest.mark.attack(19)
def test_inquiry__of_another_amount_is_a_conflict(sim, start, client):
    payment = start()
    sim.overwrite(id_of(payment), provider="golomt", amount="0.01")
    bank(sim, payment, "paid")
    deliver(client, sim.deliveries()[-1])
    assert (now(payment).status, order_of(payment).status) == ("conflicted", "on_hold")
    assert (cases(), Shipment.objects.count()) == ({"mismatch"}, 0)


def test_inquiry__refused_credentials_conclude_nothing(sim, start):
    payment = start()
    sim.control("POST", "golomt/settings", {"forbidden": True})
    for _ in range(3):
        sim.advance(3600)
        assert now(payment).status == "pending"
    sim.control("POST", "golomt/settings", {"forbidden": False})
    bank(sim, payment, "paid", webhook=False)
    sim.advance(3600)
    assert now(payment).status == "paid"


# -- the way back


def page(client, payment: Payment, **parameters: str):
    return client.get(f"/payflow/return/{payment.return_token}/", parameters)


@pytest.mark.attack(31)
@pytest.mark.parametrize("named", ["the transaction", "the invoice", "somebody else's", ""])
def test_return__by_get_with_a_forged_success_shows_the_truth(sim, start, client, named):
    payment = start()
    invoice = {"the transaction": id_of(payment), "the invoice": INVOICE, "somebody else's": "A" * 15, "": ""}[named]

    answer = page(client, payment, invoice=invoice, **FORGED)

    assert answer.status_code == 200
    assert b"waiting for your payment" in answer.content
    assert b"order is paid" not in answer.content
    assert (now(payment).status, Shipment.objects.count(), cases()) == ("pending", 0, set())


@pytest.mark.attack(31)
def test_return__by_post_with_a_forged_success_shows_the_truth(sim, start):
    payment = start()
    stranger = Client(enforce_csrf_checks=True)
    address = f"/payflow/return/{payment.return_token}/"
    asked = len(sim.calls())

    posted = stranger.post(
        address, {"invoice": id_of(payment), **FORGED}, headers={"Origin": "https://ecommerce.golomtbank.com"}
    )

    assert (posted.status_code, posted["Location"]) == (303, address)
    assert len(sim.calls()) == asked
    assert b"waiting for your payment" in stranger.get(posted["Location"]).content
    assert (now(payment).status, Shipment.objects.count()) == ("pending", 0)


@pytest.mark.attack(31)
@pytest.mark.parametrize("status", ["declined", "failed", "canceled"])
def test_return__with_a_forged_success_does_not_wake_the_dead(sim, start, client, status):
    payment = start()
    bank(sim, payment, status, webhook=False)
    answer = page(client, payment, invoice=id_of(payment), **FORGED)
    assert b"did not succeed" in answer.content
    assert now(payment).status == "failed"


@pytest.mark.attack(31)
def test_return__with_a_forged_failure_does_not_unpay(sim, start, client):
    payment = start()
    bank(sim, payment, "paid", webhook=False)
    answer = page(client, payment, invoice=id_of(payment), status_code="300", desc="<script>alert(1)</script>")
    assert b"order is paid" in answer.content
    assert b"alert(" not in answer.content
    assert now(payment).status == "paid"


def pay_on(page: str) -> requests.Response:
    """The buyer fills in the card that the bank's page proposes, and pays; the way back is not followed."""
    shown = requests.get(page, timeout=5).text
    card = dict(re.findall(r'name="(card_\w+)" value="([^"]*)"', shown))
    return requests.post(page, data={**card, "ending": "pay"}, allow_redirects=False, timeout=5)


def test_return__by_get_from_the_banks_own_page(sim, start, client):
    payment = start()
    back = urlsplit(pay_on(payment.checkout_url).headers["Location"])
    assert back.path == f"/payflow/return/{payment.return_token}/"
    assert "status_code=000" in back.query
    assert f"invoice={id_of(payment)}" in back.query, "not the invoice, whatever it is called"

    assert b"order is paid" in client.get(f"{back.path}?{back.query}").content
    assert now(payment).status == "paid"


def test_return__by_post_from_the_banks_own_page_works_without_a_session(sim, account, start):
    account(return_type="POST")
    payment = start()
    shown = pay_on(payment.checkout_url).text
    action = re.search(r'<form [^>]*method="post" action="([^"]+)"', shown)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
    assert action is not None
    assert fields["status_code"] == "000"
    path = urlsplit(html.unescape(action[1])).path

    stranger = Client(enforce_csrf_checks=True)
    posted = stranger.post(path, fields, headers={"Origin": "https://ecommerce.golomtbank.com"})
    assert (posted.status_code, posted["Location"]) == (303, path)
    assert b"order is paid" in stranger.get(path).content
    assert now(payment).status == "paid"
