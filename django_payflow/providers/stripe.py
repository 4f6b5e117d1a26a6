"""Stripe Checkout, API v1. Facts: Stripe's documentation, its Python library (16) and recorded traffic (dahlia).

A hosted page is a *session*; the buyer's confirmation gives birth to an *intent*, each try of the bank to a *charge*.
Neither word alone tells what happened: the session says what the buyer did, the intent whether the money moved, the
charge what went back. Webhooks are signed; what they say is still read anew.

Captures and voids are asked of the intent, refunds name it. Stripe keeps what it answered under an idempotency key
for a day, refusals and 500s too: a kept 500 ends as ``Uncertain`` like a fresh one, but is marked (``replayed``), and
asking under its key brings it again until Stripe forgets the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from requests import PreparedRequest

from ..exceptions import (
    ConfigurationError,
    InvalidCheckout,
    NotSent,
    ObjectNotFound,
    ProviderError,
    Rejected,
    Uncertain,
    UnknownStatus,
    Unsupported,
    WebhookRefused,
)
from ..messages import (
    Capture,
    Checkout,
    MoneyMove,
    MoveKind,
    MoveRequest,
    Notice,
    Phase,
    Redirect,
    Reference,
    Report,
)
from ..money import MAX_MINOR, Money, exponent
from .base import Options, PollSchedule, Provider
from .http import Bearer
from .webhooks import Signing, read_object

JSON = Mapping[str, Any]

SESSION = {"open": Phase.OPEN, "complete": Phase.PROCESSING, "expired": Phase.EXPIRED}
PAYMENT = dict.fromkeys(("unpaid", "paid", "no_payment_required"), Phase.PROCESSING)
"""Decides nothing: ``unpaid`` is said of a failed debit, of one under way and of a hold alike."""
INTENT = {
    "requires_payment_method": Phase.FAILED,  # while the session is open, only one try failed: see _phase
    **dict.fromkeys(("requires_confirmation", "requires_action", "processing"), Phase.PROCESSING),
    **dict.fromkeys(("requires_capture", "succeeded"), Phase.PROCESSING),  # the money is in the sums
    "canceled": Phase.CANCELED,
}
DISPUTE = {
    **dict.fromkeys(("needs_response", "under_review", "appeal_needs_response", "appeal_under_review"), "open"),
    **dict.fromkeys(("warning_needs_response", "warning_under_review"), "inquiry"),
    **dict.fromkeys(("won", "warning_closed"), "won"),
    "prevented": "won",  # unless the network paid the buyer back at once: see _dispute_status
    "lost": "lost",
}
REFUND = {"requires_action": "pending"} | {w: w for w in ("pending", "succeeded", "failed", "canceled")}
REFUND_REASONS = frozenset({"duplicate", "requested_by_customer"})
"""What a refund's ``reason`` may say. The third word, ``fraudulent``, is left out: Stripe would block the buyer's
card and address from then on, which nobody asks for by writing a word into our form."""
DOUBTFUL = frozenset({"lock_timeout", "idempotency_key_in_use"})
"""Somebody is at this very object, or at the same request: whatever the HTTP status, this is not a no."""
CONFLICT = "idempotency_error"
"""The type of the error, which has no code, where the key was used for other bytes: an earlier call may be done."""
NOT_CAPTURED = INTENT.keys() - {"succeeded", "processing"}
"""States of an intent in which a capture that is refused was certainly not done earlier, either."""
NOT_RELEASED = INTENT.keys() - {"canceled", "processing"}
"""The same of a void."""
EVENTS = frozenset(
    "checkout.session.completed checkout.session.expired "
    "checkout.session.async_payment_succeeded checkout.session.async_payment_failed "
    "payment_intent.created payment_intent.requires_action payment_intent.processing payment_intent.payment_failed "
    "payment_intent.amount_capturable_updated payment_intent.succeeded payment_intent.canceled "
    "payment_intent.partially_funded "
    "charge.succeeded charge.pending charge.failed charge.captured charge.expired charge.updated charge.refunded "
    "refund.created refund.updated refund.failed charge.refund.updated "
    "charge.dispute.created charge.dispute.updated charge.dispute.closed "
    "charge.dispute.funds_withdrawn charge.dispute.funds_reinstated "
    "radar.early_fraud_warning.created review.opened review.closed".split()
)
"""The event types that may change what we know about a payment; every other one is of no use here."""
MARKED = frozenset({"checkout.session", "payment_intent", "charge"})
"""Objects that carry our mark if they are ours: Stripe copies the intent's metadata to the charge, and no further.

