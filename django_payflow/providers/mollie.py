"""Mollie, Payments API v2. Facts: Mollie's OpenAPI description (2026-08) and documentation.

A payment has one reference, ``tr_...``. Webhooks are unsigned and say nothing but this id: they are a hint, and
every one of them looks the same (paid, refunded, charged back).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..exceptions import InvalidCheckout, Uncertain, UnknownStatus, WebhookRefused
from ..messages import Checkout, MoneyMove, Notice, Phase, Redirect, Reference, Report
from ..money import from_decimal_string, to_decimal_string
from .base import Options, PollSchedule, Provider
from .http import Bearer

CURRENCIES = frozenset(
    [
        "AED",
        "AUD",
        "BGN",
        "BRL",
        "CAD",
        "CHF",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "ILS",
        "ISK",
        "JPY",
        "MXN",
        "MYR",
        "NOK",
        "NZD",
        "PHP",
        "PLN",
        "RON",
        "RUB",
        "SEK",
        "SGD",
        "THB",
        "TWD",
        "USD",
        "ZAR",
    ]
)
"""Mollie's list (multicurrency page). No three-decimal currency is on it."""
NO_DECIMALS = frozenset({"ISK", "JPY"})
LOCALES = frozenset(
    [
        "ca_ES",
        "cs_CZ",
        "da_DK",
        "de_AT",
        "de_CH",
        "de_DE",
        "de_LU",
        "en_BE",
        "en_GB",
        "en_NL",
        "en_US",
        "es_ES",
        "fi_FI",
        "fr_BE",
        "fr_FR",
        "fr_LU",
        "hu_HU",
        "is_IS",
        "it_IT",
        "lt_LT",
        "lv_LV",
        "nb_NO",
        "nl_BE",
        "nl_NL",
        "pl_PL",
        "pt_PT",
        "sk_SK",
        "sv_SE",
    ]
)
PUSH_METHODS = frozenset({"banktransfer", "multibanco"})
"""The customer pays from his own bank or at a machine (GUESS for multibanco, which works with a voucher number)."""
_PAYMENT_ID = re.compile(r"tr_[A-Za-z0-9]{1,61}", re.ASCII)
_KEY = re.compile(r"(live|test)_\w{20,}", re.ASCII)
_EMBED = {"embed": "refunds,chargebacks,captures"}
_PAGE_SIZE = 250
_MAX_PAGES = 40
_CLOCK_SLACK = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class MollieOptions(Options):
    """``OPTIONS`` of a Mollie account."""

    api_key: str = field(repr=False)
    """``test_...`` or ``live_...``; it decides the mode."""
    base_url: str = "https://api.mollie.com"
    """Where ``/v2/payments`` hangs; the simulator's address ends with ``/mollie``."""

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.api_key):
            raise TypeError(
                "__init__() api_key must look like 'test_...' or 'live_...', as Mollie's dashboard shows it"
            )


