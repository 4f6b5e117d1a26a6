"""Commands of an operator: say what will happen, do it once, record who wanted it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.contrib.admin.models import LogEntry

from django_payflow import clock
from django_payflow.exceptions import CheckoutRefused
from django_payflow.models import (
    Case,
    Fulfilment,
    Move,
    Payment,
    PaymentEvent,
    WebhookDelivery,
    get_order_model,
)
from tests.admin.conftest import address, words
from tests.shop.models import Shipment

pytestmark = pytest.mark.urls("tests.admin.urls")


def books():
    """Everything that a command could change, as the database has it."""
    tables = (Payment, Move, Fulfilment, WebhookDelivery, Case, PaymentEvent, LogEntry, get_order_model())
    return [list(table.objects.order_by("pk").values()) for table in tables]


def command():
    """The one command that an operator gave, in the record."""
    return PaymentEvent.objects.get(kind="command", source="operator")


def ship():
    return Fulfilment.objects.get(handler="ship")


def send(browser, row, name, site="desk"):
    return browser.post(address(row, name, site), follow=True)


# --- ask the provider now


def test_ask__says_first_what_will_happen_and_does_nothing(story, operator):
    story.start()
    story.bank("paid", webhook=False)
    before, asked = books(), len(story.sim.calls())

    page = operator.get(address(story.payment, "ask"))

    assert page.status_code == 200
    assert f"mollie is asked how {story.reference} stands. This only reads" in words(page)
    assert 'method="post"' in page.content.decode()
    assert (books(), len(story.sim.calls())) == (before, asked)


def test_ask__applies_the_answer_and_records_who_asked(story, operator):
    story.start()
    story.bank("paid", webhook=False)

    answer = operator.post(address(story.payment, "ask"))

    assert answer.status_code == 303
    assert answer["Location"] == address(story.payment)
    assert (story.payment.status, story.now().status) == ("paid", "processing")
    page = operator.get(answer["Location"])
    assert "The provider answered. The payment is paid, its order is processing." in words(page)
    assert (command().actor, command().payment_id) == ("grace", story.payment.pk)
    assert LogEntry.objects.get().get_change_message() == "Ask the provider now"
    assert set(PaymentEvent.objects.filter(source="operator").values_list("actor", flat=True)) == {"grace"}


def test_ask__twice_is_as_good_as_once(story, operator):
    story.start()
    story.bank("paid", webhook=False)

    for _ in range(2):
        assert operator.post(address(story.payment, "ask")).status_code == 303
    story.work()

    assert Shipment.objects.count() == 1
    assert PaymentEvent.objects.filter(kind="transition", summary="payment: pending -> paid").count() == 1
    assert len(story.sim.calls("create")) == 1


@pytest.fixture
def _instant_worker():
    """Whatever is woken is done at once."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.mark.usefixtures("_instant_worker")
def test_ask__wakes_what_is_due_afterwards(story, operator):
    story.start()
    story.bank("paid", webhook=False)

    operator.post(address(story.payment, "ask"))

    assert story.now().status == "completed"
    assert Shipment.objects.count() == 1


def test_ask__warns_when_the_provider_gives_no_answer(story, operator):
    story.start()
    story.sim.fault("get", "5xx", status=502)

    page = send(operator, story.payment, "ask")

    assert '<li class="warning">' in page.content.decode()
    assert "The provider gave no usable answer:" in words(page)
    assert "502" in words(page)
    assert (story.payment.status, story.payment.troubles) == ("pending", 1)


def test_ask__warns_when_the_answer_is_about_something_else(story, operator):
    story.start()
    Payment.objects.update(live=True)

    page = send(operator, story.payment, "ask")

    assert '<li class="warning">' in page.content.decode()
    assert "not accepted, the payment is unchanged: the answer is of the other mode" in words(page)
    assert story.payment.status == "pending"


def test_ask__says_so_when_somebody_else_is_asking(story, operator):
    story.start()
    Payment.objects.update(lease_token="other", lease_until=clock.now() + timedelta(seconds=30))

    page = send(operator, story.payment, "ask")

    assert "is being asked about this payment already" in words(page)
    assert story.payment.recheck is True
    assert story.sim.calls("get") == []


