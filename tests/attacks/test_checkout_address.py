"""Row 33: the provider's answer sends buyers to a stranger. A tiny server stands in as Mollie."""

from __future__ import annotations

import json

import pytest

from django_payflow import flow
from django_payflow.models import Case, PaymentEvent
from tests.mollie.wire import adapter, answer, payment, serving

ELSEWHERE = [
    "https://evil.test/pay",
    "http://www.mollie.com/checkout/x",
    "https://mollie.com.evil.test/",
    "https://evilmollie.com/",
    "https://www.mollie.com@evil.test/",
    "https://www.mollie.com:pw@evil.test/",
    "https://user@www.mollie.com/",
    "//evil.test/",
    "/checkout",
    "javascript:alert(1)//mollie.com",
    "data:text/html,mollie.com",
    "https:evil.test",
    "https:\\\\evil.test",
    "https://evil.test\\.mollie.com/",
    "https://www.mollie.com\\@evil.test/",
    "https://www.mollie.com/\r\nSet-Cookie: a=b",
    "https://www.mollie.com/\u202e",
    "https://www.mollıe.com/",
    "https://[::1]/",
    "https://[",
    "https://127.0.0.1/",
    "http://127.0.0.1:1/checkout",
    "ftp://www.mollie.com/",
    "https://",
    " https://evil.test/",
]
AT_HOME = [
    "https://www.mollie.com/checkout/select-method/x",
    "https://mollie.com/x",
    "https://pay.eu.mollie.com/checkout?a=b#c",
    "HTTPS://WWW.MOLLIE.COM/x",
]


def crafted(url):
    """Answers that are genuine in everything but the address of the hosted page."""

    def handle(connection, request):
        mark = json.loads(request.body)["metadata"] if request.body else {}
        links = {"checkout": {"href": url, "type": "text/html"}}
        connection.sendall(answer(payment(metadata=mark, _links=links), 201))

    return handle


@pytest.mark.attack(33)
@pytest.mark.parametrize("url", ELSEWHERE)
def test_attack_33__the_buyer_is_not_sent_there(story, client, payflow, url):
    with serving(crafted(url)) as wire:
        payflow(options={"base_url": wire.url})
        started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
        mine = story.payment

        assert (started.status_code, started["Location"]) == (303, f"/payflow/return/{mine.return_token}/")
        assert (mine.checkout_url, mine.status) == ("", "pending")
        assert Case.objects.open().get().kind == "foreign_object"
        assert PaymentEvent.objects.filter(kind="security").count() == 1
        again = flow.start_checkout(order=story.now(), account="mollie")
        assert again.url == f"/payflow/return/{mine.return_token}/"
        shown = client.get(again.url)

    assert shown.status_code == 200
    assert b"waiting for your payment" in shown.content
    assert b"evil" not in shown.content
    assert client.get(f"/payflow/status/{mine.return_token}/").json() == {"standing": "open", "next": ""}


@pytest.mark.attack(33)
@pytest.mark.parametrize("url", AT_HOME)
def test_attack_33__the_real_page_is_reached(story, client, payflow, url):
    with serving(crafted(url)) as wire:
        payflow(options={"base_url": wire.url})
        started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    assert started["Location"] == url
    assert not Case.objects.exists()


@pytest.mark.attack(33)
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/checkout", "http://localhost:{port}/", "http://127.0.0.1:1/"]
)
def test_attack_33__a_simulators_page_only_at_the_very_simulator(url):
    own = "http://127.0.0.1:8801/mollie"
    from django_payflow.exceptions import InvalidCheckout

    wanted = url.format(port=8801)
    if wanted.startswith("http://127.0.0.1:8801/"):
        assert adapter(own).safe_checkout_url(wanted) == wanted
    else:
        with pytest.raises(InvalidCheckout):
            adapter(own).safe_checkout_url(wanted)
    with pytest.raises(InvalidCheckout):
        adapter("https://api.mollie.com").safe_checkout_url(wanted)


@pytest.mark.attack(33)
def test_attack_33__a_later_answer_does_not_replace_the_address(story, client, payflow):
    """The address is taken from the create call; what a webhook fetches afterwards cannot change it."""
    mine = story.start()
    kept = mine.checkout_url
    reference = story.reference

    def lying(connection, _request):
        links = {"checkout": {"href": "https://evil.test/", "type": "text/html"}}
        said = payment(id=reference, profileId=mine.merchant, metadata={"attempt": mine.key}, _links=links)
        connection.sendall(answer(said))

    with serving(lying) as wire:
        payflow(options={"base_url": wire.url})
        flow.confirm(payment_id=mine.pk, source="poll")

    assert story.payment.checkout_url == kept