class MollieProvider(Provider[MollieOptions]):
    """One Mollie profile."""

    name = "mollie"
    options_class = MollieOptions
    secret_fields = ("api_key",)
    statuses = {
        "open": Phase.OPEN,
        "pending": Phase.PROCESSING,
        "authorized": Phase.PROCESSING,  # the money is in `capturable`
        "paid": Phase.PROCESSING,  # the money is in `captured`; without a visible amount it is not paid
        "failed": Phase.FAILED,
        "canceled": Phase.CANCELED,
        "expired": Phase.EXPIRED,
    }
    status_source = "Mollie OpenAPI description, payment-status"
    key_life = timedelta(minutes=55)  # honoured for one hour; a later reuse is a brand-new request
    # Bank transfer is the slowest method: 12 (+2) days; dueDate may stretch it, expiresAt then says so.
    poll_schedule = PollSchedule(longest=timedelta(days=15))
    checkout_hosts = ("mollie.com",)
    signs_webhooks = False
    supports_cancel = True

    @property
    def live(self) -> bool:
        """Whether the key is a live one: Mollie has no separate test host."""
        return self.options.api_key.startswith("live_")

    # -- calls

    def check(self, checkout: Checkout) -> None:
        """Refuse a currency that Mollie lacks, and an amount of zero."""
        if checkout.currency not in CURRENCIES:
            raise InvalidCheckout(
                f"Mollie does not take {checkout.currency}; it takes {' '.join(sorted(CURRENCIES))}"
            )
        if checkout.amount <= 0:
            raise InvalidCheckout("Mollie needs an amount above zero")

    def create(self, checkout: Checkout) -> Redirect:
        """POST /v2/payments with the attempt's key; inside an hour the same key gives the same payment."""
        answer = self.http.send(
            "POST",
            "/v2/payments",
            auth=self._auth(),
            body=_create_body(checkout),
            headers={"Content-Type": "application/json", "Idempotency-Key": checkout.key},
        )
        report = read_payment(answer.json())
        return Redirect(url=report.checkout_url, report=report)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        """GET one payment with its refunds, chargebacks and captures."""
        answer = self.http.get(f"/v2/payments/{reference.value}", auth=self._auth(), params=_EMBED)
        return read_payment(answer.json())

    def find(self, checkout: Checkout) -> Report | None:
        """Page newest-first until before the attempt began: Mollie cannot filter by metadata."""
        params: dict[str, str] | None = {"limit": str(_PAGE_SIZE)}
        ends = self.http.ends()  # the deadline is of the whole search
        for _ in range(_MAX_PAGES):
            page = self.http.get("/v2/payments", auth=self._auth(), params=params, ends=ends).json()
            found, params = _read_page(page, checkout)
            if found:
                return self.retrieve(checkout, Reference(kind="payment", value=found))
            if params is None:
                return None
        raise Uncertain(f"the payment is not among the newest {_MAX_PAGES * _PAGE_SIZE}; the list goes on")

    def cancel(self, checkout: Checkout, reference: Reference) -> Report:
        """DELETE: most open payments cannot be cancelled (``isCancelable``), Mollie then answers 422."""
        return read_payment(self.http.send("DELETE", f"/v2/payments/{reference.value}", auth=self._auth()).json())

    def probe(self) -> str:
        """List one payment: proves that the key is accepted."""
        self.http.get("/v2/payments", auth=self._auth(), params={"limit": "1"}).json()
        return "live key accepted" if self.live else "test key accepted"

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        """Read the classic webhook: a form post with exactly one ``id``. Unsigned by design."""
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise WebhookRefused("Mollie posts application/x-www-form-urlencoded", status=415, reason="content_type")
        try:
            pairs = parse_qsl(body.decode("ascii"), max_num_fields=8, strict_parsing=True)
        except (UnicodeDecodeError, ValueError):
            pairs = []
        ids = [value for name, value in pairs if name == "id"]
        if len(ids) != 1 or not _PAYMENT_ID.fullmatch(ids[0]):
            raise WebhookRefused("expected exactly one id=tr_...")
        return [Notice(reference=ids[0])]

    def _auth(self) -> Bearer:
        return Bearer(self.options.api_key)


# --- mapping: plain functions, no calls below this line


def _create_body(checkout: Checkout) -> bytes:
    """Return the request's bytes; the same checkout gives the same bytes, which the idempotency key demands."""
    body: dict[str, Any] = {
        "amount": _amount(checkout.amount, checkout.currency),
        "description": checkout.description[:255],
        "redirectUrl": checkout.return_url,
        "webhookUrl": checkout.webhook_url,
        "metadata": {"order": checkout.order_reference, "attempt": checkout.key},
    }
    if checkout.method:
        body["method"] = checkout.method
    if checkout.locale in LOCALES:
        body["locale"] = checkout.locale
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 2


def _amount(minor: int, currency: str) -> dict[str, str]:
    return {"currency": currency, "value": to_decimal_string(minor, _decimals(currency))}


