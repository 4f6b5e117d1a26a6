"""What a person may say about one capture, void or refund: agree, deny, confirm, refute, look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from django_payflow import clock
from django_payflow.models import Move, PaymentEvent
from tests.admin.conftest import address, again, command, refund_of, words

pytestmark = pytest.mark.urls("tests.admin.urls")


def given():
    """The last command in the record: its words, and who gave it."""
    event = PaymentEvent.objects.filter(kind="command").latest("pk")
    return event.summary, event.actor


@pytest.fixture
def waiting(paid, shop_setting):
    """A refund that grace asked for, and that a second person must approve."""
    shop_setting(REFUND_APPROVAL_ABOVE={"EUR": 500})
    return refund_of(paid.payment, 1000, reason="one pot was broken")


@pytest.fixture
def unclear(paid):
    """A refund whose answer was lost before the provider did anything."""
    paid.sim.fault("refund", "5xx", status=502, times=1)
    return refund_of(paid.payment, 1000)


# --- the second person


@pytest.mark.attack(40)
def test_attack_40__who_asked_cannot_approve(waiting, treasurer, sim):
    page = treasurer.get(address(waiting))
    assert [str(label) for _, label in page.context["payflow_operations"]] == ["Deny"]
    assert "somebody else must agree" in words(treasurer.get(address(waiting, "approve")))

    page = treasurer.post(address(waiting, "approve"), follow=True)

    assert "Not done: somebody else than the one who asked for it must agree." in words(page)
    assert (again(waiting).status, sim.calls("refund")) == ("requested", [])
    assert not LogEntry.objects.exists()


def test_approve__sends_it_once(waiting, second, sim):
    told = words(second.get(address(waiting, "approve")))
    assert "grace asked for a refund of 10.00 EUR of" in told
    assert "The reason that was given: one pot was broken" in told
    assert "mollie is told to make it at once." in told

    page = command(second, waiting, "approve")
    twice = second.post(address(waiting, "approve"), follow=True)

    assert "Refund of 10.00 EUR: the provider has it and works on it." in words(page)
    assert "Not done: nobody has to agree to this one." in words(twice)
    assert (again(waiting).approved_by, len(sim.calls("refund"))) == ("hedy", 1)
    assert given() == ("refund of 10.00 EUR approved", "hedy")
    assert LogEntry.objects.get().get_change_message() == "Approve: refund of 10.00 EUR"


@pytest.mark.parametrize("also", ["approve_move", "refund_payment"])
def test_deny__sends_nothing(waiting, person, sim, also):
    browser = person("view", also=(also,), name="hedy")

    page = command(browser, waiting, "deny", reason="too much")

    assert "It will not be made." in words(page)
    assert (again(waiting).status, again(waiting).error) == ("canceled", "denied by hedy: too much")
    assert sim.calls("refund") == []
    assert given() == ("refund of 10.00 EUR denied", "hedy")


# --- what somebody saw elsewhere


def test_confirm__of_what_the_bank_did_by_hand(at_golomt, treasurer):
    move = refund_of(at_golomt, 1000)
    told = words(treasurer.get(address(move, "confirm")))
    assert "golomt does not tell of refunds: 10.00 MNT more count as refunded." in told

    refused = command(treasurer, move, "confirm", reference=" ")
    page = command(treasurer, move, "confirm", reference="BANK 17", booked_on="2026-03-01")
    twice = treasurer.post(address(move, "confirm"), {"reference": "BANK 18"}, follow=True)

    assert "This field is required" in words(refused)
    assert "It counts as done." in words(page)
    assert "Not done: a move that is succeeded cannot take 'operator confirms'." in words(twice)
    move = again(move)
    assert (move.status, move.evidence, str(move.booked_on)) == ("succeeded", "BANK 17", "2026-03-01")
    assert again(at_golomt).refunded == 1000
    assert given() == ("refund of 10.00 MNT confirmed (BANK 17)", "grace")


def test_confirm__elsewhere_leaves_the_sums_to_the_provider(unclear, treasurer):
    assert "sums stay as they are until mollie reports them" in words(treasurer.get(address(unclear, "confirm")))

    command(treasurer, unclear, "confirm", reference="re_17")

    assert (again(unclear).status, again(unclear).payment.refunded) == ("succeeded", 0)


def test_refute__frees_the_amount(unclear, treasurer):
    assert "look twice, or it is moved twice" in words(treasurer.get(address(unclear, "refute")))

    page = command(treasurer, unclear, "refute", reason="not in the dashboard")

    assert "It counts as not made." in words(page)
    assert again(unclear).status == "failed"
    assert given() == ("refund of 10.00 EUR refuted: not in the dashboard", "grace")
    assert command(treasurer, unclear.payment, "refund", amount="24.95").status_code == 200
    assert Move.objects.latest("pk").amount == 2495


# --- look now


def test_look__only_when_it_is_due(unclear, operator, sim):
    assert "It is due again at" in words(operator.get(address(unclear, "look")))
    operator.post(address(unclear, "look"))
    assert (again(unclear).status, len(sim.calls("refund"))) == ("submitting", 1)

    sim.advance(60)
    told = words(operator.get(address(unclear, "look")))
    assert "is asked whether the refund of 10.00 EUR of" in told
    page = command(operator, unclear, "look")

    assert "Refund of 10.00 EUR: the provider has it and works on it." in words(page)
    assert (again(unclear).status, len(sim.calls("refund"))) == ("pending", 2)
    assert PaymentEvent.objects.filter(source="operator", actor="grace", kind="call").exists()
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == ["Look now: refund of 10.00 EUR"]


def test_look__is_in_the_timeline_even_if_it_shows_nothing_new(unclear, operator, sim):
    sim.advance(3700)  # beyond the life of the key: two looks before it is sent again

    command(operator, unclear, "look")

    assert again(unclear).status == "submitting"
    assert given()[1] == "grace"
    assert PaymentEvent.objects.filter(kind="command", actor="grace").count() == 2


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"awaits_approval": True}, "It waits for a second person."),
        ({"due_at": None}, "Nobody can look this one up: confirm or refute it."),
        ({"lease_until": timedelta(seconds=30)}, "A worker is looking right now."),
    ],
)
def test_look__says_why_it_is_not_possible(unclear, operator, columns, told):
    values = {k: clock.now() + v if isinstance(v, timedelta) else v for k, v in columns.items()}
    Move.objects.update(**values)

    assert told in words(operator.get(address(unclear, "look")))
    assert address(unclear, "look") not in operator.get(address(unclear)).content.decode()


# --- pages


def test_move_page__shows_it_with_its_story_and_leads_on(waiting, second):
    page = second.get(address(waiting))

    text = words(page)
    assert "State: waits for approval" in text
    assert "Amount: 10.00 EUR" in text
    assert "refund of 10.00 EUR asked for: one pot was broken" in text
    for row in (waiting.payment, waiting.payment.order):
        assert f'href="{address(row)}"' in page.content.decode()
    assert f'href="{address(waiting, "approve")}"' in page.content.decode()


def test_move_list__searches_and_filters(waiting, paid, operator):
    url = address(waiting, "changelist")
    found = [paid.order.reference, paid.reference, "ada@example.com", waiting.key, "grace"]

    assert [words(operator.get(url, {"q": q})).count("waits for approval") for q in found] == [1] * 5
    assert "10.00 EUR" not in words(operator.get(url, {"q": "nobody"}))
    for good, bad in [
        ("account=mollie", "account=golomt"),
        ("status=requested", "status=failed"),
        ("kind=refund", "kind=void"),
    ]:
        assert "10.00 EUR" in words(operator.get(f"{url}?{good}"))
        assert "10.00 EUR" not in words(operator.get(f"{url}?{bad}"))


@pytest.mark.attack(43)
@pytest.mark.parametrize("column", ["lease_token", "payment__webhook_token", "payment__return_token"])
def test_attack_43__a_token_cannot_be_guessed_by_filtering_moves(waiting, operator, column):
    assert operator.get(address(waiting, "changelist"), {f"{column}__startswith": "a"}).status_code == 400
