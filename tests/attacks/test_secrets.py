"""Row 43: planted secrets are looked for wherever a story leaves traces."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from celery import current_app
from django.test import Client

from django_payflow import checkpoints, redaction, registry, tasks
from django_payflow.exceptions import ProviderError
from django_payflow.messages import Reference
from django_payflow.models import Case, Fulfilment, Payment, PaymentEvent, WebhookDelivery
from tests.attacks.kit import hook, post
from tests.conftest import new_order
from tests.mollie.wire import always, answer, serving

pytestmark = pytest.mark.attack(43)

KEY = "test_PlantedKey0123456789abcdefghij"
CARD = "4111 1111 1111 1111"
EMAIL = "planted.person@example.com"
NAME = "Planted Person"


class Traces:
    """Everything that was logged, formatted as a handler would; and everything that was stored for operators."""

    def __init__(self, caplog) -> None:
        self._caplog = caplog

    def of(self, *loggers: str) -> str:
        formatter = logging.Formatter("%(name)s %(message)s %(pathname)s")
        records = [r for r in self._caplog.records if not loggers or r.name in loggers]
        text = "\n".join(formatter.format(record) for record in records)
        return text + "\n".join(str(record.args) for record in records)

    @property
    def stored(self) -> str:
        rows = [
            *PaymentEvent.objects.values_list("summary", "data", "source", "actor"),
            *Case.objects.values_list("detail", "resolution"),
            *WebhookDelivery.objects.values_list("headers", "error", "reference"),
            *Fulfilment.objects.values_list("error"),
            *Payment.objects.values_list("failure"),
        ]
        return json.dumps(rows, default=str)


@pytest.fixture
def traces(caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django_payflow")
    return Traces(caplog)


@pytest.fixture
def planted(story, payflow, settings, monkeypatch):
    """An account with a known key, a buyer with known data, a broker that is dead."""
    payflow(options={"api_key": KEY})
    story.order = new_order(email=EMAIL, name=NAME)
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    tasks.reset()
    return story


def whole_story(story) -> None:
    """Everything goes wrong once, and then right: faults of the provider, strangers, a failing handler, money."""
    sim, client = story.sim, story.client
    sim.fault("create", "lost_answer", times=1)
    client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    sim.advance(11)
    story.work()
    for kind in ("5xx", "429", "truncated", "not_found"):
        sim.fault("get", kind, times=3)
        sim.advance(3700)
        sim.set_status(story.reference, "open", webhook=False)
        story.work()
        sim.clear_faults()
    story.come_back()
    secret_headers = {"Authorization": f"Bearer {KEY}", "Cookie": "sessionid=planted-session", "X-Card": CARD}
    post(client, hook(story.payment), "id=tr_stranger", headers=secret_headers)
    post(client, hook(story.payment), f"id={story.reference}", headers=secret_headers)
    post(client, hook(token="guess"), f"id={CARD}&x={EMAIL}", headers=secret_headers)
    story.bank("paid", method="creditcard")
    story.webhook()


@pytest.mark.gauntlet("M28")
@pytest.mark.gauntlet("G14")
def test_attack_43__a_whole_story_at_debug_level(planted, traces):
    whole_story(planted)

    assert planted.now().status == "completed"
    logged, stored = traces.of(), traces.stored
    assert "provider call account=mollie operation=retrieve" in logged, "there is something to look at"
    assert "broker unreachable" in logged
    assert PaymentEvent.objects.filter(kind="call").count() >= 4
    for secret in (KEY, KEY[5:], CARD, CARD.replace(" ", ""), "planted-session"):
        assert secret not in logged
        assert secret not in stored
    for personal in (EMAIL, NAME):
        assert personal not in logged
        assert personal not in stored
    ours = traces.of("django_payflow")
    for token in (planted.payment.webhook_token, planted.payment.return_token):
        assert token not in ours
        assert token not in stored


def test_attack_43__an_expected_refusal_does_not_put_a_valid_token_into_djangos_log(planted, traces):
    """A 503 is even an ERROR there: a shop with Django's default logging mails it to its ADMINS."""
    planted.sim.fault("create", "lost_answer", times=1)
    payment = planted.start()
    answers = [
        post(planted.client, hook(payment), f"id={planted.sim.payments()[0]['id']}"),
        post(planted.client, hook(payment), "nonsense"),
    ]

    assert [answer.status_code for answer in answers] == [503, 400]
    assert payment.webhook_token not in traces.of("django.request")


def test_attack_43__the_providers_own_words_are_scrubbed(planted, traces, payflow):
    """A provider that echoes what it was sent, and more than it should."""
    echo = f"bad key {KEY}, card {CARD}, customer {EMAIL}, header Bearer {KEY}"
    wrong = answer({"status": 422, "title": "No", "detail": echo, "field": "x"}, 422)
    with serving(always(wrong)) as wire:
        payflow(options={"base_url": wire.url})
        refused = planted.client.post(f"/payflow/start/{planted.order.reference}/", {"account": "mollie"})

    assert refused.status_code == 409
    assert planted.payment.failure, "something is kept"
    for text in (traces.of(), traces.stored, refused.content.decode()):
        for secret in (KEY, CARD, EMAIL):
            assert secret not in text


