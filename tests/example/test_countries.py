"""Where the shop sends to decides the currency; prices are exact, and what only providers need travels along."""

from __future__ import annotations

import pytest
from django.urls import reverse

from django_payflow.models import Order
from example_project.shop.countries import COUNTRIES


@pytest.mark.parametrize(
    ("country", "cents", "minor"),
    [("NL", 895, 895), ("SE", 895, 10300), ("MN", 895, 3490500), ("SE", 10, 100), ("SE", 13, 100), ("SE", 14, 200)],
)
def test_price__is_rounded_to_whole_units_outside_of_the_euro(country, cents, minor):
    assert COUNTRIES[country].price(cents) == minor


@pytest.fixture
def filled(client, tea):
    """A visitor with a packet of tea."""
    client.post(reverse("shop:basket_add"), {"product": tea.pk, "quantity": 1})


def checkout(client, **more):
    token = client.get(reverse("shop:checkout")).context["form"].initial["token"]
    return client.post(reverse("shop:checkout"), {"name": "Ada", "email": "ada@example.nl", "token": token, **more})


def test_order__is_in_the_currency_of_the_country_with_the_address(client, filled):
    address = {"street": "Glassgatan 15", "postal_code": "41655", "city": "Göteborg", "phone": "0701112233"}

    assert checkout(client, country="SE", **address).status_code == 302

    order = Order.objects.get()
    assert (order.currency, order.locale) == ("SEK", "sv_SE")
    assert order.payment_details == {**address, "country": "SE"}
    assert order.total == sum(line.total for line in order.lines.all())
    assert order.total % 100 == 0


def test_order__without_a_country_is_at_home(client, filled):
    checkout(client)

    assert (Order.objects.get().currency, Order.objects.get().payment_details) == ("EUR", {})


def test_order__of_an_unknown_country_is_refused(client, filled):
    assert checkout(client, country="XX").status_code == 200
    assert Order.objects.count() == 0