Refunds made in the dashboard, disputes and reviews never do; a refund that we asked for carries the mark that we gave
it, the attempt's key beside its own.
"""

NO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())
STEPS = dict.fromkeys(("ISK", "UGX"), 100) | dict.fromkeys(THREE_DECIMALS, 10)
"""Stripe's amounts must be multiples of these. ISK and UGX have two decimals there and none in life."""
MINIMUM = {
    **dict.fromkeys(("USD", "EUR", "AUD", "CAD", "CHF", "JPY"), 50),
    **dict.fromkeys(("SEK", "NOK"), 300),
    "GBP": 30,
    "DKK": 250,
    "PLN": 200,
    "CZK": 1500,
    "HUF": 17500,
}
"""The smallest charge, in Stripe's units of the currency that the account settles in."""
LOCALES = frozenset(
    "bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk "
    "sl sv th tr vi zh zh-HK zh-TW".split()
)
PUSHING = frozenset(
    "boleto_display_details konbini_display_details multibanco_display_details oxxo_display_details "
    "display_bank_transfer_instructions".split()
)
"""What an intent asks of a customer who pays from his own bank or at a counter (``next_action.type``)."""

_KEY = re.compile(r"[sr]k_(live|test)_\w{16,}", re.ASCII)
_SECRET = re.compile(r"whsec_[!-~]{16,200}", re.ASCII)
_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}\.[a-z]+", re.ASCII)
_OLDEST_VERSION = "2025-03-31"
"""Before it, releasing a hold looked like a refund."""
_METHOD_FILTER_SINCE = "2026-09-30"
_EXPAND = {"expand[0]": "payment_intent.latest_charge.refunds", "expand[1]": "payment_intent.review"}
_MAX_LINES = 100
_PAGE_SIZE = 100
_MAX_PAGES = 40
_CLOCK_SLACK = timedelta(minutes=10)
_SHORTEST, _LONGEST, _MARGIN = timedelta(minutes=30), timedelta(hours=24), timedelta(minutes=5)
_PRINTABLE = re.compile(r"[!-~]{1,190}", re.ASCII)
"""An event's id and type: short enough for the inbox's dedupe key."""
_OBJECT_ID = re.compile(r"\w{1,255}", re.ASCII)
_MARK = re.compile(r"[!-~]{1,64}", re.ASCII)
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)
"""What an answer raises whose fields are missing or of another kind."""


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


@dataclass(frozen=True, kw_only=True)
class StripeOptions(Options):
    """``OPTIONS`` of a Stripe account."""

    api_key: str = field(repr=False)
    """``sk_test_...``, ``sk_live_...`` or a restricted ``rk_...``; it decides the mode."""
    signing_secrets: list[str] | tuple[str, ...] = field(repr=False)
    """``whsec_...`` of the webhook endpoint; two while one is being replaced."""
    base_url: str = "https://api.stripe.com"
    """Where ``/v1/checkout/sessions`` hangs; the simulator's address ends with ``/stripe``."""
    api_version: str = "2026-03-25.dahlia"
    """What our requests and the answers to them are written in, whatever the dashboard's default."""
    tolerance: int = 300
    """Seconds that a delivery's timestamp may be off, to either side."""

    def __post_init__(self) -> None:
        secrets, version = self.signing_secrets, self.api_version
        signing = (
            isinstance(secrets, list | tuple) and bool(secrets) and all(_fits(_SECRET, each) for each in secrets)
        )
        for fine, must in (
            (_fits(_KEY, self.api_key), "api_key must look like 'sk_test_...', 'sk_live_...' or 'rk_live_...'"),
            (signing, "signing_secrets must be a list with the webhook endpoint's secrets, each 'whsec_...'"),
            (
                _fits(_VERSION, version) and version >= _OLDEST_VERSION,
                f"api_version must look like '2026-03-25.dahlia' and not be older than {_OLDEST_VERSION}",
            ),
            (
                isinstance(self.tolerance, int) and 1 <= self.tolerance <= 3600,
                "tolerance must be 1 to 3600 seconds; the check of a delivery's age cannot be switched off",
            ),
        ):
            if not fine:
                raise TypeError(f"__init__() {must}")


