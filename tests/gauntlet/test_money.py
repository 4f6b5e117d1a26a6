"""Right money, wrong money, twice the money, money too late."""

from __future__ import annotations

import pytest

from django_payflow import flow
from django_payflow.exceptions import InvalidCheckout, OrderNotPayable
from django_payflow.models import Case, Fulfilment, OrderLine, Payment
from tests.attacks.kit import genuine_foreign_payment, hook, post, state_of
from tests.conftest import new_order
from tests.gauntlet.kit import again, closed_cases, open_cases, transitions
from tests.shop.models import Shipment


def euro(value: str) -> dict[str, str]:
    return {"currency": "EUR", "value": value}


def lines(price: int) -> list[OrderLine]:
    return [OrderLine(sku="X", name="Thing", quantity=1, unit_price=price, vat_rate=0)]


# -- G4: late success


@pytest.mark.gauntlet("G4")
def test_G4__late_success_on_an_expired_attempt_after_another_one_paid(story):
    """Booked, flagged as surplus, the order paid once."""
    first = story.start(method="banktransfer")
    story.sim.set_status(first.references.get().value, "expired")
    story.webhook()
    second = story.start(method="ideal")
    story.sim.set_status(second.references.get().value, "paid")
    story.webhook()
    assert story.now().status == "completed"

    story.sim.set_status(first.references.get().value, "paid")
    story.webhook()

    assert (again(first).status, again(first).captured) == ("paid", 2495)
    assert (again(first).settles_id, again(second).settles_id) == (None, story.order.pk)
    assert "surplus" in open_cases()
    assert (story.now().status, Shipment.objects.count()) == ("completed", 1)


@pytest.mark.gauntlet("G4")
def test_G4__a_second_payment_does_not_stop_the_delivery_of_a_paid_order(story, no_hurry):
    """'Second payment for a secured order: no change', also when it comes from an attempt that had expired."""
    first = story.start(method="banktransfer")
    story.sim.set_status(first.references.get().value, "expired", webhook=False)
    flow.confirm(payment_id=first.pk, source="poll")
    second = story.start(method="ideal")
    story.sim.set_status(second.references.get().value, "paid", webhook=False)
    flow.confirm(payment_id=second.pk, source="poll")
    assert story.now().status == "processing"

    story.sim.set_status(first.references.get().value, "paid", webhook=False)
    flow.confirm(payment_id=first.pk, source="operator")

    assert "surplus" in open_cases()
    assert story.now().status == "processing"


@pytest.mark.gauntlet("M01")
def test_M01__two_tabs_both_paid(story):
    first = story.start(method="banktransfer")
    story.sim.overwrite(first.references.get().value, isCancelable=False)
    second = story.start(method="creditcard")
    for payment in (first, second):
        story.sim.set_status(payment.references.get().value, "paid")
        story.webhook()

    assert [again(p).captured for p in (first, second)] == [2495, 2495]
    assert open_cases() == {"surplus"}
    assert Case.objects.open().get().payment_id == second.pk
    assert (story.now().status, Shipment.objects.count()) == ("completed", 1)


# -- late money


@pytest.mark.parametrize("word", ["expired", "canceled"])
@pytest.mark.gauntlet("G4")
def test_late_money__after_expiry_or_cancel_a_person_decides(story, word):
    story.start()
    story.bank(word)
    story.webhook()
    assert (story.payment.status, story.now().status) == (word, "failed")

    story.bank("paid")
    story.webhook()

    assert (story.payment.status, story.payment.captured) == ("paid", 2495)
    assert (open_cases(), story.now().status) == ({"late_money"}, "on_hold")
    assert not Fulfilment.objects.exclude(status="blocked").exists()
    assert Shipment.objects.count() == 0
    with pytest.raises(OrderNotPayable):
        story.start()


@pytest.mark.gauntlet("M18")
def test_M18__failed_first_then_paid_is_accepted_and_nobody_needs_to_look(story):
    story.start()
    story.bank("failed")
    story.webhook()
    assert story.now().status == "failed"

    story.bank("paid")
    story.webhook()

    assert transitions(story.payment)[-1] == "failed -> paid"
    assert (story.now().status, open_cases(), closed_cases()) == ("completed", set(), {"late_money"})
    assert Shipment.objects.count() == 1


