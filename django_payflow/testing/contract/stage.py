"""What the suite must know of a provider, and the hands that play buyer, bank and network for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

import requests

from ... import clock, registry
from ...conf import Account
from ...messages import Buyer, Checkout, MoveKind
from ...providers.base import Provider
from ..simulators import Delivery
from .wire import Recorder

__all__ = ["ALIASES", "Act", "Asked", "Call", "Forgery", "Stage", "Trait", "Trouble"]

ALIASES: Mapping[int, str] = {1: "one", 2: "two"}
"""The two accounts of a stage, as ``PAYFLOW["PROVIDERS"]`` names them while the suite runs."""
SHOP = "https://shop.test"


class Act(StrEnum):
    """What somebody does to a payment at the provider. ``Stage.play`` does it."""

    PAY = "the buyer pays"
    AUTHORIZE = "the buyer pays, and the money is reserved only"
    PROCESS = "the buyer is done, the bank is not"
    DECLINE = "the bank says no, and the buyer may try again on the same page"
    FAIL = "the payment fails for good"
    CANCEL = "the buyer gives up"
    EXPIRE = "nobody paid in time"
    HOLD = "the money is there and under review"
    REFUND = "somebody refunds everything in the provider's dashboard"
    REFUND_PART = "somebody refunds a part (a fifth, rounded down) in the provider's dashboard"
    CHARGE_BACK = "the buyer's bank takes everything back"
    CHARGE_BACK_PART = "the buyer's bank takes a part (a fifth, rounded down) back"
    WIN = "the shop gets that money again"
    LOSE = "the shop does not get that money again, and that is final"
    INQUIRE = "the buyer's bank asks about the payment, and takes no money"
    INQUIRY_OVER = "that question is answered"
    REFUND_PENDING = "somebody refunds everything in the dashboard, and the bank takes its time"
    REFUND_ARRIVES = "the newest refund is done"
    REFUND_FAILS = "the newest refund comes back"
    CAPTURE = "somebody captures everything in the dashboard"
    CAPTURE_PART = "somebody captures a part (a fifth, rounded down) in the dashboard, and lets go of the rest"
    VOID = "somebody releases the authorization in the dashboard"
    LAPSE = "nobody captured in time, and the authorization is gone"


class Trait(StrEnum):
    """What a provider or its simulator may lack. The reason for a lack stands in ``Stage.cannot``."""

    # Read from the provider class:
    KEYS = "honours idempotency keys"
    FIND = "finds a payment by our mark"
    CANCEL = "ends an open payment on request"
    NO_CANCEL = "cannot end an open payment on request"
    MANUAL = "authorizes only, on request"
    REFUND = "refunds on request"
    PART_REFUND = "refunds less than everything, on request"
    NO_REFUND = "cannot refund on request"
    PART_CAPTURE = "captures less than everything"
    SEVERAL_CAPTURES = "captures several times"
    ONE_CAPTURE = "captures once"
    VOID = "releases an authorization on request"
    LISTS_REFUNDS = "lists a payment's refunds, with our marks"
    UNLISTED_REFUNDS = "shows a refund only to those who know its id"
    LISTS_DISPUTES = "lists a payment's disputes"
    SILENT_DISPUTES = "tells of no disputes"
    NO_MANUAL = "cannot authorize only"
    SIGNED = "signs its webhooks"
    UNSIGNED = "does not sign its webhooks"
    AGAIN = "is sent a create call again that certainly failed"
    PAGE_AGAIN = "a payment that is found again leads to its page"
    PAGE_ONCE = "only the answer to the create call leads to the page"
    # The other side of what is declared:
    RINGS = "a forged delivery rings an alarm"
    # Declared on the stage:
    HTTP = "is asked over HTTP, at ``base_url``, by the adapter's ``http``"
    MARK = "payments carry our key"
    FOREIGN_MARK = "a payment can be made to carry any key, also another one's"
    CURRENCY = "payments name their currency"
    MODE = "payments say whether their money is real"
    AMOUNT = "payments name their amount"
    WEBHOOK = "sends webhooks"
    ORPHANS = "a payment whose creation was never answered can be had again"
    TIMESTAMP = "signatures are dated"
    EVERY_BYTE = "signatures cover every byte of the body"
    ROTATION = "two signing secrets are good while one replaces the other"
    QUIET = "a forged delivery rings no alarm: anybody could ring it"
    FAILURE_TOLD = "sends a webhook about a failed payment"
    EVENT_IDS = "every webhook has an id of its own"
    TOKEN = "takes a webhook address per payment"  # noqa: S105 - no password
    MODE_IN_WEBHOOK = "webhooks say whether their money is real"
    STRANGE_WORD = "its simulator can be made to use an unknown status"
    REFUSES = "a request passes our check that the provider refuses"
    EXPIRES = "an open payment ends by the clock"
    PAGE = "its simulator's page can be operated without a browser"


class Call(StrEnum):
    """A call of the adapter, for faults and for counting."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    FIND = "find"
    CANCEL = "cancel"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class Trouble(StrEnum):
    """What may go wrong with a call."""

    BEFORE = "a server error, and nothing was done"
    AFTER = "a server error, and it was done all the same"
    BUSY = "429, nothing was done"
    LOST = "it was done, and the answer never comes"
    TRUNCATED = "it was done, and half of the answer comes"
    HANG = "it was done, and the answer drips without end"
    SLOW = "it was done, and the answer comes after five seconds"
    MISSING = "404"


