"""Golomt Bank's e-commerce product, hosted page. Facts: the bank's English documentation and public clients, 2026.

A payment is one *transaction*, known by an id that the shop makes up, and an *invoice*, the UUID in the address of
the page; the shop builds that address itself, so only the answer to ``create`` leads there. Every call is a POST.
``status`` says nothing about success (a paid and a declined transaction are both ``SENT``) and is in no checksum: the
error code decides. None: not paid yet; ``000``: paid, final; any other: failed, final for this id.

Checksums are HMAC-SHA256 over values glued together without separators, exactly as they stand in the JSON: that
proves who wrote an answer, and when its values can be read in one way only, what it says. So an answer counts only
if it repeats the id that was asked about, and an amount never begins with a zero that could belong to the code.

What the wire does not show: the currency (an option), cancelling, refunds and chargebacks (arranged with the bank on
paper: a report says "cannot tell" of both, so that what an operator recorded stays), and when a page is over. That
last one is the one death that our clock decides. Only the settlement list has a trace of a reversal; it is in no
checksum and cannot be asked about one transaction, so ``settlements`` gives it to a person and nothing books it.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from .. import clock
from ..exceptions import (
    ConfigurationError,
    InvalidCheckout,
    NotAuthentic,
    ObjectNotFound,
    Rejected,
    Uncertain,
    UnknownStatus,
    WebhookRefused,
)
from ..messages import Checkout, Notice, Phase, Redirect, Reference, Report
from ..money import exponent, from_decimal_string, to_decimal_string
from .base import Options, PollSchedule, Provider
from .http import Answer, Bearer
from .webhooks import read_object

WIRE_DECIMALS = 2
"""Amounts are sent with two decimals, whatever the currency has, as every public client does."""
MAX_AMOUNT = 10**12 - 1
"""GUESS, in minor units: no limit is documented; a card network's amount field has twelve digits (ISO 8583)."""
PAGES: Mapping[str | None, str] = {None: "payment", "card": "payment", "socialpay": "socialpay"}
"""The method that was asked for -> the page's path. The card page offers SocialPay as well."""
PAID = "000"
OPEN_WORDS = {"PENDING": Phase.OPEN, "SENT": Phase.OPEN}
"""What ``status`` may say while there is no error code; it proves nothing, so it can only be known or unknown."""
NOT_FOUND = "NotFound"
"""What an error calls an unknown transaction. GUESS: with 400, as 404 is in no list of the bank's; both are taken."""
PAGE_SIZE = 50
"""Rows of a page of the settlement list, as in the bank's sample."""
MAX_PAGES = 200
_NOBODYS_ID = "000000000000000"
"""Ours have no zero in them; that another system of the merchant uses this one is hard to believe."""
_OUR_ID = re.compile(r"[A-Z2-7]{15}", re.ASCII)
_ANY_ID = re.compile(r"[A-Za-z0-9_.:-]{1,190}", re.ASCII)
_INVOICE = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?", re.ASCII)
_CHECKSUM = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_MERCHANT = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_SECRET = re.compile(r"[\x21-\x7e]{12,4096}", re.ASCII)

_CARD = frozenset({"token", "cardHolder", "cardNumber"})


