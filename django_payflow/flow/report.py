"""A report meets the books: the payment, its cases, its order and the order's fulfilments, in one transaction.

Everything here runs under the order's lock and asks nobody; ``confirm`` and ``start_checkout`` bring the reports.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

from .. import conf, registry
from ..exceptions import ReportRefused
from ..messages import Report
from ..models import Payment, PaymentEvent, ProviderReference
from ..money import readable
from ..states import ALIVE, CaseKind, Outcome, PaymentStatus, read_report, read_stale_report
from .books import recompute_order
from .gate import CallNote
from .intents import backend_of
from .policy import release_rest
from .rows import Change, close_cases, note, open_case, save_facts
from .seen import follow_moves

__all__ = ["Quiet", "apply_report", "poll_at", "record_call", "refuse_report"]

Quiet = dict[str, Any]
_REFERENCE_LENGTH = 255
_RECHECK_AUTHORIZED = timedelta(hours=6)
_RECHECK_CONFLICTED = timedelta(hours=1)


def apply_report(
    change: Change,
    order: Any,
    payments: list[Payment],
    payment: Payment,
    report: Report,
    *,
    version: int,
    reported_at: datetime | None,
    quiet: Quiet | None = None,
) -> Literal["applied", "stale"]:
    """Apply a report to a locked payment and recompute its order.

    ``version`` and ``reported_at`` are what the row had before the provider was asked: if either differs, another
    answer was applied meanwhile; this one is old and may only raise what was captured. ``quiet`` are bookkeeping
    columns to write along. Raises ``ReportRefused`` when the report is not about this row; nothing was changed then.
    """
    refuse_foreign(payment, report)
    _store_references(payment, report)  # identity does not age: an old answer's references are kept too
    stale = payment.version != version or payment.reported_at != reported_at
    if stale:
        outcome = read_stale_report(payment.facts, report)
        changed = save_facts(change, payment, outcome.facts, quiet={**(quiet or {}), "next_check_at": change.now})
        change.wake("payment", payment.pk)
    else:
        outcome = read_report(payment.facts, report, now=change.now)
        changed = _take_fresh(change, payment, report, outcome, quiet or {})
    if changed:
        _note_report(change, payment, report, stale=stale)
    _keep_cases(change, payment, report, outcome)
    if not stale:
        follow_moves(change, payment, report)
        release_rest(change, payment)
        _watch_authorization(change, payment)
    recompute_order(change, order, payments)
    return "stale" if stale else "applied"


def _take_fresh(change: Change, payment: Payment, report: Report, outcome: Outcome, quiet: Quiet) -> bool:
    withdrawing = outcome.withdraw and not payment.withdraw
    columns: dict[str, Any] = {
        "merchant": payment.merchant or report.merchant,
        "method": report.method or payment.method,
        "expires_at": report.expires_at or payment.expires_at,
        "capture_before": report.capture_before or payment.capture_before,
    }
    if outcome.facts.capturable > 0 and payment.authorized_at is None:
        columns["authorized_at"] = change.now
    if withdrawing:
        columns |= {"withdraw": True, "checkout_url": ""}
        change.wake("payment", payment.pk)
    due = change.now if withdrawing else outcome.look_again_at or _next_check(payment, report, outcome, change.now)
    bookkeeping = {**quiet, "reported_at": change.now, "troubles": 0, "not_found_since": None, "next_check_at": due}
    if quiet.get("next_check_at") is not None:  # somebody asked for another look meanwhile
        bookkeeping["next_check_at"] = quiet["next_check_at"]
    return save_facts(change, payment, outcome.facts, quiet=bookkeeping, **columns)


def _next_check(payment: Payment, report: Report, outcome: Outcome, now: datetime) -> datetime | None:
    status = outcome.facts.status
    if status is PaymentStatus.AUTHORIZED:
        return now + _RECHECK_AUTHORIZED
    if status is PaymentStatus.PAID:
        return _aftercare(payment, now)
    if status is PaymentStatus.CONFLICTED:
        return now + _RECHECK_CONFLICTED
    if status is PaymentStatus.EXPIRED:
        return _late_look(payment, now)
    if status not in ALIVE:
        return None
    return poll_at(payment, report.expires_at or payment.expires_at, now)


def _aftercare(payment: Payment, now: datetime) -> datetime | None:
    """Return when to ask about paid money again: a refund or chargeback whose webhook was lost is found then."""
    looks = (payment.created_at + timedelta(days=days) for days in conf.get().aftercare_days)
    return min((look for look in looks if look > now), default=None)


def _watch_authorization(change: Change, payment: Payment) -> None:
    """Tell a person when four fifths of an authorization's life are over, while it can still be captured."""
    if payment.capturable == 0:
        close_cases(change, [CaseKind.AUTHORIZATION_ENDING], payment, "nothing is authorized any more")
        return
    began, life = payment.authorized_at or change.now, backend_of(payment).authorization_life
    ends = payment.capture_before or (None if life is None else began + life)
    if ends is None:
        return
    alert_at = began + (ends - began) * 4 // 5
    if change.now >= alert_at:
        detail = (
            f"{payment.capturable} {payment.currency} (minor units) must be captured before {ends:%Y-%m-%d %H:%M} UTC"
        )
        open_case(change, CaseKind.AUTHORIZATION_ENDING, detail, payment=payment)
    elif payment.next_check_at is not None and payment.next_check_at > alert_at:
        save_facts(change, payment, payment.facts, quiet={"next_check_at": alert_at})


