"""The built-in confirmation."""

from __future__ import annotations

import pytest
from django.core import mail

from django_payflow.emails import message_id, send_confirmation
from django_payflow.exceptions import GiveUp
from tests.conftest import new_order


def test_send_confirmation__names_order_amount_and_lines(order):
    send_confirmation(order, key="k-1", attempt=1)

    message = mail.outbox[0]
    assert message.to == ["ada@example.com"]
    assert message.subject == f"Your order {order.reference} is paid"
    assert "24.95 EUR" in message.body
    assert "2 x Sencha" in message.body
    assert message.extra_headers["Message-ID"] == message_id("k-1")


def test_send_confirmation__a_repeat_has_the_same_message_id(order):
    send_confirmation(order, key="k-1", attempt=1)
    send_confirmation(order, key="k-1", attempt=2)
    send_confirmation(order, key="k-2", attempt=1)

    first, again, other = (message.extra_headers["Message-ID"] for message in mail.outbox)
    assert first == again != other


def test_send_confirmation__html_is_escaped(db):
    from django_payflow.models import OrderLine

    order = new_order(lines=[OrderLine(name="<script>alert(1)</script>", unit_price=100)])
    send_confirmation(order, key="k", attempt=1)

    assert "<script>" not in mail.outbox[0].alternatives[0].content


def test_send_confirmation__gives_up_without_an_address(db):
    with pytest.raises(GiveUp, match="no e-mail address"):
        send_confirmation(new_order(email=""), key="k", attempt=1)
