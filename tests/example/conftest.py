"""The example shop under test: the suite's own database and order model, the shop's own settings for the rest."""

from __future__ import annotations

import os

import pytest

# The example's tables point at payflow's own order model; the swapped run has no such table.
collect_ignore_glob = ["test_*.py"] if os.environ.get("PAYFLOW_TEST_OWN_ORDER") else []

SHOP_SETTINGS = (
    "ROOT_URLCONF",
    "TEMPLATES",
    "EMAIL_BACKEND",
    "DEFAULT_FROM_EMAIL",
    "PAYFLOW",
    "SHOP_DEMO",
    "SIMULATORS_URL",
    "SESSION_COOKIE_SAMESITE",
)


@pytest.fixture(autouse=True)
def shop_settings(settings):
    """Run with the settings that make the example the example."""
    from example_project import settings as shop

    for name in SHOP_SETTINGS:
        setattr(settings, name, getattr(shop, name))
    return settings


@pytest.fixture
def products(db):
    """The seeded catalogue, by slug."""
    from example_project.shop.catalogue import seed
    from example_project.shop.models import Product

    seed()
    return {product.slug: product for product in Product.objects.all()}


@pytest.fixture
def tea(products):
    return products["assam-breakfast"]


@pytest.fixture
def order(db):
    """A draft order of one line."""
    from decimal import Decimal

    from django_payflow.models import Order, OrderLine

    line = OrderLine(sku="TEA", name="Sencha", quantity=2, unit_price=895, vat_rate=Decimal("21"))
    return Order.objects.new(currency="EUR", email="ada@example.nl", name="Ada", locale="en_GB", lines=[line])
