"""Mollie, Payments API v2. Facts: Mollie's OpenAPI description (2026-08) and documentation.

A payment has one reference, ``tr_...``. Webhooks are unsigned and say nothing but this id: they are a hint, and
every one of them looks the same (paid, captured, refunded, charged back).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

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
NOT_REFUNDABLE = frozenset({"paysafecard", "giftcard"})
"""Refunds page: these take no refund at all."""
SEVERAL_CAPTURES = frozenset({"billie", "klarna", "riverty"})
"""Stay authorized while captures remain possible; which these are is a GUESS. A card's first capture ends it."""
LINE_METHODS = frozenset({"billie", "billink", "in3", "klarna", "riverty"})
"""Refused without lines and a billing address. Vouchers are too, but want a category per line, which ours lack."""
_PLAIN_ADDRESS = frozenset({"billink"})
"""Of these, content with an e-mail address or a postal address; the others need a whole one, with the names."""
_LINE_TYPES = {
    LineKind.GOODS: "physical",
    LineKind.DIGITAL: "digital",
    LineKind.SHIPPING: "shipping_fee",
    LineKind.FEE: "surcharge",
    LineKind.DISCOUNT: "physical",  # a discount of nothing: Mollie's type must be below zero
    LineKind.GIFT_CARD: "digital",  # one that is bought: Mollie's type is one that is spent
}
_REASON = 64
"""Metadata holds about a kilobyte; this much of a reason fits however it is counted."""
_CAPTURE_PAUSE = 60
_MAYBE_DONE = frozenset({"400", "422"})
"""Refusals that an earlier request of ours may have caused: the key with other bytes; nothing left to move."""
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
    supports_manual_capture = True
    supports_capture = True
    supports_partial_capture = True
    # It depends on the method, which is the buyer's choice: promised is what all of them keep, see ``check_move``.
    # What a final part leaves authorized is released by ``void``.
    supports_several_captures = False
    supports_void = True
    supports_refund = True
    supports_partial_refund = True
    drops_canceled_refunds = True  # a canceled refund is a 404 from then on
    marks_captures = True

    @property
    def live(self) -> bool:
        """Whether the key is a live one: Mollie has no separate test host."""
        return self.options.api_key.startswith("live_")

    # -- calls

    def check(self, checkout: Checkout) -> None:
        """Refuse a currency that Mollie lacks, an amount of zero, and what the method's own rules forbid."""
        if checkout.currency not in CURRENCIES:
            raise InvalidCheckout(
                f"Mollie does not take {checkout.currency}; it takes {' '.join(sorted(CURRENCIES))}"
            )
        if checkout.amount <= 0:
            raise InvalidCheckout("Mollie needs an amount above zero")
        if checkout.method == "riverty" and checkout.capture is not Capture.MANUAL:
            raise InvalidCheckout("Riverty at Mollie is captured by hand only: set CAPTURE to 'manual'")
        if checkout.method in LINE_METHODS:
            _check_lines(checkout)

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
        return self._read(reference.value)

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
        return read_payment(self.http.send("DELETE", _path(reference.value), auth=self._auth()).json())

    def check_move(self, checkout: Checkout, request: MoveRequest) -> None:
        """Refuse what the method cannot do, as far as it was chosen before the hosted page.

        A part that is not the last may be captured only where it is certain that the rest stays authorized.
        """
        if request.kind is MoveKind.REFUND and checkout.method in NOT_REFUNDABLE:
            raise Unsupported(f"Mollie cannot refund {checkout.method}")
        if request.kind is MoveKind.CAPTURE and not request.final and checkout.method not in SEVERAL_CAPTURES:
            raise Unsupported("Mollie may let go of the rest after one capture: only a final one is safe here")

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST a capture; it begins as ``pending``. The payment's webhook says when that changes."""
        return self._move("captures", checkout, request)

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST a refund; it begins as ``pending``, or ``queued`` where the account's balance is too small.

        Two refunds of the same amount within an hour are a 409, as a key is whose first request still runs. Neither
        was done, but they look alike: ``Uncertain`` both. Mollie may bring a 409 back for as long as it keeps the
        key; after that hour the same request is a new one, and no duplicate any more.
        """
        return self._move("refunds", checkout, request)

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """POST release-authorization: 202 without a body, the result shows in the payment, if it ever comes.

        What becomes of a capture that is still with the bank is not documented, so it is waited for. And a 422 only
        says "not authorized": what the payment became tells whether it was released already.
        """
        payment, ends = _payment_of(request), self.http.ends()
        _refuse_release(self._look(payment, ends))
        self.http.send(
            "POST",
            f"{_path(payment)}/release-authorization",
            auth=self._auth(),
            headers={"Idempotency-Key": request.key},
            ends=ends,
        )
        return MoneyMove(id="", amount=request.amount, status="pending", our_reference=request.key)

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

    def _move(self, name: str, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        payment, ends = _payment_of(request), self.http.ends()
        try:
            answer = self.http.send(
                "POST",
                f"{_path(payment)}/{name}",
                auth=self._auth(),
                body=_move_body(checkout, request),
                headers={"Content-Type": "application/json", "Idempotency-Key": request.key},
                ends=ends,
            )
        except Rejected as no:
            if no.code not in _MAYBE_DONE:
                raise
            refused = no
        else:
            return replace(_read_move(name, answer.json(), request.currency), our_reference=request.key)
        return self._made_before(payment, request, refused, ends)

    def _made_before(self, payment: str, request: MoveRequest, refused: Rejected, ends: float) -> MoneyMove:
        """Return the capture or refund that carries this request's mark; without one the refusal is definite.

        "Nothing left" and "already captured" are what a request hears that had been done already: after its key's
        hour, or where the first answer was a server error that Mollie did not keep.
        """
        try:
            seen = self._look(payment, ends)
        except ProviderError as unknown:
            problem = f"refused with {refused.code}, and whether an earlier request was done is not known: {unknown}"
        else:
            moves = seen.refunds if request.kind is MoveKind.REFUND else seen.captures
            for move in moves:
                if move.our_reference == request.key:
                    return move
            raise refused
        raise Uncertain(problem)

    def _look(self, payment: str, ends: float) -> Report:
        """Read the payment within a call that moves its money: only a ``ProviderError`` may leave that one."""
        try:
            return self._read(payment, ends)
        except UnknownStatus as unknown:
            problem = str(unknown)
        raise Uncertain(problem)

    def _read(self, payment: str, ends: float | None = None) -> Report:
        answer = self.http.get(_path(payment), auth=self._auth(), params=_EMBED, ends=ends)
        return read_payment(answer.json())

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
    if checkout.capture is Capture.MANUAL:
        body["captureMode"] = "manual"
    if checkout.method in LINE_METHODS:
        # To these only: an address that Mollie dislikes is a 422 for every other method as well, which need none.
        body["lines"] = [_line(line, checkout.currency) for line in checkout.lines]
        body["billingAddress"] = _address(checkout.buyer)
    return _bytes(body)


def _move_body(checkout: Checkout, request: MoveRequest) -> bytes:
    """Return a capture's or refund's bytes, with the mark that tells it from others.

    The reason goes into the metadata: buyers may be shown the description of a refund.
    """
    metadata = {"order": checkout.order_reference, "move": request.key}
    if request.reason:
        metadata["reason"] = request.reason[:_REASON]
    return _bytes({"amount": _amount(request.amount, request.currency), "metadata": metadata})


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _payment_of(request: MoveRequest) -> str:
    """Return the id that goes into the path of a call that moves money. Raises ``Rejected``."""
    payment = request.reference("payment")
    if not _PAYMENT_ID.fullmatch(payment):
        raise Rejected("no Mollie payment is known for this request")
    return payment


def _refuse_release(seen: Report) -> None:
    """Raise unless there is an authorization to release, and nobody is capturing from it."""
    if seen.capturable:
        if any(capture.status == "pending" for capture in seen.captures):
            raise NotSent("a capture is still with the bank", retry_after=_CAPTURE_PAUSE)
        return
    if seen.raw_status in {"open", "pending"} or seen.captured == seen.requested:
        raise Rejected(f"nothing is authorized: Mollie's payment is {seen.raw_status}")
    raise Uncertain(f"the authorization is gone already: Mollie's payment is {seen.raw_status}")


def _check_lines(checkout: Checkout) -> None:
    """Refuse what Mollie refuses: no lines, lines that do not add up, an address with gaps."""
    if not checkout.lines or sum(line.total for line in checkout.lines) != checkout.amount:
        raise InvalidCheckout(f"{checkout.method} at Mollie needs the order's lines, and they must add up")
    missing = _missing_of_address(str(checkout.method), _address(checkout.buyer))
    if missing:
        raise InvalidCheckout(
            f"{checkout.method} at Mollie needs the buyer's {', '.join(missing)}",
            buyer_message="Please fill in your name, e-mail address and billing address to pay this way.",
        )


_POSTAL = ("streetAndNumber", "postalCode", "city", "country")


def _missing_of_address(method: str, address: Mapping[str, str]) -> list[str]:
    needed: list[str] = ["givenName", "familyName", "email", *_POSTAL]
    if method in _PLAIN_ADDRESS:
        needed = [] if "email" in address else list(_POSTAL)
    if method == "billie":  # for companies only
        needed.append("organizationName")
    return [name for name in needed if name not in address]


def _address(buyer: Buyer) -> dict[str, str]:
    """Return what is known. No phone number: it must be E.164, and ours may be written in any way."""
    first, _, rest = buyer.name.strip().partition(" ")
    parts = {
        "givenName": buyer.first_name or first,
        "familyName": buyer.last_name or rest.strip(),
        "organizationName": buyer.company,
        "email": buyer.email,
        "streetAndNumber": buyer.street,
        "streetAdditional": buyer.street2,
        "postalCode": buyer.postal_code,
        "city": buyer.city,
        "country": buyer.country,
    }
    return {name: value.strip() for name, value in parts.items() if value.strip()}


def _line(line: Line, currency: str) -> dict[str, Any]:
    """Return a line for which unit price times quantity is the total, as Mollie demands to the cent.

    Without VAT: a ``vatAmount`` that is rounded in another way than Mollie's is refused, and none is needed.
    """
    exact = line.quantity * line.unit_price == line.total
    name = line.name.strip() or line.sku or line.kind.value
    shown: dict[str, Any] = {
        "type": _line_type(line),
        "description": name if exact else f"{line.quantity} x {name}",
        "quantity": line.quantity if exact else 1,
        "unitPrice": _amount(line.unit_price if exact else line.total, currency),
        "totalAmount": _amount(line.total, currency),
    }
    if 0 < len(line.sku) <= 64:
        shown["sku"] = line.sku
    return shown


def _line_type(line: Line) -> str:
    """Return Mollie's word: what lowers the total must be a discount or a gift card, and these must lower it."""
    if line.total < 0:
        return "gift_card" if line.kind is LineKind.GIFT_CARD else "discount"
    return _LINE_TYPES[line.kind]


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 2


