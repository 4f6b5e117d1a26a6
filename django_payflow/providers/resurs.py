"""Resurs Bank, Merchant API 2.0. Facts: Resurs' documentation and its official library, as of June 2026.

A payment is one object, known by the UUID that ``create`` answers with; the buyer is sent to Resurs' gateway unless
the answer already decides. Its status knows nothing of captures, cancels and refunds: those are only in the order's
sums, and a payment that was cancelled or refunded whole stays ``ACCEPTED``. ``authorizedAmount`` is what is left to
capture, ``capturedAmount`` is gross.

What the wire does not show: the currency (it follows from the store's country), test or live (two hosts),
chargebacks, and when an unsigned payment or an authorization runs out. Callbacks are not signed and do not name
their kind, so every payment has addresses of its own: our token, and the kind. Nothing is known to make ``create``
safe to repeat; after a lost answer the payment is looked for by its order reference, which is made of the attempt's
key.

Captures and refunds have no idempotency keys either. They carry our key as ``transactionId``, which the payment's
action log shows: it is read right before each of them, and nothing is done that stands there already. Both are made
of order lines, never of an amount; Resurs compares only their sum with the money that is left.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b32encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from requests.auth import AuthBase

from ..exceptions import (
    InvalidCheckout,
    NotSent,
    ProviderError,
    Rejected,
    Uncertain,
    UnknownStatus,
    Unsupported,
    WebhookRefused,
)
from ..messages import (
    Buyer,
    Capture,
    Checkout,
    Line,
    LineKind,
    MoneyMove,
    MoveKind,
    MoveRequest,
    Notice,
    Phase,
    Redirect,
    Reference,
    Report,
)
from ..money import from_decimal_string, to_decimal_string
from .base import Options, PollSchedule, Provider
from .http import Answer
from .tokens import ClientCredentials, Login
from .webhooks import read_object

JSON = Mapping[str, Any]

TEST_URL = "https://merchant-api.integration.resurs.com"
LIVE_URL = "https://merchant-api.resurs.com"
CURRENCIES = {"SE": "SEK", "NO": "NOK", "FI": "EUR", "DK": "DKK"}
"""A store's country -> what its amounts mean. All four have two decimals, as the wire has."""
OPEN, ACCEPTED, REJECTED = "TASK_REDIRECTION_REQUIRED", "ACCEPTED", "REJECTED"
HELD = frozenset({"FROZEN", "INSPECTION", "SUPPLEMENTING_REQUIRED"})
"""Fraud control or a credit inspection looks at it: nothing may be shipped. It ends by itself."""
STATUSES = {
    OPEN: Phase.OPEN,
    **dict.fromkeys(("INSPECTION", "SUPPLEMENTING_REQUIRED", "FROZEN"), Phase.PROCESSING),
    ACCEPTED: Phase.PROCESSING,  # the money is in the sums
    REJECTED: Phase.FAILED,  # unless the reason says better
}
REASONS = {
    "TIMEOUT": Phase.EXPIRED,
    **dict.fromkeys(("ABORTED_BY_CUSTOMER", "CANCELED"), Phase.CANCELED),
    **dict.fromkeys(("CREDIT_DENIED", "INSUFFICIENT_FUNDS", "PAYMENT_FROZEN", "TECHNICAL_ERROR"), Phase.FAILED),
}
"""``rejectedReason.category``. For any other one (``UNKNOWN``, none, a new one) the buyer's tasks are asked."""
LINE_TYPES = {
    LineKind.GOODS: "NORMAL",  # also what a shop says that does not tell goods from services
    LineKind.DIGITAL: "DIGITAL_GOODS",
    LineKind.SHIPPING: "SHIPPING",
    LineKind.DISCOUNT: "DISCOUNT",
    LineKind.FEE: "FEE",
    LineKind.GIFT_CARD: "GIFT_CARD",
}
CALLBACKS = ("authorization", "management", "creditApplication")
"""The kinds of callback, by the names of the create call's options."""
MAX_LINES = 1000
MAX_AMOUNT = 10**12 - 1
"""GUESS, in minor units: no limit is documented but those of the payment methods."""
MARK = "payflow_attempt"
"""The metadata's key under which the attempt's own key stands."""
METHODS_LIFE = 3600
"""Seconds that a store's payment methods are kept, as Resurs' own library does."""

