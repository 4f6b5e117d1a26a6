"""What the pages must know of a payment's money and of its provider, without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from .. import conf, flow, registry
from ..exceptions import ConfigurationError
from ..messages import MoveKind
from ..models import Move, Payment
from ..money import readable
from ..providers.base import Provider
from ..states import PaymentStatus, must_go_back

__all__ = ["approval_note", "backend_of", "due_back", "left", "load", "named", "no_backend", "reference_of"]


def load(payments: Sequence[Payment]) -> None:
    """Read what the questions below need, in one query each, however many payments there are."""
    prefetch_related_objects(
        list(payments),
        "references",
        Prefetch("moves", queryset=Move.objects.defer("request").order_by("pk")),
        "cases",
    )


def reference_of(payment: Payment) -> str:
    """Return the provider's first id; empty while there is none."""
    return next((row.value for row in payment.references.all()), "")


def backend_of(payment: Payment) -> type[Provider[Any]] | None:
    """Return the provider's class; ``None`` when the settings have lost the account."""
    try:
        return registry.provider_class(conf.get().account(payment.account).backend)
    except ConfigurationError:
        return None


def no_backend(payment: Payment) -> str:
    """Say why nothing can be asked of an account that the settings have lost."""
    return _("The settings name no account “%(account)s” any more.") % {"account": payment.account}


def left(kind: MoveKind, payment: Payment) -> tuple[int, str]:
    """Return how much may be captured, released or refunded now, in minor units, and in which currency."""
    return flow.left_for(kind, payment, payment.moves.all())


def named(payment: Payment) -> dict[str, str]:
    """Return the words that sentences about a payment are made of."""
    return {"account": payment.account, "reference": reference_of(payment) or payment.key}


def due_back(payment: Payment) -> bool:
    """Whether a conflicted payment still holds money, which must go back before it can be written off."""
    conflicted = PaymentStatus(payment.status) is PaymentStatus.CONFLICTED
    return conflicted and must_go_back(payment.facts, flow.as_asked(payment.moves.all()))


def approval_note(currency: str) -> str:
    """Say from which amount on a second person must agree to a refund; empty when nobody has to."""
    limit = conf.get().refund_approval_above.get(currency)
    if limit is None:
        return ""
    return _(
        "Above %(limit)s, earlier refunds of this payment included, nothing is sent yet: the refund waits until a "
        "second person approves it on its own page."
    ) % {"limit": readable(limit, currency)}