def read_payment(data: Mapping[str, Any]) -> Report:
    """Turn a payment object into a report.

    Raises ``UnknownStatus`` for a word that the table lacks, ``Uncertain`` for an answer that cannot be read.
    """
    try:
        return _report(data)
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        problem = f"Mollie's payment cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def _report(data: Mapping[str, Any]) -> Report:
    word = str(data["status"])
    if word not in MollieProvider.statuses:
        raise UnknownStatus(word)
    currency = str(data["amount"]["currency"])
    asked = _minor(data["amount"], currency)
    captured = _captured(data, word, asked, currency)
    refunds, disputes, captures = (_moves(data, name, currency) for name in ("refunds", "chargebacks", "captures"))
    return Report(
        phase=MollieProvider.statuses[word],
        currency=currency,
        references=(Reference(kind="payment", value=str(data["id"])),),
        live=data["mode"] == "live",
        raw_status=word,
        requested=asked,
        captured=captured,
        capturable=max(0, asked - captured) if word == "authorized" else 0,
        # Settled refunds only: queued, pending and processing ones can still fail.
        refunded=None if refunds is None else sum(m.amount for m in refunds if m.status == "succeeded"),
        charged_back=None if disputes is None else sum(m.amount for m in disputes if m.status != "won"),
        push=data.get("method") in PUSH_METHODS,
        our_reference=_our_reference(data),
        merchant=str(data.get("profileId") or ""),
        checkout_url=str(((data.get("_links") or {}).get("checkout") or {}).get("href") or ""),
        method=str(data.get("method") or ""),
        expires_at=_moment(data.get("expiresAt")),
        refunds=refunds or (),
        captures=captures or (),
        disputes=disputes or (),
        raw=data,
    )


def _captured(data: Mapping[str, Any], word: str, asked: int, currency: str) -> int:
    """Gross captured: ``amountCaptured`` where it is given, else the whole amount once the status is ``paid``."""
    if (given := data.get("amountCaptured")) is not None:
        return _minor(given, currency)
    return asked if word == "paid" else 0


def _minor(amount: Mapping[str, Any], currency: str) -> int:
    if amount["currency"] != currency:
        raise ValueError("one payment, two currencies")
    return from_decimal_string(amount["value"], _decimals(currency))


_MOVE_STATUS = {
    "refunds": {"refunded": "succeeded", "failed": "failed", "canceled": "canceled"},
    "captures": {"succeeded": "succeeded", "failed": "failed"},
}


def _moves(data: Mapping[str, Any], name: str, currency: str) -> tuple[MoneyMove, ...] | None:
    """Return the embedded refunds, captures or chargebacks; ``None`` when the answer has not embedded them."""
    if name not in (data.get("_embedded") or {}):
        return None
    return tuple(
        MoneyMove(
            id=str(item["id"]),
            amount=_minor(item["amount"], currency),
            status=_move_status(name, item),
            our_reference=_our_reference(item),
        )
        for item in _items(data, name)
    )


def _move_status(name: str, item: Mapping[str, Any]) -> str:
    if name == "chargebacks":  # the amount comes back when the chargeback is reversed
        return "won" if item.get("reversedAt") else "lost"
    return _MOVE_STATUS[name].get(str(item.get("status")), "pending")


def _items(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = (data.get("_embedded") or {}).get(name) or []
    return [item for item in found if isinstance(item, dict)]


def _our_reference(data: Mapping[str, Any]) -> str:
    """Read ``metadata.attempt``; metadata may come back as an object or as the JSON string of one."""
    metadata = data.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except ValueError:
            return ""
    return str(metadata.get("attempt") or "") if isinstance(metadata, dict) else ""


def _moment(text: object) -> datetime | None:
    """Read an ISO time with an offset or a Z."""
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_page(page: Mapping[str, Any], checkout: Checkout) -> tuple[str, dict[str, str] | None]:
    """Return the id that carries our key, or where to look next; ``None``: nowhere.

    Raises ``Uncertain`` for a page that cannot be read: it proves nothing.
    """
    try:
        payments = _items(page, "payments")
        ours = next((str(payment["id"]) for payment in payments if _our_reference(payment) == checkout.key), "")
        following = page["_links"]["next"]
        if ours or not payments or following is None:
            return ours, None
        if datetime.fromisoformat(payments[-1]["createdAt"]) < checkout.created_at - _CLOCK_SLACK:
            return "", None
        # The cursor only: the link's host is the provider's word, ours is the configured one.
        cursor = dict(parse_qsl(urlsplit(following["href"]).query))["from"]
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        problem = f"Mollie's list of payments cannot be read ({type(unreadable).__name__})"
    else:
        return "", {"from": cursor, "limit": str(_PAGE_SIZE)}
    raise Uncertain(problem)
