"""Row 45: stolen cards tried by the hundred, and checkouts that nobody wants, from one place.

Cards are typed and refused on the provider's page. What a shop can count is how often a payment is started: by
address, session and customer in a minute, and by order in an hour.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from django_payflow import flow, metrics
from django_payflow.models import Payment
from tests.api.kit import Program, person
from tests.attacks.kit import rows
from tests.conftest import new_order

HOME = "81.2.69.142"
ELSEWHERE = "81.2.69.143"
LIMIT = 3

pytestmark = [pytest.mark.attack(45), pytest.mark.usefixtures("fresh_hour")]


@pytest.fixture
def strict(payflow: Any) -> None:
    payflow(STARTS_PER_MINUTE=LIMIT)


_numbers = iter(range(10**6))


def stranger() -> str:
    return f"buyer{next(_numbers)}@example.com"


def press(client: Any, order: Any = None, *, address: str = "127.0.0.1", **fields: str) -> Any:
    """Press "pay", for a new order of a new customer unless one is given."""
    order = order or new_order(email=stranger())
    return client.post(
        reverse("payflow:start", args=[order.reference]), {"account": "mollie", **fields}, REMOTE_ADDR=address
    )


def statuses(presses: int, press_once: Any) -> list[int]:
    return [press_once().status_code for _ in range(presses)]


# -- starts, by whoever starts them


def test_attack_45__of_two_hundred_checkouts_a_minute_from_one_address_most_are_refused(sim, client, db):
    """With the default limit, from browsers that keep no session, for forty orders of forty customers."""
    orders = [new_order(email=stranger()) for _ in range(40)]
    before = rows()

    answers = [press(Client(), orders[n % 40], address=HOME) for n in range(200)]

    assert [answer.status_code for answer in answers] == [303] * 30 + [429] * 170
    assert len(sim.calls("create")) == Payment.objects.count() == 30
    assert {name for name, number in rows().items() if number > before[name] + 30} == {"PaymentEvent"}
    assert metrics.value("starts_throttled", by="address") == 170


def test_attack_45__the_refusal_has_words_for_the_buyer_and_says_when_to_come_back(sim, client, db, strict, payflow):
    payflow(RETRY_URL="/basket/{reference}/")
    order = new_order()
    statuses(LIMIT, lambda: press(client, address=HOME))

    refused = press(client, order, address=HOME)

    text = refused.content.decode()
    wait = int(refused["Retry-After"])
    assert (refused.status_code, 1 <= wait <= 60) == (429, True)
    assert "Please wait a minute and try again." in text
    assert f"/basket/{order.reference}/" in text
    assert (refused["Cache-Control"], refused["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not Payment.objects.filter(order=order).exists()
    sim.advance(wait)
    assert press(client, order, address=HOME).status_code == 303


def test_attack_45__neighbours_are_not_refused(sim, client, db, strict):
    statuses(LIMIT + 1, lambda: press(client, address=HOME))

    assert press(client, address=HOME).status_code == 429
    assert press(client, address=ELSEWHERE).status_code == 303


@pytest.mark.parametrize(
    ("addresses", "refused"),
    [
        (["2a02:2f0c:1:2::1", "2a02:2f0c:1:2::2", "2a02:2f0c:1:2:ffff::", "2a02:2f0c:1:2:a:b:c:d"], True),
        (["2a02:2f0c:1:2::1", "2a02:2f0c:1:3::1", "2a02:2f0c:1:4::1", "2a02:2f0c:1:5::1"], False),
        ([HOME, f"::ffff:{HOME}", HOME, f"::ffff:{HOME}"], True),
    ],
    ids=["IPv6: one subscriber", "IPv6: four subscribers", "IPv4 in IPv6"],
)
def test_attack_45__whoever_has_many_addresses_is_still_one(sim, db, strict, addresses, refused):
    answers = [press(Client(), address=address).status_code for address in addresses]
    assert answers == [303, 303, 303, 429 if refused else 303]


PROXIES = ["127.0.0.1", "10.0.0.7", "172.18.0.2", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "", "unix:"]


def test_attack_45__the_address_of_a_proxy_stands_for_everybody_and_is_not_counted(sim, db, strict):
    """Most sites see their own proxy's address unless told otherwise: it must not close the shop."""
    for address in PROXIES:
        assert statuses(LIMIT + 1, lambda at=address: press(Client(), address=at)) == [303] * (LIMIT + 1), address


def test_attack_45__a_session_that_changes_its_address_is_refused(sim, db, strict):
    browser, other = Client(), Client()
    for each in (browser, other):
        session = each.session
        session["basket"] = 1
        session.save()
    addresses = iter([f"81.2.70.{n}" for n in range(10)])

    assert statuses(LIMIT + 1, lambda: press(browser, address=next(addresses))) == [303] * LIMIT + [429]
    assert press(other, address=next(addresses)).status_code == 303
    assert metrics.value("starts_throttled", by="session") == 1


def test_attack_45__a_customer_who_changes_everything_else_is_refused(sim, db, strict):
    emails = ["eve@example.com", "Eve@Example.com", "EVE@EXAMPLE.COM", "eve@example.com"]

    answers = [
        press(Client(), new_order(email=email), address=f"81.2.71.{n}").status_code for n, email in enumerate(emails)
    ]

    assert answers == [303, 303, 303, 429]
    assert press(Client(), address=ELSEWHERE).status_code == 303
    assert metrics.value("starts_throttled", by="customer") == 1


