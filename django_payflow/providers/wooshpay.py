"""WooshPay, hosted checkout. Facts: WooshPay's documentation as of 2024 and what public integrations rely on.

A payment is two objects: the session (the hosted page, ``cs_...``; lives for 24 hours) and its payment intent (the
money, ``pi_...``), which is there from the beginning. The intent decides; the session says whether the buyer can
still act. Times are milliseconds, except in a webhook's signature, where they are seconds.

What the wire does not show, so that nobody looks for it here:

- **Refunds.** An intent stays ``succeeded`` with its full amount, and there is no list of refunds: each is read by
  its own id (``retrieve_move``), which only the answer to our call or a webhook tells. ``refunded`` is "cannot tell".
- **Disputes.** Their list is marked as being developed, so they are read by their ids as well: ``charged_back`` is
  "cannot tell", and nothing is ``held``.
- **Captures.** They have no ids and carry no mark: ``amount_received`` tells. There is one capture, which releases
  what it leaves.
- **Expiry and authorization.** No event is documented for either: polling finds out.
- **Which method was used**, unless the session offered a single one.

A session that calls itself paid while its intent does not, or was not asked for, is ``processing``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

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
from ..money import exponent
from .base import Options, PollSchedule, Provider
from .http import Basic
from .webhooks import Signing, read_object

TEST_URL = "https://apitest.wooshpay.com"
LIVE_URL = "https://api.wooshpay.com"
MAX_AMOUNT = 10**12 - 1
"""GUESS, in minor units: no limit is documented; a card network's amount field has twelve digits (ISO 8583)."""
MAX_LINES = 100
"""GUESS: an order with more lines is sent as one."""
PUSH_METHODS = frozenset({"bank_transfer_id", "boleto"})
"""GUESS: the customer pays from his own bank, or with a voucher."""
SESSION_LIFE = timedelta(hours=24)
SESSION_WORDS = {
    "open": Phase.OPEN,
    "complete": Phase.PROCESSING,  # slow methods are complete before they are paid
    "expired": Phase.EXPIRED,
    "canceled": Phase.CANCELED,  # in no table of WooshPay's; one integration guards against it
}
INTENT_WORDS = {
    "requires_payment_method": Phase.OPEN,
    "requires_confirmation": Phase.OPEN,
    "requires_action": Phase.OPEN,
    "processing": Phase.PROCESSING,
    "requires_capture": Phase.PROCESSING,  # the money is in `capturable`
    "succeeded": Phase.PROCESSING,  # the money is in `captured`
    "canceled": Phase.CANCELED,
    "failed": Phase.FAILED,  # in no table of WooshPay's; one integration guards against it
}
REFUND_WORDS = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",  # documented; the others are a GUESS, as with Stripe
    "failed": "failed",
    "canceled": "canceled",
}
DISPUTE_WORDS = {
    "warning_needs_response": "inquiry",  # documented; the others are a GUESS, as with Stripe
    "warning_under_review": "inquiry",
    "warning_closed": "won",  # the question is answered, and no money was ever withdrawn
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
}
_SESSIONS, _INTENTS = "/v1/checkout/sessions", "/v1/payment_intents"
_REFUNDS, _DISPUTES, _CHARGES = "/v1/refunds", "/v1/disputes", "/v1/charges"
_PARTS = {"refund": (_REFUNDS, REFUND_WORDS), "dispute": (_DISPUTES, DISPUTE_WORDS)}
_CAPTURED = {"succeeded": "succeeded", "processing": "pending", "requires_capture": "pending"}
_VOIDED = {"canceled": "succeeded", "requires_capture": "pending"}
"""The intent's word in the answer to a capture and to a cancel call -> what that means for the call; the waiting
ones are a GUESS."""
_NOT_ASKED = frozenset({"401", "403", "404"})
"""Refusals that were made before anybody looked at the payment's state."""
_KEY = re.compile(r"sk_(live|test)_[A-Za-z0-9_-]{8,200}", re.ASCII)
_SECRET = re.compile(r"[\x21-\x7e]{16,256}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,190}", re.ASCII)
_TYPE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_PAGE_SIZE = 100
_MAX_PAGES = 40
_CLOCK_SLACK = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class WooshPayOptions(Options):
    """``OPTIONS`` of a WooshPay account."""

    api_key: str = field(repr=False)
    """The secret key, ``sk_test_...`` or ``sk_live_...``; it decides the mode."""
    signing_secrets: tuple[str, ...] | list[str] = field(repr=False)
    """The webhook endpoint's secrets; two are valid while one replaces the other. Used as they are."""
    base_url: str = ""
    """Where ``/v1/checkout/sessions`` hangs; left out, it is the host of the key's mode."""
    tolerance: float = 300
    """Seconds by which a webhook's signature may differ from our clock."""

    def __post_init__(self) -> None:
        mode = _KEY.fullmatch(self.api_key)
        if not mode:
            raise TypeError("__init__() api_key must look like 'sk_test_...' or 'sk_live_...': the secret key")
        secrets = self.signing_secrets
        if not isinstance(secrets, list | tuple) or not secrets or not all(_is_secret(one) for one in secrets):
            raise TypeError(
                "__init__() signing_secrets must be a list with at least one secret of a webhook endpoint, "
                "as WooshPay shows it when the endpoint is created (16 to 256 characters)"
            )
        if not isinstance(self.tolerance, int | float) or not 0 < self.tolerance <= 3600:
            raise TypeError("__init__() tolerance must be a number of seconds, above 0 and at most 3600")
        ours, other = (LIVE_URL, TEST_URL) if mode[1] == "live" else (TEST_URL, LIVE_URL)
        if not self.base_url:
            object.__setattr__(self, "base_url", ours)
        if urlsplit(self.base_url).hostname == urlsplit(other).hostname:
            raise TypeError(f"__init__() base_url must be {ours!r} for a {mode[1]} key; leave it out")


