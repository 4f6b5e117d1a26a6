"""G16: a shop that wraps every request in a transaction, and code that calls the flow inside of one."""

from __future__ import annotations

import pytest
from django.db import connections, transaction

from django_payflow import flow
from django_payflow.exceptions import InsideTransaction
from django_payflow.models import Payment, PaymentEvent, WebhookDelivery
from tests.attacks.kit import hook, post
from tests.conftest import Story, new_order

pytestmark = [pytest.mark.gauntlet("G16"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(sim, client):
    return Story(sim, client, new_order())


@pytest.fixture
def atomic_requests():
    settings = connections["default"].settings_dict
    before = settings["ATOMIC_REQUESTS"]
    settings["ATOMIC_REQUESTS"] = True
    yield
    settings["ATOMIC_REQUESTS"] = before


def test_atomic_requests__the_whole_story_goes_through_the_views(shop, atomic_requests):
    started = shop.client.post(f"/payflow/start/{shop.order.reference}/", {"account": "mollie"})
    assert started.status_code == 303
    shop.bank("paid")
    assert post(shop.client, hook(shop.payment), f"id={shop.reference}").status_code == 200
    assert WebhookDelivery.objects.get().state == "pending", "committed before it was answered"

    page = shop.come_back()

    assert b"order is paid" in page.content
    shop.work()
    assert shop.now().status == "completed"


def test_atomic_requests__the_record_of_an_error_survives_its_answer(shop, atomic_requests):
    shop.sim.fault("create", "5xx", times=1)
    shop.client.post(f"/payflow/start/{shop.order.reference}/", {"account": "mollie"})
    refused = shop.client.post(
        f"/payflow/start/{new_order().reference}/", {"account": "mollie", "method": "nonsense"}
    )

    assert refused.status_code == 409
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["created", "failed"]
    assert {event.data["outcome"] for event in PaymentEvent.objects.filter(kind="call")} == {"uncertain", "rejected"}


def test_atomic_requests__the_case_about_a_foreign_id_survives_the_404(shop, atomic_requests):
    from django_payflow.models import Case

    payment = shop.start()
    assert post(shop.client, hook(payment), "id=tr_stranger").status_code == 404
    assert Case.objects.get().kind == "foreign_object"


FLOWS = {
    "start": lambda shop: flow.start_checkout(order=new_order(), account="mollie"),
    "confirm": lambda shop: flow.confirm(payment_id=shop.payment.pk, source="poll"),
    "return": lambda shop: flow.handle_return(token=shop.payment.return_token),
    "operator": lambda shop: flow.ask_provider(payment_id=shop.payment.pk, actor="ada"),
}


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_inside_a_transaction__the_flow_refuses_and_names_the_fix(shop, name):
    shop.start()
    calls, payments = len(shop.sim.calls()), Payment.objects.count()

    with pytest.raises(InsideTransaction, match="non_atomic_requests"), transaction.atomic():
        FLOWS[name](shop)

    assert len(shop.sim.calls()) == calls
    assert Payment.objects.count() == payments


def test_inside_a_transaction__not_even_by_rolling_back_is_a_payment_made_twice(shop):
    order = new_order()
    for _ in range(2):
        with pytest.raises(InsideTransaction), transaction.atomic():
            flow.start_checkout(order=order, account="mollie")
    assert shop.sim.payments() == []