def _amount(minor: int, currency: str) -> dict[str, str]:
    return {"currency": currency, "value": to_decimal_string(minor, _decimals(currency))}


def _path(payment_id: str) -> str:
    return f"/v2/payments/{quote(payment_id, safe='')}"


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
    refunds, disputes, captures = (_moves(data, name, currency) for name in ("refunds", "chargebacks", "captures"))
    captured = _captured(data, word, asked, captures or ())
    return Report(
        phase=MollieProvider.statuses[word],
        currency=currency,
        references=(Reference(kind="payment", value=str(data["id"])),),
        live=data["mode"] == "live",
        raw_status=word,
        requested=asked,
        captured=captured,
        # A pending capture lowers this only once it has succeeded: money that is on its way is not lost.
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
        capture_before=_moment(data.get("captureBefore")),
        refunds=refunds or (),
        captures=captures or (),
        disputes=disputes or (),
        raw=data,
    )


def _captured(data: Mapping[str, Any], word: str, asked: int, captures: tuple[MoneyMove, ...]) -> int:
    """Gross captured: ``amountCaptured`` where it is given, else the captures, else all of what is ``paid``."""
    if (given := data.get("amountCaptured")) is not None:
        return _minor(given, str(data["amount"]["currency"]))
    done = sum(capture.amount for capture in captures if capture.status == "succeeded")
    return done or (asked if word == "paid" else 0)


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
    return tuple(_one_move(name, item, currency) for item in _items(data, name))


