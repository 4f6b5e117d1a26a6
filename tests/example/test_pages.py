"""The catalogue's pages, and what the shop adds to every page."""

from __future__ import annotations

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import get_template
from django.urls import reverse

from example_project.shop.catalogue import CATALOGUE, seed
from example_project.shop.models import Product


def test_catalogue__shows_every_product(client, products):
    text = client.get(reverse("shop:catalogue")).content.decode()
    for product in products.values():
        assert product.get_absolute_url() in text


def test_catalogue__without_products_says_how_to_fill_it(client, db):
    assert "manage.py demo" in client.get(reverse("shop:catalogue")).content.decode()


@pytest.mark.parametrize("slug", [entry["slug"] for entry in CATALOGUE])
def test_product_page__names_price_and_vat(client, products, slug):
    text = client.get(products[slug].get_absolute_url()).content.decode()
    assert f"€{products[slug].money.decimal}" in text
    assert "% VAT" in text


def test_seed__twice_changes_nothing(products):
    seed()
    assert Product.objects.count() == len(CATALOGUE)


def test_seed__fits_the_models_own_rules(products):
    for product in products.values():
        product.full_clean()


@pytest.mark.parametrize("picture", Product.Picture.values)
def test_every_picture__is_drawn(picture):
    assert "{{" not in get_template(f"shop/pictures/{picture}.svg").render({"tint": "#123456"})


def test_payflows_pages__look_like_the_shop(rf):
    assert "Fern &amp; Kettle" in get_template("payflow/base.html").render({}, rf.get("/"))


@pytest.mark.parametrize("path", ["shop/shop.css", "shop/order.js", "shop/fern.svg"])
def test_static_files__are_there(path):
    assert finders.find(path)


def test_demo_bar__is_for_the_demo_only(client, db, settings):
    assert reverse("shop:mailbox") in client.get("/").content.decode()
    settings.SHOP_DEMO = False
    assert reverse("shop:mailbox") not in client.get("/").content.decode()
