"""Mollie's own Python client, talking to the simulator without knowing it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.official import official_client
from tests.simulators.kit import ADDRESS, KEY, Shop

Client = official_client("mollie.api.client").Client
error = official_client("mollie.api.error")


@pytest.fixture
def client(shop: Shop) -> Any:
    client = Client(api_endpoint=shop.url)
    client.set_api_key(KEY)
    return client


def order(value: str = "24.95", **more: Any) -> dict[str, Any]:
    amount = {"currency": "EUR", "value": value}
    return {"amount": amount, "description": "By the client", "redirectUrl": "https://shop.example/r", **more}


def test_create_and_get(client: Any, shop: Shop) -> None:
    made = client.payments.create(order(metadata={"order": 1}, webhookUrl=shop.webhook_url))
    assert (made.status, made.mode, made.amount["value"], made.metadata) == ("open", "test", "24.95", {"order": 1})
    assert made.checkout_url.startswith(f"{shop.url}/checkout/")
    shop.set_status(made.id, "paid")
    fetched = client.payments.get(made.id, embed="refunds")
    assert fetched.is_paid() and not fetched.is_open()
    assert fetched.can_be_refunded()
    assert fetched.amount_remaining == {"value": "24.95", "currency": "EUR"}


def test_idempotency(client: Any, shop: Shop) -> None:
    first = client.payments.create(order(), idempotency_key="client")
    assert client.payments.create(order(), idempotency_key="client").id == first.id
    with pytest.raises(error.ResponseError) as caught:
        client.payments.create(order("1.00"), idempotency_key="client")
    assert caught.value.status == 400
    assert len(shop.control("GET", "mollie/payments")) == 1


def test_list_with_paging(client: Any) -> None:
    made = [client.payments.create(order()).id for _ in range(5)][::-1]
    page = client.payments.list(limit=2)
    found = [payment.id for payment in page]
    assert page.count == 2 and page.has_next() and not page.has_previous()
    while page.has_next():
        page = page.get_next()
        found += [payment.id for payment in page]
    assert found == made
    assert [payment.id for payment in page.get_previous()] == made[2:4]


def test_update_and_cancel(client: Any) -> None:
    made = client.payments.create(order(method="banktransfer"))
    assert made.is_cancelable is True
    assert client.payments.update(made.id, {"description": "Changed"}).description == "Changed"
    assert client.payments.delete(made.id).is_canceled()
    with pytest.raises(error.UnprocessableEntityError):
        client.payments.delete(made.id)


def test_refund(client: Any, shop: Shop) -> None:
    payment = client.payments.get(shop.paid()["id"])
    refund = payment.refunds.create({"amount": {"currency": "EUR", "value": "5.00"}})
    assert refund.is_pending() and refund.amount["value"] == "5.00"
    assert [each.id for each in payment.refunds.list()] == [refund.id]
    assert [each.id for each in client.refunds.list()] == [refund.id]
    shop.advance(2 * 3600 + 60)
    assert payment.refunds.get(refund.id).is_processing()
    with pytest.raises(error.UnprocessableEntityError) as caught:
        payment.refunds.create({"amount": {"currency": "EUR", "value": "20.00"}})
    assert caught.value.field == "amount.value"


def test_cancel_a_refund(client: Any, shop: Shop) -> None:
    payment = client.payments.get(shop.paid()["id"])
    refund = payment.refunds.create({"amount": {"currency": "EUR", "value": "5.00"}})
    payment.refunds.delete(refund.id)
    with pytest.raises(error.NotFoundError):
        payment.refunds.get(refund.id)


def test_capture(client: Any, shop: Shop) -> None:
    made = client.payments.create(order(method="creditcard", captureMode="manual"))
    shop.set_status(made.id, "authorized")
    payment = client.payments.get(made.id)
    assert payment.is_authorized()
    capture = payment.captures.create({"amount": {"currency": "EUR", "value": "20.00"}})
    assert capture.id.startswith("cpt_")
    shop.advance(10)
    assert client.payments.get(made.id).amount_captured["value"] == "20.00"
    assert payment.captures.get(capture.id).amount["value"] == "20.00"


def test_capture_in_parts_with_a_key_and_a_mark(client: Any, shop: Shop) -> None:
    payment = held(client, shop, method="klarna", lines=[line("24.95")], billingAddress=ADDRESS)
    part = {"amount": {"currency": "EUR", "value": "4.95"}, "metadata": {"move": "m-1"}}
    captures = [payment.captures.create(part, idempotency_key="m-1") for _ in range(2)]
    assert captures[0].id == captures[1].id
    assert captures[0]["metadata"] == {"move": "m-1"}
    shop.advance(10)
    now = client.payments.get(payment.id)
    assert now.is_authorized() and now.amount_captured["value"] == "4.95"
    with pytest.raises(error.UnprocessableEntityError) as caught:
        payment.captures.create({"amount": {"currency": "EUR", "value": "20.01"}})
    assert caught.value.field == "amount.value"


def test_release(client: Any, shop: Shop) -> None:
    """The client of 2024 has no word for it, but a way to say anything."""
    payment = held(client, shop)
    path = f"payments/{payment.id}/release-authorization"
    answer = client.perform_http_call("POST", path)
    assert (answer.status_code, answer.content) == (202, b"")
    shop.advance(10)
    assert client.payments.get(payment.id).is_canceled()
    assert client.perform_http_call("POST", path).status_code == 422


def test_cancelling_an_authorization(client: Any, shop: Shop) -> None:
    payment = held(client, shop)
    assert payment.is_cancelable
    assert client.payments.delete(payment.id).is_canceled()


def test_refund_with_a_key_and_a_mark(client: Any, shop: Shop) -> None:
    payment = client.payments.get(shop.paid()["id"])
    part = {"amount": {"currency": "EUR", "value": "5.00"}, "metadata": {"move": "m-2"}}
    refunds = [payment.refunds.create(part, idempotency_key="m-2") for _ in range(2)]
    assert refunds[0].id == refunds[1].id
    assert payment.refunds.get(refunds[0].id).metadata == {"move": "m-2"}
    with pytest.raises(error.ResponseError) as caught:
        payment.refunds.create(part, idempotency_key="m-3")
    assert caught.value.status == 409
    assert client.payments.get(payment.id).amount_refunded["value"] == "5.00"


def held(client: Any, shop: Shop, **more: Any) -> Any:
    made = client.payments.create(order(**{"method": "creditcard", "captureMode": "manual", **more}))
    shop.set_status(made.id, "authorized")
    return client.payments.get(made.id)


def line(value: str) -> dict[str, Any]:
    price = {"currency": "EUR", "value": value}
    return {"description": "Chair", "quantity": 1, "unitPrice": price, "totalAmount": price}


def test_chargebacks_and_methods(client: Any, shop: Shop) -> None:
    payment_id = shop.paid()["id"]
    shop.control("POST", f"mollie/payments/{payment_id}/chargeback", {})
    payment = client.payments.get(payment_id)
    assert [each.amount["value"] for each in payment.chargebacks.list()] == ["24.95"]
    methods = {method.id: method for method in client.methods.list()}
    assert methods["ideal"].maximum_amount["value"] == "50000.00"


def test_errors_arrive_as_the_clients_own_exceptions(client: Any) -> None:
    with pytest.raises(error.NotFoundError):
        client.payments.get("tr_unknown")
    with pytest.raises(error.UnprocessableEntityError) as caught:
        client.payments.create(order("10"))
    assert caught.value.field == "amount.value"
    client.set_api_key("test_wrong")
    with pytest.raises(error.UnauthorizedError):
        client.payments.get("tr_unknown")