class StripeProvider(Provider[StripeOptions]):
    """One Stripe account."""

    name = "stripe"
    options_class = StripeOptions
    secret_fields = ("api_key", "signing_secrets")
    statuses = {**SESSION, **PAYMENT, **INTENT}
    status_source = "stripe-python 16, Checkout.Session.status and payment_status, PaymentIntent.status"
    key_life = timedelta(hours=23)  # kept for at least 24 hours
    # GUESS: nothing says how long a delayed method may take; two weeks cover direct debits and bank transfers.
    poll_schedule = PollSchedule(longest=timedelta(days=14))
    checkout_hosts = ("stripe.com",)
    signs_webhooks = True
    registers_webhooks = True
    supports_cancel = True
    supports_manual_capture = True
    supports_capture = True
    supports_partial_capture = True  # once: several captures ("multicapture") are for some accounts and cards only
    supports_void = True
    supports_refund = True
    supports_partial_refund = True
    authorization_life = timedelta(days=7)  # of a card, as is its charge's ``capture_before``

    @property
    def live(self) -> bool:
        """Whether the key is a live one: Stripe has no separate test host."""
        return "_live_" in self.options.api_key[:8]

    # -- calls

    def check(self, checkout: Checkout) -> None:
        """Refuse what Stripe cannot express in its units, and amounts below or above its limits."""
        currency = checkout.currency
        try:
            amount = to_wire(checkout.amount, currency)
        except ValueError as wrong:
            raise InvalidCheckout(str(wrong)) from None
        total, least = Money(minor=checkout.amount, currency=currency), MINIMUM.get(currency, 1)
        most = 10 ** (12 if checkout.method in {None, "card"} else 8) - 1
        if not least <= amount <= most:
            side = "little" if amount < least else "much"
            raise InvalidCheckout(
                f"{total} is too {side} for Stripe, which takes {least} to {most} of its units of {currency}",
                buyer_message=f"{total} is too {side} for this way to pay. Please choose another one.",
            )

    def create(self, checkout: Checkout) -> Redirect:
        """POST /v1/checkout/sessions with the attempt's key, which Stripe honours for a day."""
        form = _create_form(checkout, self.options.api_version)
        report = read_session(self._post("/v1/checkout/sessions", checkout.key, form))
        return Redirect(url=report.checkout_url, report=report)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        """GET the session with its intent, charge and refunds; disputes are asked for where there are some."""
        ends = self.http.ends()
        if not reference.value.startswith("pi_"):
            return self._fetch(reference.value, ends)
        for session in self._listed("/v1/checkout/sessions", {"payment_intent": reference.value}, ends):
            return self._fetch(session["id"], ends)
        raise ObjectNotFound("Stripe knows no session of this intent", code="404")

    def find(self, checkout: Checkout) -> Report | None:
        """Page through the sessions made while the key lived: Stripe cannot filter them by metadata."""
        since, until = checkout.created_at - _CLOCK_SLACK, checkout.created_at + _LONGEST + _CLOCK_SLACK
        window = {"created[gte]": str(_epoch(since)), "created[lte]": str(_epoch(until))}
        ends = self.http.ends()
        for session in self._listed("/v1/checkout/sessions", window, ends):
            if _mark(session) == checkout.key:
                return self._fetch(session["id"], ends)
        return None

    def cancel(self, checkout: Checkout, reference: Reference) -> Report:
        """Expire the session. One that is no longer open is a 400: it may have been paid in this very moment."""
        return read_session(self._post(f"{_address(reference.value)}/expire"))

    def check_move(self, checkout: Checkout, request: MoveRequest) -> None:
        """Refuse an amount without an exact form in Stripe's units, and a capture that shall leave something."""
        if request.kind is MoveKind.CAPTURE and not request.final and request.amount < checkout.amount:
            raise Unsupported("Stripe captures once, and releases the rest: capture it as the final one")
        if request.kind is not MoveKind.VOID:
            _move_units(request)

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST /v1/payment_intents/{id}/capture; what is not captured is released in the same call."""
        form = urlencode({"amount_to_capture": _move_units(request)}).encode()
        return _read_move(_captured, self._finish("capture", request, form, _may_be_captured), request)

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST /v1/payment_intents/{id}/cancel, which a page's intent takes while it awaits the capture, only."""
        return _read_move(_released, self._finish("cancel", request, b"", _may_be_released), request)

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST /v1/refunds with the exact amount: without one Stripe would refund all that is left."""
        ends = self.http.ends()
        form = _refund_form(checkout, request, self._intent_id(request, ends))
        return _read_move(_refunded, self._ask("/v1/refunds", request, form, ends), request)

    def probe(self) -> str:
        """List one session: proves that the key is accepted, and asks for no right that payments do not need."""
        self._get("/v1/checkout/sessions", {"limit": "1"}, self.http.ends())
        return "live key accepted" if self.live else "test key accepted"

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        """Check the signature over the raw bytes, the age and the mode, and say which objects the event names."""
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise WebhookRefused("Stripe posts application/json", status=415, reason="content_type")
        signing = Signing(secrets=self.options.signing_secrets, tolerance=self.options.tolerance)
        signing.refuse_unsigned(headers.get("stripe-signature", ""), body)
        event = _read_event(body)
        if event["livemode"] is not self.live:
            said = "live" if event["livemode"] else "test"
            raise WebhookRefused(f"a genuine event of {said} mode reached {self.account}", reason="mode", alarm=True)
        return [_notice(event)]

    def _fetch(self, session_id: str, ends: float) -> Report:
        session = self._get(_address(session_id), _EXPAND, ends)
        charge = _charge(session)
        of_charge = {"charge": str(charge.get("id"))}
        refunds = _expanded(charge.get("refunds"))
        if charge.get("paid") and refunds.get("has_more") is not False:  # more of them than the charge itself shows
            refunds = {"data": [*self._listed("/v1/refunds", of_charge, ends)]}
        # GUESS: an inquiry, too, sets the charge's ``disputed``.
        disputes = self._listed("/v1/disputes", of_charge, ends) if charge.get("disputed") else ()
        return read_session(session, refunds=refunds.get("data") or (), disputes=[*disputes])

    def _intent_id(self, request: MoveRequest, ends: float) -> str:
        """Return the stored intent's id, or the session's: it was born after the session, and may not be stored."""
        if stored := request.reference("intent"):
            return stored
        session_id = request.reference("session")
        intent_id = self._get(_address(session_id), {}, ends).get("payment_intent") if session_id else None
        if intent_id is None:
            raise Rejected("nobody has paid on this page: Stripe has no intent for it")
        if not _fits(_OBJECT_ID, intent_id):
            raise Uncertain("Stripe's session names no intent that can be read")
        return str(intent_id)

    def _finish(
        self, verb: str, request: MoveRequest, form: bytes, may_be_done: Callable[[JSON, MoveRequest], bool]
    ) -> dict[str, Any]:
        """Capture or cancel the intent. A refusal may mean that it was done before: then it is no definite no.

        The error's code is the same for "captured already" and "canceled": only the intent tells them apart.
        """
        ends = self.http.ends()
        address = f"/v1/payment_intents/{quote(self._intent_id(request, ends), safe='')}"
        try:
            return self._ask(f"{address}/{verb}", request, form, ends)
        except Rejected as no:
            refusal = no
        if refusal.code != "400":  # the key or the id is wrong
            raise refusal
        try:
            doubtful = may_be_done(self._get(address, {}, ends), request)
        except ProviderError:
            doubtful = True
        raise _doubt(refusal) if doubtful else refusal

    def _ask(self, path: str, request: MoveRequest, form: bytes, ends: float) -> dict[str, Any]:
        """POST with the request's key. Raises ``Uncertain`` where a refusal says that somebody else is at it."""
        try:
            return self._post(path, request.key, form, ends)
        except (Rejected, NotSent) as no:
            refusal = no
        raise _doubt(refusal) if refusal.word in DOUBTFUL or refusal.kind == CONFLICT else refusal

    def _listed(self, path: str, filters: Mapping[str, str], ends: float) -> Iterator[dict[str, Any]]:
        """Yield what a list holds, newest first. Raises ``Uncertain`` when it cannot be read to its end."""
        params = {**filters, "limit": str(_PAGE_SIZE)}
        for _ in range(_MAX_PAGES):
            items, more = _read_page(self._get(path, params, ends))
            yield from items
            if not more:
                return
            params["starting_after"] = items[-1]["id"]
        raise Uncertain(f"Stripe's list does not end after {_MAX_PAGES * _PAGE_SIZE} objects")

    def _get(self, path: str, params: Mapping[str, str], ends: float) -> dict[str, Any]:
        return self.http.get(path, auth=self._auth(), params=params, ends=ends).json()

    def _post(self, path: str, key: str = "", form: bytes = b"", ends: float | None = None) -> dict[str, Any]:
        """POST; without a key what may be repeated anyway: Stripe would keep a server error under it for a day."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"Idempotency-Key": key} if key else {})
        return self.http.send("POST", path, auth=self._auth(), body=form, headers=headers, ends=ends).json()

    def _auth(self) -> _Versioned:
        return _Versioned(self.options.api_key, self.options.api_version)


class _Versioned(Bearer):
    """The key, together with the version that it is to be answered in."""

    def __init__(self, token: str, version: str) -> None:
        super().__init__(token)
        self._version = version

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Stripe-Version"] = self._version
        return super().__call__(request)


# --- mapping: plain functions, no calls below this line


def _create_form(checkout: Checkout, version: str) -> bytes:
    """Return the request's bytes; the same checkout gives the same bytes, which the idempotency key demands."""
    fields: dict[str, Any] = {
        "mode": "payment",
        "success_url": checkout.return_url,
        "cancel_url": checkout.return_url,
        "client_reference_id": checkout.order_reference[:200],
        "customer_email": checkout.buyer.email,
        "locale": _locale(checkout.locale),
        "expires_at": _expires_at(checkout),
        "payment_intent_data[description]": checkout.description[:1000],
        "payment_intent_data[capture_method]": "manual" if checkout.capture is Capture.MANUAL else "",
    }
    for metadata in ("metadata", "payment_intent_data[metadata]"):  # Stripe copies the intent's to the charge
        fields |= {f"{metadata}[attempt]": checkout.key, f"{metadata}[order]": checkout.order_reference[:500]}
    listing = "allowed_payment_method_types" if version >= _METHOD_FILTER_SINCE else "payment_method_types"
    fields[f"{listing}[0]"] = checkout.method or ""
    for index, (name, quantity, unit) in enumerate(_items(checkout)):
        item = f"line_items[{index}]"
        fields |= {
            f"{item}[quantity]": quantity,
            f"{item}[price_data][currency]": checkout.currency.lower(),
            f"{item}[price_data][unit_amount]": unit,
            f"{item}[price_data][product_data][name]": name[:250],
        }
    return urlencode({name: value for name, value in fields.items() if value != ""}).encode()


