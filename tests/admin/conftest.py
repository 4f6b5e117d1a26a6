"""People at the desk, and a story that fills every page."""

from __future__ import annotations

import copy
import html
import re

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_payflow import clock, flow
from django_payflow.exceptions import GiveUp
from django_payflow.models import Case, Move, Payment, get_order_model
from tests.admin.urls import desk as desk_site


def address(row, page="change", site="desk"):
    """The address of a row's page, or of its model's list."""
    opts = row._meta
    args = [] if page in {"changelist", "add"} else [row.pk]
    return reverse(f"{site}:{opts.app_label}_{opts.model_name}_{page}", args=args)


def words(response):
    """What a person reads on a page, in one line."""
    text = re.sub(r"<(script|style).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def said_on(page):
    """What the form on a confirmation page would send, as it stands."""
    form = page.context["form"]
    values = {field.name: field.value() for field in form or ()}
    return {name: value for name, value in values.items() if value not in (None, False)}


def command(browser, row, name, site="desk", **said):
    """Open a confirmation page, write something into its form, press the button, follow to the next page."""
    url = address(row, name, site)
    return browser.post(url, {**said_on(browser.get(url)), **said}, follow=True)


def again(row):
    return type(row)._default_manager.get(pk=row.pk)


def refund_of(payment, amount, actor="grace", **more):
    """A refund that somebody asked for."""
    return Move.objects.get(pk=flow.refund(payment_id=payment.pk, amount=amount, actor=actor, **more).move_id)


def queries_of(client, url):
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


def out_of_stock(order, *, key, attempt):
    """A handler that gives up at once."""
    raise GiveUp("nothing left on the shelf")


def models_of_desk():
    return [model for model in desk_site._registry if model._meta.app_label not in {"auth"}]


def open_case(story, kind="surplus"):
    return Case.objects.create(
        kind=kind, payment=story.payment, order=story.order, detail="twice", open_key=f"{kind}:payment:1"
    )


def rows_of_every_model(story):
    open_case(story)
    now = clock.now()
    Move.objects.create(payment=story.payment, kind="refund", amount=100, currency="EUR", created_at=now)
    return [model._default_manager.first() for model in models_of_desk()]


@pytest.fixture
def person(db):
    """Make a member of staff who may do this to these models, and return a browser in which she is logged in."""

    def make(*verbs, models=None, name="grace", also=(), **client):
        user = User.objects.create_user(name, password="x", is_staff=True)
        user.user_permissions.add(*Permission.objects.filter(codename__in=also))
        for model in models or models_of_desk():
            names = [f"{verb}_{model._meta.model_name}" for verb in verbs]
            kind = ContentType.objects.get_for_model(model)
            user.user_permissions.add(*Permission.objects.filter(content_type=kind, codename__in=names))
        browser = Client(**client)
        browser.force_login(user)
        return browser

    return make


MONEY = ("capture_payment", "refund_payment", "judge_payment", "approve_move")
"""The permissions beside Django's own."""


@pytest.fixture
def operator(person):
    return person("view", "change")


@pytest.fixture
def treasurer(person):
    """Somebody who may do everything."""
    return person("view", "change", also=MONEY)


@pytest.fixture
def second(person):
    """Somebody else who may do everything."""
    return person("view", "change", also=MONEY, name="hedy")


@pytest.fixture
def onlooker(person):
    return person("view", name="paul")


@pytest.fixture
def handler(settings):
    """Replace the handler of the step "ship"."""

    def use(path):
        payflow = copy.deepcopy(django_settings.PAYFLOW)
        payflow["FULFILMENT"]["ship"]["HANDLER"] = path
        settings.PAYFLOW = payflow

    return use


@pytest.fixture
def paid(story):
    """A story with every kind of row: paid, delivered, and with a case, because the buyer's bank took money back."""
    story.start()
    story.bank("paid")
    story.webhook()
    return story


@pytest.fixture
def given_up(story, handler):
    """A paid story whose step "ship" was given up."""
    handler("tests.admin.conftest.out_of_stock")
    story.start()
    story.bank("paid")
    story.webhook()
    return story


@pytest.fixture
def shop_setting(settings):
    """Change settings of PAYFLOW, or of its account at Mollie."""

    def change(account=None, **values):
        payflow = copy.deepcopy(settings.PAYFLOW)
        payflow |= values
        payflow["PROVIDERS"]["mollie"] |= account or {}
        settings.PAYFLOW = payflow

    return change


@pytest.fixture
def authorized(story, shop_setting):
    """A story whose money is reserved on a card, and not captured."""
    shop_setting(account={"CAPTURE": "manual"})
    story.start(method="creditcard")
    story.bank("authorized")
    story.webhook()
    return story


@pytest.fixture
def late(story):
    """A story whose order was cancelled while the buyer paid."""
    story.start()
    flow.cancel_order(order_id=story.order.pk)
    story.bank("paid")
    story.webhook()
    return story


@pytest.fixture
def short_paid(story):
    """A story in which the provider reports less than the order costs."""
    story.start()
    story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "20.00"})
    story.bank("paid")
    story.webhook()
    return story


@pytest.fixture
def at_golomt(sim, settings, client, order):
    """A paid order at a bank that has no calls for refunds and tells of none."""
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["golomt"] = {
        "BACKEND": "django_payflow.providers.golomt.GolomtProvider",
        "OPTIONS": {
            "bearer_token": "sim-golomt-token",
            "merchant_key": "sim-golomt-secret",
            "test": True,
            "base_url": sim.base_url("golomt"),
        },
    }
    settings.PAYFLOW = payflow
    get_order_model().objects.filter(pk=order.pk).update(currency="MNT")
    started = flow.start_checkout(order=get_order_model().objects.get(pk=order.pk), account="golomt")
    payment = Payment.objects.get(pk=started.payment_id)
    sim.set_status(payment.references.get(kind="transaction").value, "paid", provider="golomt")
    flow.confirm(payment_id=payment.pk, source="poll")
    flow.sweep(inline=True)
    return again(payment)
