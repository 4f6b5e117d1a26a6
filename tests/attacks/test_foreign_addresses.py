"""Row 30: nobody who sends us an address gets anybody sent there.

No door of ours takes one: where buyers go is the settings' word (``SUCCESS_URL``, ``RETRY_URL``, both paths of this
site), the provider's page (row 33), or an address of our own. So every door is knocked at with every name that such
a parameter has elsewhere, in the query, the form, the JSON and the headers; the stranger's host is in no answer and
in no request to the provider.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from django_payflow import flow
from django_payflow.models import Payment
from tests.api.kit import Program, person
from tests.conftest import new_order

pytestmark = pytest.mark.attack(30)

TRICKS = [
    "https://evil.test/",
    "//evil.test/",
    "///evil.test/",
    "////evil.test",
    "https:evil.test",
    "https:/evil.test",
    "http:///evil.test",
    "HtTpS://EVIL.test",
    "\\\\evil.test",
    "/\\evil.test",
    "\\/evil.test",
    "https:\\\\evil.test\\",
    "/\t/evil.test",
    "\thttps://evil.test",
    " //evil.test",
    "\x00//evil.test",
    "https://shop.test@evil.test/",
    "https://shop.test.evil.test/",
    "https://evil.test#shop.test",
    "https://evil\u3002test/",
    "data:text/html,<script>location='//evil.test'</script>",
    "javascript:location='//evil.test'",
    "/orders/\r\nLocation: https://evil.test",
    "/orders/%0d%0aLocation:%20https://evil.test",
    "/orders/\u560d\u560aLocation:https://evil.test",
]
NAMES = (
    "next return_url returnUrl return_to redirect redirect_url redirectUrl redirect_uri success_url successUrl "
    "retry_url cancel_url cancelUrl failure_url back_url url uri continue goto dest target callback callback_url "
    "webhook_url webhookUrl notify_url base_url checkout_url referer referrer"
).split()
HEADERS = ("Referer", "Origin", "X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded")


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.test", "testserver"]


@pytest.fixture
def at_home(payflow: Any) -> None:
    """A shop with pages of its own."""
    payflow(SUCCESS_URL="/thanks/{reference}/", RETRY_URL="/basket/{reference}/", STARTS_PER_MINUTE=1000)


def sent(trick: str) -> dict[str, str]:
    return dict.fromkeys(NAMES, trick)


def query(trick: str) -> str:
    return "?" + urlencode(sent(trick), errors="surrogatepass")


def headers(trick: str) -> dict[str, str]:
    """What a browser or a proxy could send; a client cannot write line ends into a header."""
    plain = quote(trick, safe=":/\\@#'<>=,;%")
    return dict.fromkeys(HEADERS, plain)


def is_clean(answer: Any) -> bool:
    """The stranger's host, or a piece of the trick, is nowhere in the answer."""
    everything = str(answer.headers) + answer.content.decode()
    return "evil" not in everything.lower() and "\u560d" not in everything


def goes(answer: Any) -> str:
    return str(answer.headers.get("Location", ""))


def asked_of_the_provider(sim: Any) -> str:
    return json.dumps([sim.payments(), sim.calls()]).lower()


@pytest.fixture(autouse=True)
def _provider_heard_nothing(sim: Any) -> Iterator[None]:
    yield
    assert "evil" not in asked_of_the_provider(sim)


def test_attack_30__a_started_payment_leads_to_the_provider_and_back_to_us(story, client, at_home):
    for trick in TRICKS:
        order = new_order()
        address = reverse("payflow:start", args=[order.reference])

        answer = client.post(address + query(trick), {**sent(trick), "account": "mollie"}, headers=headers(trick))

        payment = Payment.objects.get(order=order)
        assert (answer.status_code, goes(answer)) == (303, payment.checkout_url), trick
        assert is_clean(answer), trick
        assert "evil" not in json.dumps(payment.checkout).lower()
        made = story.sim.payments()[0]
        assert made["redirectUrl"] == f"https://shop.test/payflow/return/{payment.return_token}/"
        assert made["webhookUrl"] == f"https://shop.test/payflow/webhook/mollie/{payment.webhook_token}/"


def test_attack_30__a_refused_start_leads_back_to_the_settings_page(story, client, at_home):
    for trick in TRICKS:
        address = reverse("payflow:start", args=[story.order.reference])
        for account in ("nobody", trick):
            answer = client.post(address + query(trick), {**sent(trick), "account": account}, headers=headers(trick))
            assert answer.status_code == 400
            assert f'href="/basket/{story.order.reference}/"' in answer.content.decode()
            assert is_clean(answer), trick


def test_attack_30__a_pay_link_leads_to_the_provider_and_nowhere_else(story, client, at_home):
    for trick in TRICKS:
        order = new_order()
        link = urlsplit(flow.pay_link(order)).path

        page = client.get(link + query(trick), headers=headers(trick))
        answer = client.post(link + query(trick), {**sent(trick), "account": "mollie"}, headers=headers(trick))

        assert (page.status_code, is_clean(page)) == (200, True), trick
        assert goes(answer) == Payment.objects.get(order=order).checkout_url
        assert is_clean(answer), trick


def test_attack_30__an_address_instead_of_a_token_is_not_found(story, client, at_home):
    for trick in TRICKS:
        for where in ("pay", "return", "status", "start"):
            address = f"/payflow/{where}/{quote(trick, safe='', errors='surrogatepass')}/"
            answer = client.post(address, {"account": "mollie"}) if where == "start" else client.get(address)
            assert (answer.status_code, goes(answer)) == (404, ""), address