class WooshPayProvider(Provider[WooshPayOptions]):
    """One WooshPay account in one mode."""

    name = "wooshpay"
    options_class = WooshPayOptions
    secret_fields = ("api_key", "signing_secrets")
    statuses = {**SESSION_WORDS, **INTENT_WORDS}
    status_source = "WooshPay documentation (Checkout, PaymentIntents) and public integrations"
    # GUESS: nothing says how long a key is honoured. A repeat after its end makes a second session, while the first
    # one, whose address nobody has, stays unpaid and runs out; and by then `find` has better means. So: well below
    # the 24 hours of the session, and below the hour that is the shortest life among comparable services.
    key_life = timedelta(minutes=50)
    poll_schedule = PollSchedule(longest=timedelta(days=14))  # GUESS: bank transfers and vouchers take days
    checkout_hosts = ("wooshpay.com", "clangcling.com")
    signs_webhooks = True
    registers_webhooks = True
    supports_cancel = True
    supports_manual_capture = True  # GUESS: documented for intents, not for sessions
    supports_capture = True
    supports_partial_capture = True  # one capture; what it leaves is released at once
    # GUESS: intents in requires_capture can be cancelled, and those of a session cannot, say the pages. It is tried.
    supports_void = True
    supports_refund = True
    supports_partial_refund = True  # GUESS: several, up to what was captured
    unlisted = frozenset({MoveKind.REFUND, MoveKind.DISPUTE})
    authorization_life = timedelta(days=7)  # "about", says the page; no object names the moment

    @property
    def live(self) -> bool:
        """Whether the key is a live one."""
        return self.options.api_key.startswith("sk_live_")

    # -- calls

    def check(self, checkout: Checkout) -> None:
        """Refuse what is no amount, and a currency without minor units. WooshPay publishes no list of currencies."""
        if not 0 < checkout.amount <= MAX_AMOUNT:
            raise InvalidCheckout(f"WooshPay takes amounts from 1 to {MAX_AMOUNT} (minor units)")
        if not checkout.description.strip():
            raise InvalidCheckout("WooshPay needs a description: the hosted page shows it as the product's name")
        try:
            exponent(checkout.currency)
        except ConfigurationError as unknown:
            raise InvalidCheckout(str(unknown)) from None

    def create(self, checkout: Checkout) -> Redirect:
        """POST a checkout session with the attempt's key. Its intent exists already and has not begun."""
        headers = {"Idempotency-Key": checkout.key}
        answer = self.http.send("POST", _SESSIONS, auth=self._auth(), body=_create_body(checkout), headers=headers)
        report = read_session(answer.json())
        return Redirect(url=report.checkout_url, report=report)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        """GET the session, then its intent, within one deadline."""
        return self._whole(reference.value, self.http.ends())

    def find(self, checkout: Checkout) -> Report | None:
        """Page through the sessions until before the attempt began; the mark in the metadata decides.

        ``client_reference_id`` is the order's, which several attempts share; the search for intents knows neither.
        """
        return self._find(checkout, self.http.ends())

    def _find(self, checkout: Checkout, ends: float) -> Report | None:
        path = f"{_SESSIONS}/list"
        try:
            page = self._page(path, ends)
        except Rejected as refused:
            if refused.code not in {"400", "404", "405"}:
                raise
            path = _SESSIONS  # GUESS: /list is documented, integrations call the collection itself
            page = self._page(path, ends)
        cursor = ""
        for _ in range(_MAX_PAGES):
            found, following = _read_page(page, checkout)
            if found:
                return self._whole(found, ends)
            if not following:
                return None
            if following == cursor:
                raise Uncertain("WooshPay's list of sessions gives the same page again and again")
            cursor = following
            page = self._page(path, ends, cursor)
        raise Uncertain(f"the session is not among the newest {_MAX_PAGES} pages; the list goes on")

    def cancel(self, checkout: Checkout, reference: Reference) -> Report:
        """Expire the session: an intent that belongs to one cannot be cancelled. Rejected unless it is open."""
        ends = self.http.ends()
        answer = self.http.send("POST", f"{_path(_SESSIONS, reference.value)}/expire", auth=self._auth())
        return self._with_intent(answer.json(), ends)

    def check_move(self, checkout: Checkout, request: MoveRequest) -> None:
        """Refuse a capture that shall leave something to be captured: WooshPay releases it in the same call."""
        if request.kind is MoveKind.CAPTURE and not request.final and request.amount < checkout.amount:
            raise Unsupported("WooshPay captures once, and releases the rest: capture it as the final one")

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST the capture of a part or of everything; a part releases the rest."""
        ends = self.http.ends()
        intent_id, body = self._intent_of(request, ends), {"amount_to_capture": request.amount}
        answer = self._move_intent(intent_id, "capture", body, request, ends, done=("succeeded", "processing"))
        return read_intent_move(answer, intent_id, request, _CAPTURED)

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST the intent's cancellation. There is no other way: its session is complete, it cannot be expired.

        The reason is marked as required and free text in the sample; the word is the one that an integration sends.
        """
        ends = self.http.ends()
        intent_id, body = self._intent_of(request, ends), {"cancellation_reason": "requested_by_customer"}
        answer = self._move_intent(intent_id, "cancel", body, request, ends, done=("canceled",))
        return read_intent_move(answer, intent_id, request, _VOIDED)

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST a refund that carries both our marks: the attempt's, and the request's.

        After a lost answer nothing but the same key tells whether it was made: there is no list to find it in.
        """
        ends = self.http.ends()
        intent_id = self._intent_of(request, ends)
        answer = self._post(_REFUNDS, _refund_body(checkout, request, intent_id), request, ends)
        return read_new_refund(answer, intent_id, request)

    def retrieve_move(self, checkout: Checkout, reference: Reference) -> MoneyMove:
        """GET a refund or a dispute, and the intent that it names: that one says whose it is, and in which currency.

        Raises ``UnknownStatus`` for a word that the table lacks, as ``retrieve`` does.
        """
        if reference.kind not in _PARTS:
            return super().retrieve_move(checkout, reference)
        ends, (path, words) = self.http.ends(), _PARTS[reference.kind]
        part = self._one(path, reference.value, ends)
        intent = self._intent_behind(part, ends)
        mark = _our_reference(intent) or self._mark_of_session(checkout, intent, ends)
        if not intent or mark != checkout.key or not _same_currency(part, intent):
            raise ObjectNotFound(f"this {reference.kind} belongs to another payment")
        return read_part(part, reference.value, words)

    def probe(self) -> str:
        """List one intent: proves that the key is accepted."""
        self.http.get(_INTENTS, auth=self._auth(), params={"limit": "1"}).json()
        return "live key accepted" if self.live else "test key accepted"

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        """Check the signature over the raw bytes, then the clock, then the mode; and say what it is about."""
        # Two names in the official pages (2023 and 2024), and integrations for both.
        header = headers.get("wooshpay-signature") or headers.get("signature") or ""
        signing = Signing(secrets=self.options.signing_secrets, tolerance=self.options.tolerance)
        signing.refuse_unsigned(header, body)
        event = read_object(body)
        if isinstance(event.get("livemode"), bool) and event["livemode"] is not self.live:
            raise WebhookRefused("a genuine signature on an event of the other mode", reason="mode", alarm=True)
        return [_notice(event)]

    def _whole(self, session_id: str, ends: float) -> Report:
        return self._with_intent(self._one(_SESSIONS, session_id, ends), ends)

    def _with_intent(self, session: Mapping[str, Any], ends: float) -> Report:
        intent_id = _intent_id(session)
        if not intent_id:
            return read_session(session)
        # Not "not found": the payment's page is there, only its money cannot be seen.
        return read_session(session, self._named(_INTENTS, intent_id, ends))

    def _one(self, path: str, thing_id: str, ends: float) -> dict[str, Any]:
        return self.http.get(_path(path, thing_id), auth=self._auth(), ends=ends).json()

    def _named(self, path: str, thing_id: str, ends: float) -> dict[str, Any]:
        """GET what another object names. That it is missing says nothing about the other one."""
        try:
            found = self._one(path, thing_id, ends)
        except ObjectNotFound as missing:
            code = missing.code
        else:
            if found.get("id") == thing_id:
                return found
            code = "200"
        raise Uncertain(f"what another object names cannot be found under {path}", code=code)

    # -- captures, voids and refunds

    def _intent_of(self, request: MoveRequest, ends: float) -> str:
        """Return the intent's id: as it was stored, else as the session has it.

        A question that fails here is ``NotSent``: nothing was asked for yet.
        """
        if stored := request.reference("payment_intent"):
            return stored
        if not (page := request.reference("session")):
            raise Rejected("neither a session nor a payment intent of this payment is known")
        try:
            session = self._one(_SESSIONS, page, ends)
        except Uncertain as failed:
            why, code, pause = str(failed), failed.code, failed.retry_after
        else:
            if found := _intent_id(session):
                return found
            raise Rejected("the session has no payment intent, so there is no money to move")
        raise NotSent(f"the payment intent could not be looked up: {why}", code=code, retry_after=pause)

    def _move_intent(
        self,
        intent_id: str,
        verb: str,
        body: Mapping[str, Any],
        request: MoveRequest,
        ends: float,
        *,
        done: tuple[str, ...],
    ) -> dict[str, Any]:
        """POST; after a refusal look at the intent: no list of error codes is published, its status tells more."""
        try:
            return self._post(f"{_path(_INTENTS, intent_id)}/{verb}", body, request, ends)
        except Rejected as no:
            refused = no
        if refused.code not in _NOT_ASKED and self._status_of(intent_id, ends) in done:
            raise Uncertain(f"refused, and it is done already: {refused}", code=refused.code, word=refused.word)
        raise refused

    def _status_of(self, intent_id: str, ends: float) -> str:
        try:
            return str(self._one(_INTENTS, intent_id, ends).get("status"))
        except ProviderError as failed:
            code = failed.code
        raise Uncertain("refused, and why cannot be seen: the payment intent was not shown", code=code)

    def _post(self, path: str, body: Mapping[str, Any], request: MoveRequest, ends: float) -> dict[str, Any]:
        """POST once, under the request's key.

        A key that was used for other bytes, by another version of ours perhaps, is no definite no: something was
        done under it. GUESS: the code begins with the word, as the documented type of these errors does.
        """
        headers = {"Idempotency-Key": request.key}
        try:
            sent = _bytes(body)
            return self.http.send("POST", path, auth=self._auth(), body=sent, headers=headers, ends=ends).json()
        except Rejected as no:
            refused = no
        if refused.word.startswith("idempotency"):
            raise Uncertain(f"the key was used before: {refused}", code=refused.code, word=refused.word)
        raise refused

    def _intent_behind(self, part: Mapping[str, Any], ends: float) -> dict[str, Any]:
        """Return the intent of a refund or dispute; nothing, if it names none. GUESS: a dispute may name a charge."""
        intent_id = _intent_id(part)
        if not intent_id and (charge := _id_in(part, "charge")):
            intent_id = _intent_id(self._named(_CHARGES, charge, ends))
        return self._named(_INTENTS, intent_id, ends) if intent_id else {}

    def _mark_of_session(self, checkout: Checkout, intent: Mapping[str, Any], ends: float) -> str:
        """Return our mark if the intent, which carries none, is our session's.

        GUESS: that a session's metadata reaches its intent is not proven; but an intent leads to no session.
        """
        report = self._find(checkout, ends) if intent else None
        ours = Reference(kind="payment_intent", value=str(intent.get("id")))
        return report.our_reference if report is not None and ours in report.references else ""

    def _page(self, path: str, ends: float, after: str = "") -> dict[str, Any]:
        params = {"limit": str(_PAGE_SIZE), **({"starting_after": after} if after else {})}
        return self.http.get(path, auth=self._auth(), params=params, ends=ends).json()

    def _auth(self) -> Basic:
        return _KeyAndContentType(self.options.api_key)


class _KeyAndContentType(Basic):
    """The secret key as user name; the content type is marked as required on every endpoint, GETs included."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Content-Type"] = "application/json"
        return super().__call__(request)