def _one_move(name: str, item: Mapping[str, Any], currency: str) -> MoneyMove:
    return MoneyMove(
        id=str(item["id"]),
        amount=_minor(item["amount"], currency),
        status=_move_status(name, item),
        our_reference=_mark(item, "move"),
    )


def _read_move(name: str, data: Mapping[str, Any], currency: str) -> MoneyMove:
    """Read the answer to a capture or refund. Raises ``Uncertain``: it was taken, whatever the answer says."""
    try:
        return _one_move(name, data, currency)
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        problem = f"Mollie's answer about {name} cannot be read ({type(unreadable).__name__})"
    raise Uncertain(problem)


def _move_status(name: str, item: Mapping[str, Any]) -> str:
    if name == "chargebacks":  # the money is gone at once; a reversal may come, and nothing says that none will
        return "won" if item.get("reversedAt") else "open"
    return _MOVE_STATUS[name].get(str(item.get("status")), "pending")


def _items(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = (data.get("_embedded") or {}).get(name) or []
    return [item for item in found if isinstance(item, dict)]


def _our_reference(data: Mapping[str, Any]) -> str:
    return _mark(data, "attempt")


def _mark(data: Mapping[str, Any], name: str) -> str:
    """Read a word of the metadata, which may come back as an object or as the JSON string of one."""
    metadata = data.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except ValueError:
            return ""
    return str(metadata.get(name) or "") if isinstance(metadata, dict) else ""


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