@pytest.mark.gauntlet("M18")
@pytest.mark.parametrize("word", ["failed", "canceled", "expired"])
def test_dead_paths__each_ending_is_told_and_the_buyer_may_try_again(story, client, word):
    story.start()
    story.bank(word)
    story.webhook()

    assert (story.payment.status, story.now().status) == (word, "failed")
    assert b"did not succeed" in story.come_back().content
    assert (story.payment.next_check_at, story.payment.offer_of_id) == (None, None)
    again_started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    assert again_started.status_code == 303
    story.bank("paid")
    story.webhook()
    assert story.now().status == "completed"
    assert Shipment.objects.count() == 1


def test_expiry__comes_by_the_clock_without_any_webhook(story):
    story.start()
    story.sim.advance(15 * 60 + 120)
    story.work()
    assert (story.payment.status, story.now().status) == ("expired", "failed")


# -- G5, G6, M27


@pytest.mark.gauntlet("G6")
@pytest.mark.parametrize(("value", "captured"), [("150.00", 15000), ("24.96", 2496), ("24.94", 2494), ("0.01", 1)])
def test_G6__over_and_under_paid_is_booked_exactly(story, value, captured):
    story.start()
    story.sim.overwrite(story.reference, amount=euro(value))
    story.bank("paid")

    story.webhook()
    story.webhook()

    assert (story.payment.status, story.payment.captured) == ("conflicted", captured)
    assert (open_cases(), Case.objects.count(), story.now().status) == ({"mismatch"}, 1, "on_hold")
    assert Case.objects.get().times == 1, "the same report twice equals once"


@pytest.mark.gauntlet("G6")
def test_G6__captured_less_than_authorized_by_somebody_else(story):
    story.start(method="creditcard")
    story.sim.overwrite(story.reference, amountCaptured=euro("20.00"))
    story.bank("paid")

    story.webhook()

    assert (story.payment.status, story.payment.captured, story.now().status) == ("conflicted", 2000, "on_hold")


@pytest.mark.gauntlet("G5")
@pytest.mark.gauntlet("M27")
def test_M27__a_genuine_payment_of_one_cent_completes_nothing(story, client):
    """Authentic in every way, about one cent: by its id at our address, and as the answer for our reference."""
    payment = story.start()
    cent = genuine_foreign_payment(story.sim, value="0.01", metadata={"attempt": payment.key})
    known = state_of(payment)

    post(client, hook(payment), f"id={cent}")
    post(client, hook(), f"id={cent}")
    story.work()
    assert state_of(payment) == known

    story.sim.overwrite(story.reference, amount=euro("0.01"))
    story.bank("paid")
    story.webhook()
    assert (story.payment.status, story.now().status, Shipment.objects.count()) == ("conflicted", "on_hold", 0)


@pytest.mark.gauntlet("G5")
def test_G5__wrong_money_that_is_put_right_closes_its_own_case(story):
    story.start()
    story.sim.overwrite(story.reference, amount={"currency": "USD", "value": "24.95"})
    story.bank("paid")
    story.webhook()
    assert story.now().status == "on_hold"

    story.sim.overwrite(story.reference, amount=euro("24.95"))
    story.webhook()

    assert (story.payment.status, story.payment.observed_amount, story.payment.observed_currency) == (
        "paid",
        None,
        "",
    )
    assert (story.now().status, open_cases()) == ("completed", set())
    assert Shipment.objects.count() == 1


@pytest.mark.gauntlet("G5")
def test_G5__the_order_was_made_dearer_while_its_page_was_open(story):
    """The money is kept and a person looks: neither delivered for less, nor called failed."""
    from django_payflow.models import get_order_model

    story.start()
    get_order_model().objects.filter(pk=story.order.pk).update(total=9900)
    story.bank("paid")

    story.webhook()

    assert (story.payment.status, story.payment.captured) == ("paid", 2495)
    assert (story.now().status, Shipment.objects.count()) == ("on_hold", 0)


@pytest.mark.gauntlet("G5")
def test_G5__the_order_was_made_dearer_and_somebody_is_told(story):
    from django_payflow.models import get_order_model

    story.start()
    get_order_model().objects.filter(pk=story.order.pk).update(total=9900)
    story.bank("paid")
    story.webhook()
    assert open_cases()


@pytest.mark.gauntlet("G5")
def test_G5__the_order_changed_its_currency_while_its_page_was_open(story):
    """Fifteen hundred yen are not fifteen euro, although both are 1500 minor units."""
    from django_payflow.models import get_order_model

    story.order = new_order(currency="JPY", lines=lines(1500))
    story.start(method="creditcard")
    get_order_model().objects.filter(pk=story.order.pk).update(currency="EUR")
    story.bank("paid")

    story.webhook()

    assert (story.payment.status, story.payment.captured) == ("paid", 1500)
    assert (story.now().status, Shipment.objects.count()) == ("on_hold", 0)
    assert open_cases()


