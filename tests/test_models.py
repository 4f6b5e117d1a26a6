"""What the rows themselves refuse, whoever writes them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django_fsm import TransitionNotAllowed

from django_payflow.exceptions import ConfigurationError
from django_payflow.models import Case, OrderLine, Payment, PaymentEvent, ProviderReference, get_order_model
from django_payflow.states import OrderStatus, PaymentStatus


def refuses(write):
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


def test_order_new__sums_its_lines(order):
    assert order.total == 2495
    assert str(order.amount) == "24.95 EUR"
    assert order.status == "draft"
    assert [line.total for line in order.lines.all()] == [1790, 705]
    assert len(order.reference) == 16


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([], ValueError),
        ([OrderLine(name="Tea", quantity=0, unit_price=100)], ValidationError),
        ([OrderLine(name="", quantity=1, unit_price=100)], ValidationError),
        ([OrderLine(name="Tea", quantity=1, unit_price=100, vat_rate=Decimal(101))], ValidationError),
    ],
)
def test_order_new__refuses_bad_lines(db, lines, error):
    with pytest.raises(error):
        get_order_model().objects.new(currency="EUR", lines=lines)
    assert not get_order_model().objects.exists()


def test_order_new__refuses_an_unknown_currency(db):
    with pytest.raises(ConfigurationError, match="EURO"):
        get_order_model().objects.new(currency="EURO", lines=[OrderLine(name="Tea", unit_price=100)])


def test_status__cannot_be_assigned(order):
    with pytest.raises(AttributeError):
        order.status = "completed"


def test_status__survives_a_refresh_and_stays_protected(order):
    order.refresh_from_db()
    assert order.status == "draft"
    with pytest.raises(AttributeError):
        order.status = "completed"


def test_status__a_refresh_shows_what_another_process_wrote(story):
    story.start()
    assert story.order.status == "draft"

    story.order.refresh_from_db()

    assert story.order.status == "pending"


def test_status__a_partial_refresh_keeps_it(story):
    story.start()
    story.order.refresh_from_db(fields=["name"])
    assert story.order.status == "draft"


def test_status__forbidden_moves_raise(story):
    story.start()
    payment = story.payment
    with pytest.raises(TransitionNotAllowed):
        story.order.move_to(OrderStatus.COMPLETED)
    payment.move_to(PaymentStatus.PAID)
    with pytest.raises(TransitionNotAllowed):
        payment.move_to(PaymentStatus.FAILED)


def test_constraints__unknown_words_and_wrong_amounts(story):
    story.start()
    refuses(lambda: Payment.objects.update(status="lucky"))
    refuses(lambda: Payment.objects.update(amount=0))
    refuses(lambda: get_order_model().objects.update(status="lucky"))
    refuses(lambda: get_order_model().objects.update(total=-1))


def test_constraints__a_reference_belongs_to_one_payment_and_is_never_empty(story):
    story.start()
    known = ProviderReference.objects.get()
    again = {"payment": story.payment, "account": known.account, "kind": "payment"}
    refuses(lambda: ProviderReference.objects.create(**again, value=known.value))
    refuses(lambda: ProviderReference.objects.create(**again, value=""))


def test_constraints__one_offer_and_one_settling_payment_per_order(story):
    story.start()
    other = Payment.objects.create(order_id=story.order.pk, account="mollie", amount=1, currency="EUR", checkout={})
    refuses(lambda: Payment.objects.filter(pk=other.pk).update(offer_of=story.order.pk))
    Payment.objects.filter(pk=other.pk).update(settles=story.order.pk)
    refuses(lambda: Payment.objects.exclude(pk=other.pk).update(settles=story.order.pk))


def test_case__one_is_open_per_subject(db):
    Case.objects.create(kind="surplus", open_key="surplus:payment:1")
    refuses(lambda: Case.objects.create(kind="surplus", open_key="surplus:payment:1"))
    Case.objects.create(kind="surplus", open_key=None)
    Case.objects.create(kind="surplus", open_key=None)
    assert all(case.advice for case in Case.objects.all())


def test_event__is_append_only(story):
    story.start()
    event = PaymentEvent.objects.first()
    with pytest.raises(TypeError, match="append-only"):
        event.save()
    with pytest.raises(TypeError, match="append-only"):
        event.delete()
    with pytest.raises(TypeError, match="append-only"):
        PaymentEvent.objects.update(summary="nothing happened")
    with pytest.raises(TypeError, match="append-only"):
        PaymentEvent.objects.all().delete()


def test_money_rows__cannot_be_deleted_with_their_order(story):
    from django.db.models import ProtectedError

    story.start()
    with pytest.raises(ProtectedError):
        story.order.delete()