def _move_units(request: MoveRequest) -> int:
    """Return the amount in Stripe's units. Raises ``Unsupported`` when it has no exact form there."""
    try:
        return to_wire(request.amount, request.currency)
    except ValueError as wrong:
        raise Unsupported(str(wrong)) from None


def _refund_form(checkout: Checkout, request: MoveRequest, intent_id: str) -> bytes:
    """Return the request's bytes. The metadata hold our mark, whose payment it is, and a person's words."""
    fields: dict[str, Any] = {
        "payment_intent": intent_id,
        "amount": _move_units(request),
        "reason": request.reason if request.reason in REFUND_REASONS else "",
        "metadata[refund]": request.key,
        "metadata[attempt]": checkout.key,
        "metadata[order]": checkout.order_reference[:500],
        "metadata[reason]": request.reason.strip()[:500],
    }
    return urlencode({name: value for name, value in fields.items() if value != ""}).encode()


def _items(checkout: Checkout) -> list[tuple[str, int, int]]:
    """Return name, quantity and unit price of every line, or of a single one if they do not give the exact total."""
    currency = checkout.currency
    with suppress(ValueError):  # the total fits Stripe's steps, but a line's price may not
        if lines := checkout.plain_lines(most=_MAX_LINES):
            return [(line.name, line.quantity, to_wire(line.unit_price, currency)) for line in lines]
    name = checkout.description.strip() or f"Order {checkout.order_reference}"
    return [(name, 1, to_wire(checkout.amount, currency))]


