"""Every exception of django-payflow.

::

    PayflowError
    |-- ConfigurationError (also django's ImproperlyConfigured is raised from it at start-up, see conf)
    |   `-- Unreadable               a stored value that no key in PAYFLOW["ENCRYPTION_KEYS"] decrypts
    |-- InsideTransaction            a provider call while a database transaction is open
    |-- CheckoutRefused              the shop's request cannot become a payment; .buyer_message is polite
    |   |-- OrderNotPayable          the order's status or an existing payment forbids a new attempt
    |   |-- BankIsWorking            an earlier attempt is with the bank; paying again would pay twice
    |   |-- TooManyAttempts          more than the allowed number of attempts in an hour
    |   |-- OutOfStock               raised by the shop's own reserve function; nothing was started
    |   `-- InvalidCheckout          total, currency, lines or e-mail cannot be sent to this provider
    |-- CommandRefused               an operator's command that this row does not allow now
    |   `-- NotEnoughLeft            more than can still be captured or refunded; .left says how much can
    |-- ProviderError                a call to a provider went wrong
    |   |-- Rejected                 a definite no: nothing was created, asking again gives the same answer
    |   |   |-- ObjectNotFound       the provider does not know this reference (yet)
    |   |   `-- Unsupported          this provider or method cannot do it; refused before the wire
    |   |-- NotSent                  the request never reached the provider: safe to send again
    |   `-- Uncertain                it may or may not have happened: look it up before asking again
    |       `-- NotAuthentic         an answer whose own signature or checksum does not fit: as good as none
    |-- UnknownStatus                the provider answered with a word that our table lacks
    |-- ReportRefused                the provider's answer is for another account, mode or object
    |-- WebhookRefused               a webhook delivery that is not authentic or not readable
    |-- RetryLater                   raised by a fulfilment handler: try again in .seconds
    `-- GiveUp                       raised by a fulfilment handler: a person must look

This module knows no Django, so that providers stay plain Python.
"""

from __future__ import annotations

__all__ = [
    "BankIsWorking",
    "CheckoutRefused",
    "CommandRefused",
    "ConfigurationError",
    "GiveUp",
    "InsideTransaction",
    "InvalidCheckout",
    "NotAuthentic",
    "NotSent",
    "ObjectNotFound",
    "OrderNotPayable",
    "PayflowError",
    "ProviderError",
    "Rejected",
    "ReportRefused",
    "RetryLater",
    "TooManyAttempts",
    "Uncertain",
    "UnknownStatus",
    "Unreadable",
    "Unsupported",
    "WebhookRefused",
]


class PayflowError(Exception):
    """Root of the tree."""


class ConfigurationError(PayflowError):
    """A setting is missing or wrong; the message names it and says what to write instead."""


class Unreadable(ConfigurationError):
    """A stored value that no configured key decrypts; the message names the column and the id of the key."""


class InsideTransaction(PayflowError):
    """A provider call was about to be made while a database transaction is open.

    A call can take seconds: rows would stay locked, and a rollback would forget what the provider did.
    """


class CheckoutRefused(PayflowError):
    """This order cannot be paid like that. ``str()`` is for the shop's developer, ``buyer_message`` for the page."""

    default_buyer_message = "This order cannot be paid right now. Please contact the shop."

    def __init__(self, message: str, *, buyer_message: str = "") -> None:
        super().__init__(message)
        self.buyer_message = buyer_message or self.default_buyer_message


class OrderNotPayable(CheckoutRefused):
    """The order is already paid, closed, or has a payment that must be settled first."""

    default_buyer_message = "This order is not waiting for a payment."


class BankIsWorking(CheckoutRefused):
    """An earlier attempt is being processed; a second one could take the money twice."""

    default_buyer_message = "Your bank is still working on your payment. Please wait for its answer."


class TooManyAttempts(CheckoutRefused):
    """The order used up its attempts for this hour."""

    default_buyer_message = "There were too many attempts to pay this order. Please try again in an hour."


class OutOfStock(CheckoutRefused):
    """For a shop's reserve function (``PAYFLOW["STOCK"]``): the order cannot be delivered any more."""

    default_buyer_message = "Something in this order is no longer available."


class InvalidCheckout(CheckoutRefused):
    """Refused before the wire: the provider would refuse it, or it would charge something else."""

    default_buyer_message = "This order cannot be paid with the chosen payment method."


class CommandRefused(PayflowError):
    """An operator's command that does not fit the row's state; the message says why and what to do."""


class NotEnoughLeft(CommandRefused):
    """More than can still be captured or refunded. ``left`` is what can, in minor units."""

    def __init__(self, message: str, *, left: int) -> None:
        super().__init__(message)
        self.left = left


class ProviderError(PayflowError):
    """A provider call went wrong.

    ``code`` is the HTTP status, ``word`` the provider's own error code, ``kind`` its word for the class of error;
    none is ever a secret. ``replayed``: this is the stored answer of an earlier call under the same idempotency key,
    and asking again will bring it again.
    """

    outcome = "uncertain"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        word: str = "",
        kind: str = "",
        retry_after: float | None = None,
        replayed: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.word = word
        self.kind = kind
        self.retry_after = retry_after
        self.replayed = replayed


class Rejected(ProviderError):
    """A definite no: nothing happened at the provider, and the same request gets the same answer."""

    outcome = "rejected"


class ObjectNotFound(Rejected):
    """The provider does not know the reference. May be transient right after creation."""


class Unsupported(Rejected):
    """The provider has no such operation; refused before anything was sent."""


class NotSent(ProviderError):
    """The request certainly did not reach the provider, or was turned away unprocessed: safe to repeat."""

    outcome = "not_sent"


class Uncertain(ProviderError):
    """No answer, a broken answer or a server error: it may have happened. Look it up before asking again."""

    outcome = "uncertain"


class NotAuthentic(Uncertain):
    """The provider's answer carries a signature or checksum that does not fit it: as good as none, and a case."""


class UnknownStatus(PayflowError):
    """The provider used a status word that the adapter's table lacks: an event, a case, and another look later."""

    def __init__(self, word: str) -> None:
        super().__init__(f"the provider answered with the unknown status {word[:64]!r}")
        self.word = word[:64]


class ReportRefused(PayflowError):
    """The answer belongs to another account, mode or object; nothing may be concluded from it."""


class WebhookRefused(PayflowError):
    """A delivery that must not be stored.

    ``status`` is the HTTP answer, ``reason`` a word for the counters. ``alarm``: a person should look (one case
    per account and hour), as for a genuine signature on the other mode's event.
    """

    def __init__(self, message: str, *, status: int = 400, reason: str = "malformed", alarm: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.alarm = alarm


class RetryLater(PayflowError):
    """A fulfilment handler asks to be called again in ``seconds`` (``None``: by the schedule)."""

    def __init__(self, seconds: float | None = None, reason: str = "") -> None:
        super().__init__(reason or "the handler asked to be called again later")
        self.seconds = seconds


class GiveUp(PayflowError):
    """A fulfilment handler says that trying again is useless; the row is parked with a case."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
