"""Chapter four, the middle: ask the provider. No transaction is open, and nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from .. import clock, redaction, registry
from ..exceptions import ConfigurationError, ObjectNotFound, ProviderError, Rejected, Uncertain, UnknownStatus
from ..messages import Checkout, MoneyMove, MoveKind, Redirect, Reference, Report
from ..states import ALIVE, DEAD, PaymentStatus
from .gate import CallNote, call

__all__ = ["Asked", "Claim", "ask"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A payment that is ours to ask about, as it was when we took it."""

    payment_id: int
    order_id: int
    account: str
    token: str
    version: int
    reported_at: datetime | None
    status: PaymentStatus
    withdraw: bool
    checkout: Checkout
    reference: Reference | None
    created_at: datetime
    parts: tuple[Reference, ...] = ()
    """Refunds and disputes that the provider shows only by their ids (``Provider.unlisted``), as far as we know."""
    first_call: bool = False
    """The create call was certainly never made before."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How the asking ended: a report, or the reason why there is none. ``None`` as answer: it does not exist."""

    answer: Report | Redirect | Exception | None
    calls: tuple[CallNote, ...]


def ask(claim: Claim, patience: float | None) -> Asked:
    """Ask the provider what the claim needs to know: create it, look for it, end it, or fetch it. Never raises."""
    try:
        provider = registry.provider(claim.account, **({} if patience is None else {"deadline": patience}))
    except ConfigurationError as wrong:
        note = CallNote(operation="configure", outcome="not_sent", message=redaction.scrub(str(wrong))[:200])
        return Asked(answer=wrong, calls=(note,))
    try:
        return _ask_provider(claim, provider)
    except UnknownStatus as unknown:
        return Asked(answer=unknown, calls=(CallNote(operation="read", outcome="uncertain", message=str(unknown)),))


def _ask_provider(claim: Claim, provider: Any) -> Asked:
    if claim.reference is None:
        return _ask_for_created(claim, provider)
    reference, notes = claim.reference, []
    if claim.withdraw and claim.status in ALIVE and provider.supports_cancel:
        answer, note = call(claim.account, "cancel", lambda: provider.cancel(claim.checkout, reference))
        notes.append(note)
        if isinstance(answer, Report):
            return Asked(answer=answer, calls=tuple(notes))
    answer, note = call(claim.account, "retrieve", lambda: provider.retrieve(claim.checkout, reference))
    notes.append(note)
    if isinstance(answer, Report) and claim.parts:
        answer = _with_parts(claim, provider, answer, notes)
    return Asked(answer=answer, calls=tuple(notes))


def _with_parts(claim: Claim, provider: Any, report: Report, notes: list[CallNote]) -> Report | ProviderError:
    """Read every refund and dispute that we know of, and add up what they say.

    One that does not exist, or is another payment's, is left out; one that cannot be read leaves everything open.
    """
    shown: dict[str, list[MoneyMove]] = {MoveKind.REFUND.value: [], MoveKind.DISPUTE.value: []}
    references: list[Reference] = []
    for part in claim.parts:
        answer, note = call(claim.account, "retrieve", partial(provider.retrieve_move, claim.checkout, part))
        notes.append(note)
        if isinstance(answer, MoneyMove):
            shown[part.kind].append(answer)
            references.append(part)
        elif not isinstance(answer, ObjectNotFound):
            return answer
    refunds, disputes = shown[MoveKind.REFUND], shown[MoveKind.DISPUTE]
    named = {reference.value for reference in report.references}
    return replace(
        report,
        refunds=tuple(refunds),
        refunded=sum(m.amount for m in refunds if m.status == "succeeded") if refunds else report.refunded,
        disputes=tuple(disputes),
        charged_back=sum(m.amount for m in disputes if m.status in _WITHDRAWN) if disputes else report.charged_back,
        held=report.held or any(m.status == "inquiry" for m in disputes),
        references=(*report.references, *(part for part in references if part.value not in named)),
    )


_WITHDRAWN = frozenset({"open", "lost"})


def _ask_for_created(claim: Claim, provider: Any) -> Asked:
    """The same key and the same bytes while the key lives, afterwards a search.

    A refusal of a repeated call does not prove that the first one failed (a key may be refused for its bytes, after
    an update of this package): only a search that finds nothing does. Nor does a server error that the provider
    keeps under the key: it would be repeated for as long as the key lives.
    """
    notes: list[CallNote] = []
    # What was given up, or is wanted no more, is looked for but never made.
    may_create = not (claim.status in DEAD or claim.withdraw)
    key_counts = claim.first_call or clock.now() - claim.created_at < provider.key_life
    if may_create and (key_counts or not provider.supports_find):
        answer, note = call(claim.account, "create", lambda: provider.create(claim.checkout))
        notes.append(note)
        if isinstance(answer, Redirect) and not claim.first_call:
            answer = _look_again(claim, provider, answer, notes)
        if claim.first_call or not provider.supports_find:
            return Asked(answer=answer, calls=tuple(notes))
        if isinstance(answer, Uncertain) and answer.replayed:
            return Asked(answer=_search(claim, provider, notes), calls=tuple(notes))
        if not isinstance(answer, Rejected):
            return Asked(answer=answer, calls=tuple(notes))
        found = _search(claim, provider, notes)
        return Asked(answer=answer if found is None else found, calls=tuple(notes))
    answer = _search(claim, provider, notes) if provider.supports_find else None
    return Asked(answer=answer, calls=tuple(notes))


def _look_again(claim: Claim, provider: Any, replayed: Redirect, notes: list[CallNote]) -> Redirect:
    """A replayed create answer is a picture of the past: what became of the payment since must be asked for."""
    if not replayed.report.references:
        return replayed
    reference = replayed.report.references[0]
    answer, note = call(claim.account, "retrieve", lambda: provider.retrieve(claim.checkout, reference))
    notes.append(note)
    return Redirect(url=replayed.url, report=answer) if isinstance(answer, Report) else replayed


def _search(claim: Claim, provider: Any, notes: list[CallNote]) -> Report | ProviderError | None:
    """Look for the attempt by its key. A search that was refused proves nothing, whatever it was refused with."""
    answer, note = call(claim.account, "find", lambda: provider.find(claim.checkout))
    notes.append(note)
    if isinstance(answer, Rejected):
        return Uncertain(str(answer), code=answer.code)
    found: Report | ProviderError | None = answer
    return found
