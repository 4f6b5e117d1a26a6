"""What an address in a browser can do: show a status, to whoever has the token, and nothing else."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.test import Client

from django_payflow.models import PaymentEvent
from tests.attacks.kit import rows, state_of
from tests.conftest import new_order
from tests.shop.models import Shipment

LIES = "?status=paid&success=1&paymentId=tr_x&amount=0.01&order=other&next=https://evil.test/&resourcePath=/x"
PRIVATE = ("ada@example.com", "Ada", "Sencha", "Small pot")


def page(client, payment, query: str = "", **extra):
    return client.get(f"/payflow/return/{payment.return_token}/{query}", **extra)


def secured(story):
    story.start()
    story.bank("paid")
    story.webhook()


# -- 26: force-browse


@pytest.mark.attack(26)
def test_attack_26__parameters_do_not_pay(story, client):
    payment = story.start()
    known = state_of(payment)

    answer = page(client, payment, LIES)

    assert answer.status_code == 200
    assert b"waiting for your payment" in answer.content
    assert b"order is paid" not in answer.content
    assert b"evil.test" not in answer.content
    assert state_of(payment) == known
    assert story.now().status == "pending"


@pytest.mark.attack(26)
@pytest.mark.parametrize("word", ["failed", "canceled", "expired"])
def test_attack_26__a_dead_payment_stays_dead_whatever_the_address_says(story, client, word):
    payment = story.start()
    story.bank(word, webhook=False)

    answer = page(client, payment, LIES)

    assert b"did not succeed" in answer.content
    assert b"order is paid" not in answer.content
    assert story.now().status == "failed"


@pytest.mark.attack(26)
def test_attack_26__parameters_do_not_unpay_either(story, client):
    secured(story)
    answer = page(client, story.payment, "?status=canceled&error=1")
    assert b"order is paid" in answer.content
    assert story.now().status == "completed"


@pytest.mark.attack(26)
def test_attack_26__the_status_view_believes_nobody(story, client):
    payment = story.start()
    answer = client.get(f"/payflow/status/{payment.return_token}/{LIES}")
    assert answer.json() == {"standing": "open", "next": payment.checkout_url}
    assert client.post(f"/payflow/status/{payment.return_token}/").status_code == 405


# -- 27: replay


@pytest.mark.attack(27)
def test_attack_27__a_hundred_returns_are_one_settlement(story, client):
    """One after the other; the parallel ones are the races' part."""
    payment = story.start()
    story.bank("paid", webhook=False)

    answers = [page(client, payment, f"?n={n}") for n in range(100)]
    story.work()

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert PaymentEvent.objects.filter(summary="payment: pending -> paid").count() == 1
    assert (Shipment.objects.count(), story.now().status) == (1, "completed")
    assert len(story.sim.calls("get")) == 1, "what is decided is not asked about again"


# -- 28: guess, swap, walk


@pytest.mark.attack(28)
@pytest.mark.parametrize(
    "token",
    [
        "A" * 43,
        "a",
        "1",
        "..",
        "%2e%2e",
        "x" * 300,
        "%00",
        "a%00b",
        "%ff",
        "ü",
        "' or 1=1 --",
        "{reference}",
        "{key}",
        "{hook}",
    ],
)
def test_attack_28__another_token_is_not_found(story, client, token):
    payment = story.start()
    token = token.format(reference=story.order.reference, key=payment.key, hook=payment.webhook_token)
    asked = len(story.sim.calls())

    for where in ("return", "status"):
        answer = client.get(f"/payflow/{where}/{token}/")
        assert answer.status_code == 404
        assert not any(word.encode() in answer.content for word in PRIVATE)
    assert len(story.sim.calls()) == asked


@pytest.mark.attack(28)
@pytest.mark.parametrize("reference", ["%00", "a%00b", "x" * 300, "%ff", "1"])
def test_attack_28__an_order_that_does_not_exist_cannot_be_started(story, client, reference):
    assert client.post(f"/payflow/start/{reference}/", {"account": "mollie"}).status_code == 404
    assert rows()["Payment"] == 0


@pytest.mark.attack(28)
def test_attack_28__the_token_of_another_order_shows_that_order_only(story, client):
    payment = story.start()
    other = type(story)(story.sim, client, new_order(name="Bob", email="bob@example.com"))
    other.start()

    text = page(client, payment).content.decode()

    assert story.order.reference in text
    assert other.order.reference not in text


@pytest.mark.attack(28)
def test_attack_28__tokens_are_long_random_and_of_one_use_each(story):
    tokens = set()
    for _ in range(3):
        payment = type(story)(story.sim, story.client, new_order()).start()
        assert min(len(payment.return_token), len(payment.webhook_token)) >= 43, "32 random bytes"
        tokens |= {payment.return_token, payment.webhook_token}
    assert len(tokens) == 6


@pytest.mark.attack(28)
def test_attack_28__what_the_provider_shows_in_public_is_no_token(story):
    """The hosted page's address and the metadata carry nothing that opens the return page or takes a webhook."""
    payment = story.start()
    at_provider = story.sim.payments()[0]
    assert payment.return_token not in payment.checkout_url + str(at_provider["metadata"])
    assert payment.webhook_token not in payment.checkout_url + str(at_provider["metadata"])


# -- 29: stolen addresses


PAGES = {
    "open": lambda story: None,
    "paid": lambda story: story.bank("paid", webhook=False),
    "failed": lambda story: story.bank("failed", webhook=False),
    "review": lambda story: (
        story.sim.overwrite(story.reference, amount={"currency": "EUR", "value": "1.00"}),
        story.bank("paid", webhook=False),
    ),
}