def _path(collection: str, thing_id: str) -> str:
    return f"{collection}/{quote(thing_id, safe='')}"


# --- mapping: plain functions, no calls below this line


def _create_body(checkout: Checkout) -> bytes:
    """Return the request's bytes; the same checkout gives the same bytes, which the idempotency key demands.

    Left out on purpose: ``expires_at`` (seconds or milliseconds?) and ``return_url`` (breaks a method, some say).
    """
    mark = {"order": checkout.order_reference, "attempt": checkout.key}
    intent: dict[str, Any] = {"metadata": mark}
    if checkout.capture is Capture.MANUAL:
        intent["capture_method"] = "manual"  # GUESS: a field of intents; no source shows it in a session
    body: dict[str, Any] = {
        "mode": "payment",
        "success_url": checkout.return_url,
        "cancel_url": checkout.return_url,
        "client_reference_id": checkout.order_reference,
        "metadata": mark,
        "payment_intent_data": intent,
        "line_items": _line_items(checkout),
    }
    if checkout.buyer.email:
        body["customer_email"] = checkout.buyer.email
    if checkout.method:
        body["payment_method_types"] = [checkout.method]
    return _bytes(body)


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _refund_body(checkout: Checkout, request: MoveRequest, intent_id: str) -> dict[str, Any]:
    """Return a refund's parameters; the amount always stands there, without it everything would go back.

    The amount is documented as a text and sent as a number by integrations. ``reason`` is left out: WooshPay's words
    for it are few, and a shop's are its own.
    """
    mark = {"order": checkout.order_reference, "attempt": checkout.key, "refund": request.key}
    if request.reason:
        mark["reason"] = request.reason[:250]
    return {"payment_intent": intent_id, "amount": request.amount, "metadata": mark}