def test_attack_43__a_handlers_error_with_secrets_in_it(planted, traces, payflow):
    payflow(FULFILMENT={"leak": {"HANDLER": "tests.attacks.test_secrets.leaking"}})
    planted.start()
    planted.bank("paid")
    planted.webhook()

    assert "RuntimeError" in Fulfilment.objects.get().error
    for text in (traces.of(), traces.stored):
        for secret in (KEY, CARD, EMAIL):
            assert secret not in text


def leaking(order, *, key, attempt):
    """A shop's handler whose error says more than it should."""
    raise RuntimeError(f"cannot mail {EMAIL} about {CARD} with {KEY}")


def test_attack_43__a_crash_in_the_flow_is_logged_without_them(planted, traces):
    """The sweep logs the traceback of a bug: scrubbed like everything else."""
    planted.start()
    planted.sim.advance(61)

    def bug():
        raise ValueError(f"a bug met {KEY} and {EMAIL}")

    checkpoints.arm("confirm.fetched", bug)
    planted.work()

    logged = traces.of()
    assert "Traceback" in logged
    assert KEY not in logged
    assert EMAIL not in logged


@pytest.mark.parametrize("operation", ["create", "retrieve", "find", "cancel", "probe"])
def test_attack_43__traceback_with_locals_of_a_provider_call(planted, operation):
    payment = planted.start()
    provider = registry.provider("mollie", deadline=2)
    checkout, reference = payment.frozen, Reference(kind="payment", value="tr_unknown")
    planted.sim.fault("any", "5xx")
    arguments = {"create": [checkout], "find": [checkout], "probe": []}.get(operation, [checkout, reference])

    with pytest.raises(ProviderError) as failed:
        getattr(provider, operation)(*arguments)

    seen = traceback.TracebackException.from_exception(failed.value, capture_locals=True)
    text = "".join(seen.format(chain=True))
    assert "providers/http.py" in text
    assert KEY not in text


def test_attack_43__traceback_with_locals_shows_no_buyer_and_no_token(planted):
    """What an error reporter such as Sentry keeps of a frame: ``repr`` of its locals."""
    payment = planted.start()
    full = Payment.objects.get(pk=payment.pk).frozen
    buyer = type(full.buyer)(email=EMAIL, name=NAME)
    shown = repr(type(full)(**{**full.__dict__, "buyer": buyer}))

    for private in (EMAIL, NAME, payment.webhook_token, payment.return_token):
        assert private not in shown


def test_attack_43__repr_of_what_holds_the_key(planted):
    from django_payflow import conf

    provider = registry.provider("mollie")
    things = [provider, provider.options, provider.http, provider._auth(), conf.get(), conf.get().account("mollie")]
    for thing in things:
        assert KEY not in repr(thing) + str(thing)


def test_attack_43__a_wrong_key_does_not_show_itself_in_the_complaint(planted, payflow, traces):
    """The malformed secret is the one that somebody just pasted: close to a real one."""
    from django.core.checks import run_checks

    near = "live-" + "Secret0123456789abcdefghijklmnop"
    payflow(options={"api_key": near})

    complaints = "".join(f"{each.msg} {each.hint}" for each in run_checks())
    assert "api_key" in complaints
    refused = planted.client.post(f"/payflow/start/{planted.order.reference}/", {"account": "mollie"})
    for text in (complaints, traces.of(), refused.content.decode()):
        assert near not in text
        assert near[5:] not in text


def test_attack_43__celery_arguments_are_ids(planted, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "_publish", lambda one: sent.append((one.kind, one.id)))
    tasks.reset()

    planted.client.post(f"/payflow/start/{planted.order.reference}/", {"account": "mollie"})
    planted.bank("paid")
    post(planted.client, hook(planted.payment), f"id={planted.reference}")
    tasks.process_delivery(WebhookDelivery.objects.get().pk)
    tasks.sweep()

    assert {kind for kind, _ in sent} == {"delivery", "fulfilment"}
    assert all(isinstance(pk, int) for _, pk in sent)


def test_attack_43__djangos_error_page_of_a_view_that_breaks(planted, settings):
    """With DEBUG on, a bug in the flow shows frames and settings: the key is in none of them."""
    settings.DEBUG = True

    def bug():
        raise ValueError("bug")

    checkpoints.arm("checkout.created", bug)
    client = Client(raise_request_exception=False)
    page = client.post(f"/payflow/start/{planted.order.reference}/", {"account": "mollie"})

    assert page.status_code == 500
    assert KEY not in page.content.decode()


def test_attack_43__the_purge_of_the_buyer(planted):
    payment = planted.start()
    assert payment.checkout["buyer"] == {}
    assert EMAIL not in json.dumps(payment.checkout)


def test_attack_43__the_filter_works_on_whatever_is_logged(traces):
    redaction.logger().error("key %s card %s mail %s", KEY, CARD, EMAIL)
    logged = traces.of("django_payflow")
    assert "[hidden]" in logged
    assert not [secret for secret in (KEY, CARD, EMAIL) if secret in logged]
