"""One shipment per order, with a tracking code that a repeat would write again."""

from __future__ import annotations

from example_project.shop.fulfilment import ship, tracking_code
from example_project.shop.models import Shipment


def test_ship__writes_one_shipment_however_often(order):
    ship(order, key="k1", attempt=1)
    ship(order, key="k1", attempt=2)
    assert Shipment.objects.get(order=order).tracking_code == tracking_code("k1")


def test_tracking_code__follows_the_key():
    assert tracking_code("k1") == tracking_code("k1") != tracking_code("k2")
    assert len(tracking_code("k1")) == 12