@pytest.mark.attack(29)
@pytest.mark.parametrize("standing", sorted(PAGES))
def test_attack_29__a_stolen_address_shows_the_status_only(story, client, standing):
    payment = story.start()
    PAGES[standing](story)

    answers = [page(client, payment), client.get(f"/payflow/status/{payment.return_token}/")]

    for answer in answers:
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex"
        text = answer.content.decode()
        assert not [word for word in PRIVATE if word in text]
        assert payment.webhook_token not in text
        assert payment.key not in text
    assert set(answers[1].json()) == {"standing", "next"}


@pytest.mark.attack(29)
def test_attack_29__headers_also_on_refusals_redirects_and_the_start(story, client, payflow):
    payflow(SUCCESS_URL="/thanks/{reference}/")
    started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    refused = client.post(f"/payflow/start/{story.order.reference}/", {"account": "nobody"})
    reposted = client.post(f"/payflow/return/{story.payment.return_token}/")
    story.bank("paid", webhook=False)
    moved_on = page(client, story.payment)

    for answer in (started, refused, reposted, moved_on):
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
    assert (moved_on.status_code, moved_on["Location"]) == (303, f"/thanks/{story.order.reference}/")


@pytest.mark.attack(29)
def test_attack_29__no_page_loads_anything_from_elsewhere(story, client):
    """A third-party script or picture would be told the address in spite of all headers."""
    text = page(client, story.start()).content.decode()
    linked = [part.partition('"')[0] for part in text.replace("href=", "src=").split('src="')[1:]]
    outside = [link for link in linked if link.startswith(("http", "//")) and link != story.payment.checkout_url]
    assert outside == []


# -- 32: text from the provider


NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.mark.attack(32)
def test_attack_32__the_providers_error_text_never_reaches_the_page(story, client, payflow):
    from tests.mollie.wire import answer, serving

    wrong = answer({"status": 422, "title": NASTY, "detail": NASTY, "field": NASTY}, 422)
    with serving(lambda connection, _: connection.sendall(wrong)) as wire:
        payflow(options={"base_url": wire.url})
        refused = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    text = refused.content.decode()
    assert refused.status_code == 409
    assert "did not accept" in text
    assert "alert(" not in text
    assert "alert(" in story.payment.failure, "it is kept for the operator"


@pytest.mark.attack(32)
def test_attack_32__the_operator_reads_it_escaped(story, admin_client, client, payflow):
    from tests.mollie.wire import answer, serving

    wrong = answer({"status": 422, "title": NASTY}, 422)
    with serving(lambda connection, _: connection.sendall(wrong)) as wire:
        payflow(options={"base_url": wire.url})
        client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    for model, pk in (("payment", story.payment.pk), ("order", story.order.pk)):
        if model == "order" and story.order._meta.app_label != "payflow":
            continue
        text = admin_client.get(f"/admin/payflow/{model}/{pk}/change/").content.decode()
        assert "<script>alert(1)" not in text
        assert "<img src=x" not in text
    assert (
        "&lt;script&gt;alert(1)"
        in admin_client.get(f"/admin/payflow/payment/{story.payment.pk}/change/").content.decode()
    )


@pytest.mark.attack(32)
@pytest.mark.parametrize(
    "lie", [{"method": NASTY[:30]}, {"description": NASTY}, {"details": {"failureMessage": NASTY}}]
)
def test_attack_32__nor_what_it_says_about_the_payment(story, client, lie):
    for word in ("failed", "pending"):
        payment = story.start()
        story.bank(word, webhook=False)
        story.sim.overwrite(story.reference, **lie)
        assert b"<script>" not in page(client, payment).content
        assert b"onerror" not in page(client, payment).content


@pytest.mark.attack(32)
def test_attack_32__what_the_buyer_sends_is_not_reflected(story, client):
    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": NASTY, "method": NASTY})
    assert answer.status_code == 400
    assert b"alert(" not in answer.content


# -- 35: sessions


@pytest.mark.attack(35)
def test_attack_35__the_return_works_in_a_browser_that_was_never_here(story):
    payment = story.start()
    story.bank("paid", webhook=False)
    stranger = Client()

    answer = page(stranger, payment)

    assert b"order is paid" in answer.content
    assert not answer.cookies
    assert not stranger.cookies


@pytest.mark.attack(35)
def test_attack_35__a_cross_site_post_is_sent_on_with_get_and_changes_nothing(story):
    payment = story.start()
    story.bank("paid", webhook=False)
    known, asked = state_of(payment), len(story.sim.calls())
    bank = Client(enforce_csrf_checks=True)
    address = f"/payflow/return/{payment.return_token}/"

    answer = bank.post(address + LIES, {"status": "paid"}, headers={"Origin": "https://acs.bank.test"})

    assert (answer.status_code, answer["Location"]) == (303, address)
    assert (state_of(payment), len(story.sim.calls())) == (known, asked)
    assert b"order is paid" in bank.get(unquote(answer["Location"])).content


@pytest.mark.attack(35)
def test_attack_35__a_post_to_an_unknown_token_tells_nothing(db, client):
    """The same answer as for a known one: whether a token exists is learned with GET only."""
    answer = client.post("/payflow/return/nonsense/")
    assert answer.status_code == 303
    assert client.get(answer["Location"]).status_code == 404