def _locale(locale: str) -> str:
    """``nl_NL`` is ``nl`` at Stripe, ``en_GB`` is ``en-GB``; empty lets the page follow the browser."""
    wanted = locale.replace("_", "-")
    return next((known for known in (wanted, wanted.partition("-")[0]) if known in LOCALES), "")


def _expires_at(checkout: Checkout) -> int | str:
    """The order's deadline, moved into what Stripe allows at the time of the call or of an early repeat of it."""
    if checkout.pay_before is None:
        return ""
    earliest, latest = checkout.created_at + _SHORTEST + _MARGIN, checkout.created_at + _LONGEST - _MARGIN
    return _epoch(min(max(checkout.pay_before, earliest), latest))


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def _address(session_id: str) -> str:
    return f"/v1/checkout/sessions/{quote(session_id, safe='')}"


def _units(currency: str) -> tuple[int, int]:
    """Return how many minor units make one whole by ISO 4217, and how many of Stripe's units do."""
    try:
        decimals = exponent(currency)
    except ConfigurationError as unknown:
        raise ValueError(str(unknown)) from None
    if currency in NO_DECIMALS:
        at_stripe = 0
    elif currency in THREE_DECIMALS:
        at_stripe = 3
    elif decimals == 2 or currency in STEPS:
        at_stripe = 2
    else:
        raise ValueError(f"how Stripe counts {currency} is not known")
    return int(10**decimals), int(10**at_stripe)


