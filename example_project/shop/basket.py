"""The basket: product ids and quantities in the session, never a price."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase

from django_payflow.money import Money

from .models import CURRENCY, Product

MAX_QUANTITY = 20
_KEY = "basket"
_TOKEN_KEY = "basket_token"  # noqa: S105  (the name of a session entry)


@dataclass(frozen=True, kw_only=True)
class BasketLine:
    """A product from the database with the buyer's quantity."""

    product: Product
    quantity: int

    @property
    def money(self) -> Money:
        """What the line costs today."""
        return Money(minor=self.product.price * self.quantity, currency=CURRENCY)


def total(lines: Iterable[BasketLine]) -> Money:
    """Return what the lines cost together."""
    return Money(minor=sum(line.money.minor for line in lines), currency=CURRENCY)


class Basket:
    """One visitor's basket. Every change makes a new token, so that a token stands for exactly one content."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session
        self._quantities: dict[str, int] = dict(session.get(_KEY, {}))

    def __len__(self) -> int:
        return sum(self._quantities.values())

    @property
    def token(self) -> str:
        """Names this content once: the checkout form carries it, and it becomes at most one order."""
        return str(self._session.get(_TOKEN_KEY, ""))

    def lines(self) -> list[BasketLine]:
        """Return the lines with the prices of now; what is no longer sold drops out."""
        products = Product.objects.filter(pk__in=self._quantities, available=True)
        return [BasketLine(product=product, quantity=self._quantities[str(product.pk)]) for product in products]

    def add(self, product: Product, quantity: int) -> None:
        """Put pieces in, up to the most that one order may have."""
        self.change(product, self._quantities.get(str(product.pk), 0) + quantity)

    def change(self, product: Product, quantity: int) -> None:
        """Set how many pieces are in."""
        self._quantities[str(product.pk)] = max(1, min(quantity, MAX_QUANTITY))
        self._save()

    def remove(self, product: Product) -> None:
        """Take a product out."""
        self._quantities.pop(str(product.pk), None)
        self._save()

    def clear(self) -> None:
        """Empty the basket, after it became an order."""
        self._quantities = {}
        self._save()

    def _save(self) -> None:
        self._session[_KEY] = self._quantities
        self._session[_TOKEN_KEY] = secrets.token_urlsafe(24)
