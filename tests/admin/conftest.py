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

from django_payflow.exceptions import GiveUp
from django_payflow.models import Case
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
    return [model._default_manager.first() for model in models_of_desk()]


@pytest.fixture
def person(db):
    """Make a member of staff who may do this to these models, and return a browser in which she is logged in."""

    def make(*verbs, models=None, name="grace", **client):
        user = User.objects.create_user(name, password="x", is_staff=True)
        for model in models or models_of_desk():
            names = [f"{verb}_{model._meta.model_name}" for verb in verbs]
            kind = ContentType.objects.get_for_model(model)
            user.user_permissions.add(*Permission.objects.filter(content_type=kind, codename__in=names))
        browser = Client(**client)
        browser.force_login(user)
        return browser

    return make


@pytest.fixture
def operator(person):
    return person("view", "change")


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
