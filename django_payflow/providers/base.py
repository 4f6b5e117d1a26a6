"""The contract between the flow and a provider. Plain Python: no Django, no database, no Celery.

A call ends well or in one of three bad ways (see ``exceptions``): ``Rejected``, ``NotSent``, ``Uncertain``.
An adapter keeps its HTTP calls above and its pure mapping functions below, in one file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from ..exceptions import ConfigurationError, InvalidCheckout, Unsupported
from ..messages import Checkout, MoneyMove, MoveKind, MoveRequest, Notice, Phase, Redirect, Reference, Report
from .http import Http

__all__ = ["Cache", "Options", "PollSchedule", "Provider", "is_loopback"]


class Cache(Protocol):
    """Where an adapter may keep something shared for a while, such as an access token."""

    def get(self, key: str) -> Any:
        """Return the value, or ``None``."""

    def set(self, key: str, value: Any, timeout: float) -> None:
        """Keep the value for ``timeout`` seconds."""

    def delete(self, key: str) -> None:
        """Forget the value."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every account's ``OPTIONS`` may say; adapters add their own. Secrets carry ``repr=False``."""

    base_url: str
    connect_timeout: float = 3
    """Seconds until a connection must stand."""
    read_timeout: float = 10
    """Seconds without a byte until a call is given up."""


@dataclass(frozen=True, kw_only=True)
class PollSchedule:
    """When to ask about an open payment again, by its age, when no webhook says anything."""

    steps: tuple[tuple[timedelta, timedelta], ...] = (
        (timedelta(minutes=20), timedelta(seconds=60)),
        (timedelta(hours=1), timedelta(minutes=5)),
        (timedelta(hours=6), timedelta(minutes=15)),
    )
    """(up to this age, ask this often)."""
    until_expiry: timedelta = timedelta(hours=1)
    """Then this often, until the provider's expiry and ``grace``."""
    afterwards: timedelta = timedelta(days=1)
    """Then this often, up to ``longest``."""
    grace: timedelta = timedelta(hours=24)
    longest: timedelta = timedelta(days=14)
    """The age at which the provider's slowest method must have ended; beyond it a person looks."""
    late_look: timedelta | None = None
    """At this age a payment that expired is asked about once more, where only our clock says that it did."""

    def next_check(self, *, created: datetime, expires: datetime | None, now: datetime) -> datetime | None:
        """Return the time of the next question, or ``None`` when the schedule is over."""
        age = now - created
        for limit, pause in self.steps:
            if age < limit:
                return now + pause
        if expires is not None and now - self.grace < expires:  # not "expires + grace": that may have no end
            return now + self.until_expiry
        return now + self.afterwards if age < self.longest else None

    def is_over(self, *, created: datetime, expires: datetime | None, now: datetime) -> bool:
        """Say whether even a late answer is no longer to be expected."""
        return now - (self.grace if expires else self.longest) >= max(expires or created, created)


O = TypeVar("O", bound=Options)  # noqa: E741


