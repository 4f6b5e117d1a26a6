"""Money: exact in both directions, for every currency, and nothing that is not a plain amount gets in."""

from __future__ import annotations

import ast
import decimal
import math
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

import django_payflow
from django_payflow.exceptions import ConfigurationError
from django_payflow.money import MAX_MINOR, Money, exponent, from_decimal_string, readable, to_decimal_string
from django_payflow.providers import mollie

CURRENCIES = sorted(c.code for c in Currency if c.exponent is not None)
WITHOUT_MINOR_UNITS = sorted(c.code for c in Currency if c.exponent is None)
minor_units = st.integers(min_value=-MAX_MINOR, max_value=MAX_MINOR)
digits_of_a_currency = st.integers(min_value=0, max_value=4)


# --- there and back


@given(minor=minor_units, digits=digits_of_a_currency)
def test_decimal_string__comes_back_as_it_went(minor, digits):
    text = to_decimal_string(minor, digits)
    assert from_decimal_string(text, digits) == minor
    assert text.lstrip("-").partition(".")[2] == text[len(text) - digits :] * bool(digits)


@given(minor=minor_units, currency=st.sampled_from(CURRENCIES))
def test_money__of_every_currency_comes_back_from_its_own_text(minor, currency):
    money = Money(minor=minor, currency=currency)
    assert Money.of(str(money).removesuffix(f" {currency}"), currency) == money
    assert Money.of(money.decimal, currency) == money
    assert money.decimal * 10 ** exponent(currency) == minor


def test_currencies__have_zero_to_four_decimals_and_all_kinds_are_tried():
    assert {exponent(code) for code in CURRENCIES} == {0, 2, 3, 4}
    assert len(CURRENCIES) > 150
    examples = {"JPY": 0, "ISK": 0, "EUR": 2, "HUF": 2, "KWD": 3, "BHD": 3, "CLF": 4}
    assert {code: exponent(code) for code in examples} == examples


@pytest.mark.parametrize(
    ("minor", "digits", "text"),
    [
        *((2495, 2, "24.95"), (5, 2, "0.05"), (0, 2, "0.00"), (-5, 2, "-0.05")),
        *((-1, 0, "-1"), (-1, 2, "-0.01"), (1, 0, "1")),
        *((5, 0, "5"), (500, 0, "500"), (1, 3, "0.001"), (12345, 4, "1.2345")),
        (MAX_MINOR, 2, "92233720368547758.07"),
    ],
)
def test_decimal_string__has_exactly_the_decimals_of_the_currency(minor, digits, text):
    assert to_decimal_string(minor, digits) == text
    assert from_decimal_string(text, digits) == minor


@pytest.mark.parametrize(("text", "minor"), [("10", 1000), ("10.5", 1050), ("10.500", 1050), ("0010.00", 1000)])
def test_from_decimal_string__takes_fewer_and_needless_decimals_without_changing_the_sum(text, minor):
    assert from_decimal_string(text, 2) == minor


# --- what does not get in

NOT_AN_AMOUNT = [
    *(24.95, 24, True, None, Decimal("24.95"), b"24.95", ["24.95"]),
    *("", " ", ".", "-", ".5", "5.", "--5", "+5", "1,00", "1.000,00", "1 000", "1_000", "0x10"),
    *("NaN", "nan", "sNaN", "Infinity", "-inf", "1e3", "1E3", "1e-2", "1.0e0"),
    *(" 1.00", "1.00 ", "1.00\n", "\t1.00", "1.0.0", "€1.00", "1.00 EUR", "1.00\x00"),
    *("१२.००", "１２.００", "²", "١٢"),  # digits of other scripts, which int() and Decimal() would read
    *("9" * 20, "1." + "0" * 7),
]


@pytest.mark.parametrize("wrong", NOT_AN_AMOUNT, ids=repr)
def test_from_decimal_string__refuses_what_is_no_plain_amount(wrong):
    with pytest.raises(ValueError, match="not a plain decimal amount"):
        from_decimal_string(wrong, 2)


@pytest.mark.parametrize(("text", "digits"), [("0.001", 2), ("24.955", 2), ("0.5", 0), ("1.0001", 3), ("1.00001", 4)])
def test_from_decimal_string__refuses_more_precision_than_the_currency_has(text, digits):
    """Rounding would book money that nobody paid."""
    with pytest.raises(ValueError, match="does not fit"):
        from_decimal_string(text, digits)


@pytest.mark.parametrize("text", ["92233720368547758.08", "9999999999999999999", "-9999999999999999999.99"])
def test_from_decimal_string__refuses_what_no_database_column_holds(text):
    with pytest.raises(ValueError, match="does not fit"):
        from_decimal_string(text, 2)


