"""A key was taken away that old rows still need: what cannot be read says so, and stops nothing else."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from django_payflow import flow
from tests.conftest import new_order
from tests.test_encryption import AFTER, BOTH, ONE, delivered, keys

__all__ = ["keys"]
ADA, BOB = "ada.old@example.com", "bob.new@example.com"


@pytest.fixture
def two_orders(keys: Any, story: Any, settings: Any) -> Any:
    """One whose rows need the old key, and a later one; both are over, and old enough to be forgotten."""
    orders = {}
    for found, email in ((ONE, ADA), (AFTER, BOB)):
        keys(found)
        story.order = orders[email] = new_order(email=email)
        story.start()
        story.bank("paid")
        story.webhook()
    story.sim.advance(400 * 86400)
    settings.PAYFLOW = {**settings.PAYFLOW, "RETENTION_DAYS": {"PERSONAL": 365}}
    return orders


def emails(orders: Any) -> list[str]:
    return [type(order).objects.get(pk=order.pk).email for order in orders.values()]


def test_purge__leaves_what_cannot_be_read_whole_and_goes_on(two_orders, keys, settings):
    call_command("payflow_purge", stdout=StringIO())
    assert emails(two_orders) == [ADA, ""]

    settings.PAYFLOW = {**settings.PAYFLOW, "ENCRYPTION_KEYS": BOTH}
    call_command("payflow_purge", stdout=StringIO())
    assert emails(two_orders) == ["", ""]


def test_erasing_a_customer__names_the_order_that_cannot_be_read(two_orders):
    found = flow.erase_customer(email=ADA)
    assert (found.orders, found.still_open) == (0, (two_orders[ADA].reference,))
    assert emails(two_orders) == [ADA, BOB]
    assert flow.erase_customer(email=BOB).orders == 1


def test_admin__shows_the_page_of_a_delivery_that_cannot_be_read(keys, db, client, settings):
    settings.ROOT_URLCONF = "tests.admin.urls"
    keys(ONE)
    row = delivered()
    keys(AFTER)
    client.force_login(get_user_model().objects.create_superuser("root", "root@x.test", "x"))

    page = client.get(f"/admin/payflow/webhookdelivery/{row.pk}/change/")

    assert page.status_code == 200
    assert "was encrypted with the key &#x27;old&#x27;" in page.content.decode()