def _line_items(checkout: Checkout) -> list[dict[str, Any]]:
    """Return the order's lines, or one for its total when they cannot be said one by one.

    A discount is a line below zero, or a total below quantity times price: WooshPay knows neither.
    """
    lines = checkout.plain_lines(most=MAX_LINES)
    items = [(line.name, line.unit_price, line.quantity) for line in lines]
    items = items or [(checkout.description, checkout.amount, 1)]
    currency = checkout.currency.upper()
    return [
        {
            "price_data": {"currency": currency, "unit_amount": price, "product_data": {"name": name[:250]}},
            "quantity": quantity,
        }
        for name, price, quantity in items
    ]


def read_session(session: Mapping[str, Any], intent: Mapping[str, Any] | None = None) -> Report:
    """Turn a session and its payment intent into a report; ``None``: the intent was not asked for.

    Raises ``UnknownStatus`` for a word that the table lacks, ``Uncertain`` for answers that cannot be read.
    """
    try:
        if intent is not None:
            _refuse_stranger(session, intent)
        return _report(session, intent or {})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as unreadable:
        problem = f"WooshPay's session or payment intent cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def _refuse_stranger(session: Mapping[str, Any], intent: Mapping[str, Any]) -> None:
    if intent["id"] != _intent_id(session) or intent.get("livemode", session["livemode"]) != session["livemode"]:
        raise ValueError("another intent than the session's")


