"""The shelf follows the orders."""

from __future__ import annotations

from typing import Any

import pytest

from django_payflow import flow
from django_payflow.exceptions import OutOfStock
from django_payflow.models import Order, OrderLine
from example_project.shop.models import Product


@pytest.fixture
def sencha(products: Any) -> Product:
    Product.objects.filter(slug="sencha-kagoshima").update(stock=3)
    return Product.objects.get(slug="sencha-kagoshima")


def order_of(quantity: int) -> Any:
    line = OrderLine(sku="sencha-kagoshima", name="Sencha", quantity=quantity, unit_price=1495, vat_rate=9)
    return Order.objects.new(currency="EUR", email="ada@example.com", lines=[line])


def left() -> int:
    return Product.objects.get(slug="sencha-kagoshima").stock


def test_stock__is_taken_when_the_buyer_starts_and_put_back_when_his_order_is_cancelled(sencha, sim):
    order = order_of(2)
    flow.start_checkout(order=order, account="mollie")
    assert left() == 1
    flow.start_checkout(order=order, account="mollie")
    assert left() == 1

    flow.cancel_order(order_id=order.pk, actor="ann")
    assert left() == 3


def test_stock__that_is_not_there_starts_no_payment_and_takes_nothing(sencha, sim):
    order = order_of(4)

    with pytest.raises(OutOfStock) as refused:
        flow.start_checkout(order=order, account="mollie")

    assert "4 x Sencha" in refused.value.buyer_message
    assert (left(), order.payments.count()) == (3, 0)


def test_stock__of_a_paid_order_stays_off_the_shelf(sencha, sim):
    order = order_of(1)
    started = flow.start_checkout(order=order, account="mollie")
    sim.set_status(order.payments.get(pk=started.payment_id).references.get().value, "paid")
    flow.confirm(payment_id=started.payment_id, source="poll")
    flow.sweep(inline=True)

    assert (Order.objects.get(pk=order.pk).status, left()) == ("completed", 2)
