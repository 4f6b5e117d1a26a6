"""Stripe's own Python client, talking to the simulator without knowing it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.official import official_client
from tests.simulators.kit import Receiver, Shop
from tests.simulators.stripe_kit import KEY, OTHER_KEY, SECRET, StripeShop, line, stripe_shop

stripe = official_client("stripe")


@pytest.fixture
def shop(shop: Shop) -> StripeShop:
    return stripe_shop(shop)


def client_for(shop: StripeShop, key: str = KEY, **more: Any) -> Any:
    http = stripe.RequestsClient(session=shop.session)
    return stripe.StripeClient(key, base_addresses={"api": shop.url}, http_client=http, **more)


@pytest.fixture
def client(shop: StripeShop) -> Any:
    return client_for(shop)


def order(**more: Any) -> dict[str, Any]:
    return {
        "mode": "payment",
        "success_url": "https://shop.example/r?sid={CHECKOUT_SESSION_ID}",
        "line_items": [line()],
        "payment_intent_data": {"metadata": {"attempt": "9b1d"}},
        **more,
    }


def test_create_and_retrieve_with_expand(client: Any, shop: StripeShop) -> None:
    made = client.v1.checkout.sessions.create(order(metadata={"a": "1"}))
    assert (made.status, made.payment_status, made.amount_total, made.payment_intent) == (
        "open",
        "unpaid",
        2495,
        None,
    )
    assert made.url.startswith(shop.url) and made.last_response.code == 200
    shop.pay({"url": made.url})
    fetched = client.v1.checkout.sessions.retrieve(
        made.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )
    assert (fetched.payment_status, fetched.payment_intent.status) == ("paid", "succeeded")
    assert isinstance(fetched.payment_intent.latest_charge, stripe.Charge)
    assert fetched.payment_intent.latest_charge.metadata["attempt"] == "9b1d"
    assert fetched.line_items.data[0].amount_total == 2495
    items = client.v1.checkout.sessions.line_items.list(made.id)
    assert [item.description for item in items.auto_paging_iter()] == ["Order 2026-0042"]


def test_capture_and_void(client: Any, shop: StripeShop) -> None:
    held, other = shop.held()["payment_intent"]["id"], shop.held()["payment_intent"]["id"]
    captured = client.v1.payment_intents.capture(held, {"amount_to_capture": 2000})
    assert (captured.status, captured.amount_received) == ("succeeded", 2000)
    assert client.v1.payment_intents.cancel(other).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.capture(other)
    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.error.payment_intent.status == "canceled"


def test_refund_and_list(client: Any, shop: StripeShop) -> None:
    intent = shop.paid()["payment_intent"]["id"]
    refund = client.v1.refunds.create({"payment_intent": intent, "amount": 500, "metadata": {"why": "late"}})
    assert (refund.status, refund.metadata["why"]) == ("succeeded", "late")
    assert [each.id for each in client.v1.refunds.list({"payment_intent": intent}).data] == [refund.id]
    assert client.v1.refunds.retrieve(refund.id, {"expand": ["charge"]}).charge.amount_refunded == 500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent, "amount": 2496})
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, None, "amount")


def test_refund__once_under_one_key_and_taken_back(client: Any, shop: StripeShop) -> None:
    intent = shop.paid()["payment_intent"]["id"]
    asked = {"payment_intent": intent, "amount": 500, "reason": "duplicate", "metadata": {"refund": "k-1"}}
    first = client.v1.refunds.create(asked, {"idempotency_key": "k-1"})
    again = client.v1.refunds.create(asked, {"idempotency_key": "k-1"})
    assert again.id == first.id and again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.refunds.create({**asked, "amount": 600}, {"idempotency_key": "k-1"})
    assert (caught.value.http_status, caught.value.code) == (400, None)
    shop.switch(refund_starts="requires_action")
    waiting = client.v1.refunds.create({**asked, "metadata": {"refund": "k-2"}})
    assert (waiting.status, client.v1.refunds.cancel(waiting.id).status) == ("requires_action", "canceled")
    charge = client.v1.charges.retrieve(first.charge, {"expand": ["refunds"]})
    assert [each.metadata["refund"] for each in charge.refunds.data] == ["k-2", "k-1"]
    assert charge.amount_refunded == 500


def test_capture__under_a_key_and_several(client: Any, shop: StripeShop) -> None:
    held = shop.held()["payment_intent"]
    assert held["latest_charge"]["payment_method_details"]["card"]["capture_before"] > held["created"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.capture(held["id"], {"amount_to_capture": 500, "final_capture": False})
    assert caught.value.param == "final_capture"
    done = [
        client.v1.payment_intents.capture(held["id"], {"amount_to_capture": 500}, {"idempotency_key": "c-1"})
        for _ in range(2)
    ]
    assert [each.amount_received for each in done] == [500, 500]
    assert done[1].last_response.headers["Idempotent-Replayed"] == "true"


def test_disputes__lost_with_lines_of_the_balance(client: Any, shop: StripeShop) -> None:
    session = shop.paid()
    shop.verb(session["id"], "chargeback", amount=800)
    (dispute,) = client.v1.disputes.list({"payment_intent": session["payment_intent"]["id"]}).data
    assert client.v1.disputes.close(dispute.id).status == "lost"
    (line_of_balance,) = client.v1.disputes.retrieve(dispute.id).balance_transactions
    assert isinstance(line_of_balance, stripe.BalanceTransaction)
    assert (line_of_balance.amount, line_of_balance.source) == (-800, dispute.id)


def test_auto_paging__both_ways(client: Any) -> None:
    made = [client.v1.checkout.sessions.create(order()).id for _ in range(5)]
    assert [each.id for each in client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()] == made[::-1]
    back = client.v1.checkout.sessions.list({"limit": 2, "ending_before": made[0]}).auto_paging_iter()
    assert [each.id for each in back] == made[1:]


def test_search_with_auto_paging(client: Any, shop: StripeShop) -> None:
    made = [shop.paid()["payment_intent"]["id"] for _ in range(3)]
    shop.advance(31)
    query = {"query": "metadata['attempt']:'9b1d'", "limit": 1}
    assert [each.id for each in client.v1.payment_intents.search(query).auto_paging_iter()] == made[::-1]


def test_expire(client: Any) -> None:
    made = client.v1.checkout.sessions.create(order())
    assert client.v1.checkout.sessions.expire(made.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.expire(made.id)
    assert caught.value.code is None and "`expired`" in str(caught.value)


def test_idempotent_replay(client: Any, shop: StripeShop) -> None:
    options = {"idempotency_key": "client"}
    first = client.v1.checkout.sessions.create(order(), options)
    again = client.v1.checkout.sessions.create(order(), options)
    assert again.id == first.id and again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(order(client_reference_id="x"), options)
    assert len(shop.control("GET", "stripe/payments")) == 1


def test_retries__find_what_a_lost_answer_made(shop: StripeShop) -> None:
    shop.fault("create", "lost_answer", times=1)
    client_for(shop, max_network_retries=2).v1.checkout.sessions.create(order())
    assert len(shop.control("GET", "stripe/payments")) == 1
    assert [call["replayed"] for call in shop.control("GET", "calls")] == [False, True]


def test_errors__arrive_as_the_clients_own_classes(client: Any, shop: StripeShop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.retrieve("cs_test_unknown")
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (404, "resource_missing", "id")
    assert caught.value.request_id.startswith("req_")
    with pytest.raises(stripe.AuthenticationError):
        client_for(shop, "sk_wrong").v1.balance.retrieve()
    shop.switch(restricted_keys_lack=["balance"])
    with pytest.raises(stripe.PermissionError):
        client_for(shop, "rk_test_" + "r" * 24).v1.balance.retrieve()
    shop.fault("any", "429", times=1)
    with pytest.raises(stripe.RateLimitError):
        client.v1.balance.retrieve()
    shop.fault("any", "5xx", status=500, times=1)
    with pytest.raises(stripe.APIError):
        client.v1.balance.retrieve()
    assert client.v1.balance.retrieve().object == "balance"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create({"mode": "payment", "colour": "red"})
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "colour")


def test_disputes_events_and_endpoints(client: Any, shop: StripeShop) -> None:
    endpoint = client.v1.webhook_endpoints.create(
        {"url": shop.webhook_url, "enabled_events": ["charge.dispute.created"]}
    )
    assert endpoint.secret.startswith("whsec_")
    session = shop.paid()
    shop.verb(session["id"], "chargeback")
    (dispute,) = client.v1.disputes.list({"payment_intent": session["payment_intent"]["id"]}).data
    assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"
    answered = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert answered.status == "won"
    types = [event.type for event in client.v1.events.list({"limit": 100}).data]
    assert "charge.dispute.closed" in types
    assert client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True}).status == "disabled"
    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted is True
    assert client_for(shop, OTHER_KEY).v1.webhook_endpoints.list().data == []
    assert client.v1.accounts.retrieve_current().charges_enabled is True


def test_webhooks__construct_event(shop: StripeShop, receiver: Receiver) -> None:
    shop.listen(enabled_events=["checkout.session.completed"])
    session = shop.paid()
    (seen,) = receiver.wait_for(1)
    header = seen.headers["Stripe-Signature"]
    event = stripe.Webhook.construct_event(seen.body, header, SECRET)
    assert (event.type, event.data.object.id) == ("checkout.session.completed", session["id"])
    assert json.loads(seen.body)["id"] == event.id
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(seen.body + b" ", header, SECRET)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(seen.body, header, "whsec_other")


@pytest.mark.parametrize("kind", ["bad_signature", "old_timestamp", "unknown_scheme", "other_secret"])
def test_webhooks__what_the_client_refuses(shop: StripeShop, receiver: Receiver, kind: str) -> None:
    shop.listen(enabled_events=["checkout.session.completed"])
    shop.fault("webhook", kind, times=1)
    shop.paid()
    (seen,) = receiver.wait_for(1)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(seen.body, seen.headers["Stripe-Signature"], SECRET)


def test_webhooks__after_a_rotation(shop: StripeShop, receiver: Receiver) -> None:
    endpoint = shop.listen(enabled_events=["checkout.session.completed"])
    shop.control("POST", f"stripe/webhook_endpoints/{endpoint['id']}/rotate", {"secret": "whsec_new"})
    shop.paid()
    (seen,) = receiver.wait_for(1)
    for secret in (SECRET, "whsec_new"):
        assert stripe.Webhook.construct_event(seen.body, seen.headers["Stripe-Signature"], secret)