@given(text=st.text(max_size=12))
def test_from_decimal_string__reads_a_text_exactly_or_not_at_all(text):
    try:
        minor = from_decimal_string(text, 2)
    except ValueError:
        return
    assert text.isascii()
    assert Decimal(text) * 100 == minor


@given(number=st.floats() | st.booleans() | st.none() | st.integers())
def test_from_decimal_string__takes_text_only(number):
    with pytest.raises(ValueError, match="not a plain decimal amount"):
        from_decimal_string(number, 2)


@given(minor=st.floats() | st.booleans() | st.none() | st.text() | st.decimals())
def test_money__takes_whole_minor_units_only(minor):
    with pytest.raises(TypeError, match="minor units"):
        Money(minor=minor, currency="EUR")


@pytest.mark.parametrize(
    "amount", [24.95, math.nan, True, 5, Decimal("NaN"), Decimal("Infinity"), "1e2", Decimal("0.001")]
)
def test_money_of__refuses_floats_and_what_cannot_be_exact(amount):
    with pytest.raises(ValueError, match=r"not a plain decimal amount|does not fit"):
        Money.of(amount, "EUR")


@pytest.mark.parametrize("code", ["eur", "EURO", "", "XYZ", "EUR ", *WITHOUT_MINOR_UNITS])
def test_exponent__refuses_what_is_no_currency_with_minor_units(code):
    with pytest.raises(ConfigurationError, match="not a currency with minor units"):
        exponent(code)


def test_money__in_a_currency_that_was_withdrawn_since_stays_readable():
    """Payments outlive currencies: a kuna of 2022 may be charged back, and the admin lists it for years."""
    assert str(Money(minor=5, currency="HRK")) == "0.05 HRK"


@pytest.mark.parametrize("code", ["ANG", "BGN", "CUC", "HRK", "LTL", "LVL", "SLL", "VEF", "ZWL"])
def test_exponent__of_a_currency_that_was_withdrawn_is_the_one_it_had(code):
    assert exponent(code) == 2


def test_money__of_an_unknown_currency_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="not a currency"):
        Money(minor=5, currency="XYZ")


def test_readable__refuses_no_currency():
    assert readable(1790, "EUR") == "17.90 EUR"
    assert readable(1790, "XYZ") == "1790 XYZ (minor units)"


def test_money__of_different_currencies_is_never_equal_and_has_no_order():
    assert Money(minor=1, currency="EUR") != Money(minor=1, currency="USD")
    with pytest.raises(TypeError):
        assert Money(minor=1, currency="EUR") < Money(minor=2, currency="EUR")


@given(minor=st.integers(min_value=0, max_value=MAX_MINOR), precision=st.integers(min_value=1, max_value=20))
def test_money__is_exact_whatever_the_threads_decimal_context_is(minor, precision):
    text = to_decimal_string(minor, 2)
    with decimal.localcontext() as context:
        context.prec = precision
        assert from_decimal_string(text, 2) == minor
        assert Money.of(Money(minor=minor, currency="EUR").decimal, "EUR").minor == minor


# --- a provider's own table


def test_mollie__counts_every_currency_as_iso_4217_does():
    """Mollie has its own list of currencies without decimals; where it left ISO, this test would say so."""
    every = sorted(mollie.CURRENCIES)
    assert {code: exponent(code) for code in every} == {c: 0 if c in mollie.NO_DECIMALS else 2 for c in every}
    assert set(mollie.NO_DECIMALS) <= set(every)


# --- no float comes near money

PACKAGE = Path(django_payflow.__file__).parent
FLOATS_THAT_ARE_NO_MONEY = {
    "flow/fulfil.py": {"1.0", "1.1"},  # jitter of a pause
    "providers/http.py": {"20.0", "0.2", "0.6", "0.05", "3600.0", "float()"},  # seconds of calls, Retry-After
    "tasks.py": {"0.3", "10.0", "0.0"},  # seconds to the broker
}
"""Every float literal, float() and division of the package, simulators and test kit apart: durations, all of them."""


def floats_of(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.add(str(node.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            found.add("float()")
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.add(f"a division in line {node.lineno}")
    return found


def test_floats_of__finds_what_it_looks_for():
    assert floats_of("a = 1.5\nb = float(x)\nc = 5 // 2\nd /= 2") == {"1.5", "float()", "a division in line 4"}


def test_package__has_no_float_but_the_listed_durations():
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(("simulators/", "testing/", "migrations/")):
            continue
        if unlisted := floats_of(path.read_text()) - FLOATS_THAT_ARE_NO_MONEY.get(name, set()):
            found[name] = unlisted
    assert found == {}
