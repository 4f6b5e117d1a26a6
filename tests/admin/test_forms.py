"""What people write into the forms: amounts are exact in every currency, or refused."""

from __future__ import annotations

import uuid

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from django_payflow.admin.forms import AmountField, CaptureForm, RefundForm
from django_payflow.models import Payment
from django_payflow.money import to_decimal_string
from tests.conftest import new_order


def field(currency):
    found = AmountField()
    found.use(currency)
    return found


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("EUR", "24.95", 2495),
        ("EUR", "24.9", 2490),
        ("EUR", "24", 2400),
        ("EUR", " 24.95 ", 2495),
        ("EUR", "24.950", 2495),
        ("EUR", "0.01", 1),
        ("EUR", "90071992547409.93", 9007199254740993),
        ("JPY", "3000", 3000),
        ("JPY", "3000.0", 3000),
        ("KWD", "1.234", 1234),
        ("KWD", "1.2", 1200),
        ("XQX", "100", 100),
    ],
)
def test_amount__is_exact(currency, text, minor):
    assert field(currency).clean(text) == minor


@pytest.mark.parametrize(
    ("currency", "text", "told"),
    [
        ("EUR", "0", "above zero"),
        ("EUR", "0.00", "above zero"),
        ("EUR", "-24.95", "above zero"),
        ("EUR", "24.955", "Write EUR with at most 2 decimals after a point, such as 123.45."),
        ("EUR", "24,95", "such as 123.45"),
        ("EUR", "1,000.00", "such as 123.45"),
        ("EUR", "1 000", "such as 123.45"),
        ("EUR", "1e3", "such as 123.45"),
        ("EUR", "NaN", "such as 123.45"),
        ("EUR", "٢٤", "such as 123.45"),
        ("EUR", "+5", "such as 123.45"),
        ("EUR", "99999999999999999999", "such as 123.45"),
        ("EUR", "92233720368547758.08", "such as 123.45"),
        ("EUR", "9" * 31, "at most 30 characters"),
        ("JPY", "3000.5", "Write a whole number of JPY, such as 12345."),
        ("KWD", "1.2345", "Write KWD with at most 3 decimals after a point, such as 12.345."),
        ("XQX", "1.5", "Write a whole number of XQX"),
    ],
)
def test_amount__is_refused_rather_than_rounded(currency, text, told):
    with pytest.raises(ValidationError) as refused:
        field(currency).clean(text)
    assert told in refused.value.messages[0]


@given(minor=st.integers(min_value=1, max_value=10**15), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_amount__what_we_prefill_is_what_we_read(minor, currency):
    found = field(currency)

    assert found.clean(to_decimal_string(minor, found.digits)) == minor


@pytest.mark.parametrize(
    ("currency", "money", "text"), [("EUR", 2495, "24.95"), ("JPY", 3000, "3000"), ("KWD", 1234, "1.234")]
)
def test_refund_form__prefills_what_is_left(db, currency, money, text):
    payment = Payment.objects.create(
        order=new_order(currency=currency),
        account="mollie",
        amount=money,
        currency=currency,
        checkout={},
        captured=money,
    )

    form = RefundForm(row=payment)

    assert (form["amount"].value(), form["amount"].label) == (text, f"Amount in {currency}")
    assert f"At most {text} {currency} can be refunded now." in form["amount"].help_text
    sent = RefundForm({"amount": text, "key": str(uuid.uuid4())}, row=payment)
    assert sent.is_valid()
    assert sent.cleaned_data["amount"] == money


def test_refund_form__every_page_has_a_key_of_its_own(db):
    payment = Payment.objects.create(order=new_order(), account="mollie", amount=1, currency="EUR", checkout={})

    keys = {str(RefundForm(row=payment)["key"].value()) for _ in range(3)}

    assert len(keys) == 3
    assert {uuid.UUID(key).version for key in keys} == {4}


@pytest.mark.parametrize(
    ("partial", "several", "shown"), [(False, False, None), (True, False, True), (True, True, False)]
)
def test_capture_form__asks_what_the_provider_can_do(db, monkeypatch, partial, several, shown):
    backend = "django_payflow.providers.mollie.MollieProvider"
    monkeypatch.setattr(f"{backend}.supports_partial_capture", partial)
    monkeypatch.setattr(f"{backend}.supports_several_captures", several)
    payment = Payment.objects.create(order=new_order(), account="mollie", amount=1, currency="EUR", checkout={})

    form = CaptureForm(row=payment)

    assert (form["final"].value() if "final" in form.fields else None) is shown