def to_wire(minor: int, currency: str) -> int:
    """Write an amount in Stripe's units. Raises ``ValueError`` when it cannot be asked for exactly."""
    ours, theirs = _units(currency)
    amount, rest = divmod(minor * theirs, ours)
    if rest or amount % STEPS.get(currency, 1):
        raise ValueError(
            f"Stripe cannot ask for {Money(minor=minor, currency=currency)} exactly: it has too many digits"
        )
    return amount


def from_wire(amount: object, currency: str) -> int:
    """Read an amount in Stripe's units; the inverse of ``to_wire``, and never rounded either."""
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
        raise ValueError("the amount is not a whole number of units")
    ours, theirs = _units(currency)
    minor, rest = divmod(amount * ours, theirs)
    if rest or minor > MAX_MINOR:
        raise ValueError("the amount does not fit its currency")
    return minor


def read_session(session: JSON, *, refunds: Iterable[JSON] = (), disputes: Iterable[JSON] = ()) -> Report:
    """Turn a session, with what was fetched along with it, into a report.

    Raises ``UnknownStatus`` for a word that the tables lack, ``Uncertain`` for an answer that cannot be read.
    """
    try:
        return _report(session, list(refunds), list(disputes))
    except _UNREADABLE as unreadable:
        problem = f"Stripe's session cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def _report(session: JSON, refunds: list[JSON], disputes: list[JSON]) -> Report:
    intent, charge = _intent(session), _charge(session)
    words = [_known(session["status"], SESSION), _known(session["payment_status"], PAYMENT)]
    words += [_known(intent["status"], INTENT)] if intent else []
    asked_in = str(session["currency"]).upper()
    currency = str(intent["currency"]).upper() if intent else asked_in
    # An id instead of an object: this answer shows nothing of the money, which is not the same as none.
    intent_shown = not isinstance(session.get("payment_intent"), str)
    charge_shown = intent_shown and not isinstance(intent.get("latest_charge"), str)
    captured = _sum(intent, "amount_received", currency) if intent_shown else None
    capturable = _sum(intent, "amount_capturable", currency) if intent_shown else None
    moved_back = tuple(_refund_move(refund, currency) for refund in refunds)
    disputed = tuple(_move(each, _dispute_status(each), currency) for each in disputes)
    reviewed = _expanded(intent.get("review")).get("open") is True
    expires = session.get("expires_at")
    return Report(
        phase=_phase(session, intent),
        currency=currency,
        references=_references(session, intent),
        live=session["livemode"] is True,
        raw_status="/".join(words),
        requested=from_wire(session["amount_total"], currency) if asked_in == currency else None,
        captured=captured,
        capturable=capturable,
        refunded=_settled(charge, moved_back, currency) if charge_shown else None,
        charged_back=_total(disputed, "open", "lost") if charge_shown else None,
        push=(intent.get("next_action") or {}).get("type") in PUSHING,
        # An early fraud warning is not shown by any of these objects: it is an event, and nothing else.
        held=reviewed or any(dispute.status == "inquiry" for dispute in disputed),
        our_reference=_mark(session),
        checkout_url=str(session.get("url") or ""),
        method=_method(session, charge),
        expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
        capture_before=_capture_before(charge) if capturable else None,
        refunds=moved_back,
        captures=(_capture(charge, currency),) if charge and captured else (),
        disputes=disputed,
        raw=session,
    )


