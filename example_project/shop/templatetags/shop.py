"""How the shop writes money."""

from __future__ import annotations

from django import template

from django_payflow.money import Money

from ..models import CURRENCY

register = template.Library()
_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


@register.filter
def price(amount: Money) -> str:
    """Write money as on a price tag: ``€17.90``."""
    sign = _SIGNS.get(amount.currency)
    return f"{sign}{amount.decimal}" if sign else str(amount)


@register.filter
def cents(minor: int, currency: str = CURRENCY) -> str:
    """Write minor units of a currency as on a price tag."""
    return price(Money(minor=minor, currency=currency))