class Forgery(StrEnum):
    """What may be wrong with a delivery of a provider that signs. The values are the simulators' webhook faults."""

    BAD_SIGNATURE = "bad_signature"
    OLD = "old_timestamp"
    UNSIGNED = "unsigned"
    UNKNOWN_SCHEME = "unknown_scheme"
    OTHER_SECRET = "other_secret"  # noqa: S105 - no password
    WRONG_MODE = "wrong_mode"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a payment at the provider asks the buyer for, read beside the adapter."""

    amount: int
    """Minor units of ISO 4217."""
    currency: str


class Stage(ABC):
    """One provider and its simulator. Derive from ``SimulatorStage`` if the simulator speaks our control API.

    References are the ids that the adapter puts first in ``Report.references``.
    """

    name: ClassVar[str]
    """For messages."""
    backend: ClassVar[str]
    """Dotted path of the provider class, or its short name in ``BUILTIN``."""
    cannot: ClassVar[Mapping[Act | Trait, str]] = {}
    """What does not exist at this provider, each with the reason: scenarios that need it are skipped with it."""
    amounts: ClassVar[Sequence[tuple[str, int]]] = (("EUR", 2495),)
    """(currency, minor units) that must go through without losing a unit; the first one is the everyday one.
    Put in a currency without decimals, one with three, the smallest and the largest amount, as far as they exist."""
    refuses: ClassVar[Sequence[tuple[str, int]]]
    """(currency, minor units) that the adapter must refuse before the wire."""
    other_currency: ClassVar[str] = "USD"
    """Not the everyday one; ``tell`` has the provider say it."""
    lifetime: ClassVar[timedelta] = timedelta(days=1)
    """After this time an open payment is dead at the provider for sure."""
    bank_time: ClassVar[timedelta] = timedelta(days=2)
    """After this time a capture, release or refund that the provider took is done there."""
    cancelable_method: ClassVar[str | None] = None
    """A method whose open payments can be cancelled, where not all can."""
    refused_method: ClassVar[str] = "no-such-method"
    """A method's word that our checks let pass and the provider refuses."""
    signing_option: ClassVar[str] = "signing_secrets"
    """The option that lists the webhook secrets, where webhooks are signed."""
    failed_search: ClassVar[Trouble] = Trouble.MISSING
    """An answer to a search that proves nothing. Another one where 404 is how the provider says "there is none"."""
    asks_for_a_token_first: ClassVar[bool] = False
    """The adapter gets an access token before a call: a call that already fails there was certainly not sent."""
    forgeries: ClassVar[Collection[Forgery]] = tuple(each for each in Forgery if each is not Forgery.WRONG_MODE)
    """What can be wrong with a signature of this provider's; ``WRONG_MODE`` is ``Trait.MODE_IN_WEBHOOK``."""
    buyer: ClassVar[Buyer] = Buyer(email="ada@example.com", name="Ada Lovelace")
    """Who pays where no order is involved; as complete as the provider needs him."""
    order_fields: ClassVar[Mapping[str, Any]] = {}
    """More fields of the orders that the suite makes."""

    # -- accounts

    @abstractmethod
    def options(self, account: int = 1) -> dict[str, Any]:
        """Return ``OPTIONS`` of account 1 or 2: the same provider, other credentials, both in test mode."""

    @abstractmethod
    def begin(self) -> None:
        """Forget everything: no payments, no faults, no webhooks; they are recorded and not sent."""

    def listen(self, account: int, url: str) -> None:  # noqa: B027 - most third parties need none
        """Have the provider send an account's webhooks to this address, if it takes one for the whole account."""

    # -- what happens at the provider

    @abstractmethod
    def play(self, reference: str, act: Act, *, webhook: bool = True) -> None:
        """Do it, also where no rule allows it, such as late success; ``webhook=False``: without telling the shop."""

    @abstractmethod
    def tell(
        self,
        reference: str,
        *,
        amount: int | None = None,
        currency: str | None = None,
        mark: str | None = None,
        live: bool | None = None,
        word: str | None = None,
    ) -> None:
        """Have the provider say something else about a payment from now on; no webhook.

        ``amount`` in minor units, ``mark`` is our key in the metadata, ``word`` the status word.
        """

    @abstractmethod
    def payments(self) -> list[str]:
        """Return the references of everything that exists at the provider, newest first."""

    @abstractmethod
    def asked(self, reference: str) -> Asked:
        """Return what a payment asks for: how the provider, not the adapter, understood the request."""

    @abstractmethod
    def payable(self, reference: str) -> bool:
        """Say whether the buyer could still pay it, read beside the adapter."""

    def sent_back(self, reference: str) -> list[int]:
        """Return the amounts of a payment's refunds, in minor units, read beside the adapter. Needs ``REFUND``."""
        raise NotImplementedError

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Move the provider's clock and payflow's."""

    def page(self, url: str) -> tuple[int, str]:
        """Open a hosted page as a browser would. Returns the HTTP status and the text."""
        answer = requests.get(url, timeout=10)
        return answer.status_code, answer.text

    def pay_on_page(self, url: str) -> str:
        """Pay on the hosted page. Returns the address that the buyer's browser is sent to. Needs ``Trait.PAGE``."""
        raise NotImplementedError

    # -- what happens on the wire

    @abstractmethod
    def trouble(
        self, call: Call, trouble: Trouble, *, times: int | None = None, retry_after: int | None = None
    ) -> None:
        """Have a call go wrong: ``times`` times, or until ``calm``. ``retry_after`` goes with ``BUSY``."""

    @abstractmethod
    def calm(self) -> None:
        """No more trouble."""

    @abstractmethod
    def calls(self, call: Call | None = None) -> int:
        """Return how many requests for this call reached the provider since ``begin``; ``None``: of all kinds."""

    @abstractmethod
    def keys(self) -> list[str | None]:
        """Return the idempotency keys of the create calls received, oldest first."""

    # -- webhooks

    @abstractmethod
    def deliveries(self) -> list[Delivery]:
        """Return the webhooks made so far, oldest first, each signed as an attempt made now would be."""

    @abstractmethod
    def send_again(self, reference: str) -> None:
        """Have the provider make a webhook about the payment as it is."""

    def forged(self, reference: str, forgery: Forgery) -> Delivery:
        """Return a delivery about a payment that is right in everything but this. Needs ``Trait.SIGNED``."""
        raise NotImplementedError

    def unknown(self, reference: str) -> str:
        """Return a reference of the same shape that nothing at the provider has."""
        return reference[:-8] + reference[-8:].translate(_SHIFTED)

    # -- made from the above

    def lacks(self, what: Act | Trait) -> str:
        """Return why a scenario that needs this cannot be played; empty: it can."""
        if what in self.cannot:
            return self.cannot[what]
        cls = self.provider_class
        lacking: dict[Act | Trait, tuple[bool, str]] = {
            Trait.KEYS: (not cls.key_life, "it honours no idempotency keys"),
            Trait.FIND: (not cls.supports_find, "it cannot look for a payment by our mark"),
            Trait.CANCEL: (not cls.supports_cancel, "it cannot end an open payment on request"),
            Trait.NO_CANCEL: (cls.supports_cancel, "it can end an open payment on request"),
            Trait.AGAIN: (
                cls.supports_find and not cls.key_life,
                "without an idempotency key an attempt is looked for, never sent again",
            ),
            Trait.PAGE_AGAIN: (cls.tells_page_once, "only the answer to the create call leads to its page"),
            Trait.PAGE_ONCE: (not cls.tells_page_once, "a payment that is found again leads to its page"),
            Trait.MANUAL: (not cls.supports_manual_capture, "it cannot authorize only"),
            Trait.NO_MANUAL: (cls.supports_manual_capture, "it can authorize only"),
            Trait.REFUND: (not cls.supports_refund, "it cannot refund on request"),
            Trait.PART_REFUND: (not cls.supports_partial_refund, "it refunds everything or nothing"),
            Trait.NO_REFUND: (cls.supports_refund, "it refunds on request"),
            Trait.PART_CAPTURE: (not cls.supports_partial_capture, "it captures everything or nothing"),
            Trait.SEVERAL_CAPTURES: (not cls.supports_several_captures, "it captures a payment once"),
            Trait.ONE_CAPTURE: (
                cls.supports_several_captures or not cls.supports_capture,
                "it captures several times, or never",
            ),
            Trait.VOID: (not cls.supports_void, "it cannot release an authorization"),
            Trait.LISTS_REFUNDS: (MoveKind.REFUND in cls.unlisted, "it shows a refund only by its id"),
            Trait.UNLISTED_REFUNDS: (MoveKind.REFUND not in cls.unlisted, "it lists a payment's refunds, or none"),
            Trait.LISTS_DISPUTES: (MoveKind.DISPUTE in cls.unlisted, "it shows a dispute only by its id"),
            Trait.SILENT_DISPUTES: (cls.tells_disputes, "it tells of disputes"),
            Trait.SIGNED: (not cls.signs_webhooks, "it does not sign its webhooks"),
            Trait.UNSIGNED: (cls.signs_webhooks, "it signs its webhooks"),
            Trait.RINGS: (Trait.QUIET not in self.cannot, "a forged delivery rings no alarm"),
        }
        is_lacking, why = lacking.get(what, (False, ""))
        return why if is_lacking else ""

    @property
    def provider_class(self) -> type[Provider[Any]]:
        """The class under test."""
        return registry.provider_class(self.backend)

    def provider(
        self, account: int = 1, *, deadline: float = 5, options: Mapping[str, Any] | None = None
    ) -> Provider[Any]:
        """Return the adapter as the registry builds it, with a record of what it sends in ``.http.sent``.

        ``options`` are put over the account's own.
        """
        entry = Account(
            alias=ALIASES[account], backend=self.backend, options={**self.options(account), **(options or {})}
        )
        built = registry.build(entry, deadline=deadline, allow_simulators=True)
        built.http = Recorder.around(built.http)
        return built

    def secrets(self) -> list[str]:
        """Return every secret value in the options of account 1."""
        values = [self.options(1).get(name) for name in self.provider_class.secret_fields]
        flat = [each for value in values for each in (value if isinstance(value, list | tuple) else [value])]
        return [secret for secret in flat if isinstance(secret, str) and secret]

    def checkout(self, account: int = 1, **fields: Any) -> Checkout:
        """Return a checkout of the everyday amount; every call another attempt, unless ``key`` is given."""
        currency, amount = self.amounts[0]
        number = next(_numbers)
        values: dict[str, Any] = {
            "key": f"11111111-1111-4111-8111-{number:012d}",
            "account": ALIASES[account],
            "order_reference": "K7Q2W9RTY4PLM3XZ",
            "description": "Order K7Q2W9RTY4PLM3XZ",
            "amount": amount,
            "currency": currency,
            "return_url": f"{SHOP}/payflow/return/{number:043d}/",
            "webhook_url": f"{SHOP}/payflow/webhook/{ALIASES[account]}/{number:043d}/",
            "created_at": clock.now(),
            "buyer": self.buyer,
        }
        return Checkout(**{**values, **fields})


def _count() -> Any:
    number = 0
    while True:
        number += 1
        yield number


_numbers = _count()
_HEX, _REST = "abcdef", "ghijklmnopqrstuvwxyz"
_RINGS = ("0123456789", _HEX, _REST, _HEX.upper(), _REST.upper())
_SHIFTED = str.maketrans("".join(_RINGS), "".join(ring[1:] + ring[:1] for ring in _RINGS))
"""Every letter and digit becomes the next one of its kind: a hexadecimal id stays one."""
