"""Chapter three: the provider calls. Store, answer, and let a worker ask for the truth.

Two statements for a delivery that is kept: one finds the payment, one stores. Nothing is processed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .. import checkpoints, clock, conf, metrics, redaction, registry
from ..exceptions import ConfigurationError, WebhookRefused
from ..messages import Notice
from ..models import DeliveryState, Payment, ProviderReference, WebhookDelivery
from ..models.payment import TOKEN_LENGTH
from ..states import CaseKind
from .confirm import confirm
from .inbox import claim_delivery, postpone, set_aside
from .results import Confirmed, Received, Result, Wake
from .rows import Change, open_case, short_transaction

__all__ = ["process_delivery", "receive_webhook"]

_UNMATCHED_FOR = timedelta(days=3)
"""How long a genuine delivery waits for the payment that it names; the providers stop sending after as long."""
_LONGEST_KIND = 40
_KEPT_HEADERS = ("content-type", "user-agent", "content-length", "date")


@dataclass(frozen=True, kw_only=True)
class _Target:
    payment_id: int
    stored: frozenset[str]
    """The references that the payment stores; none while its creation is under way."""


def receive_webhook(
    *, account: str, hint: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, str]
) -> Received:
    """Authenticate a delivery, store it and say what to answer; 2xx only after the row is committed.

    ``headers`` have lower-case names. Nothing is stored for a delivery that is not authentic.
    """
    try:
        provider = registry.provider(account)
    except ConfigurationError as wrong:
        return _unusable(account, wrong)
    try:
        notices = provider.parse_webhook(headers, body, query, hint)
    except WebhookRefused as refused:
        if refused.alarm:
            _alarm(account, str(refused))
        return _refused(account, refused.status, refused.reason)
    kept = provider.kept_body(body)
    results = [_receive(account, provider.signs_webhooks, notice, hint, headers, kept) for notice in notices]
    if not results:
        return Received(status=200, reason="empty")
    worst = max(results, key=lambda result: result.status)
    return Received(status=worst.status, reason=worst.reason, wakes=tuple(w for r in results for w in r.wakes))


def _unusable(account: str, wrong: ConfigurationError) -> Received:
    """No such account: 404. One whose settings cannot work: 503, so that the provider comes again."""
    if account in conf.get().providers:
        redaction.logger().error("webhook for %s cannot be read: %s", account, wrong)
        return Received(status=503, reason="misconfigured")
    return _refused("unknown", 404, "no_account")  # a stranger's word must not become a label of a counter


def _refused(account: str, status: int, reason: str) -> Received:
    metrics.count("webhooks", account=account, outcome=f"refused_{reason}")
    redaction.logger().warning("payment_webhook_refused account=%s reason=%s status=%d", account, reason, status)
    return Received(status=status, reason=reason)


def _receive(
    account: str, signed: bool, notice: Notice, hint: str, headers: Mapping[str, str], body: bytes
) -> Received:
    target = _find(account, signed, notice, hint)
    if target is None and not signed:
        return _refused(account, 404, "unknown_token" if hint else "unknown_reference")
    named = {notice.reference, *notice.also} - {""}  # none: only the token says which payment it is about
    if hint and named and target is not None and target.stored and not target.stored & named:
        _alarm(account, f"a notification at {account} named a payment that the addressed row does not store")
        return _refused(account, 404, "foreign_reference")
    ignored = notice.ignorable or (notice.foreign and target is None)
    row = _row(account, signed, notice, target, headers, body)
    row.state = DeliveryState.IGNORED if ignored else DeliveryState.PENDING
    delivery, new = WebhookDelivery.objects.put(row, rearm=not notice.event_id)
    checkpoints.reached("webhook.stored")
    metrics.count("webhooks", account=account, outcome="new" if new else "duplicate")
    if ignored:
        return Received(status=200, reason="ignored")
    if target is None:
        return _unmatched(account, notice, delivery, new=new)
    if not target.stored:
        return _not_stored_yet(delivery)
    repeat = notice.event_id and not new
    return Received(
        status=200,
        reason="new" if new else "duplicate",
        wakes=() if repeat else (Wake("delivery", delivery),),
    )


def _not_stored_yet(delivery: int) -> Received:
    """Genuine, but what it names is not stored yet: kept, and refused so that the provider comes again too."""
    return Received(status=503, reason="not_stored_yet", wakes=(Wake("delivery", delivery),))


def _unmatched(account: str, notice: Notice, delivery: int, *, new: bool) -> Received:
    """Genuine, and of no payment that we know. Once it was set aside for good, the provider may stop coming."""
    if notice.our_reference and new:
        _alarm(account, f"a genuine notification at {account} carries our mark, but no payment here has that key")
    if not new and WebhookDelivery.objects.filter(pk=delivery, state=DeliveryState.IGNORED).exists():
        return Received(status=200, reason="ignored")
    return _not_stored_yet(delivery)


def _find(account: str, signed: bool, notice: Notice, hint: str) -> _Target | None:
    """Find the row to ask about: by our token, by an id that it stores, or by our mark in what the provider signed.

    An intent or a charge is born after the session whose id we store; its metadata names the attempt.
    """
    if hint:
        return _by_token(account, hint)
    stored = _by_reference(account, (notice.reference, *notice.also))
    if stored is not None or not signed or not notice.our_reference:
        return stored
    keyed = Payment.objects.filter(account=account, key=notice.our_reference[:64])
    return _target(list(keyed.values_list("pk", "references__value")))


def _by_token(account: str, hint: str) -> _Target | None:
    """Find the payment whose webhook address this is; the account in the address must be the row's.

    After the token an adapter may have written what kind of call it is, with a dash between.
    """
    token, kind = hint[:TOKEN_LENGTH], hint[TOKEN_LENGTH:]
    if not token.isascii() or len(kind) > _LONGEST_KIND or kind[:1] not in {"", "-"}:
        return None
    return _target(Payment.objects.addressed_by(token, account))


def _by_reference(account: str, references: Iterable[str]) -> _Target | None:
    rows = ProviderReference.objects.filter(account=account, value__in=[*references])
    return _target(list(rows.values_list("payment_id", "value")))


def _target(rows: list[tuple[Any, Any]]) -> _Target | None:
    if not rows:
        return None
    return _Target(payment_id=rows[0][0], stored=frozenset(value for _, value in rows if value))


def _row(
    account: str, signed: bool, notice: Notice, target: _Target | None, headers: Mapping[str, str], body: bytes
) -> WebhookDelivery:
    now = clock.now()
    subject = f"payment:{target.payment_id}" if target else f"reference:{notice.reference}"
    return WebhookDelivery(
        account=account,
        dedupe_key=f"event:{notice.event_id}" if notice.event_id else f"{subject}:{notice.kind}",
        payment_id=target.payment_id if target else None,
        reference=notice.reference[:255],
        kind=notice.kind[:64],
        parts=[[part.kind, part.value[:255]] for part in notice.parts] if signed else [],
        verified=signed,
        body=body,
        headers={name: headers[name][:200] for name in _KEPT_HEADERS if name in headers},
        due_at=now,
        received_at=now,
        last_at=now,
    )


def _alarm(account: str, detail: str) -> None:
    """A person should look; nothing changes, and there is one case per account and hour at most."""
    change = Change(source="webhook", now=clock.now())
    subject = f"{account}:{change.now:%Y%m%d%H}"
    short_transaction(change, lambda: open_case(change, CaseKind.FOREIGN_OBJECT, detail, subject=subject))


def process_delivery(*, delivery_id: int) -> Result:
    """Ask for the truth about what a stored delivery names."""
    delivery = claim_delivery(delivery_id)
    if delivery is None:
        return Result()
    checkpoints.reached("webhook.claimed")
    if delivery.payment_id is not None:
        return confirm(payment_id=delivery.payment_id, source="webhook", delivery=delivery)
    target = _by_reference(delivery.account, [delivery.reference])
    if target is not None:
        return confirm(payment_id=target.payment_id, source="webhook", delivery=delivery)
    change = Change(source="webhook", now=clock.now())
    waited_long = change.now - delivery.received_at >= _UNMATCHED_FOR
    why = "no payment stores this reference"
    short_transaction(change, lambda: (set_aside if waited_long else postpone)(change, delivery, why))
    return Confirmed(outcome="gone" if waited_long else "trouble", detail=why)
