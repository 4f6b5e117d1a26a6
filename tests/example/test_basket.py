"""The basket keeps ids and quantities; prices come from the database."""

from __future__ import annotations

import pytest
from django.urls import reverse

from example_project.shop.models import Product


def add(client, product, quantity=1, **extra):
    form = {"product": product.pk, "quantity": quantity, **extra}
    return client.post(reverse("shop:basket_add"), form, follow=True)


def test_add__shows_line_and_total(client, tea):
    page = add(client, tea, 3)
    assert page.context["lines"][0].quantity == 3
    assert "€26.85" in page.content.decode()


def test_add__never_takes_a_price_from_the_form(client, tea):
    page = add(client, tea, 1, price="1", unit_price="1")
    assert str(page.context["total"]) == "8.95 EUR"


def test_price__follows_the_database(client, tea):
    add(client, tea)
    Product.objects.filter(pk=tea.pk).update(price=999)
    assert str(client.get(reverse("shop:basket")).context["total"]) == "9.99 EUR"


@pytest.mark.parametrize("quantity", ["0", "-1", "21", "1e3", "abc", "", "2.5", "9" * 400])
def test_add__refuses_odd_quantities(client, tea, quantity):
    page = add(client, tea, quantity)
    assert page.context["lines"] == []
    assert "between 1 and 20" in page.content.decode()


def test_add__stops_at_the_most_one_order_may_have(client, tea):
    add(client, tea, 15)
    assert add(client, tea, 15).context["lines"][0].quantity == 20


@pytest.mark.parametrize("product", ["0", "999999", "abc", "1 OR 1=1", ""])
def test_add__refuses_what_is_not_sold(client, products, product):
    page = client.post(reverse("shop:basket_add"), {"product": product, "quantity": 1}, follow=True)
    assert page.status_code == 200
    assert page.context["lines"] == []


def test_unavailable_product__drops_out(client, tea):
    add(client, tea)
    Product.objects.update(available=False)
    assert client.get(reverse("shop:basket")).context["lines"] == []
    assert client.get(tea.get_absolute_url()).status_code == 404


def test_change_and_remove(client, tea):
    add(client, tea, 2)
    form = {"product": tea.pk, "quantity": 7}
    assert client.post(reverse("shop:basket_change"), form, follow=True).context["lines"][0].quantity == 7
    assert client.post(reverse("shop:basket_remove"), {"product": tea.pk}, follow=True).context["lines"] == []


@pytest.mark.parametrize("name", ["basket_add", "basket_change", "basket_remove"])
def test_changes__are_posts_with_a_csrf_token(client, tea, name):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    assert client.get(reverse(f"shop:{name}")).status_code == 405
    assert strict.post(reverse(f"shop:{name}"), {"product": tea.pk, "quantity": 1}).status_code == 403
