"""Where the shop sends to. The country decides the currency; prices follow the euro by a fixed rate."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django_payflow.money import Money

from .models import CURRENCY


@dataclass(frozen=True, kw_only=True)
class Country:
    """A country, its currency, and how many of its units a euro buys in this shop."""

    code: str
    name: str
    currency: str
    rate: Decimal
    locale: str

    @property
    def label(self) -> str:
        """What the buyer chooses."""
        return f"{self.name} ({self.currency})"

    def price(self, cents: int) -> int:
        """Return a price in cents as minor units of the currency, rounded to whole units outside of the euro."""
        if self.currency == CURRENCY:
            return cents
        euro = Money(minor=cents, currency=CURRENCY).decimal
        whole = (euro * self.rate).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return Money.of(whole, self.currency).minor


COUNTRIES = {
    country.code: country
    for country in (
        Country(code="NL", name="Netherlands", currency="EUR", rate=Decimal(1), locale="en_GB"),
        Country(code="SE", name="Sweden", currency="SEK", rate=Decimal("11.5"), locale="sv_SE"),
        Country(code="MN", name="Mongolia", currency="MNT", rate=Decimal(3900), locale="mn_MN"),
    )
}
HOME = "NL"
