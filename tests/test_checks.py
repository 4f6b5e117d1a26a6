"""Every check has an id, fires on its mistake, and is silent on good settings."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import ERROR

from django_payflow.checks import check_deploy, check_settings

GOOD_KEY = "test_" + "k" * 30
GOLOMT = {
    "BACKEND": "golomt",
    "OPTIONS": {
        "bearer_token": "bearer-of-a-test",
        "merchant_key": "merchant-key-of-a-test",
        "test": True,
        "base_url": "http://127.0.0.1:8801/golomt",
    },
}
"""An account at a provider that captures at once."""


def with_payflow(settings: Any, **changes: Any) -> None:
    settings.PAYFLOW = {**copy.deepcopy(django_settings.PAYFLOW), **changes}


def ids(messages: list[Any]) -> set[str]:
    return {message.id for message in messages}


def account(**changes: Any) -> dict[str, Any]:
    options = {"api_key": GOOD_KEY, "base_url": "http://127.0.0.1:8801/mollie", **changes.pop("OPTIONS", {})}
    return {"mollie": {"BACKEND": "django_payflow.providers.mollie.MollieProvider", "OPTIONS": options, **changes}}


def test_check_settings__good_settings_are_silent(settings):
    assert check_settings() == []


def test_check_settings__missing_altogether(settings):
    del settings.PAYFLOW

    assert ids(check_settings()) == {"payflow.E001"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"PROVIDERS": []}, "payflow.E002"),
        ({"PROVIDERS": {"mollie": "test_key"}}, "payflow.E002"),
        ({"BASEURL": "https://shop.test"}, "payflow.E003"),
        ({"PROVIDERS": account(BAKEND="x")}, "payflow.E003"),
        ({"FULFILMENT": {"ship": {"HANDLER": "tests.shop.fulfilment.ship", "EXTRENAL": True}}}, "payflow.E003"),
        ({"BASE_URL": ""}, "payflow.E004"),
        ({"BASE_URL": "shop.test"}, "payflow.E004"),
        ({"BASE_URL": "https://shop.test/pay"}, "payflow.E004"),
        ({"BASE_URL": "http://shop.test"}, "payflow.E005"),
        ({"LEASE_SECONDS": 0}, "payflow.E006"),
        ({"ATTEMPTS_PER_HOUR": "5"}, "payflow.E006"),
        ({"POLL_SECONDS": -1}, "payflow.E006"),
        ({"SUCCESS_URL": "https://elsewhere.test/"}, "payflow.E007"),
        ({"SUCCESS_URL": "//elsewhere.test/"}, "payflow.E007"),
        ({"RETRY_URL": "/orders/{number}/"}, "payflow.E007"),
        ({"PROVIDERS": {}}, "payflow.E008"),
        ({"PROVIDERS": {"mol lie": account()["mollie"]}}, "payflow.E009"),
        ({"PROVIDERS": account(SECURED_MEANS="hoped")}, "payflow.E010"),
        ({"PROVIDERS": account(CAPTURE="later")}, "payflow.E016"),
        ({"PROVIDERS": {"bank": GOLOMT | {"CAPTURE": "manual"}}}, "payflow.E016"),
        ({"PROVIDERS": {"bank": GOLOMT | {"CAPTURE": "on_fulfilment"}}}, "payflow.E016"),
        ({"LATE_PAYMENT": "keep"}, "payflow.E019"),
        ({"SURPLUS": "reopen"}, "payflow.E019"),
        ({"SURPLUS_SECONDS": -1}, "payflow.E006"),
        ({"AFTERCARE_DAYS": [1, 0]}, "payflow.E006"),
        ({"MAY_REOPEN": "tests.shop.nowhere.may_reopen"}, "payflow.E020"),
        ({"STOCK": {"RESERVE": "tests.shop.fulfilment.ship"}}, "payflow.E020"),
        ({"STOCK": {"KEEP": "tests.shop.fulfilment.ship"}}, "payflow.E003"),
        ({"STOCK": {"RESERVE": "tests.shop.fulfilment.__doc__", "RELEASE": ""}}, "payflow.E020"),
        ({"STOCK": ["reserve"]}, "payflow.E002"),
        ({"REFUND_APPROVAL_ABOVE": {"EUR": "500.00"}}, "payflow.E021"),
        ({"REFUND_APPROVAL_ABOVE": {"euro": 500}}, "payflow.E021"),
        ({"FULFILMENT": {"ship": {"HANDLER": "tests.shop.fulfilment.ship", "NEEDS": "cash"}}}, "payflow.E022"),
        (
            {
                "PROVIDERS": account(CAPTURE="on_fulfilment"),
                "FULFILMENT": {"ship": {"HANDLER": "tests.shop.fulfilment.ship", "NEEDS": "captured"}},
            },
            "payflow.E023",
        ),
        ({"PROVIDERS": account(CURRENCIES="EUR")}, "payflow.E002"),
        ({"PROVIDERS": account(CURRENCIES=["euro"])}, "payflow.E017"),
        ({"PROVIDERS": account(MINIMUM=500)}, "payflow.E002"),
        ({"PROVIDERS": account(MINIMUM={"EUR": "5.00"})}, "payflow.E018"),
        ({"PROVIDERS": account(MAXIMUM={"EUR": 0})}, "payflow.E018"),
        ({"PROVIDERS": account(BACKEND="nowhere.Provider")}, "payflow.E011"),
        ({"PROVIDERS": account(BACKEND="django_payflow.money.Money")}, "payflow.E011"),
        ({"PROVIDERS": account(OPTIONS={"apikey": GOOD_KEY})}, "payflow.E011"),
        ({"PROVIDERS": account(OPTIONS={"api_key": ""})}, "payflow.E011"),
        ({"PROVIDERS": account(OPTIONS={"base_url": "http://api.mollie.com"})}, "payflow.E011"),
        ({"ALLOW_SIMULATORS": False}, "payflow.E011"),
        ({"PROVIDERS": account(OPTIONS={"api_key": "live_" + "k" * 30})}, "payflow.E011"),
        ({"FULFILMENT": {"ship": {"HANDLER": "tests.shop.fulfilment.shipp"}}}, "payflow.E012"),
        ({"FULFILMENT": {"ship": {"HANDLER": "tests.shop.fulfilment.__doc__"}}}, "payflow.E012"),
    ],
)
def test_check_settings__names_the_mistake(settings, changes, expected):
    with_payflow(settings, **changes)

    found = check_settings()

    assert expected in ids(found)
    assert all(message.level >= ERROR for message in found if message.id == expected)
    assert not any("kkkk" in f"{message.msg}{message.hint}" for message in found), "a check must not show a key"


def test_check_settings__urls_not_included(settings):
    settings.ROOT_URLCONF = "tests.shop.no_urls"

    assert "payflow.E013" in ids(check_settings())


@pytest.mark.parametrize("name", ["payflow.Nothing", "auth.User", "nonsense"])
def test_check_settings__order_model_that_is_none(settings, name):
    settings.PAYFLOW_ORDER_MODEL = name

    assert "payflow.E014" in ids(check_settings())


def test_check_settings__live_key_while_debug_is_on(settings):
    settings.DEBUG = True
    live = {"api_key": "live_" + "k" * 30, "base_url": "https://api.mollie.com"}
    with_payflow(settings, PROVIDERS=account(OPTIONS=live))

    assert ids(check_settings()) == {"payflow.W001"}


def test_check_deploy__names_every_unsafe_default(settings, monkeypatch):
    monkeypatch.setitem(django_settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(django_settings.DATABASES["default"], "OPTIONS", {})
    with_payflow(settings, BASE_URL="http://127.0.0.1:8000", POLL_SECONDS=5, FULFILMENT={})

    assert ids(check_deploy()) == {f"payflow.W0{number}" for number in range(10, 18)}


def test_check_deploy__is_silent_on_a_sound_site(settings, monkeypatch):
    monkeypatch.setitem(django_settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setitem(django_settings.CACHES, "default", {"BACKEND": "django.core.cache.backends.redis.RedisCache"})
    live = {"api_key": "live_" + "k" * 30, "base_url": "https://api.mollie.com"}
    with_payflow(settings, ALLOW_SIMULATORS=False, PROVIDERS=account(OPTIONS=live))

    assert check_deploy() == []