def _report(session: Mapping[str, Any], intent: Mapping[str, Any]) -> Report:
    if not isinstance(session["livemode"], bool) or not session["id"]:
        raise ValueError("a session without id or mode")
    word, intent_id = _deciding_word(session, intent), _intent_id(session)
    captured, capturable = _money(session, intent)
    methods = _loose((intent or session).get("payment_method_types"))
    method = str(methods[0])[:40] if isinstance(methods, list) and len(methods) == 1 else ""
    return Report(
        phase=WooshPayProvider.statuses[word],
        # Where the money is counts: if the intent names another currency, its sums are in that one.
        currency=_currency(intent or session),
        references=(
            Reference(kind="session", value=str(session["id"])),
            *([Reference(kind="payment_intent", value=intent_id)] if intent_id else []),
        ),
        live=session["livemode"],
        raw_status=word,
        requested=_whole(session["amount_total"]),
        captured=captured,
        capturable=capturable,
        push=method in PUSH_METHODS,
        our_reference=_our_reference(session) or _our_reference(intent),
        checkout_url=str(session.get("url") or "") if session["status"] == "open" else "",
        method=method,
        expires_at=_expiry(session),
        raw={"session": session, "payment_intent": intent},
    )


def _deciding_word(session: Mapping[str, Any], intent: Mapping[str, Any]) -> str:
    """Return the one word, the session's or the intent's, that says what the attempt does."""
    page = _known(session, SESSION_WORDS)
    money = _known(intent, INTENT_WORDS) if intent else ""
    if money in {"succeeded", "requires_capture", "processing", "canceled"}:
        return money
    if session.get("payment_status") == "paid":
        return "complete"
    if page == "open":  # also after a declined attempt: the buyer may try again on the page
        return "open" if money in {"", "failed"} else money
    declined = money == "requires_payment_method" and _loose(intent.get("last_payment_error"))
    return "failed" if declined or money == "failed" else page