# -- G18


@pytest.mark.gauntlet("G18")
@pytest.mark.parametrize(
    ("currency", "total", "value"), [("JPY", 1500, "1500"), ("ISK", 1999, "1999"), ("HUF", 150000, "1500.00")]
)
def test_G18__currencies_count_as_the_provider_counts_them(sim, client, story, currency, total, value):
    """ISO 4217 gives ISK no decimals as Mollie does; HUF has two in both."""
    story.order = new_order(currency=currency, lines=lines(total))
    story.start(method="creditcard")
    assert sim.payments()[0]["amount"] == {"currency": currency, "value": value}
    story.bank("paid")

    story.webhook()

    assert (story.payment.captured, story.now().status) == (total, "completed")


@pytest.mark.gauntlet("G18")
@pytest.mark.parametrize("currency", ["KWD", "BHD", "JOD", "OMR", "TND", "CLP"])
def test_G18__what_mollie_lacks_is_refused_before_the_wire(story, client, currency):
    story.order = new_order(currency=currency, lines=lines(10_000))

    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})

    assert answer.status_code == 409
    assert (story.sim.calls(), Payment.objects.count(), flow.accounts_for(story.order)) == ([], 0, [])
    with pytest.raises(InvalidCheckout):
        story.start()


@pytest.mark.gauntlet("G18")
@pytest.mark.parametrize("total", [10**9, 10**9 + 1, 2**53 + 1, 10**14])
def test_G18__huge_amounts_go_through_without_losing_a_unit(story, payflow, total):
    from tests.mollie.wire import answer, payment, serving

    story.order = new_order(lines=lines(total))
    sent = {}

    def honest(connection, request):
        import json

        if request.body:
            sent.update(json.loads(request.body))
        said = payment(
            amount=sent["amount"], metadata=sent["metadata"], status="paid" if not request.body else "open"
        )
        connection.sendall(answer(said, 201))

    with serving(honest) as wire:
        payflow(options={"base_url": wire.url})
        started = story.start()
        flow.confirm(payment_id=started.pk, source="poll")

    assert sent["amount"] == euro(f"{total // 100}.{total % 100:02d}")
    assert (story.payment.captured, story.payment.status) == (total, "paid")


@pytest.mark.gauntlet("G18")
def test_G18__above_the_providers_maximum_is_a_polite_no(story, client):
    story.order = new_order(lines=lines(10**9))
    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    assert (answer.status_code, story.payment.status, story.now().status) == (409, "failed", "failed")


# -- G19, G9


@pytest.mark.gauntlet("G19")
@pytest.mark.parametrize("word", ["open", "pending", "failed", "canceled", "expired"])
def test_G19__the_success_page_is_never_shown_for_an_unpaid_payment(story, client, payflow, word):
    payflow(SUCCESS_URL="/thanks/{reference}/")
    payment = story.start(method="creditcard")
    if word != "open":
        story.bank(word, webhook=False)

    for query in ("", "?status=paid&success=true"):
        page = client.get(f"/payflow/return/{payment.return_token}/{query}")
        assert page.status_code == 200
        assert b"paid</h1>" not in page.content
        assert client.get(f"/payflow/status/{payment.return_token}/").json()["standing"] in {"open", "dead"}


@pytest.mark.gauntlet("G9")
def test_G9__a_refund_made_in_the_dashboard_appears(story):
    story.start(method="creditcard")
    story.bank("paid")
    story.webhook()
    story.sim.control(
        "POST", f"mollie/payments/{story.reference}/refund", {"amount": euro("5.00"), "status": "refunded"}
    )

    story.webhook()

    assert (story.payment.refunded, story.payment.label, story.now().status) == (500, "partly refunded", "completed")


@pytest.mark.gauntlet("G9")
def test_G9__a_chargeback_appears_and_stops_what_was_not_delivered(story, no_hurry):
    story.start(method="creditcard")
    story.bank("paid")
    story.webhook()
    story.sim.control("POST", f"mollie/payments/{story.reference}/chargeback", {})

    story.webhook()

    assert (story.payment.charged_back, open_cases(), story.now().status) == (2495, {"chargeback"}, "on_hold")


def test_free_order__needs_no_payment(story, client):
    story.order = new_order(lines=lines(0))

    answer = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    story.work()

    assert answer.status_code == 303
    assert (Payment.objects.count(), story.sim.calls()) == (0, [])
    assert (story.now().status, Shipment.objects.count()) == ("completed", 1)
    assert client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"}).status_code == 409
    assert Shipment.objects.count() == 1