@pytest.mark.parametrize("word", ["open", "failed", "paid"])
def test_attack_30__the_returning_buyer_goes_where_the_settings_say(story, client, at_home, word):
    payment = story.start()
    story.bank(word, webhook=False)
    address = reverse("payflow:return", args=[payment.return_token])
    home = {"paid": f"/thanks/{story.order.reference}/"}.get(word, "")
    watched = {"open": payment.checkout_url, "failed": f"/basket/{story.order.reference}/", "paid": home}[word]

    for trick in TRICKS:
        came = client.get(address + query(trick), headers=headers(trick))
        posted = client.post(address + query(trick), sent(trick), headers=headers(trick))
        status = client.get(reverse("payflow:status", args=[payment.return_token]) + query(trick))

        assert (goes(came), goes(posted), status.json()["next"]) == (home, address, watched), trick
        assert is_clean(came) and is_clean(posted) and is_clean(status), trick


def test_attack_30__a_webhook_is_answered_in_plain_words(story, client):
    payment = story.start()
    for trick in TRICKS:
        address = reverse("payflow:webhook", args=["mollie", payment.webhook_token])
        answer = client.post(
            address + query(trick),
            urlencode({**sent(trick), "id": story.reference}, errors="surrogatepass"),
            content_type="application/x-www-form-urlencoded",
            headers=headers(trick),
        )
        assert (goes(answer), answer.headers["Content-Type"], is_clean(answer)) == ("", "text/plain", True)


def test_attack_30__the_api_knows_no_field_for_an_address(sim, db, at_home):
    """Refused by name: what is not known here is not passed on either."""
    api = Program(person("ada"))
    reference = api.order()["reference"]
    for name, trick in zip(NAMES, cycle(TRICKS), strict=False):
        refused = api.post(f"/orders/{reference}/payments/", {"account": "mollie", name: trick})
        assert refused.short == (400, "invalid"), name
        assert "evil" not in json.dumps(refused.body).lower()
    assert not Payment.objects.exists()
    assert api.post("/orders/", {"currency": "EUR", "lines": [], "return_url": TRICKS[0]}).status == 400


def test_attack_30__the_api_leads_to_the_provider_whatever_the_query_says(sim, db, at_home):
    api = Program(person("ada"))
    for trick in TRICKS:
        reference = api.order()["reference"]
        path = f"/orders/{reference}/payments/" + query(trick)
        started = api.post(path, {"account": "mollie"}, **headers(trick))
        payment = Payment.objects.get(order__reference=reference)
        assert (started.status, started.body["redirect_url"]) == (201, payment.checkout_url)
        assert "evil" not in (json.dumps(started.body) + str(started.headers)).lower()


@pytest.fixture
def root(db: Any) -> Client:
    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("root", "root@example.com", "x"))
    return browser


def test_attack_30__an_operation_in_the_admin_ends_on_its_rows_own_page(story, root, at_home):
    payment = story.start()
    page = f"/admin/payflow/payment/{payment.pk}/change/"
    for trick in TRICKS:
        done = root.post(
            f"/admin/payflow/payment/{payment.pk}/ask/" + query(trick), sent(trick), headers=headers(trick)
        )
        assert (done.status_code, goes(done)) == (303, page), trick
        assert is_clean(done), trick


def test_attack_30__no_page_of_an_operation_links_to_what_the_address_says(story, root, at_home):
    payment = story.start()
    for trick in TRICKS:
        names = {**sent(trick), "_changelist_filters": trick, "_to_field": "id"}
        asked = root.get(f"/admin/payflow/payment/{payment.pk}/cancel/?" + urlencode(names, errors="surrogatepass"))
        assert asked.status_code == 200
        found = [part.partition('"')[0] for part in asked.content.decode().split('href="')[1:]]
        assert found and not [link for link in found if not url_has_allowed_host_and_scheme(link, {"testserver"})]


def test_attack_30__the_login_before_an_operation_stays_on_the_site(story, at_home):
    get_user_model().objects.create_superuser("root", "root@example.com", "secret")
    operation = f"/admin/payflow/payment/{story.start().pk}/ask/"
    for trick in TRICKS:
        browser = Client()
        login = "/admin/login/?" + urlencode({"next": trick}, errors="surrogatepass")
        answer = browser.post(login, {"username": "root", "password": "secret", "next": trick})
        target = goes(answer)
        assert answer.status_code == 302
        assert url_has_allowed_host_and_scheme(target, {"testserver"}), (trick, target)
    sent_away = Client().post(operation)
    assert goes(sent_away) == f"/admin/login/?next={operation}"


def test_attack_30__a_host_that_is_not_the_shops_gets_no_page(story, client, at_home):
    """Django's own guard, without which absolute addresses could be made of what the client says."""
    payment = story.start()
    for path in (reverse("payflow:return", args=[payment.return_token]), urlsplit(flow.pay_link(story.order)).path):
        assert client.get(path, headers={"Host": "shop.test"}).status_code == 200
        refused = client.get(path, headers={"Host": "evil.test"})
        assert (refused.status_code, is_clean(refused)) == (400, True)
    assert flow.pay_link(story.order).startswith("https://shop.test/")


@pytest.mark.parametrize("name", ["SUCCESS_URL", "RETRY_URL"])
def test_attack_30__the_settings_pages_are_paths_of_this_site(payflow, name):
    """What the buyer is sent to when nobody says otherwise: the one place where an address may be written."""
    for trick in TRICKS:
        payflow(**{name: trick})
        if not trick.startswith("/orders/"):
            assert "payflow.E007" in {message.id for message in run_checks()}, trick
    payflow(**{name: "/orders/{reference}/"})
    assert "payflow.E007" not in {message.id for message in run_checks()}