def _known(thing: Mapping[str, Any], words: Mapping[str, Phase]) -> str:
    word = str(thing["status"])
    if word not in words:
        raise UnknownStatus(word)
    return word


def _money(session: Mapping[str, Any], intent: Mapping[str, Any]) -> tuple[int | None, int]:
    """Return what was captured and what can be; ``None``: captured, but nobody says how much."""
    if not intent:
        paid = session.get("payment_status") == "paid" and not _intent_id(session)
        return (_whole(session["amount_total"]) if paid else 0), 0
    if intent["status"] == "requires_capture":
        held = _given(intent, "amount_capturable")
        return 0, _whole(intent["amount"] if held is None else held)
    if intent["status"] != "succeeded":
        return 0, 0
    received = _given(intent, "amount_received")
    if received is None:  # old pages lack it, and after a manual capture the amount is the authorized one
        return (None if intent.get("capture_method") == "manual" else _whole(intent["amount"])), 0
    return _whole(received), 0


def read_intent_move(
    intent: Mapping[str, Any], intent_id: str, request: MoveRequest, words: Mapping[str, str]
) -> MoneyMove:
    """Turn the answer to a capture or a cancellation, which is the intent, into what became of the request.

    Raises ``Uncertain`` for an answer that cannot be read, or is about something else.
    """
    try:
        if intent["id"] != intent_id:
            raise ValueError("another intent")
        status = words[str(intent["status"])]
        received = _given(intent, "amount_received") if request.kind is MoveKind.CAPTURE else None
        told = received is not None and status == "succeeded"  # old pages lack it
        return MoneyMove(
            id="", amount=_whole(received) if told else request.amount, status=status, our_reference=request.key
        )
    except (KeyError, TypeError, ValueError) as unreadable:
        problem = f"WooshPay's answer to a {request.kind.value} cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def read_new_refund(refund: Mapping[str, Any], intent_id: str, request: MoveRequest) -> MoneyMove:
    """Turn the answer to a refund into what became of the request. A word that is new to us is ``pending``.

    Its id is the only thread to it, and must not be lost: ``retrieve_move`` asks, and says what is unknown.
    Raises ``Uncertain`` for an answer that cannot be read, or is about something else.
    """
    try:
        about = (_intent_id(refund) or intent_id, _currency(refund), _mark_of_refund(refund) or request.key)
        if about != (intent_id, request.currency.upper(), request.key) or not _ID.fullmatch(refund["id"]):
            raise ValueError("another refund")
        return MoneyMove(
            id=refund["id"],
            amount=_whole(refund["amount"]),
            status=REFUND_WORDS.get(refund["status"], "pending"),
            our_reference=request.key,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        problem = f"WooshPay's answer to a refund cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def read_part(part: Mapping[str, Any], part_id: str, words: Mapping[str, str]) -> MoneyMove:
    """Turn a refund or a dispute into a move. Raises as ``read_session``."""
    try:
        if part["id"] != part_id:
            raise ValueError("another one than was asked for")
        word, amount = str(part["status"]), _whole(part["amount"])
    except (KeyError, TypeError, ValueError) as unreadable:
        problem = f"WooshPay's refund or dispute cannot be read ({type(unreadable).__name__})"
    else:
        if word not in words:
            raise UnknownStatus(word)
        return MoneyMove(id=part_id, amount=amount, status=words[word], our_reference=_mark_of_refund(part))
    raise Uncertain(problem)


def _same_currency(part: Mapping[str, Any], intent: Mapping[str, Any]) -> bool:
    """Say whether the money is the intent's; a dispute may name no currency (GUESS: its fields are unknown)."""
    named, counts = _given(part, "currency"), _given(intent, "currency")
    return named is None or str(named).upper() == str(counts).upper()


def _currency(thing: Mapping[str, Any]) -> str:
    currency = str(thing["currency"]).upper()  # the case differs from page to page
    if not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
        raise ValueError("no currency")
    return currency


def _expiry(session: Mapping[str, Any]) -> datetime | None:
    given, created = _given(session, "expires_at"), _given(session, "created")
    if given is not None:
        return _moment(given)
    return None if created is None else _moment(created) + SESSION_LIFE


def _intent_id(thing: Mapping[str, Any]) -> str:
    return _id_in(thing, "payment_intent")


def _id_in(thing: Mapping[str, Any], name: str) -> str:
    """Return the id of another object, which may stand there itself; empty: none is named."""
    named = thing.get(name)
    return str((named.get("id") if isinstance(named, dict) else named) or "")


def _our_reference(thing: Mapping[str, Any]) -> str:
    """Read ``metadata.attempt``; what cannot be a key of ours is none."""
    return _mark(thing, "attempt")


def _mark_of_refund(refund: Mapping[str, Any]) -> str:
    """Read ``metadata.refund``, the key of the request; empty: somebody else made it."""
    return _mark(refund, "refund")


def _mark(thing: Mapping[str, Any], name: str) -> str:
    metadata = _loose(thing.get("metadata"))
    mark = metadata.get(name) if isinstance(metadata, dict) else None
    return mark if isinstance(mark, str) and _ID.fullmatch(mark) else ""


def _given(thing: Mapping[str, Any], name: str) -> Any:
    """Return a value that is really there: "" and null both stand for none."""
    value = thing.get(name)
    return None if value == "" else value


def _loose(value: Any) -> Any:
    """Return what a field holds; old answers hold objects and lists as the text of their JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _whole(value: Any) -> int:
    """Read minor units or milliseconds: a JSON number, or its digits as text. Raises ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not _WHOLE.fullmatch(str(value)):
        raise ValueError("not a whole number")
    return int(value)


def _moment(milliseconds: Any) -> datetime:
    return _EPOCH + timedelta(milliseconds=_whole(milliseconds))


def _read_page(page: Mapping[str, Any], checkout: Checkout) -> tuple[str, str]:
    """Return the id of the session that carries our key, or after which one to look on; both empty: the end.

    Raises ``Uncertain`` for a page that cannot be read: it proves nothing.
    """
    try:
        sessions = page["data"]
        for session in sessions:
            if _our_reference(session) == checkout.key:
                return str(session["id"]), ""
            if "metadata" not in session and session.get("client_reference_id") == checkout.order_reference:
                raise ValueError("a list without metadata cannot tell attempts apart")
        if not sessions or page.get("has_more") is False:
            return "", ""
        newest, oldest = (_moment(sessions[position]["created"]) for position in (0, -1))
        # GUESS: newest first. A list that plainly is not is read to its end.
        if oldest < checkout.created_at - _CLOCK_SLACK and oldest <= newest:
            return "", ""
        return "", str(sessions[-1]["id"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as unreadable:
        problem = f"WooshPay's list of sessions cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


# --- webhooks


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and bool(_SECRET.fullmatch(value))


def _notice(event: Mapping[str, Any]) -> Notice:
    """Say which objects an event names: refunds and disputes by their intent, which is what a payment stores.

    To be ignored: kinds of event that say nothing about a payment (the creation of an intent is our own doing).
    Foreign: sessions and intents that do not carry our mark; somebody else uses the account too, or (GUESS) the
    session's metadata did not reach its intent.
    """
    event_id, kind = event.get("id"), event.get("type")
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise WebhookRefused("an event without id")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise WebhookRefused("an event without type")
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    thing = thing if isinstance(thing, dict) else {}
    own_page = kind.startswith(("payment_intent.", "checkout.session."))
    moved_back = kind.startswith(("charge.", "refund."))
    named = [thing.get("id"), _intent_id(thing)] if own_page else [_intent_id(thing), thing.get("id")]
    ids = [name for name in named if isinstance(name, str) and _ID.fullmatch(name)]
    mark, useful = _our_reference(thing), moved_back or (own_page and kind != "payment_intent.created")
    if useful and not ids:
        raise WebhookRefused("an event about nothing")
    return Notice(
        reference=ids[0] if ids else event_id,
        also=tuple(ids[1:]),
        parts=_parts(thing, kind),
        our_reference=mark,
        kind=kind,
        event_id=event_id,
        ignorable=not useful,
        foreign=own_page and not mark,
    )


def _parts(thing: Mapping[str, Any], kind: str) -> tuple[Reference, ...]:
    """Name the refund or dispute that an event is about. ``charge.refunded`` is about the charge."""
    events = {"refund": ("charge.refund.", "refund."), "dispute": ("charge.dispute.",)}
    named = next((part for part, prefixes in events.items() if kind.startswith(prefixes)), "")
    part_id = thing.get("id")
    if not named or (_given(thing, "object") or named) != named:
        return ()
    if not isinstance(part_id, str) or not _ID.fullmatch(part_id):
        return ()
    return (Reference(kind=named, value=part_id),)
