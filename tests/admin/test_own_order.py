"""A shop's own order model: it may open fields of its own for editing, never the money or the status."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_payflow.models import get_order_model
from tests.admin.conftest import address, words

pytestmark = pytest.mark.urls("tests.admin.urls")


@pytest.mark.attack(41)
def test_editable_order__takes_the_shops_field_and_nothing_else(paid, operator):
    url = address(paid.order, site="counter")
    form = operator.get(url).content.decode()
    assert ('name="name"' in form, 'name="total"' in form, 'name="status"' in form) == (True, False, False)

    with CaptureQueriesContext(connection) as seen:
        answer = operator.post(url, {"name": "Ada L.", "status": "canceled", "total": "1", "reference": "FORGED"})

    assert answer.status_code == 302
    order = get_order_model().objects.get()
    assert (order.name, order.status, order.total) == ("Ada L.", "completed", 2495)
    assert order.reference == paid.order.reference
    table = connection.ops.quote_name(get_order_model()._meta.db_table)
    updates = [query["sql"] for query in seen if query["sql"].startswith(f"UPDATE {table}")]
    assert [sql.count(" = ") for sql in updates] == [2]  # one column, and the row it is in


def test_editable_order__saved_without_a_change_writes_nothing(paid, operator):
    with CaptureQueriesContext(connection) as seen:
        operator.post(address(paid.order, site="counter"), {"name": "Ada"})

    assert [query["sql"] for query in seen if query["sql"].startswith("UPDATE") and "order" in query["sql"]] == []


@pytest.mark.attack(40)
def test_editable_order__is_read_only_without_the_permission(paid, onlooker):
    url = address(paid.order, site="counter")

    assert 'name="name"' not in onlooker.get(url).content.decode()
    assert onlooker.post(url, {"name": "Eve"}).status_code == 403
    assert get_order_model().objects.get().name == "Ada"


def test_editable_order__shows_what_happened_as_ours_does(paid, operator):
    text = words(operator.get(address(paid.order, site="counter")))

    assert "24.95 EUR" in text
    assert "payment: pending -> paid" in text