_BUYER = {
    "email": (re.compile(r"\S{3,254}"), "e-mail address"),
    "phone": (re.compile(r"[+0-9 ()./-]{5,30}", re.ASCII), "mobile phone number"),
    "street": (re.compile(r".{1,100}"), "street and house number"),
    "postal_code": (re.compile(r"[ 0-9]{1,10}", re.ASCII), "postal code"),
    "city": (re.compile(r".{1,50}"), "town"),
    "country": (re.compile(r"[A-Za-z]{2}", re.ASCII), "country"),
    "street2": (re.compile(r".{0,100}"), "address"),
    "government_id": (re.compile(r".{0,50}"), "identity or registration number"),
}
"""What Resurs takes -> how a buyer would call it. Whether a phone number or an address exists, Resurs finds out."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_SECRET = re.compile(r"[\x21-\x7e]{8,512}", re.ASCII)
_MARK = re.compile(r"[!-~]{1,64}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept-Language": "en"}


@dataclass(frozen=True, kw_only=True)
class ResursOptions(Options):
    """``OPTIONS`` of a Resurs Bank account: one client, one store."""

    client_id: str
    """The API client that Resurs made for the shop."""
    client_secret: str = field(repr=False)
    """Its secret."""
    store_id: str
    """The store's UUID; the doctor checks that it is one of the client's."""
    country: str
    """The store's country, ``SE``, ``NO``, ``FI`` or ``DK``; it decides the currency, which no call names."""
    payment_method_id: str
    """UUID of the payment method for orders that ask for none; they differ between test and live."""
    test: bool = False
    """Use the integration environment: test credentials, no real money, no credit agencies."""
    base_url: str = ""
    """Where ``/v2/payments`` hangs; left out, it is the host of the mode."""
    scope: str = "merchant-api"
    """What the access token is asked for; older test accounts have ``mock-merchant-api``."""
    time_to_live: int = 120
    """Minutes until an unsigned payment runs out, at most 43200 (30 days); an order's deadline shortens it."""
    handle_frozen: bool = True
    """Wait while fraud control looks at a payment. Without it such a payment is rejected."""
    handle_manual_inspection: bool = True
    """Wait while somebody at Resurs looks at a credit application, for up to days. Without it, it is denied."""
    automatic_capture: bool = False
    """Have Resurs capture on approval, where ``CAPTURE`` is automatic; excludes ``handle_frozen``."""

    def __post_init__(self) -> None:
        ours, other = (TEST_URL, LIVE_URL) if self.test is True else (LIVE_URL, TEST_URL)
        if not self.base_url:
            object.__setattr__(self, "base_url", ours)
        switches = ("test", "handle_frozen", "handle_manual_inspection", "automatic_capture")
        life = self.time_to_live
        for fine, must in (
            (_fits(_VISIBLE, self.client_id), "client_id must be the API client's id"),
            (_fits(_SECRET, self.client_secret), "client_secret must be the client's secret: 8 or more characters"),
            (_fits(_UUID, self.store_id), "store_id must be the store's UUID"),
            (_fits(_UUID, self.payment_method_id), "payment_method_id must be the UUID of a payment method"),
            (self.country in CURRENCIES, f"country must be one of {', '.join(CURRENCIES)}: the store's country"),
            (_fits(_VISIBLE, self.scope), "scope must be a word such as 'merchant-api'"),
            (type(life) is int and 1 <= life <= 43200, "time_to_live must be 1 to 43200 minutes"),
            (
                isinstance(self.base_url, str) and urlsplit(self.base_url).hostname != urlsplit(other).hostname,
                f"base_url must be {ours!r} with test={self.test}; leave it out",
            ),
            *((isinstance(getattr(self, name), bool), f"{name} must be True or False") for name in switches),
            (
                not (self.automatic_capture and self.handle_frozen),
                "automatic_capture must not be True together with handle_frozen: set that one to False",
            ),
        ):
            if not fine:
                raise TypeError(f"__init__() {must}")


@dataclass(frozen=True, kw_only=True)
class Store:
    """A store that the account's client may use."""

    id: str
    name: str
    country: str


@dataclass(frozen=True, kw_only=True)
class PaymentMethod:
    """One payment method of the account's store. ``id`` is what a checkout's ``method`` may be."""

    id: str
    name: str
    type: str
    """Resurs' word, such as ``RESURS_INVOICE``; an open set."""
    least: int
    """The smallest purchase, in minor units."""
    most: int
    for_persons: bool
    for_companies: bool
    links: Mapping[str, tuple[str, bool]]
    """Legal texts: word -> address, and whether the amount belongs at its end. By law a shop shows ``PRICE_INFO``
    beside a credit method."""

    def takes(self, amount: int, *, company: bool = False) -> bool:
        """Say whether a purchase of ``amount`` minor units by a person, or by a company, fits."""
        return self.least <= amount <= self.most and (self.for_companies if company else self.for_persons)


