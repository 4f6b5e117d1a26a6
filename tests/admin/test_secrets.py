"""What the pages hide, and that nothing on them can be edited."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_payflow import clock
from django_payflow.admin.deliveries import readable_body
from django_payflow.admin.display import details
from django_payflow.models import (
    Case,
    Fulfilment,
    Payment,
    PaymentEvent,
    WebhookDelivery,
    get_order_model,
)
from tests.admin.conftest import address, models_of_desk, open_case, rows_of_every_model, words

pytestmark = pytest.mark.urls("tests.admin.urls")


# --- what they hide


@pytest.mark.attack(43)
def test_attack_43__no_page_shows_tokens_or_keys(paid, operator, settings):
    row, delivery = paid.payment, WebhookDelivery.objects.get()
    Payment.objects.update(lease_token="lease-" + "z" * 20, lease_until=clock.now())
    api_key = settings.PAYFLOW["PROVIDERS"]["mollie"]["OPTIONS"]["api_key"]
    secrets = [row.webhook_token, row.return_token, "lease-", api_key]

    for one in (*rows_of_every_model(paid), delivery):
        for page in (address(one), address(one, "changelist")):
            text = operator.get(page).content.decode()
            assert [secret for secret in secrets if secret in text] == []


@pytest.mark.attack(43)
@pytest.mark.parametrize("column", ["webhook_token", "return_token", "lease_token", "checkout_url"])
def test_attack_43__a_token_cannot_be_guessed_by_filtering_a_list(paid, operator, column):
    first_letter = getattr(paid.payment, column)[:1]

    answer = operator.get(address(paid.payment, "changelist"), {f"{column}__startswith": first_letter})

    assert (answer.status_code, "24.95" in words(answer)) == (400, False)


@pytest.mark.attack(43)
@pytest.mark.parametrize(
    "body",
    [
        b"id=tr_1&key=live_abcdefghijklmnopqrstuvwx&card=4111111111111111&m=eve%40example.com&iban=NL00",
        b'{"id": "tr_1", "name": "Eve Holt", "iban": "NL00", "x": ["eve@example.com", "4111 1111 1111 1111"]}',
        b"tr_1 Bearer abcdefghijklmnop eve@example.com live_abcdefghijklmnopqrstuvwx \xff\x00",
    ],
)
def test_attack_43__a_delivery_is_shown_without_secrets_and_escaped(paid, operator, body):
    WebhookDelivery.objects.update(body=body, headers={"user-agent": "<b>x</b> eve@example.com"})

    page = operator.get(address(WebhookDelivery.objects.get())).content.decode()

    assert "tr_1" in page
    assert "[hidden]" in page
    hidden = ["abcdefghijklmnop", "4111", "eve@example.com", "eve%40", "Eve Holt", "NL00", "<b>x</b>"]
    assert [word for word in hidden if word in page] == []


@pytest.mark.attack(32)
def test_attack_32__what_others_wrote_is_escaped_everywhere(paid, operator):
    evil = "<script>alert(1)</script>"
    WebhookDelivery.objects.update(body=evil.encode(), error=evil, reference=evil, kind=evil)
    Payment.objects.update(method=evil, failure=evil, account=evil, merchant=evil)
    Fulfilment.objects.update(error=evil)
    Fulfilment.objects.filter(handler="ship").update(handler=evil)
    Case.objects.filter(pk=open_case(paid).pk).update(detail=evil)
    paid.payment.references.update(value=evil)
    PaymentEvent.objects.create(
        order=paid.order, payment=paid.payment, kind="report", source=evil[:20], actor=evil, summary=evil,
        data={evil: evil}, at=clock.now(),
    )  # fmt: skip

    for model in models_of_desk():
        for row in model._default_manager.all():
            for page in ("change", "changelist"):
                text = operator.get(address(row, page)).content.decode()
                assert "<script>alert" not in text
                assert "&lt;script&gt;alert" in text or page == "changelist" or model is get_order_model()


def test_body__is_bounded_and_never_breaks_the_page():
    assert len(readable_body(b"word " * 10_000)) < 4100
    assert "100000 bytes: too long" in readable_body(b"x" * 100_000)
    assert readable_body(b"") == ""
    assert readable_body(b"[" * 5000).startswith("[[[")
    assert readable_body(b'{"a": NaN, "a": 2}') == '{\n  "a": 2\n}'


def test_details__of_an_event_leave_out_what_is_empty():
    assert details({"code": "", "ms": None}) == ""
    assert "<dt>held</dt><dd>false</dd>" in details({"held": False, "code": ""})


# --- read-only


FORGED = {  # columns of money and state, and what the admin's own forms would send
    "status": "paid",
    "amount": "1",
    "total": "1",
    "captured": "999999",
    "currency": "JPY",
    "account": "other",
    "reference": "FORGED",
    "key": "forged",
    "settles": "1",
    "handler": "forged",
    "state": "done",
    "body": "forged",
    "kind": "surplus",
    "closed_at_0": "2026-01-01",
    "closed_at_1": "00:00",
    "_save": "Save",
    "references-0-value": "tr_forged",
    "action": "delete_selected",
    "_selected_action": "1",
    "post": "yes",
}


@pytest.mark.attack(41)
def test_attack_41__forged_posts_change_nothing_even_for_a_superuser(paid):
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    rows = rows_of_every_model(paid)
    tables = [type(row)._default_manager for row in rows]
    before = [list(table.order_by("pk").values()) for table in tables]

    for row in rows:
        assert browser.post(address(row), FORGED).status_code == 403
        assert browser.post(address(row, "delete"), FORGED).status_code == 403
        assert browser.post(address(row, "add"), FORGED).status_code == 403
        assert browser.post(address(row, "changelist"), FORGED).status_code in {200, 302, 403}

    assert [list(table.order_by("pk").values()) for table in tables] == before