@dataclass(frozen=True, kw_only=True)
class GolomtOptions(Options):
    """``OPTIONS`` of a Golomt Bank account."""

    bearer_token: str = field(repr=False)
    """The merchant token that the bank hands over with the contract."""
    merchant_key: str = field(repr=False)
    """The merchant key, the other secret: it makes and checks the checksums."""
    base_url: str = "https://ecommerce.golomtbank.com"
    """Where ``/api/invoice`` and the pages hang."""
    test: bool = False
    """These are test credentials. The bank documents no test host, and nothing on the wire says it."""
    currency: str = "MNT"
    """The currency of the merchant contract; no call names it."""
    language: str = ""
    """``mn`` or ``en`` for the bank's page; left out, it follows the order's locale."""
    return_type: str = "GET"
    """How the bank sends the buyer back: ``GET``, or ``POST`` with a form."""
    page_minutes: float = 10
    """The timer of the bank's page, as it is set for this merchant (2 to 10 minutes are documented)."""
    grace_minutes: float = 10
    """How long after that a success is still expected before the payment counts as expired."""
    gen_token: bool = True
    """Ask for a card token, and throw it away: without it the page of 2026 failed on fresh invoices."""

    def __post_init__(self) -> None:
        for name in ("bearer_token", "merchant_key"):
            value = getattr(self, name)
            if not isinstance(value, str) or not _SECRET.fullmatch(value):
                raise TypeError(f"__init__() {name} must be the bank's value: 12 or more characters, without spaces")
        if self.bearer_token == self.merchant_key:
            raise TypeError("__init__() merchant_key must be the merchant key: it is the same as bearer_token")
        self._refuse_words()
        for name, least, most in (("page_minutes", 2, 60), ("grace_minutes", 1, 360)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise TypeError(f"__init__() {name} must be a number of minutes from {least} to {most}")

    def _refuse_words(self) -> None:
        for name, words in (("language", ("", "mn", "en")), ("return_type", ("GET", "POST"))):
            if getattr(self, name) not in words:
                raise TypeError(f"__init__() {name} must be one of {', '.join(repr(word) for word in words)}")
        for name in ("test", "gen_token"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"__init__() {name} must be True or False")
        if not isinstance(self.base_url, str) or "?" in self.base_url or "#" in self.base_url:
            raise TypeError(
                "__init__() base_url must be an address without a query: the pages' paths are put behind it"
            )
        try:
            fits = exponent(self.currency) <= WIRE_DECIMALS
        except (ConfigurationError, TypeError):
            fits = False
        if not fits:
            raise TypeError("__init__() currency must be an ISO 4217 code such as 'MNT', with two decimals at most")


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """One row of the bank's settlement list: a hint for a person, sealed by nothing. Nothing about the card."""

    transaction: str
    """``merchantInvoice``. GUESS: our transaction's id; the bank describes no field of the list."""
    amount: int | None
    """Minor units of the contract's currency; ``None`` where the bank wrote no amount that can be read."""
    code: str
    """``respCode``: ``00`` is good here, where it is ``000`` everywhere else."""
    requested_at: str
    """``requestDate``, as the bank wrote it."""
    reversed_at: str
    """``reversedDate``, as the bank wrote it: the only trace of a reversal; empty when there is none."""
    approval: str
    """``approvalCode``."""
    bank_reference: str
    """``sysReference``."""


class GolomtProvider(Provider[GolomtOptions]):
    """One merchant contract with Golomt Bank."""

    name = "golomt"
    options_class = GolomtOptions
    secret_fields = ("bearer_token", "merchant_key")
    # Any other error code is a failure, says the bank; its table of codes is not public.
    statuses = {**OPEN_WORDS, PAID: Phase.PROCESSING, "300": Phase.FAILED}
    status_source = "Golomt Bank's e-commerce documentation: the error code; every code but 000 and none is a failure"
    key_life = timedelta(0)  # a transaction id that was used before is refused
    # Short, as the page's timer is. The questions after the timer and before the end of `grace_minutes` are the late
    # look that the bank advises; after it, a late success is learned of by its push.
    poll_schedule = PollSchedule(
        steps=((timedelta(minutes=25), timedelta(seconds=60)), (timedelta(hours=2), timedelta(minutes=5))),
        until_expiry=timedelta(minutes=30),
        grace=timedelta(hours=6),
        afterwards=timedelta(hours=6),
        late_look=timedelta(hours=2),
        longest=timedelta(days=1),
    )
    checkout_hosts = ("golomtbank.com",)
    signs_webhooks = True
    tells_refunds = False
    tells_disputes = False
    registers_webhooks = True
    tells_page_once = True

    @property
    def live(self) -> bool:
        """Whether the options do not say that this is a test."""
        return not self.options.test

    # -- calls

    def check(self, checkout: Checkout) -> None:
        """Refuse another currency than the contract's, what is no amount, and pages that the bank does not have."""
        if checkout.currency != self.options.currency:
            raise InvalidCheckout(
                f"this Golomt Bank account takes {self.options.currency} only (its option currency)"
            )
        if not 0 < checkout.amount <= MAX_AMOUNT:
            raise InvalidCheckout(f"Golomt Bank takes amounts from 1 to {MAX_AMOUNT} (minor units)")
        if checkout.method not in PAGES:
            raise InvalidCheckout("Golomt Bank's pages are 'card' and 'socialpay'")
        parts = urlsplit(checkout.return_url)
        if parts.query or parts.fragment:  # how the bank joins its own parameters to them is not documented
            raise InvalidCheckout("the return address of a Golomt Bank payment must not have a query")

    def create(self, checkout: Checkout) -> Redirect:
        """POST an invoice under our transaction id. Never asked twice: the bank refuses an id that it has."""
        made = self._ask_for_invoice(checkout)
        language = self.options.language or ("mn" if checkout.locale[:2].lower() == "mn" else "en")
        page = f"{PAGES.get(checkout.method, 'payment')}/{language}/{made.invoice}"
        report = Report(
            phase=Phase.OPEN,
            currency=self.options.currency,
            references=(
                Reference(kind="transaction", value=made.transaction),
                Reference(kind="invoice", value=made.invoice),
            ),
            live=self.live,
            raw_status="PENDING",
            capturable=0,
            captured=0,
            our_reference=checkout.key,
            checkout_url=f"{self.options.base_url.rstrip('/')}/{page}",
            expires_at=self._page_ends(checkout),
            raw={"transactionId": made.transaction, "invoice": made.invoice},
        )
        return Redirect(url=report.checkout_url, report=report)

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        """Inquire about the transaction, once: the flow asks again soon after a passing fault."""
        told = self._inquire(reference.value)
        try:
            return self._report(checkout, told)
        except ValueError as unreadable:
            problem = f"Golomt Bank's answer to an inquiry cannot be read: {unreadable}"
        raise Uncertain(problem)

    def find(self, checkout: Checkout) -> Report | None:
        """Inquire under the id that this attempt must have. A 404 without the bank's own word proves nothing."""
        try:
            return self.retrieve(checkout, Reference(kind="transaction", value=transaction_id(checkout.key)))
        except ObjectNotFound as missing:
            if missing.word != NOT_FOUND:
                raise
        return None

    def probe(self) -> str:
        """Inquire about a transaction that does not exist: only who has both secrets is told so."""
        try:
            self._inquire(_NOBODYS_ID)
        except ObjectNotFound as missing:
            if missing.word != NOT_FOUND:
                raise
        return f"{'live' if self.live else 'test'} credentials accepted"

    def settlements(self, *, merchant_id: str, start: date, end: date) -> list[Settlement]:
        """Read the settlement list of some days, both included, for a person who looks for a reversal.

        ``merchant_id`` is the merchant's number in the contract; no other call names it. The list is the whole
        contract's, and nothing in it is booked: ask the bank about a row that has ``reversed_at``, then record what
        it says. All pages or none. Raises ``ValueError`` for a number or days that are none, else as ``retrieve``.
        """
        if not _MERCHANT.fullmatch(merchant_id) or end < start:
            raise ValueError("merchant_id must be letters and digits, and end not before start")
        found: list[Settlement] = []
        ends = self.http.ends()
        for page in range(MAX_PAGES):
            asked = f"page={page}&size={PAGE_SIZE}&start={start:%Y-%m-%d}&end={end:%Y-%m-%d}"
            rows, last = self._settled(merchant_id, asked, ends)
            found += rows
            if last:
                return found
        raise Uncertain(f"the settlement list has more than {MAX_PAGES * PAGE_SIZE} rows: ask for fewer days")

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        """Check the checksum of a push and say which transaction to ask about. Nothing else in it is believed.

        It has neither a time nor an id: whoever has one push can send it for ever, so a repeat is another look.
        """
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media not in {"application/json", ""}:
            raise WebhookRefused("a push is JSON", status=415, reason="content_type")
        try:
            push = _read_outcome(read_object(body))
        except ValueError as unreadable:
            problem = f"the push cannot be read: {unreadable}"
        else:
            self._refuse_forged(push)
            # The address is one for the whole contract: what does not look like our ids is of another system.
            foreign = not _OUR_ID.fullmatch(push.transaction)
            return [Notice(reference=push.transaction, kind="push", foreign=foreign)]
        raise WebhookRefused(problem)

    def kept_body(self, body: bytes) -> bytes:
        """A genuine push without the card: its token could be charged again, and nobody here needs the holder."""
        kept = {name: value for name, value in read_object(body).items() if name not in _CARD}
        return json.dumps(kept, ensure_ascii=False).encode()

    def _refuse_forged(self, push: _Outcome) -> None:
        if not _CHECKSUM.fullmatch(push.checksum):
            raise WebhookRefused("the push has no checksum", status=401, reason="checksum")
        if not self._seals(push):
            why = "a push has a checksum that does not fit: it is forged, or merchant_key is not the bank's"
            raise WebhookRefused(why, status=401, reason="checksum", alarm=True)
        if not _ANY_ID.fullmatch(push.transaction):
            raise WebhookRefused("the push names no transaction")

    def _ask_for_invoice(self, checkout: Checkout) -> _Invoice:
        """Return what the bank vouches for. The bank's objects stay out of the frames of an error."""
        transaction = transaction_id(checkout.key)
        try:
            made = _read_invoice(self._post("/api/invoice", self._invoice(checkout, transaction)).json())
        except ValueError as unreadable:
            problem: Exception = Uncertain(f"Golomt Bank's answer to an invoice cannot be read: {unreadable}")
        else:
            if made.refusal and not made.invoice:  # an error that calls itself 200
                raise Rejected(f"refused with 200: {made.refusal}", code="200")
            ours = made.transaction == transaction and _INVOICE.fullmatch(made.invoice)
            if ours and self._fits(made.checksum, made.invoice, made.transaction):
                return made
            problem = NotAuthentic("the checksum or the ids of the bank's answer to an invoice do not fit")
        raise problem

    def _inquire(self, transaction: str) -> _Outcome:
        """Ask about a transaction; return what the bank vouches for. Raises ``ObjectNotFound`` for an unknown id."""
        body = {"checksum": self._checksum(transaction, transaction), "transactionId": transaction}
        try:
            told = _read_outcome(self._post("/api/inquiry", body).json())
        except ValueError as unreadable:
            problem: Exception = Uncertain(f"Golomt Bank's answer to an inquiry cannot be read: {unreadable}")
        except Rejected as refused:
            if refused.word != NOT_FOUND:  # wrong credentials, say: that is no "does not exist"
                raise
            problem = ObjectNotFound(str(refused), code=refused.code, word=refused.word)
        else:
            if told.transaction == transaction and self._seals(told):
                return told
            problem = NotAuthentic("the checksum or the id of the bank's answer to an inquiry does not fit")
        raise problem

    def _settled(self, merchant_id: str, asked: str, ends: float) -> tuple[list[Settlement], bool]:
        """Return a page of the settlement list, and whether it is the last one. The answer has no checksum."""
        # GUESS: what `token` means here is unclear. The bank's page says a card's, a public client sends its bearer
        # token; we keep no card's token, so only the latter can be ours to send.
        auth = _SettlementAuth(
            bearer=self.options.bearer_token,
            merchant_id=merchant_id,
            checksum=self._checksum(merchant_id, self.options.bearer_token),
        )
        path, headers = f"/api/getSettlementDetails?{asked}", {"Content-Type": "application/json"}
        try:
            return self._read_list(self.http.send("POST", path, auth=auth, headers=headers, ends=ends))
        except ValueError as unreadable:
            problem = f"Golomt Bank's settlement list cannot be read: {unreadable}"
        raise Uncertain(problem)

    def _read_list(self, answer: Answer) -> tuple[list[Settlement], bool]:
        """Read a page where no frame of an error keeps it: it is full of card tokens."""
        return _read_settlements(answer.json(), exponent(self.options.currency))

    def _post(self, path: str, body: Mapping[str, str]) -> Answer:
        data = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        auth, headers = Bearer(self.options.bearer_token), {"Content-Type": "application/json"}
        return self.http.send("POST", path, auth=auth, body=data, headers=headers)

    # -- checksums: only here is the merchant key in anybody's hands, and nothing here raises

    def _checksum(self, *values: str) -> str:
        """Return the lower-case hex of HMAC-SHA256 over the values, glued together."""
        message = "".join(values).encode("utf-8", "surrogatepass")
        return hmac.new(self.options.merchant_key.encode(), message, sha256).hexdigest()

    def _fits(self, claimed: str, *values: str) -> bool:
        return hmac.compare_digest(self._checksum(*values).encode(), claimed.encode("utf-8", "surrogatepass"))

    def _seals(self, outcome: _Outcome) -> bool:
        return self._fits(outcome.checksum, outcome.transaction, outcome.code, outcome.amount, outcome.token)

    # -- mapping: no calls below this line

    def _invoice(self, checkout: Checkout, transaction: str) -> dict[str, str]:
        missing = WIRE_DECIMALS - exponent(self.options.currency)
        amount = to_decimal_string(checkout.amount * 10**missing, WIRE_DECIMALS)
        back, callback = self.options.return_type, checkout.return_url
        return {
            "amount": amount,
            "callback": callback,
            "checksum": self._checksum(transaction, amount, back, callback),
            "genToken": "Y" if self.options.gen_token else "N",
            "returnType": back,
            "socialDeeplink": "N",
            "transactionId": transaction,
        }

    def _report(self, checkout: Checkout, told: _Outcome) -> Report:
        """Raises ``ValueError`` for an amount that cannot be read, ``UnknownStatus`` for a word without a code."""
        if not told.code and told.word not in OPEN_WORDS:
            raise UnknownStatus(told.word)
        amount = _minor(told.amount, exponent(self.options.currency))
        return Report(
            phase=self._phase(checkout, told),
            currency=self.options.currency,
            references=(Reference(kind="transaction", value=told.transaction),),
            live=self.live,
            raw_status=told.code or told.word,
            requested=amount,
            capturable=0,
            captured=amount if told.code == PAID else 0,
            # An id is made of the attempt's key: the one that was asked about, and repeated, carries it.
            our_reference=checkout.key if told.transaction == transaction_id(checkout.key) else "",
            expires_at=self._page_ends(checkout),
            raw={
                "transactionId": told.transaction,
                "status": told.word,
                "errorCode": told.code,
                "errorDesc": told.description,
                "amount": told.amount,
            },
        )

    def _phase(self, checkout: Checkout, told: _Outcome) -> Phase:
        if told.code:
            return Phase.PROCESSING if told.code == PAID else Phase.FAILED
        over = self._page_ends(checkout) + timedelta(minutes=self.options.grace_minutes)
        return Phase.EXPIRED if clock.now() >= over else Phase.OPEN

    def _page_ends(self, checkout: Checkout) -> datetime:
        return checkout.created_at + timedelta(minutes=self.options.page_minutes)


class _SettlementAuth(AuthBase):
    """Writes the bearer token into the header and the body, where no traceback shows it."""

    def __init__(self, *, bearer: str, merchant_id: str, checksum: str) -> None:
        self._bearer = Bearer(bearer)
        self._body = {"checksum": checksum, "merchantId": merchant_id, "token": bearer}

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.prepare_body(data=json.dumps(self._body, separators=(",", ":")).encode(), files=None)
        return self._bearer(request)

    def __repr__(self) -> str:
        return "_SettlementAuth([hidden])"


def transaction_id(key: str) -> str:
    """Return what an attempt is called at the bank: 15 letters and digits (fewer than 16 are allowed), 75 bits.

    Made of the attempt's key, so that it is known before the first call, and no two attempts ever share one.
    """
    return b32encode(sha256(key.encode()).digest()).decode()[:15]


@dataclass(frozen=True, kw_only=True)
class _Invoice:
    """The bank's answer to an invoice, as it was written."""

    transaction: str
    invoice: str
    checksum: str
    refusal: str
    """``message``, as errors have it."""


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What an inquiry's answer or a push says, as it was written. Nothing about the card but what the checksum needs.

    "" stands for null and for what is missing, as it does in the checksum.
    """

    transaction: str
    code: str
    amount: str
    token: str = field(repr=False)
    """A reusable card token: it is hashed and thrown away."""
    word: str
    """``status``; in no checksum."""
    description: str
    """``errorDesc``; in no checksum."""
    checksum: str


def _read_invoice(told: Mapping[str, Any]) -> _Invoice:
    """Raises ``ValueError`` for what is none."""
    if "invoice" not in told and "message" not in told:
        raise ValueError("it names no invoice")
    return _Invoice(
        transaction=_text(told, "transactionId"),
        invoice=_text(told, "invoice"),
        checksum=_text(told, "checksum"),
        refusal=_text(told, "message")[:120],
    )


def _read_outcome(told: Mapping[str, Any]) -> _Outcome:
    """Raises ``ValueError`` for what is none: an error with status 200, say, or values that are no text."""
    if "transactionId" not in told:
        raise ValueError("it names no transaction")
    description = told.get("errorDesc")
    return _Outcome(
        transaction=_text(told, "transactionId"),
        code=_printable(_text(told, "errorCode")),  # never a number: 000 cannot be written as one
        amount=_digits(told),
        token=_text(told, "token"),
        word=_printable(_text(told, "status")) or "PENDING",
        description=description[:300] if isinstance(description, str) else "",
        checksum=_text(told, "checksum"),
    )


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value or ""


def _digits(told: Mapping[str, Any]) -> str:
    """Return the amount as it was hashed. Every sample has text; a number with a fraction is read as text already."""
    value = told.get("amount")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(told, "amount")


def _printable(word: str) -> str:
    if len(word) > 64 or not word.isprintable():
        raise ValueError("a status or code that no bank writes")
    return word


def _minor(amount: str, decimals: int) -> int | None:
    """Read an amount, with or without decimals, into minor units; ``None``: there is none."""
    if not amount:
        return None
    if not _AMOUNT.fullmatch(amount):
        raise ValueError(f"{amount!r:.40} is not a plain amount")
    return from_decimal_string(amount, decimals)


def _read_settlements(told: Mapping[str, Any], decimals: int) -> tuple[list[Settlement], bool]:
    """Raises ``ValueError`` for what is no page of the list: half a list would hide reversals."""
    rows, pages = told.get("content"), told.get("pageable")
    last = pages.get("last") if isinstance(pages, Mapping) else None
    if not isinstance(rows, list) or not isinstance(last, bool):
        raise ValueError("it is no page of a list")
    if not rows and not last:
        raise ValueError("a page is empty and not the last one")
    return [_read_settlement(row, decimals) for row in rows], last


def _read_settlement(row: object, decimals: int) -> Settlement:
    """Read a row as far as it can be: an odd one, of another system say, must not hide the others."""
    if not isinstance(row, Mapping):
        raise ValueError("a row is no object")
    try:
        amount = _minor(_digits(row), decimals)
    except ValueError:
        amount = None
    return Settlement(
        transaction=_as_written(row, "merchantInvoice"),
        amount=amount,
        code=_as_written(row, "respCode"),
        requested_at=_as_written(row, "requestDate"),
        reversed_at=_as_written(row, "reversedDate"),
        approval=_as_written(row, "approvalCode"),
        bank_reference=_as_written(row, "sysReference"),
    )


def _as_written(row: Mapping[str, Any], name: str) -> str:
    """Return a value as text, whatever it is: a moment that is a number is a moment too. "" stands for null."""
    value = row.get(name)
    return "" if value is None else str(value)[:190]