class ResursProvider(Provider[ResursOptions]):
    """One Resurs Bank store."""

    name = "resurs"
    options_class = ResursOptions
    secret_fields = ("client_secret",)
    statuses = {**STATUSES, **REASONS}
    status_source = "Resurs Bank's Merchant API 2.0: a payment's status, and for a rejected one the reason's category"
    key_life = timedelta(0)
    # A payment may wait 30 days for its buyer, and days for an inspection after that.
    poll_schedule = PollSchedule(afterwards=timedelta(hours=6), longest=timedelta(days=45))
    checkout_hosts = ("resurs.com", "resursbank.se")  # GUESS: no source names the gateway's host; the bank's domains
    signs_webhooks = False
    tells_disputes = False
    supports_manual_capture = True  # every payment is authorized first
    supports_capture = True
    supports_partial_capture = True  # by most methods: the fresh payment's possible actions say whether by this one
    supports_several_captures = True
    supports_void = True
    supports_refund = True
    supports_partial_refund = True  # likewise: not for Swish, Trustly and cards, by method data of 2022
    marks_captures = True

    @property
    def live(self) -> bool:
        """Whether the options do not say that this is the integration environment."""
        return not self.options.test

    # -- calls

    def check(self, checkout: Checkout) -> None:
        """Refuse another currency than the store's, an order without exact lines, and a buyer we know too little of.

        Lines are needed because an invoice needs their VAT: none is ever guessed. The address of the buyer's device
        is known only when he presses "pay", so ``create`` asks for it.
        """
        currency = CURRENCIES[self.options.country]
        if checkout.currency != currency:
            raise InvalidCheckout(f"this Resurs Bank account takes {currency} only (its option country)")
        if checkout.method is not None and not _UUID.fullmatch(checkout.method):
            raise InvalidCheckout("a method of Resurs Bank is the UUID of one of the store's payment methods")
        _refuse_lines(checkout)
        _refuse_buyer(checkout.buyer)

    def create(self, checkout: Checkout) -> Redirect:
        """POST the payment, which may be decided at once. A refused token is renewed: nothing was made under it."""
        _refuse_without_device(checkout.buyer)
        ends, body = self.http.ends(), write_json(_create_body(checkout, self.options)).encode()
        report = self._report(self._post("/v2/payments", body, ends), checkout, ends)
        return Redirect(url=report.checkout_url, report=report)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        """GET the payment.

        A 403 is no "not found": it is what other credentials get as well, and rejected payments of a month ago. It
        stays a refusal, and a person looks after a while.
        """
        return self._payment(reference.value, checkout, self.http.ends())

    def find(self, checkout: Checkout) -> Report | None:
        """Search the store for the attempt's order reference. A new payment may take a moment to be found."""
        ends = self.http.ends()
        wanted = {"storeId": self.options.store_id, "orderReference": order_reference(checkout)}
        answer = self._post("/v2/payments/search", write_json(wanted).encode(), ends)
        with _reading("search"):
            ids = [_payment_id(row) for row in _rows(answer)]
        for payment_id in ids:
            report = self._payment(payment_id, checkout, ends)  # a row may lack nearly everything
            if report.our_reference == checkout.key:
                return report
        return None

    def check_move(self, checkout: Checkout, request: MoveRequest) -> None:
        """Refuse lines that Resurs would refuse. Whether the money suffices, only the fresh payment says."""
        if request.kind is not MoveKind.VOID:
            _move_lines(checkout, request)

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """Capture lines of the order, unless our mark is there already.

        Resurs keeps the rest reserved; after a final capture it is released with a call of its own. If that one
        fails the capture is none the less done, and what is still reserved shows in the sums.
        """
        ends = self.http.ends()
        captured, books = self._move(checkout, request, ends)
        if request.final and books.authorized and books.allows("CANCEL", whole=True):
            with suppress(ProviderError):
                self._post(f"{_payment_path(request)}/cancel", b"{}", ends)
        return captured

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """Refund lines of the order, unless our mark is there already. Resurs decides at once."""
        refunded, _ = self._move(checkout, request, self.http.ends())
        return refunded

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """Cancel everything that was not captured. A cancel leaves no mark: the sums tell whether it took place."""
        ends = self.http.ends()
        before = self._books(request, ends)
        _refuse_void(before)
        after = self._read_books(self._post(f"{_payment_path(request)}/cancel", b"{}", ends))
        released = after.canceled - before.canceled
        if after.status != REJECTED and (after.authorized or released <= 0):  # a frozen one is rejected by it
            raise Uncertain("Resurs Bank's answer to a cancel does not show that anything was canceled")
        return MoneyMove(id="", amount=released if released > 0 else request.amount, status="succeeded")

    def probe(self) -> str:
        """Get a new token with the secret as it is now, and list the stores: ours must be there, in its country."""
        ends = self.http.ends()
        self._tokens.forget()
        for store in self._stores(ends):
            if store.id.lower() == self.options.store_id.lower():
                if store.country != self.options.country:
                    raise Rejected(f"the store is in {store.country}, the option country says {self.options.country}")
                return f"{'live' if self.live else 'test'} credentials accepted, store {store.name}"
        raise Rejected("the store of the option store_id is none of this client's")

    def stores(self) -> list[Store]:
        """Return the stores of the account's client."""
        return self._stores(self.http.ends())

    def payment_methods(self) -> list[PaymentMethod]:
        """Return the store's payment methods, in the order in which Resurs wants them shown. Kept for an hour."""
        key = f"{self._key('methods')}:{self.options.store_id}"
        rows = self.cache.get(key)
        if not isinstance(rows, list):
            path = f"/v2/stores/{quote(self.options.store_id, safe='')}/payment_methods"
            with _reading("list of payment methods"):
                rows = _rows(self._get(path, self.http.ends()))
            self.cache.set(key, rows, METHODS_LIFE)
        with _reading("list of payment methods"):
            return [_method(row) for row in rows]

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        """Say which payment a callback names. It proves nothing: our token in the address says whose it is.

        The callback about a credit application names the application, which no payment shows: only the token counts.
        """
        kind = hint.rpartition("-")[2]
        if kind not in CALLBACKS:
            raise WebhookRefused("not an address that was given to Resurs Bank", status=404, reason="unknown_token")
        if headers.get("content-type", "").partition(";")[0].strip().lower() not in {"application/json", ""}:
            raise WebhookRefused("a callback is JSON", status=415, reason="content_type")
        told = read_object(body)
        named = told.get("applicationId" if kind == "creditApplication" else "paymentId")
        if not _fits(_UUID, named):
            raise WebhookRefused("the callback names nothing")
        return [Notice(reference="" if kind == "creditApplication" else str(named), kind=kind)]

    def _move(self, checkout: Checkout, request: MoveRequest, ends: float) -> tuple[MoneyMove, _Books]:
        """Capture or refund, if the fresh payment lets us and does not show it already.

        Only our mark in the answer's log proves it: an answer without it is looked up.
        """
        books = self._books(request, ends)
        if (done := books.made(request)) is not None:
            return done, books
        _refuse_move(books, request)
        body = write_json(_move_body(checkout, request, books)).encode()
        books = self._read_books(self._post(f"{_payment_path(request)}/{request.kind.value}", body, ends))
        if (done := books.made(request)) is None:
            raise Uncertain(f"Resurs Bank's answer to a {request.kind.value} does not show it")
        return done, books

    def _books(self, request: MoveRequest, ends: float) -> _Books:
        """GET the payment before its money is moved. However that fails, nothing was sent; a refusal is definite."""
        path = _payment_path(request)
        try:
            return self._read_books(self._get(path, ends))
        except Uncertain as unclear:
            words = f"nothing was asked for, because the payment could not be read: {unclear}"
            problem = NotSent(words, code=unclear.code, word=unclear.word, retry_after=unclear.retry_after)
        raise problem

    def _read_books(self, payment: JSON) -> _Books:
        with _reading("payment"):
            return _books_of(payment, self.options)

    def _payment(self, payment_id: str, checkout: Checkout, ends: float) -> Report:
        return self._report(self._get(_path(payment_id), ends), checkout, ends)

    def _report(self, payment: JSON, checkout: Checkout, ends: float) -> Report:
        """Read a payment. One rejected for no clear reason takes another look: did the buyer do his part?

        If that look fails he counts as having done it, as in Resurs' own plugin: the payment must not be lost for it.
        """
        did_his_part = True
        if payment.get("status") == REJECTED and _reason(payment) not in REASONS:
            with suppress(ProviderError):
                tasks = self._get(f"{_path(str(payment.get('id')))}/tasks/status", ends)
                did_his_part = tasks.get("completed") is not False
        return read_payment(payment, checkout, self.options, did_his_part=did_his_part)

    def _stores(self, ends: float) -> list[Store]:
        with _reading("list of stores"):
            return [_store(row) for row in _rows(self._get("/v2/stores", ends, {"size": "999999"}))]

    # -- tokens

    def _get(self, path: str, ends: float, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._authorized(lambda auth: self.http.get(path, auth=auth, params=params, ends=ends), ends)

    def _post(self, path: str, body: bytes, ends: float) -> dict[str, Any]:
        return self._authorized(lambda auth: self._send(path, auth, body, ends), ends)

    def _authorized(self, ask: Callable[[AuthBase], Answer], ends: float) -> dict[str, Any]:
        return self._tokens.carry_out(ask, ends).json()

    @property
    def _tokens(self) -> ClientCredentials:
        options = self.options
        login = Login(client_id=options.client_id, client_secret=options.client_secret, scope=options.scope)
        return ClientCredentials(
            http=self.http, cache=self.cache, path="/oauth2/token", login=login, key=self._key("token")
        )

    def _key(self, what: str) -> str:
        """A cache key of these credentials: nothing of another client, host or scope is ever found under it."""
        whose = json.dumps([self.options.base_url, self.options.client_id, self.options.scope])
        return f"resurs:{what}:{sha256(whose.encode()).hexdigest()}"

    def _send(self, path: str, auth: AuthBase, body: bytes, ends: float) -> Answer:
        """POST within what is left of the whole call's time."""
        if time.monotonic() >= ends:
            raise NotSent("the time of the call was over before its last request")
        return self.http.send("POST", path, auth=auth, body=body, headers=_HEADERS if body else None, ends=ends)


# --- mapping: plain functions, no calls below this line


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _path(payment_id: str) -> str:
    return f"/v2/payments/{quote(payment_id, safe='')}"


def order_reference(checkout: Checkout) -> str:
    """Return what an attempt is called in the merchant portal and in the accounting file: 32 characters at most.

    The order's reference for people, as much of it as fits, and 75 bits made of the attempt's key for the search.
    """
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", checkout.order_reference)[:16]
    return f"{readable}-{b32encode(sha256(checkout.key.encode()).digest()).decode()[:15]}"


# --- what is sent


def _refuse_lines(checkout: Checkout) -> None:
    if problem := _wrong_lines(checkout.lines, checkout.amount):
        raise InvalidCheckout(problem)


def _wrong_lines(lines: Sequence[Line], amount: int) -> str:
    """Say what is wrong with lines that should add up to an amount; empty: nothing is."""
    if not 0 < amount <= MAX_AMOUNT:
        return f"Resurs Bank takes amounts from 1 to {MAX_AMOUNT} (minor units)"
    if not 1 <= len(lines) <= MAX_LINES:
        return f"Resurs Bank needs the order's lines with their VAT rates, 1 to {MAX_LINES} of them"
    if sum(line.total for line in lines) != amount:
        return "Resurs Bank charges the sum of the order's lines, and they do not add up to its total"
    for number, line in enumerate(lines, start=1):
        for name, fine, must in (
            ("quantity", line.quantity >= 1, "at least 1"),
            ("vat_rate", _is_rate(line.vat_rate), "0 to 100 percent, with two decimals at most"),
            ("unit", 1 <= len(line.unit.strip()) <= 50, "a word of 1 to 50 characters"),
        ):
            if not fine:
                return f"{name} of the order's line {number} must be {must} for Resurs Bank"
    return ""


def _is_rate(rate: Decimal) -> bool:
    return rate.is_finite() and 0 <= rate <= 100 and round(rate, 2) == rate


def _refuse_buyer(buyer: Buyer) -> None:
    """The messages name the field, never what stands in it."""
    if not _person(buyer):
        raise _unlike("name", "name", missing=True)
    for name, (form, words) in _BUYER.items():
        value = getattr(buyer, name).strip()
        if not form.fullmatch(value):
            raise _unlike(name, words, missing=not value)


def _unlike(name: str, words: str, *, missing: bool) -> InvalidCheckout:
    problem = "the order does not have it" if missing else "what the order has is none"
    return InvalidCheckout(
        f"Resurs Bank needs the buyer's {name} (Buyer.{name}), and {problem}",
        buyer_message=f"Please {'enter' if missing else 'check'} your {words}: this way to pay needs it.",
    )


def _refuse_without_device(buyer: Buyer) -> None:
    """Resurs' go-live checklist demands the buyer's address on the network."""
    with suppress(ValueError):
        ip_address(buyer.ip)
        return
    raise Unsupported("Resurs Bank needs the buyer's ip (Buyer.ip): give start_checkout the address of his device")


def _person(buyer: Buyer) -> str:
    return buyer.name.strip() or f"{buyer.first_name} {buyer.last_name}".strip()


def _create_body(checkout: Checkout, options: ResursOptions) -> JSON:
    back = {"successUrl": checkout.return_url, "failUrl": checkout.return_url}
    # The addresses are the payment's own: our token and, behind it, the kind, which no body names.
    base = checkout.webhook_url.rstrip("/")
    return {
        "storeId": options.store_id,
        "paymentMethodId": checkout.method or options.payment_method_id,
        "order": {
            "orderReference": order_reference(checkout),
            "orderLines": [_line(each) for each in checkout.lines],
        },
        "customer": _customer(checkout.buyer),
        "metadata": {
            "custom": [
                {"key": MARK, "value": checkout.key},
                {"key": "payflow_order", "value": checkout.order_reference[:1000]},
            ]
        },
        "options": {
            "initiatedOnCustomersDevice": True,
            "handleFrozenPayments": options.handle_frozen,
            "handleManualInspection": options.handle_manual_inspection,
            "automaticCapture": options.automatic_capture and checkout.capture is Capture.AUTOMATIC,
            "redirectionUrls": {"customer": back},
            "callbacks": {kind: {"url": f"{base}-{kind}/"} for kind in CALLBACKS},
            "timeToLiveInMinutes": _life(checkout, options) // timedelta(minutes=1),
        },
    }


def _life(checkout: Checkout, options: ResursOptions) -> timedelta:
    """How long the buyer may take: the option, or until the order's deadline, in whole minutes."""
    life = timedelta(minutes=options.time_to_live)
    if checkout.pay_before is not None:
        life = min(life, max(checkout.pay_before - checkout.created_at, timedelta(minutes=1)))
    return life - life % timedelta(minutes=1)


def _customer(buyer: Buyer) -> JSON:
    """Return what is known of the buyer; what is unknown is left out, for Resurs refuses an empty identity number."""
    person, company = _person(buyer), buyer.company.strip()
    address = {
        "fullName": (company or person)[:50],
        "firstName": buyer.first_name.strip()[:50],
        "lastName": buyer.last_name.strip()[:50],
        "addressRow1": buyer.street.strip(),
        "addressRow2": buyer.street2.strip(),
        "postalArea": buyer.city.strip(),  # the town: an example of Resurs' own has the two the wrong way round
        "postalCode": buyer.postal_code.strip(),
        "countryCode": buyer.country.strip().upper(),
    }
    known = {
        "governmentId": buyer.government_id.strip(),
        "email": buyer.email.strip(),
        "mobilePhone": buyer.phone.strip(),
        "contactPerson": person[:100] if company else "",
        "deliveryAddress": _known(address),
        "deviceInfo": _known({"ip": buyer.ip, "userAgent": buyer.user_agent.strip()[:200]}),
    }
    return {"customerType": "LEGAL" if company else "NATURAL", **_known(known)}


def _known(values: JSON) -> JSON:
    return {name: value for name, value in values.items() if value}


def _line(line: Line) -> JSON:
    negative_goods = line.total < 0 and line.kind is not LineKind.GIFT_CARD
    wire = {
        "type": "DISCOUNT" if negative_goods else LINE_TYPES[line.kind],
        "reference": (line.sku.strip() or line.kind.value)[:50],
        "description": line.name.strip()[:100],
        "quantity": line.quantity,
        "quantityUnit": line.unit.strip(),
        "vatRate": line.vat_rate,
        "totalAmountIncludingVat": _wire(line.total),
        "totalVatAmount": _wire(_vat(line)),
    }
    if line.quantity * line.unit_price == line.total:
        wire["unitAmountIncludingVat"] = _wire(line.unit_price)
    return wire


def _vat(line: Line) -> int:
    """Return the VAT in a line's total, in minor units, rounded half away from zero."""
    rate = int(line.vat_rate * 100)  # hundredths of a percent
    parts = 10_000 + rate
    vat = (2 * abs(line.total) * rate + parts) // (2 * parts)
    return vat if line.total >= 0 else -vat


def _wire(minor: int) -> Decimal:
    return Decimal(to_decimal_string(minor, 2))


# --- what is captured and refunded


def _payment_path(request: MoveRequest) -> str:
    payment_id = request.reference("payment")
    if not payment_id:
        raise Rejected("Resurs Bank's id of this payment was never stored")
    return _path(payment_id)


def _move_body(checkout: Checkout, request: MoveRequest, books: _Books) -> JSON:
    """``reason`` is not sent: Resurs has no field for it. ``transactionId`` is in the accounting file as well."""
    lines = _move_lines(checkout, request)
    if lines:
        return {"orderLines": [_line(each) for each in lines], "transactionId": request.key}
    others_may_follow = request.kind is MoveKind.REFUND and books.authorized > 0
    if request.amount != books.left(request.kind) or others_may_follow:
        raise Rejected(
            "the order has less than nothing at one of its VAT rates, and no part of it can be told to Resurs Bank: "
            f"give the lines of the {request.kind.value}, or make it in the merchant portal"
        )
    return {"transactionId": request.key}


def _move_lines(checkout: Checkout, request: MoveRequest) -> tuple[Line, ...]:
    """Return the lines that a capture or refund names; none: all that is left, as Resurs itself has it.

    What the shop says; the order's own lines for all of it; else the order's VAT rates by their shares. Lines of a
    refund are positive (Resurs' documentation; whether a discount may stand among them is left open, so none does).
    Raises ``Unsupported``.
    """
    refund = request.kind is MoveKind.REFUND
    if request.lines:
        if problem := _wrong_lines(request.lines, request.amount):
            raise Unsupported(problem)
        if refund and min(line.total for line in request.lines) <= 0:
            raise Unsupported("Resurs Bank takes only lines above zero for a refund")
        return request.lines
    own = tuple(line for line in checkout.lines if line.total or not refund)
    if request.amount == checkout.amount and not (refund and min((line.total for line in own), default=0) < 0):
        return own
    return _shares(checkout, request.amount)


def _shares(checkout: Checkout, amount: int) -> tuple[Line, ...]:
    """Split an amount over the order's VAT rates in proportion to what it has at each: one line per rate.

    The units that rounding leaves go to the largest remainders, of equal ones to the rate that stands first in the
    order. Empty if the order has less than nothing at a rate: any split would guess the VAT.
    """
    gross: dict[Decimal, int] = {}
    for line in checkout.lines:
        gross[line.vat_rate] = gross.get(line.vat_rate, 0) + line.total
    whole = sum(gross.values())
    if whole <= 0 or min(gross.values()) < 0:
        return ()
    shares = {rate: amount * part // whole for rate, part in gross.items()}
    by_remainder = sorted(gross, key=lambda rate: -(amount * gross[rate] % whole))
    for rate in by_remainder[: amount - sum(shares.values())]:
        shares[rate] += 1
    return tuple(_share(checkout, rate, share) for rate, share in shares.items() if share)


def _share(checkout: Checkout, rate: Decimal, amount: int) -> Line:
    """One line for a part of an order, in words that the shop chose: the buyer may read them on his invoice."""
    return Line(
        name=checkout.description or checkout.order_reference,
        sku=checkout.order_reference,
        quantity=1,
        unit=checkout.lines[0].unit,
        unit_price=amount,
        total=amount,
        vat_rate=rate,
    )


def _refuse_move(books: _Books, request: MoveRequest) -> None:
    """Raise ``Rejected`` for what the fresh payment does not allow. Nothing was sent yet, so it is definite."""
    kind, left = request.kind, books.left(request.kind)
    word = kind.upper()
    problem = ""
    if request.currency != books.currency:
        problem = f"the payment is in {books.currency}"
    elif kind is MoveKind.CAPTURE and books.status in HELD:
        problem = (
            f"Resurs Bank still looks at the payment ({books.status}): nothing can be captured before its decision"
        )
    elif left <= 0:
        problem = f"nothing is left for a {kind.value} at Resurs Bank ({books.status})"
    elif not books.allows(word, whole=True):
        problem = f"Resurs Bank allows no {kind.value} of this payment now ({books.status})"
    elif request.amount > left:
        problem = f"only {_wire(left)} {books.currency} is left for a {kind.value}"
    elif not books.allows(word, whole=request.amount == left):
        problem = f"this payment method allows a {kind.value} of the whole {_wire(left)} {books.currency} only"
    if problem:
        raise Rejected(problem)


def _refuse_void(books: _Books) -> None:
    """Raise ``Rejected`` where nothing can be released, ``Uncertain`` where that may have been done already.

    Before the buyer signed it is not documented what a cancel does: nothing is reserved then.
    """
    if not books.authorized and books.status not in HELD:
        if books.canceled or books.reason == "CANCELED":
            raise Uncertain("nothing is reserved any more at Resurs Bank, and something was canceled already")
        raise Rejected(f"Resurs Bank has nothing reserved for this payment ({books.status})")
    if not books.allows("CANCEL", whole=True):
        raise Rejected(f"Resurs Bank does not allow to cancel this payment now ({books.status})")


def write_json(value: Any) -> str:
    """Write JSON whose decimals are plain numbers, which ``json`` can only do with floats. Always the same text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(name)}:{write_json(value[name])}" for name in sorted(value)) + "}"
    return f"[{','.join(map(write_json, value))}]" if isinstance(value, list) else json.dumps(value)


# --- what is answered


def read_payment(payment: JSON, checkout: Checkout, options: ResursOptions, *, did_his_part: bool = True) -> Report:
    """Turn a payment into a report. ``did_his_part``: the buyer's tasks are completed (``tasks/status``).

    Raises ``UnknownStatus`` for a status that the table lacks, ``Uncertain`` for an answer that cannot be read.
    """
    with _reading("payment"):
        return _read(payment, checkout, options, did_his_part)


def _read(payment: JSON, checkout: Checkout, options: ResursOptions, did_his_part: bool) -> Report:
    status, order = payment["status"], payment["order"]
    if not isinstance(status, str) or status not in STATUSES:
        raise UnknownStatus(str(status))
    authorized = _sum(order, "authorizedAmount")
    # Before the decision it is not known what `authorizedAmount` says, and it secures nothing: what we knew stays.
    capturable = None if status in HELD else authorized if status == ACCEPTED else 0
    reason = _reason(payment) if status == REJECTED else ""
    pages = payment.get("taskRedirectionUrls") or {}
    return Report(
        phase=_phase(status, reason, order, did_his_part),
        currency=CURRENCIES[payment.get("countryCode") or options.country],
        references=(Reference(kind="payment", value=_payment_id(payment)),),
        live=not options.test,
        raw_status=f"{status}/{reason}" if reason else status,
        requested=_sum(order, "totalOrderAmount"),
        capturable=capturable,
        captured=_sum(order, "capturedAmount"),
        refunded=_sum(order, "refundedAmount"),
        held=status in HELD,
        our_reference=_mark(payment, checkout),
        merchant=str(payment.get("storeId") or ""),
        checkout_url=str(pages.get("customerUrl") or "") if status == OPEN else "",
        method=str((payment.get("paymentMethod") or {}).get("name") or "")[:40],
        expires_at=checkout.created_at + _life(checkout, options),
        captures=tuple(_moves(order, "CAPTURE")),
        refunds=tuple(_moves(order, "REFUND")),
        raw={name: value for name, value in payment.items() if name != "customer"},
    )


def _phase(status: str, reason: str, order: JSON, did_his_part: bool) -> Phase:
    if status == REJECTED:
        return REASONS.get(reason, Phase.FAILED if did_his_part else Phase.CANCELED)
    untouched = not (_sum(order, "authorizedAmount") or _sum(order, "capturedAmount"))
    total = _sum(order, "totalOrderAmount")
    if status == ACCEPTED and untouched and _sum(order, "canceledAmount") >= total > 0:
        return Phase.CANCELED
    return STATUSES[status]


def _reason(payment: JSON) -> str:
    """Read the category of a rejection; an open set, and "" where there is none."""
    category = (payment.get("rejectedReason") or {}).get("category")
    return str(category) if _fits(_MARK, category) else ""


def _mark(payment: JSON, checkout: Checkout) -> str:
    """Read the attempt's key. Metadata can be replaced as a whole; the order reference was made of the key, too."""
    for entry in (payment.get("metadata") or {}).get("custom") or ():
        if entry.get("key") == MARK and _fits(_MARK, entry.get("value")):
            return str(entry["value"])
    return checkout.key if payment["order"].get("orderReference") == order_reference(checkout) else ""


@dataclass(frozen=True, kw_only=True)
class _Books:
    """What a payment says about its money, in minor units, and what it lets us do."""

    status: str
    reason: str
    """Of a rejection."""
    currency: str
    authorized: int
    """What can be captured. Nothing unless the payment is accepted: before that its meaning is not known."""
    captured: int
    refunded: int
    canceled: int
    actions: frozenset[str]
    moves: Mapping[MoveKind, tuple[MoneyMove, ...]]

    def left(self, kind: MoveKind) -> int:
        """What may still be captured, or refunded."""
        return self.authorized if kind is MoveKind.CAPTURE else self.captured - self.refunded

    def allows(self, action: str, *, whole: bool) -> bool:
        """Say whether an action is possible. Who may move a part may move all of it."""
        return f"PARTIAL_{action}" in self.actions or (whole and action in self.actions)

    def made(self, request: MoveRequest) -> MoneyMove | None:
        """Return what stands in the log under the request's key."""
        return next((move for move in self.moves[request.kind] if move.our_reference == request.key), None)


def _books_of(payment: JSON, options: ResursOptions) -> _Books:
    order, status = payment["order"], str(payment["status"])
    return _Books(
        status=status,
        reason=_reason(payment),
        currency=CURRENCIES[payment.get("countryCode") or options.country],
        authorized=_sum(order, "authorizedAmount") if status == ACCEPTED else 0,
        captured=_sum(order, "capturedAmount"),
        refunded=_sum(order, "refundedAmount"),
        canceled=_sum(order, "canceledAmount"),
        actions=frozenset(str(each["action"]) for each in order["possibleActions"]),
        moves={kind: tuple(_moves(order, kind.upper())) for kind in (MoveKind.CAPTURE, MoveKind.REFUND)},
    )


def _moves(order: JSON, kind: str) -> Iterable[MoneyMove]:
    for entry in order.get("actionLog") or ():
        if entry["type"] == kind:
            amount = sum(_minor(line["totalAmountIncludingVat"]) for line in entry["orderLines"])
            mark = entry.get("transactionId")
            ours = mark if _fits(_MARK, mark) else ""
            yield MoneyMove(id=str(entry["actionId"]), amount=amount, status="succeeded", our_reference=ours)


def _sum(order: JSON, name: str) -> int:
    amount = _minor(order[name])
    if amount < 0:
        raise ValueError("a sum below zero")
    return amount


def _minor(value: object) -> int:
    """Read a JSON number of major units into minor ones, exactly. Raises ``ValueError`` for a third decimal.

    A number with a fraction was kept as text by the reader of the answer: a float would have rounded it.
    """
    if isinstance(value, bool) or not isinstance(value, int | str) or not _NUMBER.fullmatch(str(value)):
        raise ValueError("not an amount")
    return from_decimal_string(f"{Decimal(str(value)):f}", 2)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Raise ``Uncertain`` for an answer of another shape than Resurs documents: it proves nothing."""
    try:
        yield
        return
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        problem = f"Resurs Bank's {what} cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def _rows(page: JSON) -> list[JSON]:
    """Return the objects of a list. A list that shows only some of them proves nothing either."""
    rows = page["content"] if "content" in page else page["results"]  # as an older script of Resurs' has it
    known = (page.get("page") or {}).get("totalElements")
    if not isinstance(rows, list) or (isinstance(known, int) and known > len(rows)):
        raise ValueError("not all of a list")
    return rows


def _payment_id(row: JSON) -> str:
    if not _fits(_UUID, row["id"]):
        raise ValueError("a payment without an id")
    return str(row["id"])


def _store(row: JSON) -> Store:
    return Store(id=str(row["id"]), name=str(row.get("name") or ""), country=str(row["countryCode"]))


def _method(row: JSON) -> PaymentMethod:
    links = row.get("legalLinks") or ()
    return PaymentMethod(
        id=str(row["id"]),
        name=str(row["name"]),
        type=str(row["type"]),
        least=_minor(row["minPurchaseLimit"]),
        most=_minor(row["maxPurchaseLimit"]),
        for_persons=row.get("enabledForNaturalCustomer") is True,
        for_companies=row.get("enabledForLegalCustomer") is True,
        links={str(link["type"]): (str(link["url"]), link.get("appendAmount") is True) for link in links},
    )
