"""What providers may need of the buyer: typed, passed on, and forgotten as soon as nobody needs it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from django_payflow import flow
from django_payflow.exceptions import InvalidCheckout
from django_payflow.messages import Buyer, LineKind
from django_payflow.models import OrderLine, Payment, get_order_model
from tests.conftest import new_order

pytestmark = pytest.mark.django_db
DETAILS = {"phone": "+46701112233", "street": "Glassgatan 15", "government_id": "198305147715", "country": "SE"}


def test_payflow_buyer__reads_payment_details_by_name():
    buyer = new_order(payment_details=DETAILS).payflow_buyer()

    assert (buyer.email, buyer.name, buyer.phone, buyer.country) == ("ada@example.com", "Ada", "+46701112233", "SE")
    assert not buyer.is_company and Buyer(company="Tea Ltd").is_company


def test_payflow_buyer__refuses_a_key_that_no_provider_knows():
    with pytest.raises(InvalidCheckout, match="'phon', unknown"):
        new_order(payment_details={"phon": "1"}).payflow_buyer()


def test_buyer__shows_nothing_of_itself():
    secret = Buyer(**{spec.name: f"hidden-{spec.name}" for spec in fields(Buyer)})

    assert "hidden" not in repr(secret)


def test_start__freezes_the_buyers_device_until_the_provider_has_it(sim, client):
    order = new_order(payment_details=DETAILS)
    sim.fault("create", "5xx", times=1)
    client.post(
        f"/payflow/start/{order.reference}/",
        {"account": "mollie"},
        headers={"User-Agent": "Browser/1.0 " + "x" * 300},
        REMOTE_ADDR="203.0.113.7",
    )

    frozen = Payment.objects.get().frozen.buyer

    assert (frozen.ip, len(frozen.user_agent), frozen.street) == ("203.0.113.7", 200, "Glassgatan 15")
    sim.advance(120)
    flow.sweep(inline=True)
    assert Payment.objects.get().frozen.buyer == Buyer(), "purged once the provider has it"


def test_payment_details__are_forgotten_when_the_order_is_over(story):
    get_order_model().objects.filter(pk=story.order.pk).update(payment_details=DETAILS)
    story.order.refresh_from_db()
    story.start()
    assert story.now().payment_details == DETAILS, "a second attempt may need them"
    story.bank("paid")
    story.webhook()
    story.work()

    assert story.now().status == "completed"
    assert story.order.payment_details == {}


def test_line__tells_what_it_is_and_what_it_counts():
    order = new_order(
        lines=[
            OrderLine(name="Tea", quantity=2, unit_price=895, vat_rate=9, unit="bag"),
            OrderLine(name="Parcel", quantity=1, unit_price=495, vat_rate=21, kind=LineKind.SHIPPING),
            OrderLine(name="Voucher", quantity=1, unit_price=-500, vat_rate=9, kind=LineKind.DISCOUNT),
        ]
    )

    lines = order.payflow_lines()

    assert [(line.kind, line.unit, line.total) for line in lines] == [
        (LineKind.GOODS, "bag", 1790),
        (LineKind.SHIPPING, "pcs", 495),
        (LineKind.DISCOUNT, "pcs", -500),
    ]
    assert order.total == sum(line.total for line in lines)


@pytest.mark.parametrize(("kind", "status"), [("", 200), ("-authorization", 200), ("x", 404), ("-" + "k" * 40, 404)])
def test_webhook_address__may_carry_the_kind_of_call_after_the_token(story, kind, status):
    story.start()
    address = f"/payflow/webhook/mollie/{story.payment.webhook_token}{kind}/"

    answer = story.client.post(
        address, data=f"id={story.reference}", content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == status