def _phase(session: JSON, intent: JSON) -> Phase:
    """The session's word while the buyer has the page, the intent's once he has confirmed."""
    word = intent.get("status")
    if session["status"] == "open" and word not in {"processing", "requires_capture", "succeeded"}:
        return Phase.OPEN  # also after a declined try: he may take another card
    if word == "canceled":
        return Phase.EXPIRED if intent.get("cancellation_reason") in {"automatic", "expired"} else Phase.CANCELED
    return INTENT[word] if word and session["status"] != "expired" else SESSION[session["status"]]


def _known(word: object, table: Mapping[str, object]) -> str:
    if not isinstance(word, str) or word not in table:
        raise UnknownStatus(str(word))
    return word


def _intent(session: JSON) -> JSON:
    """The session's intent; empty before the buyer confirmed, and where the answer gives its id only."""
    return _expanded(session.get("payment_intent"))


def _charge(session: JSON) -> JSON:
    """The last try to take the money, as ``_intent``."""
    return _expanded(_intent(session).get("latest_charge"))


def _expanded(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _id(value: Any) -> str:
    """Read the id of an object that is shown, or only named by its id."""
    found = value["id"] if isinstance(value, dict) else value
    if not isinstance(found, str):
        raise TypeError("an object without an id")
    return found


def _references(session: JSON, intent: JSON) -> tuple[Reference, ...]:
    found = [Reference(kind="session", value=_id(session["id"]))]
    for kind, value in (("intent", session.get("payment_intent")), ("charge", intent.get("latest_charge"))):
        if value is not None:
            found.append(Reference(kind=kind, value=_id(value)))
    return tuple(found)


def _sum(thing: JSON, name: str, currency: str) -> int:
    """Read an amount of an object in the payment's currency; nothing where there is no object."""
    if not thing:
        return 0
    if str(thing["currency"]).upper() != currency:
        raise ValueError("one payment, two currencies")
    return from_wire(thing[name], currency)


def _total(moves: Iterable[MoneyMove], *statuses: str) -> int:
    return sum(move.amount for move in moves if move.status in statuses)


def _settled(charge: JSON, refunds: tuple[MoneyMove, ...], currency: str) -> int:
    """Return what arrived, by the refunds themselves, and what the charge counts that none of them explains.

    GUESS: nothing says whether the charge's ``amount_refunded`` falls again when a refund fails later.
    """
    unexplained = _sum(charge, "amount_refunded", currency) - sum(refund.amount for refund in refunds)
    return _total(refunds, "succeeded") + max(0, unexplained)


def _move(thing: JSON, status: str, currency: str, our_reference: str = "") -> MoneyMove:
    amount = _sum(thing, "amount", currency)
    return MoneyMove(id=_id(thing["id"]), amount=amount, status=status, our_reference=our_reference)


def _refund_move(refund: JSON, currency: str) -> MoneyMove:
    """Read a refund. A word that the table lacks is a refund on its way: it exists, and has not arrived."""
    return _move(refund, REFUND.get(refund["status"], "pending"), currency, _mark(refund, "refund"))


def _dispute_status(dispute: JSON) -> str:
    """Read a dispute's word. A ``prevented`` one took no money, or all of it: then the books of the balance say so.

    GUESS: of the two kinds that Stripe prevents, a "resolution" of the card network pays the buyer back as a lost
    dispute would, without the fee; a "block" leaves it to a refund, which is listed among the refunds.
    """
    word = _known(dispute["status"], DISPUTE)
    if word != "prevented":
        return DISPUTE[word]
    balance = sum(line.get("amount", 0) for line in dispute.get("balance_transactions") or ())
    return "lost" if balance < 0 else "won"


def _capture(charge: JSON, currency: str) -> MoneyMove:
    """Stripe keeps no list of captures: the charge itself says how much of it was taken."""
    return MoneyMove(id=_id(charge), amount=_sum(charge, "amount_captured", currency), status="succeeded")


def _capture_before(charge: JSON) -> datetime | None:
    """Read when a hold lapses; a card's charge says so. It keeps saying so after the capture."""
    details = _expanded(charge.get("payment_method_details"))
    until = _expanded(details.get("card")).get("capture_before")
    return None if until is None else datetime.fromtimestamp(until, UTC)


def _method(session: JSON, charge: JSON) -> str:
    """The method that was used; before that the one that was asked for, if it is the only one on the page."""
    used, offered = (
        (charge.get("payment_method_details") or {}).get("type"),
        session.get("payment_method_types") or [],
    )
    return str(used or (offered[0] if len(offered) == 1 else ""))


def _mark(thing: JSON, name: str = "attempt") -> str:
    """Read a key of ours from the metadata: the attempt's, or a refund's own; empty when it cannot be one."""
    mark = _expanded(thing.get("metadata")).get(name, "")
    return mark if _fits(_MARK, mark) else ""


def _read_page(page: JSON) -> tuple[list[dict[str, Any]], bool]:
    """Return a page's objects and whether there are more. Raises ``Uncertain``: an unreadable one proves nothing."""
    items, more = page.get("data"), page.get("has_more")
    if not isinstance(items, list) or not isinstance(more, bool) or (more and not items):
        raise Uncertain("Stripe's list cannot be read")
    if not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items):
        raise Uncertain("Stripe's list holds something without an id")
    return items, more