class Provider(ABC, Generic[O]):
    """One account at one provider. Built per call or thread; holds no state that outlives the call."""

    name: ClassVar[str]
    """The provider's short name, as in ``BUILTIN``."""
    options_class: ClassVar[type[Options]]
    secret_fields: ClassVar[tuple[str, ...]] = ()
    """Options whose values must never be seen."""
    statuses: ClassVar[Mapping[str, Phase]]
    """The provider's status word -> phase. The money is read from sums, not from words."""
    status_source: ClassVar[str]
    """Where the status table comes from."""
    key_life: ClassVar[timedelta]
    """How long the provider honours an idempotency key; zero: not at all."""
    poll_schedule: ClassVar[PollSchedule] = PollSchedule()
    checkout_hosts: ClassVar[tuple[str, ...]]
    """Domains that a hosted page may have; a subdomain counts."""
    signs_webhooks: ClassVar[bool]
    """False: a delivery is only a hint, and needs our token in its address or a reference that we store."""
    registers_webhooks: ClassVar[bool] = False
    """The webhook address is entered once at the provider, for the whole account; no payment carries one."""
    tells_page_once: ClassVar[bool] = False
    """Only the answer to ``create`` leads to the hosted page; after a lost answer nobody can be sent there."""
    supports_cancel: ClassVar[bool] = False
    """An open payment can be cancelled (or its page expired) by the shop."""
    supports_manual_capture: ClassVar[bool] = False
    """A payment can be authorized only (``Checkout.capture``)."""
    supports_find: ClassVar[bool] = True
    """A payment can be found by our own reference after a lost answer."""
    supports_capture: ClassVar[bool] = False
    """What is authorized can be captured by a call."""
    supports_partial_capture: ClassVar[bool] = False
    """Less than everything can be captured; the rest is released, unless several captures are possible."""
    supports_several_captures: ClassVar[bool] = False
    """After a partial capture that is not final the rest stays authorized."""
    supports_void: ClassVar[bool] = False
    """What is authorized and not captured can be released by a call."""
    supports_refund: ClassVar[bool] = False
    """Captured money can be sent back by a call; where it cannot, an operator records what the bank did."""
    supports_partial_refund: ClassVar[bool] = False
    """Less than everything can be refunded, and several times."""
    unlisted: ClassVar[frozenset[MoveKind]] = frozenset()
    """Kinds (refund, dispute) that ``retrieve`` cannot list; each is read by its id, with ``retrieve_move``.

    Where refunds are listed, they carry our mark: one that a list lacks does not exist.
    """
    drops_canceled_refunds: ClassVar[bool] = False
    """A pending refund that a list no longer holds was cancelled; elsewhere that is a riddle."""
    marks_captures: ClassVar[bool] = False
    """``Report.captures`` carry our mark; otherwise the sums tell whether a capture took place."""
    tells_refunds: ClassVar[bool] = True
    """Reports say what was refunded; where they cannot, an operator records it."""
    tells_disputes: ClassVar[bool] = True
    """Reports say what was charged back; where they cannot, an operator records it."""
    authorization_life: ClassVar[timedelta | None] = None
    """How long an authorization lasts at least, where the provider does not say when it ends."""

    def __init__(self, account: str, options: O, http: Http, cache: Cache) -> None:
        self.account = account
        self.options = options
        self.http = http
        self.cache = cache

    # -- what the flow calls

    @property
    @abstractmethod
    def live(self) -> bool:
        """Whether the credentials move real money."""

    @abstractmethod
    def check(self, checkout: Checkout) -> None:
        """Refuse before the wire what the provider would refuse. Raises ``InvalidCheckout``. Must not call out."""

    @abstractmethod
    def create(self, checkout: Checkout) -> Redirect:
        """Create the payment. Called by ``start_checkout``, and again with the same key after an unknown outcome.

        The same checkout must always produce the same bytes, and send ``checkout.key`` as the idempotency key.
        Raises ``Rejected`` (the attempt fails), ``NotSent`` or ``Uncertain`` (asked again later).
        """

    @abstractmethod
    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        """Ask for the truth. Raises ``ObjectNotFound``, another ``ProviderError``, or ``UnknownStatus``."""

    @abstractmethod
    def find(self, checkout: Checkout) -> Report | None:
        """Look for a payment that carries our key, when its reference is not known. ``None``: there is none."""

    @abstractmethod
    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        """Authenticate a delivery over its raw bytes, fail closed, and say what it is about.

        ``headers`` have lower-case names. Must not call out. Raises ``WebhookRefused``.
        """

    def kept_body(self, body: bytes) -> bytes:
        """Return what of an authentic delivery is stored: all of it, unless it holds what nobody should keep."""
        return body

    def cancel(self, checkout: Checkout, reference: Reference) -> Report:
        """End an open payment. Raises ``Rejected`` when the provider will not. Only if ``supports_cancel``."""
        raise Unsupported(f"{self.name} cannot cancel a payment")

    def check_move(self, checkout: Checkout, request: MoveRequest) -> None:
        """Refuse before the wire what the provider would refuse. Raises ``Unsupported``. Must not call out.

        The flow has compared kind and amount with the flags and the sums already.
        """

    def capture(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """Take ``request.amount`` of what is authorized. Only if ``supports_capture``.

        The same request must always produce the same bytes, and send ``request.key`` as the idempotency key where
        one is honoured. Raises ``Rejected`` (it did not happen and will not), ``NotSent`` or ``Uncertain`` (looked
        up before it is asked for again). The answer is the provider's word about this capture, not about the
        payment: that one is retrieved afterwards.
        """
        raise Unsupported(f"{self.name} cannot capture")

    def void(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """Release everything that is authorized and not captured. As ``capture``; only if ``supports_void``."""
        raise Unsupported(f"{self.name} cannot release an authorization")

    def refund(self, checkout: Checkout, request: MoveRequest) -> MoneyMove:
        """Send ``request.amount`` of what was captured back. As ``capture``; only if ``supports_refund``.

        The refund carries ``request.key`` as a mark that ``Report.refunds`` shows.
        """
        raise Unsupported(f"{self.name} cannot refund")

    def retrieve_move(self, checkout: Checkout, reference: Reference) -> MoneyMove:
        """Read one refund or dispute (``reference.kind``) by its id. Only for kinds in ``unlisted``.

        Raises ``ObjectNotFound`` also for one that belongs to another payment than ``checkout``'s.
        """
        raise Unsupported(f"{self.name} shows no single {reference.kind}")

    def probe(self) -> str:
        """Make a harmless authenticated call, for the doctor. Returns a word about what answered."""
        raise Unsupported(f"{self.name} has no harmless call to try")

    # -- what every provider shares

    @classmethod
    def read_options(cls, raw: Mapping[str, Any]) -> Options:
        """Make the options from a settings dict. Raises ``ConfigurationError`` naming the wrong key."""
        known = {spec.name for spec in fields(cls.options_class)}
        if unknown := sorted(set(raw) - known):
            raise ConfigurationError(f"unknown option {unknown[0]!r}; {cls.name} knows {', '.join(sorted(known))}")
        try:
            return cls.options_class(**raw)
        except TypeError as wrong:
            problem = f"options of {cls.name}: {str(wrong).partition('__init__() ')[2]}"
        raise ConfigurationError(problem)  # outside of the block: the frames of the failure hold the secrets

    def safe_checkout_url(self, url: str) -> str:
        """Return the hosted page's address if the buyer may be sent there, else raise ``InvalidCheckout``.

        A compromised answer must not send buyers to a stranger: https and a known domain, or, against a
        simulator, the very host that the API calls go to.
        """
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
            same_simulator = is_loopback(host) and parts.netloc == urlsplit(self.options.base_url).netloc
        except ValueError:
            parts, host, same_simulator = urlsplit(""), "", False
        plain = url.isascii() and url.isprintable() and "\\" not in url and not parts.username
        known = any(host == domain or host.endswith("." + domain) for domain in self.checkout_hosts)
        if plain and ((parts.scheme == "https" and known) or (parts.scheme == "http" and same_simulator)):
            return url
        raise InvalidCheckout(f"{self.name} answered with a checkout address on an unexpected host: {host[:80]!r}")


def is_loopback(host: str) -> bool:
    """Say whether a host name is this machine, written plainly."""
    return host in {"localhost", "127.0.0.1", "::1"}
