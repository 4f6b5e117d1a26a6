"""A pay link: signed, with an end; it starts nothing before somebody presses its button."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.core import signing
from django.test import Client

from django_payflow import clock, flow
from django_payflow.exceptions import CommandRefused, ConfigurationError
from django_payflow.models import Payment, get_order_model
from tests.conftest import new_order


def path(link: str) -> str:
    assert link.startswith("https://shop.test/payflow/pay/")
    return urlsplit(link).path


@pytest.fixture
def two_accounts(sim: Any, settings: Any) -> None:
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["mollie"]["LABEL"] = "Mollie"
    payflow["PROVIDERS"]["second"] = {**payflow["PROVIDERS"]["mollie"], "LABEL": "Second"}
    settings.PAYFLOW = payflow


def test_pay_link__opened_starts_nothing_and_pressed_leads_to_the_hosted_page(sim, order, client):
    link = path(flow.pay_link(order))

    page = client.get(link)

    assert page.status_code == 200
    assert "24.95 EUR" in page.content.decode() and order.reference in page.content.decode()
    assert (sim.calls(), Payment.objects.count()) == ([], 0)
    assert "ada@example.com" not in page.content.decode()
    answer = client.post(link, {"account": "mollie"})
    assert answer.status_code == 303
    assert answer["Location"] == Payment.objects.get().checkout_url
    assert get_order_model().objects.get().status == "pending"


def test_pay_link__keeps_itself_out_of_caches_and_referrers(sim, order, client):
    answer = client.get(path(flow.pay_link(order)))

    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_pay_link__is_protected_against_foreign_pages(sim, order):
    client = Client(enforce_csrf_checks=True)

    assert client.post(path(flow.pay_link(order)), {"account": "mollie"}).status_code == 403
    assert Payment.objects.count() == 0


def test_pay_link__offers_every_account_or_the_one_it_names(two_accounts, order, client):
    both = client.get(path(flow.pay_link(order))).content.decode()
    link = path(flow.pay_link(order, account="second", method="ideal"))
    one = client.get(link).content.decode()

    assert "Pay with Mollie" in both and "Pay with Second" in both
    assert "Pay with Mollie" not in one and "Pay with Second" in one
    client.post(link, {"account": "mollie"})
    assert Payment.objects.count() == 0, "an account that the link does not offer"
    client.post(link, {"account": "second"})
    assert Payment.objects.values_list("account", "asked_method").get() == ("second", "ideal")


@pytest.mark.parametrize(
    ("expires_in", "deadline_in"),
    [(None, None), (timedelta(days=14), None), (timedelta(days=99), timedelta(days=14))],
    ids=["by the setting", "as asked", "by the order's deadline"],
)
def test_pay_link__ends(sim, db, client, expires_in, deadline_in):
    order = new_order(pay_before=clock.now() + deadline_in if deadline_in else None)
    link = path(flow.pay_link(order, expires_in=expires_in))

    clock.move(timedelta(days=13, hours=23))
    early = client.get(link)
    clock.move(timedelta(days=14, seconds=1))
    late, pressed = client.get(link), client.post(link, {"account": "mollie"})

    assert early.status_code == 200
    assert {late.status_code, pressed.status_code} == {410}
    assert "expired" in late.content.decode() and "<form" not in late.content.decode()
    assert Payment.objects.count() == 0


def test_pay_link__of_a_paid_order_has_no_button(story):
    link = path(flow.pay_link(story.order))
    story.start()
    story.bank("paid")
    story.webhook()

    page = story.client.get(link)

    assert page.status_code == 200
    assert "Nothing to pay" in page.content.decode() and "<form" not in page.content.decode()
    story.client.post(link, {"account": "mollie"})
    assert Payment.objects.count() == 1
    with pytest.raises(CommandRefused, match="nothing to pay"):
        flow.pay_link(story.now())


def test_pay_link__pressed_twice_gives_the_same_offer(sim, order, client):
    link = path(flow.pay_link(order))

    first, second = (client.post(link, {"account": "mollie"}) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert Payment.objects.count() == 1


def test_pay_link__changed_by_a_letter_of_another_purpose_or_too_long_is_unknown(sim, order, client):
    token = path(flow.pay_link(order)).split("/")[-2]
    foreign = signing.dumps({"order": order.reference, "ends": 4_000_000_000}, salt="another purpose")

    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x" + token, foreign, token * 20, "nonsense"):
        assert client.get(f"/payflow/pay/{wrong}/").status_code == 404
        assert client.post(f"/payflow/pay/{wrong}/", {"account": "mollie"}).status_code == 404
    assert Payment.objects.count() == 0


def test_pay_link__without_an_account_that_takes_the_order_is_polite(sim, settings, order, client):
    link = path(flow.pay_link(order))
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["mollie"]["CURRENCIES"] = ["SEK"]
    settings.PAYFLOW = payflow

    answer = client.get(link)

    assert answer.status_code == 409
    assert "cannot be paid right now" in answer.content.decode()


def test_pay_link__for_an_unknown_account_is_never_made(order):
    with pytest.raises(ConfigurationError, match="known: mollie"):
        flow.pay_link(order, account="molly")


def test_pay_link__stands_on_the_orders_admin_page(sim, order, admin_client):
    if not admin.site.is_registered(get_order_model()):
        pytest.skip("the shop of its own order model has not registered an admin for it here")
    model = get_order_model()._meta
    page = admin_client.get(f"/admin/{model.app_label}/{model.model_name}/{order.pk}/change/").content.decode()

    start = page.index("https://shop.test/payflow/pay/")
    link = page[start:].split("<", 1)[0].strip()
    assert admin_client.get(path(link)).status_code == 200