def test_ask__explains_what_an_unconfirmed_attempt_needs(story, operator):
    story.sim.fault("create", "lost_answer", times=1)
    story.start()
    assert not story.payment.references.exists()

    page = operator.get(address(story.payment, "ask"))
    assert "The same request is sent again with the same key" in words(page)
    send(operator, story.payment, "ask")

    assert len(story.sim.payments()) == 1
    assert story.reference == story.sim.payments()[0]["id"]


def test_ask__is_not_offered_for_an_attempt_that_never_existed(story, operator):
    story.sim.fault("create", "not_found")
    with pytest.raises(CheckoutRefused):
        story.start()
    assert story.payment.status == "failed"

    assert address(story.payment, "ask") not in operator.get(address(story.payment)).content.decode()
    page = operator.get(address(story.payment, "ask"))

    assert "there is nothing to ask about" in words(page)
    assert 'value="Ask the provider now"' not in page.content.decode()


def test_ask__about_an_attempt_that_never_existed_creates_nothing(story, operator):
    story.sim.fault("create", "not_found", times=1)
    with pytest.raises(CheckoutRefused):
        story.start()

    page = send(operator, story.payment, "ask")

    assert page.status_code == 200
    assert story.sim.payments() == []
    assert story.payment.status == "failed"


# --- retry fulfilment


def test_retry__of_a_given_up_step_delivers_once(given_up, operator, handler):
    assert (ship().status, given_up.now().status) == ("failed", "processing")
    assert Case.objects.open().get().kind == "fulfilment"
    handler("tests.shop.fulfilment.ship")
    asked = len(given_up.sim.calls())

    page = operator.get(address(ship(), "retry"))
    assert "“ship” is called again" in words(page)
    assert "The payment provider is not asked" in words(page)
    done = send(operator, ship(), "retry")

    assert "The step will be tried again." in words(done)
    assert (ship().status, ship().attempts) == ("due", 0)
    assert not Case.objects.open().exists()
    assert command().actor == "grace"
    given_up.work()
    assert (ship().status, given_up.now().status, Shipment.objects.count()) == ("done", "completed", 1)
    assert len(given_up.sim.calls()) == asked


def test_retry__a_second_click_is_refused_with_words(given_up, operator, handler):
    handler("tests.shop.fulfilment.ship")
    send(operator, ship(), "retry")

    page = send(operator, ship(), "retry")

    assert page.status_code == 200
    assert '<li class="error">' in page.content.decode()
    assert "Not done: a fulfilment that is due cannot take 'operator retry'." in words(page)
    given_up.work()
    assert Shipment.objects.count() == 1
    assert LogEntry.objects.count() == 1


def test_retry__waits_when_the_order_is_not_ready(given_up, operator):
    Case.objects.create(kind="chargeback", order=given_up.order, payment=given_up.payment, open_key="chargeback:x")

    send(operator, ship(), "retry")

    assert ship().status == "blocked"


def test_retry__is_offered_only_where_the_state_allows_it(given_up, operator):
    order_page = operator.get(address(given_up.order)).content.decode()
    mail = Fulfilment.objects.get(handler="confirmation")

    assert mail.status == "done"
    assert address(ship(), "retry") in order_page
    assert address(mail, "retry") not in order_page
    assert address(ship(), "retry") in operator.get(address(ship())).content.decode()
    assert address(mail, "retry") not in operator.get(address(mail)).content.decode()
    assert "Only one that failed or was canceled can be retried" in words(operator.get(address(mail, "retry")))


# --- replay delivery


def test_replay__asks_once_more_and_changes_nothing_that_is_done(paid, operator):
    row = WebhookDelivery.objects.get()

    page = operator.get(address(row, "replay"))
    assert f"A worker asks mollie how {paid.reference} stands" in words(page)
    done = send(operator, row, "replay")

    assert "processed again in a moment" in words(done)
    assert WebhookDelivery.objects.get().state == "pending"
    assert command().actor == "grace"
    paid.work()
    assert WebhookDelivery.objects.get().state == "done"
    assert (paid.now().status, Shipment.objects.count()) == ("completed", 1)


def test_replay__of_what_is_of_no_interest_is_refused(paid, operator):
    WebhookDelivery.objects.update(state="ignored")
    row = WebhookDelivery.objects.get()

    assert address(row, "replay") not in operator.get(address(row)).content.decode()
    page = send(operator, row, "replay")

    assert "Not done: this delivery is of a kind that payflow ignores" in words(page)
    assert WebhookDelivery.objects.get().state == "ignored"