def _late_look(payment: Payment, now: datetime) -> datetime | None:
    """Return when to ask once more about a payment whose end our own clock decided, if the provider needs that."""
    late = backend_of(payment).poll_schedule.late_look
    due = None if late is None else payment.created_at + late
    return due if due is not None and now < due else None


def poll_at(payment: Payment, expires: datetime | None, now: datetime) -> datetime | None:
    """Return when to ask about an open payment again; ``None`` when its schedule is over."""
    settings = conf.get()
    if settings.poll_seconds is not None:
        return now + timedelta(seconds=settings.poll_seconds)
    schedule = registry.provider_class(settings.account(payment.account).backend).poll_schedule
    return schedule.next_check(created=payment.created_at, expires=expires, now=now)


def refuse_foreign(payment: Payment, report: Report) -> None:
    """Raise ``ReportRefused`` unless the report is about this row's object, account and mode."""
    known = {reference.value for reference in payment.references.all()}
    named = {reference.value for reference in report.references}
    if any(len(value) > _REFERENCE_LENGTH or "\x00" in value for value in named):
        raise ReportRefused("the answer's reference is none that can be stored")
    if not named or (known and not known & named):
        raise ReportRefused("the answer is about another object")
    if report.live != payment.live:
        raise ReportRefused("the answer is of the other mode (test or live)")
    if payment.merchant and report.merchant and report.merchant != payment.merchant:
        raise ReportRefused("the answer belongs to another merchant account")
    if not known and report.our_reference != payment.key:
        raise ReportRefused("the answer does not carry this attempt's key")
    taken = ProviderReference.objects.filter(account=payment.account, value__in=named).exclude(payment=payment)
    if taken.exists():
        raise ReportRefused("the answer's object already belongs to another payment")


def _store_references(payment: Payment, report: Report) -> None:
    known = {reference.value for reference in payment.references.all()}
    ProviderReference.objects.bulk_create(
        ProviderReference(payment=payment, account=payment.account, kind=found.kind, value=found.value)
        for found in report.references
        if found.value not in known
    )


def _keep_cases(change: Change, payment: Payment, report: Report, outcome: Outcome) -> None:
    for kind in sorted(outcome.opens):
        open_case(change, kind, _case_detail(payment, report), payment=payment)
    close_cases(change, outcome.closes, payment, f"resolved by the provider's report: {payment.label}")
    named = report.our_reference
    if named and named != payment.key:  # our own mapping from reference to order wins, but somebody should look
        detail = "the provider's metadata names another attempt than the one that stores this reference"
        open_case(change, CaseKind.FOREIGN_OBJECT, detail, payment=payment)
    if payment.next_check_at is None and PaymentStatus(payment.status) in ALIVE:
        detail = f"still {payment.status} when its time to be asked about was over"
        open_case(change, CaseKind.UNRESOLVED, detail, payment=payment)


def _case_detail(payment: Payment, report: Report) -> str:
    said = {
        "asks": report.requested,
        "captured": report.captured,
        "authorized": report.capturable,
        "refunded": report.refunded,
        "charged back": report.charged_back,
    }
    sums = ", ".join(f"{word} {readable(amount, report.currency)}" for word, amount in said.items() if amount)
    return f"expected {payment.money}; the provider says {report.raw_status}: {sums or 'no money'}"


def _note_report(change: Change, payment: Payment, report: Report, *, stale: bool) -> None:
    sums = ("requested", "capturable", "captured", "refunded", "charged_back")
    data = {name: getattr(report, name) for name in sums}
    data |= {"currency": report.currency, "phase": report.phase.value, "held": report.held, "method": report.method}
    word = f"the provider says {report.raw_status}" + (" (old news)" if stale else "")
    note(change, payment.order_id, payment, PaymentEvent.Kind.REPORT, word, data)


def record_call(change: Change, payment: Payment, call: CallNote) -> None:
    """Keep a provider call that changed something there, or that went wrong."""
    if call.outcome == "ok" and call.operation == "retrieve":
        return
    summary = f"{call.operation}: {call.outcome} {call.code}".strip()
    note(change, payment.order_id, payment, PaymentEvent.Kind.CALL, summary, asdict(call))


def refuse_report(change: Change, payment: Payment, reason: str) -> None:
    """Record that an answer was not about this row. The payment stays as it is."""
    note(change, payment.order_id, payment, PaymentEvent.Kind.SECURITY, f"report refused: {reason}")
    open_case(change, CaseKind.FOREIGN_OBJECT, reason, payment=payment)
