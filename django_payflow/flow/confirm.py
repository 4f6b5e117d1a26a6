"""The heart of the story: ask the provider for the truth. Return, webhook and sweep all end here.

1. claim: one short transaction takes the lease on the row and reads its version;
2. ask: no transaction is open, no row is locked, the call has a deadline;
3. settle: one transaction applies the answer, recomputes the order, marks the delivery, gives the lease back.

A worker that dies after 1 or 2 leaves nothing but a lease that runs out. One that is late finds another version
and may only raise what was captured.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .. import checkpoints, clock, conf, redaction, registry
from ..exceptions import (
    InvalidCheckout,
    NotAuthentic,
    NotSent,
    ObjectNotFound,
    ProviderError,
    Rejected,
    ReportRefused,
    UnknownStatus,
)
from ..messages import Phase, Redirect, Reference, Report
from ..models import Payment
from ..states import ALIVE, DEAD, CaseKind, PaymentStatus
from . import inbox
from .asking import Asked, Claim, ask
from .books import recompute_order
from .gate import refuse_inside_transaction
from .intents import backend_of
from .places import BUSY_PAUSE, has_no_place
from .report import apply_report, poll_at, record_call, refuse_report
from .results import Confirmed
from .rows import Change, locked_order, locked_payments, open_case, save_facts, short_transaction

__all__ = ["confirm", "finish_create"]

_TROUBLES_FOR_A_PERSON = 12
"""Calls in a row without a usable answer, about seven hours of them, until a case is opened."""
_NOT_FOUND_IS_TRANSIENT = timedelta(hours=1)
_SECOND_FIND_AFTER = timedelta(minutes=10)
_DAY = timedelta(days=1)


def confirm(
    *,
    payment_id: int,
    source: str,
    delivery: inbox.ClaimedDelivery | None = None,
    patience: float | None = None,
    actor: str = "",
) -> Confirmed:
    """Ask the provider about a payment and apply the answer.

    ``patience`` bounds the provider call in seconds. Never raises for what a provider does; raises
    ``InsideTransaction`` when a transaction is open.
    """
    refuse_inside_transaction()
    claim = _claim(payment_id, delivery)
    if claim is None:
        return Confirmed(outcome="busy")
    checkpoints.reached("confirm.claimed")
    asked = ask(claim, patience)
    checkpoints.reached("confirm.fetched")
    result = _settle(claim, asked, source=source, delivery=delivery, actor=actor)
    checkpoints.reached("confirm.committed")
    return result


def finish_create(payment_id: int) -> Confirmed:
    """Make the first create call of a payment whose intent ``start_checkout`` just committed with its lease."""
    claim = replace(_as_claim(Payment.objects.get(pk=payment_id)), first_call=True)
    asked = ask(claim, conf.get().start_patience)
    checkpoints.reached("checkout.created")
    return _settle(claim, asked, source="checkout", delivery=None)


# --- claim


def _claim(payment_id: int, delivery: inbox.ClaimedDelivery | None) -> Claim | None:
    change = Change(source="claim", now=clock.now())
    return short_transaction(change, lambda: _take_lease(change, payment_id, delivery))


def _take_lease(change: Change, payment_id: int, delivery: inbox.ClaimedDelivery | None) -> Claim | None:
    settings, rows = conf.get(), Payment.objects.filter(pk=payment_id)
    account = rows.values_list("account", flat=True).get()
    lease = {"lease_token": str(uuid.uuid4()), "lease_until": change.now + settings.lease, "recheck": False}
    if not rows.free(change.now).update(**lease):
        # Somebody is asking right now, maybe since before the news: he will see the mark and have it asked again.
        rows.update(recheck=True, next_check_at=change.now)
    elif has_no_place(change, account):
        rows.update(lease_token="", lease_until=None, recheck=True, next_check_at=change.now + BUSY_PAUSE)
    else:
        return _as_claim(Payment.objects.get(pk=payment_id), delivery.parts if delivery else ())
    inbox.hand_over(change, delivery)
    return None


def _as_claim(payment: Payment, named: tuple[Reference, ...] = ()) -> Claim:
    stored = payment.references.order_by("pk").first()
    return Claim(
        payment_id=payment.pk,
        order_id=payment.order_id,
        account=payment.account,
        token=payment.lease_token,
        version=payment.version,
        reported_at=payment.reported_at,
        status=PaymentStatus(payment.status),
        withdraw=payment.withdraw,
        checkout=payment.frozen,
        reference=Reference(kind=stored.kind, value=stored.value) if stored else None,
        created_at=payment.created_at,
        parts=_parts(payment, named),
    )


def _parts(payment: Payment, named: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """Return the refunds and disputes to read one by one: those we know, and those that a signed delivery named."""
    kinds = backend_of(payment).unlisted
    if not kinds:
        return ()
    known = [*payment.references.values_list("kind", "value"), *payment.moves.values_list("kind", "reference")]
    stored = [Reference(kind=kind, value=value) for kind, value in known if kind in kinds and value]
    return tuple(dict.fromkeys([*stored, *(part for part in named if part.kind in kinds)]))


# --- settle


def _settle(
    claim: Claim, asked: Asked, *, source: str, delivery: inbox.ClaimedDelivery | None, actor: str = ""
) -> Confirmed:
    change = Change(source=source, now=clock.now(), actor=actor)
    result = short_transaction(change, lambda: _settle_locked(change, claim, asked, delivery))
    return replace(result, wakes=tuple(change.wakes))


def _settle_locked(change: Change, claim: Claim, asked: Asked, delivery: inbox.ClaimedDelivery | None) -> Confirmed:
    order = locked_order(claim.order_id)
    payments = locked_payments(claim.order_id)
    payment = next(p for p in payments if p.pk == claim.payment_id)
    for note in asked.calls:
        record_call(change, payment, note)
    quiet = _give_back(change, payment, claim)
    report = asked.answer.report if isinstance(asked.answer, Redirect) else asked.answer
    if isinstance(report, Report):
        result = _settle_report(change, order, payments, payment, report, claim, quiet, asked)
    else:
        result = _settle_no_report(change, order, payments, payment, report, claim, quiet)
    if delivery is not None:
        if result.outcome == "trouble":
            inbox.postpone(change, delivery, result.detail)
        else:
            inbox.mark_done(change, delivery)
    return result


def _give_back(change: Change, payment: Payment, claim: Claim) -> dict[str, Any]:
    """The lease ends with this transaction, if it is still ours; a wish for another look is honoured now."""
    if payment.lease_token != claim.token:
        return {}
    quiet: dict[str, Any] = {"lease_token": "", "lease_until": None}
    if payment.recheck:
        quiet |= {"recheck": False, "next_check_at": change.now}
        change.wake("payment", payment.pk)
    return quiet


def _settle_report(
    change: Change,
    order: Any,
    payments: list[Payment],
    payment: Payment,
    report: Report,
    claim: Claim,
    quiet: dict[str, Any],
    asked: Asked,
) -> Confirmed:
    try:
        if claim.reference is None and not isinstance(asked.answer, Redirect):
            _refuse_unlike(payment, report)
        outcome = apply_report(
            change,
            order,
            payments,
            payment,
            report,
            version=claim.version,
            reported_at=claim.reported_at,
            quiet=quiet,
        )
    except ReportRefused as refused:
        later = {"next_check_at": change.now + _DAY, **quiet}
        save_facts(change, payment, payment.facts, quiet=later)
        refuse_report(change, payment, str(refused))
        return Confirmed(outcome="refused", detail=str(refused))
    if claim.reference is None:
        _offer_page(change, payment, report, asked)
    return Confirmed(outcome=outcome)


def _refuse_unlike(payment: Payment, report: Report) -> None:
    """An orphan that carries our key is adopted only if its money is what we asked for."""
    if (report.requested, report.currency) != (payment.amount, payment.currency):
        raise ReportRefused("the payment found under our key asks for other money")


def _offer_page(change: Change, payment: Payment, report: Report, asked: Asked) -> None:
    """Keep the hosted page's address, if the buyer may be sent there, and forget the buyer's data."""
    url = asked.answer.url if isinstance(asked.answer, Redirect) else report.checkout_url
    if url and not payment.withdraw and PaymentStatus(payment.status) in ALIVE:
        try:
            url = registry.provider(payment.account).safe_checkout_url(url)
        except InvalidCheckout as refused:
            refuse_report(change, payment, str(refused))
            url = ""
    frozen = {**payment.checkout, "buyer": {}}
    save_facts(change, payment, payment.facts, checkout=frozen, checkout_url="" if payment.withdraw else url)


def _settle_no_report(
    change: Change,
    order: Any,
    payments: list[Payment],
    payment: Payment,
    problem: Exception | None,
    claim: Claim,
    quiet: dict[str, Any],
) -> Confirmed:
    if claim.reference is None and _came_to_nothing(claim, problem) and payment.version == claim.version:
        return _give_up(change, order, payments, payment, quiet, redaction.scrub(str(problem)))
    if problem is None or isinstance(problem, ObjectNotFound):
        return _settle_missing(change, order, payments, payment, claim, quiet)
    words = redaction.scrub(str(problem))[:200]
    if isinstance(problem, UnknownStatus | NotAuthentic) or payment.troubles + 1 >= _TROUBLES_FOR_A_PERSON:
        open_case(change, CaseKind.UNRESOLVED, words, payment=payment)
    wait = _pause(payment.troubles, problem)
    later: dict[str, Any] = {"troubles": payment.troubles + 1, "next_check_at": change.now + wait, **quiet}
    save_facts(change, payment, payment.facts, quiet=later)
    return Confirmed(outcome="trouble", detail=words)


def _came_to_nothing(claim: Claim, problem: Exception | None) -> bool:
    """Nothing exists at the provider, and it will not be asked for again: the buyer may start anew at once.

    Without an idempotency key a request is never repeated, so one that did not arrive is over as well.
    """
    if isinstance(problem, Rejected):
        return True
    backend = registry.provider_class(conf.get().account(claim.account).backend)
    return claim.first_call and isinstance(problem, NotSent) and not backend.key_life


def _pause(troubles: int, problem: Exception) -> timedelta:
    wanted = problem.retry_after if isinstance(problem, ProviderError) else None
    return max(timedelta(seconds=wanted or 0), inbox.trouble_pause(troubles))


def _settle_missing(
    change: Change,
    order: Any,
    payments: list[Payment],
    payment: Payment,
    claim: Claim,
    quiet: dict[str, Any],
) -> Confirmed:
    """The provider does not know it: maybe not yet, maybe no more. Never changes what has money."""
    if PaymentStatus(payment.status) in DEAD:
        save_facts(change, payment, payment.facts, quiet={**quiet, "next_check_at": None})
        return Confirmed(outcome="gone", detail="it does not exist at the provider")
    since = payment.not_found_since or change.now
    missing = change.now - since
    if claim.reference is None:
        if missing >= _SECOND_FIND_AFTER:
            return _give_up(change, order, payments, payment, quiet, "it never came to exist at the provider")
        due: datetime | None = change.now + _SECOND_FIND_AFTER
    else:
        alive = PaymentStatus(payment.status) in ALIVE
        schedule = backend_of(payment).poll_schedule
        over = schedule.is_over(created=payment.created_at, expires=payment.expires_at, now=change.now)
        if alive and over and missing >= _NOT_FOUND_IS_TRANSIENT:
            return _give_up(change, order, payments, payment, quiet, "the provider no longer knows it")
        due = poll_at(payment, payment.expires_at, change.now) if missing < _NOT_FOUND_IS_TRANSIENT else None
        if missing >= _NOT_FOUND_IS_TRANSIENT:
            open_case(change, CaseKind.UNKNOWN_OBJECT, "not found at the provider for an hour", payment=payment)
    later: dict[str, Any] = {"not_found_since": since, "next_check_at": due or change.now + _DAY, **quiet}
    save_facts(change, payment, payment.facts, quiet=later)
    return Confirmed(outcome="trouble", detail="not found at the provider")


def _give_up(
    change: Change,
    order: Any,
    payments: list[Payment],
    payment: Payment,
    quiet: dict[str, Any],
    reason: str,
) -> Confirmed:
    """The attempt came to nothing, by the provider's own word or by its lasting ignorance."""
    facts = replace(payment.facts, status=PaymentStatus.FAILED, phase=Phase.FAILED)
    columns = {"failure": reason[:200], "checkout_url": "", "checkout": {**payment.checkout, "buyer": {}}}
    save_facts(change, payment, facts, quiet={**quiet, "next_check_at": None}, **columns)
    recompute_order(change, order, payments)
    return Confirmed(outcome="gone", detail=reason[:200])