# --- the answers to a capture, a void and a refund


def _read_move(read: Callable[[JSON, MoveRequest], MoneyMove], answer: JSON, request: MoveRequest) -> MoneyMove:
    """Read what Stripe says about a move. Raises ``Uncertain`` for an answer that says something else."""
    try:
        return read(answer, request)
    except _UNREADABLE as unreadable:
        problem = f"Stripe's answer to a {request.kind} cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def _captured(intent: JSON, request: MoveRequest) -> MoneyMove:
    """Read the intent after its only capture: it received what was captured, under the charge's id."""
    status, charge_id = intent["status"], _id(intent["latest_charge"])
    if status == "processing":  # GUESS: a bank takes its time over a capture, too
        return MoneyMove(id=charge_id, amount=request.amount, status="pending")
    if status != "succeeded":
        raise ValueError("the intent is not captured")
    return MoneyMove(id=charge_id, amount=_sum(intent, "amount_received", request.currency), status="succeeded")


def _released(intent: JSON, request: MoveRequest) -> MoneyMove:
    if intent["status"] != "canceled":
        raise ValueError("the intent is not canceled")
    return MoneyMove(id="", amount=request.amount, status="succeeded")


def _refunded(refund: JSON, request: MoveRequest) -> MoneyMove:
    move = _refund_move(refund, request.currency)
    if move.our_reference != request.key:
        raise ValueError("a refund without our mark")
    return move


def _may_be_captured(intent: JSON, request: MoveRequest) -> bool:
    """Whether a capture that was refused may have been done earlier: one of another amount was somebody else's."""
    if intent.get("status") == "succeeded":
        return intent.get("amount_received") == _move_units(request)
    return str(intent.get("status")) not in NOT_CAPTURED


def _may_be_released(intent: JSON, request: MoveRequest) -> bool:
    return str(intent.get("status")) not in NOT_RELEASED


def _doubt(refusal: ProviderError) -> Uncertain:
    """Return the same with the other ending: what was asked for may be done, or be under way."""
    return Uncertain(
        f"{refusal}; it may have been done before",
        code=refusal.code,
        word=refusal.word,
        retry_after=refusal.retry_after,
        replayed=refusal.replayed,
    )


# --- webhooks


def _read_event(body: bytes) -> dict[str, Any]:
    event = read_object(body)
    named = _fits(_PRINTABLE, event.get("id")) and _fits(_PRINTABLE, event.get("type"))
    if not named or not isinstance(event.get("livemode"), bool):
        raise WebhookRefused("the signed body is not an event")
    return event


def _notice(event: dict[str, Any]) -> Notice:
    """Name the objects of the payment that the event is about; first the one that is most surely stored."""
    thing = _expanded(_expanded(event.get("data")).get("object"))
    own = thing.get("object") in {"checkout.session", "payment_intent"}
    names = ("id", "payment_intent", "latest_charge") if own else ("payment_intent", "charge", "id")
    pointers = (thing.get(name) for name in names)
    ids = (pointer.get("id") if isinstance(pointer, dict) else pointer for pointer in pointers)
    known = [str(each) for each in ids if _fits(_OBJECT_ID, each)]
    matters, mark = event["type"] in EVENTS, _mark(thing)
    if matters and not known:
        raise WebhookRefused("the event names no object")
    return Notice(
        reference=known[0] if known else event["id"],
        also=tuple(known[1:]),
        our_reference=mark,
        kind=event["type"],
        event_id=event["id"],
        ignorable=not matters,
        foreign=thing.get("object") in MARKED and not mark,
    )
