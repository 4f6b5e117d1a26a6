"""The management commands, as an operator runs them."""

from __future__ import annotations

import copy
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from django_payflow.management.commands.payflow_simulators import register_webhooks
from django_payflow.models import Heartbeat


def doctor(*arguments: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """Run the doctor; returns its exit status and (verdict, words) by subject."""
    out, status = StringIO(), 0
    try:
        call_command("payflow_doctor", "--json", *arguments, stdout=out)
    except CommandError as error:
        status = error.returncode
    by_subject: dict[str, list[tuple[str, str]]] = {}
    for finding in json.loads(out.getvalue())["findings"]:
        by_subject.setdefault(finding["subject"], []).append((finding["verdict"], finding["words"]))
    return status, by_subject


def test_sweep_command__finishes_a_paid_story_without_celery(story):
    story.start()
    story.bank("paid", webhook=False)
    story.sim.advance(61)
    out = StringIO()

    call_command("payflow_sweep", stdout=out)

    assert out.getvalue() == "due: 0 deliveries, 1 payments, 0 fulfilments; 0 orders expired\n"
    assert story.now().status == "completed"


def test_doctor__a_healthy_shop(story):
    story.work()

    status, found = doctor()

    assert status == 0
    assert found["configuration"] == [("ok", "the settings are readable and complete")]
    assert found["provider mollie"] == [("ok", "test key accepted")]
    assert found["sweep"][0][0] == "ok"
    assert found["database"][0][0] == "ok"
    assert found["broker"][0][0] == "ok"


def test_doctor__beat_that_never_ran_and_beat_that_died(sim, db):
    status, found = doctor("--offline")
    assert (status, found["sweep"][0][0]) == (1, "wrong")
    assert "never run" in found["sweep"][0][1]

    call_command("payflow_sweep", stdout=StringIO())
    sim.advance(3600)

    status, found = doctor("--offline")
    assert (status, found["sweep"][0][0]) == (1, "wrong")
    assert "60 minutes ago" in found["sweep"][0][1]
    assert Heartbeat.objects.count() == 1


def test_doctor__wrong_key_is_told_without_showing_it(sim, db, settings):
    sim.fault("list", "5xx", status=503)

    status, found = doctor()

    assert status == 1
    verdict, words = found["provider mollie"][0]
    assert verdict == "wrong"
    assert "503" in words
    assert "kkkk" not in words


def test_doctor__configuration_mistake(sim, db, settings):
    settings.PAYFLOW = {**settings.PAYFLOW, "BASE_URL": ""}

    status, found = doctor("--offline")

    assert status == 1
    assert found["configuration"][0][0] == "wrong"
    assert "payflow.E004" in found["configuration"][0][1]


def test_doctor__backlog_and_cases(story):
    story.start()
    story.work()
    story.sim.advance(60 * 30)

    _, found = doctor("--offline")

    assert found["payments and refunds to ask about"] == [("wrong", "1 waiting, the oldest for 29 minutes")]
    assert found["cases"] == [("ok", "none is open")]


def test_doctor__readable_output(sim, db):
    out = StringIO()

    with pytest.raises(CommandError, match="must be mended"):
        call_command("payflow_doctor", "--offline", stdout=out)

    assert "wrong  sweep: has never run" in out.getvalue()


def with_signing_accounts(sim, settings):
    payflow = copy.deepcopy(settings.PAYFLOW)
    payflow["PROVIDERS"]["stripe"] = {
        "BACKEND": "stripe",
        "OPTIONS": {
            "api_key": "sk_test_" + "k" * 24,
            "signing_secrets": ["whsec_" + "s" * 24],
            "base_url": sim.base_url("stripe"),
        },
    }
    payflow["PROVIDERS"]["golomt"] = {
        "BACKEND": "golomt",
        "OPTIONS": {
            "bearer_token": "sim-golomt-token",
            "merchant_key": "sim-golomt-secret",
            "test": True,
            "base_url": sim.base_url("golomt"),
        },
    }
    payflow["PROVIDERS"]["elsewhere"] = {"BACKEND": "nowhere.Provider", "OPTIONS": {"base_url": f"{sim.url}/stripe"}}
    settings.PAYFLOW = payflow


def test_doctor__names_the_webhook_addresses_to_register(sim, db, settings):
    with_signing_accounts(sim, settings)

    _, found = doctor("--offline")

    told = {subject: words for subject, words in found.items() if subject.startswith("webhooks of")}
    assert set(told) == {"webhooks of stripe", "webhooks of golomt"}
    assert "https://shop.test/payflow/webhook/stripe/" in str(told["webhooks of stripe"])


def test_simulators_command__registers_each_address_once(sim, settings):
    with_signing_accounts(sim, settings)

    for _ in range(2):
        register_webhooks(sim.url)

    (endpoint,) = sim.control("GET", "stripe/webhook_endpoints")
    assert (endpoint["url"], endpoint["secret"]) == (
        "https://shop.test/payflow/webhook/stripe/",
        "whsec_" + "s" * 24,
    )
    assert sim.control("GET", "golomt/webhook_endpoints") == [{"url": "https://shop.test/payflow/webhook/golomt/"}]


def test_simulators_command__leaves_other_simulators_and_broken_settings_alone(sim, settings):
    with_signing_accounts(sim, settings)

    register_webhooks("http://127.0.0.1:1")
    settings.PAYFLOW = []
    register_webhooks(sim.url)

    assert sim.control("GET", "stripe/webhook_endpoints") == []