def test_attack_45__an_order_without_an_email_address_is_nobodys(sim, db, strict):
    assert statuses(LIMIT + 2, lambda: press(Client(), new_order(email=""))) == [303] * (LIMIT + 2)


def test_attack_45__what_is_counted_is_not_stored_in_plain(sim, client, db, strict):
    session = client.session
    session.save()
    press(client, new_order(email="eve@example.com"), address=HOME)

    kept = str(list(cache._cache))  # of the memory cache of the tests
    assert kept.count("payflow:start:") == 3
    assert not [word for word in ("eve", "example.com", HOME, session.session_key) if word in kept]


def test_attack_45__a_dead_cache_keeps_nobody_out(sim, client, db, strict, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/15",
        }
    }
    try:
        assert statuses(LIMIT + 2, lambda: press(client, address=HOME)) == [303] * (LIMIT + 2)
    finally:
        del settings.CACHES
    assert metrics.value("cache_failures") > 0


def test_attack_45__a_limit_of_nothing_is_a_mistake(payflow):
    payflow(STARTS_PER_MINUTE=0)
    assert "payflow.E006" in {message.id for message in run_checks()}


# -- the other doors


def test_attack_45__a_pay_link_is_counted_when_its_button_is_pressed(sim, db, strict):
    def link() -> str:
        return flow.pay_link(new_order(email=stranger())).removeprefix("https://shop.test")

    looked_at = link()
    assert {Client().get(looked_at, REMOTE_ADDR=HOME).status_code for _ in range(LIMIT + 2)} == {200}
    pressed = [Client().post(link(), {"account": "mollie"}, REMOTE_ADDR=HOME) for _ in range(LIMIT + 1)]

    assert [answer.status_code for answer in pressed] == [303] * LIMIT + [429]
    assert pressed[-1]["Retry-After"].isdigit()
    assert press(Client(), address=HOME).status_code == 429, "both doors lead into one room"


@pytest.mark.parametrize("same", ["ip", "email"])
def test_attack_45__the_api_counts_the_buyer_whom_a_program_speaks_for(sim, db, strict, same):
    api = Program(person("ada"))

    def ask(key: str = "") -> Any:
        email = "eve@example.com" if same == "email" else stranger()
        order = api.order(email=email)["reference"]
        body = {"account": "mollie", **({"ip": HOME} if same == "ip" else {})}
        return lambda: api.post(f"/orders/{order}/payments/", body, key=key or None)

    assert [ask()().status for _ in range(LIMIT)] == [201] * LIMIT
    again = ask(key="k1")
    refused = again()

    assert refused.short == (429, "throttled")
    assert "Please wait a minute" in refused.body["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    sim.advance(int(refused.headers["Retry-After"]))
    assert again().status == 201, "the refusal was not kept under the key"


def test_attack_45__a_program_that_speaks_for_many_is_not_one_buyer(sim, db, strict):
    api = Program(person("ada"))
    orders = [api.order(email=stranger())["reference"] for _ in range(LIMIT + 2)]
    answers = [api.post(f"/orders/{order}/payments/", {"account": "mollie"}).status for order in orders]
    assert answers == [201] * (LIMIT + 2)


# -- one order


@pytest.fixture
def patient(payflow: Any) -> None:
    """What is counted per order is to be seen by itself."""
    payflow(STARTS_PER_MINUTE=10**6)


def test_attack_45__a_hundred_presses_on_one_button_are_one_row_and_one_payment(sim, client, order, patient):
    answers = [press(client, order) for _ in range(100)]

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (303, Payment.objects.get().checkout_url)
    }
    assert len(sim.payments()) == len(sim.calls("create")) == 1


def test_attack_45__changing_the_method_each_time_makes_few_rows_and_offers_one(sim, client, order, patient):
    methods = ["ideal", "creditcard"] * 20
    answers = [press(client, order, method=method) for method in methods]

    assert [answer.status_code for answer in answers] == [303] * 5 + [409] * 35
    assert b"too many attempts" in answers[-1].content
    assert (Payment.objects.count(), Payment.objects.exclude(offer_of=None).count()) == (5, 1)
    assert len(sim.payments()) == 5


def test_attack_45__the_database_itself_takes_one_offer_per_order(sim, client, order, patient):
    for method in ("ideal", "creditcard"):
        press(client, order, method=method)
    withdrawn = Payment.objects.get(offer_of=None)

    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=withdrawn.pk).update(offer_of=order)


def test_attack_45__three_refused_cards_are_a_buyer_and_a_hundred_are_not(story, client):
    """With the limits as they come."""
    answers = []
    for _ in range(100):
        answers.append(press(client, story.order, method="creditcard").status_code)
        if answers[-1] == 303:
            story.bank("failed")
            story.webhook()

    assert answers[:4] == [303] * 4, "three cards were refused, and the fourth may be tried"
    assert answers == [303] * 5 + [409] * 25 + [429] * 70
    assert len(story.sim.payments()) == Payment.objects.count() == 5
    story.sim.advance(3601)
    assert press(client, story.order, method="creditcard").status_code == 303, "an hour later he may try again"
