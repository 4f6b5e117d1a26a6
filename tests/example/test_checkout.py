"""One basket becomes one order, with the database's prices."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from django_payflow.models import Order
from example_project.shop import checkout
from example_project.shop.basket import BasketLine
from example_project.shop.checkout import place_order
from example_project.shop.models import PlacedBasket, Product

BUYER = {"name": "Ada de Vries", "email": "ada@example.nl"}


@pytest.fixture
def filled(client, tea):
    """A visitor with two packets of tea, and the token of the checkout page."""
    client.post(reverse("shop:basket_add"), {"product": tea.pk, "quantity": 2})
    return client.get(reverse("shop:checkout")).context["form"].initial["token"]


def place(client, token, **changes):
    return client.post(reverse("shop:checkout"), {**BUYER, "token": token, **changes})


def test_place_order__makes_a_draft_with_the_lines(client, filled, tea):
    answer = place(client, filled)
    order = Order.objects.get()
    assert answer.url == reverse("shop:pay", args=[order.reference])
    assert (order.status, order.total, order.currency, order.email) == ("draft", 1790, "EUR", BUYER["email"])
    line = order.lines.get()
    assert (line.sku, line.quantity, line.unit_price, line.vat_rate) == (tea.slug, 2, 895, tea.vat_rate)


def test_place_order__empties_the_basket(client, filled):
    place(client, filled)
    assert client.get(reverse("shop:basket")).context["lines"] == []


def test_second_click__leads_to_the_same_order(client, filled):
    first, second = place(client, filled), place(client, filled)
    assert first.url == second.url
    assert Order.objects.count() == 1


def test_token_of_a_stranger__leads_nowhere(client, filled):
    place(client, filled)
    answer = place(Client(), filled)
    assert answer.url == reverse("shop:basket")
    assert Order.objects.count() == 1


def test_changed_basket__is_shown_again(client, filled, tea):
    client.post(reverse("shop:basket_change"), {"product": tea.pk, "quantity": 20})
    answer = place(client, filled)
    assert answer.url == reverse("shop:checkout")
    assert not Order.objects.exists()


@pytest.mark.parametrize("token", ["", "made-up", "x" * 500, "\0"])
def test_made_up_token__makes_no_order(client, filled, token):
    place(client, token)
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"email": ""}, {"email": "not an address"}, {"name": ""}, {"name": "x" * 101}, {"email": "a@b.nl\nBcc: x@y.z"}],
)
def test_bad_details__keep_the_basket_and_say_why(client, filled, changes):
    answer = place(client, filled, **changes)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Order.objects.exists()


def test_empty_basket__has_no_checkout(client, products):
    assert client.get(reverse("shop:checkout")).url == reverse("shop:basket")
    assert place(client, "token").url == reverse("shop:basket")


def test_slower_click__that_saw_no_order_yet__finds_the_faster_ones(products, monkeypatch):
    lines = [BasketLine(product=Product.objects.get(slug="assam-breakfast"), quantity=1)]
    faster = place_order(token="same", lines=lines, **BUYER)
    monkeypatch.setattr(checkout, "placed_order", lambda token: None)
    assert place_order(token="same", lines=lines, **BUYER) == faster
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once__make_one_order(products):
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("SQLite in memory lets only one thread write")
    lines = [BasketLine(product=Product.objects.get(slug="assam-breakfast"), quantity=1)]
    found, start = [], threading.Barrier(4)

    def click():
        start.wait()
        found.append(place_order(token="same", lines=lines, **BUYER).pk)
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert (Order.objects.count(), PlacedBasket.objects.count()) == (1, 1)


def test_pay_page__has_one_button_to_payflow(client, filled):
    order_url = place(client, filled).url
    page = client.get(order_url)
    text = page.content.decode()
    start = reverse("payflow:start", args=[Order.objects.get().reference])
    assert f'action="{start}"' in text
    assert "csrfmiddlewaretoken" in text
    assert "Pay €17.90" in text
    assert "no-store" in page["Cache-Control"]
