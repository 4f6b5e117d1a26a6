"""What must hold at all times, and what must be true when everything came to rest: the rows beside the books."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from django_payflow import clock, conf, registry
from django_payflow.flow.books import is_ready, look_at, may_run
from django_payflow.flow.intents import as_asked
from django_payflow.flow.rows import Change
from django_payflow.messages import MoveKind
from django_payflow.models import Case, Fulfilment, Move, Payment, WebhookDelivery
from django_payflow.states import (
    ALIVE,
    CLOSED_ORDER,
    PAYABLE_ORDER,
    RESERVING,
    SECURING,
    Attempt,
    CaseKind,
    Facts,
    MoveStatus,
    OrderStatus,
    PaymentStatus,
    going_back,
)
from tests.histories.house import HOUSE
from tests.histories.world import World
from tests.shop.models import Shipment
from tests.states.order_spec import expected_order_status, stays
from tests.states.spec import expected_of, row_resolved

K, M, P = CaseKind, MoveStatus, PaymentStatus
ENDED = {M.SUCCEEDED, M.FAILED, M.CANCELED, M.RETURNED}


class Rows:
    """Everything about one order, read once."""

    def __init__(self, world: World) -> None:
        self.world, self.now = world, clock.now()
        self.order = world.fresh_order()
        self.payments = world.payments()
        self.moves = list(Move.objects.filter(payment__order_id=world.order_id).order_by("pk"))
        self.cases = list(Case.objects.filter(order_id=world.order_id))
        self.open = [case for case in self.cases if case.is_open]
        self.fulfilments = list(Fulfilment.objects.filter(order_id=world.order_id))
        self.goods = Counter(Shipment.objects.filter(order_id=world.order_id).values_list("key", flat=True))
        self.attempts = [self._attempt(payment) for payment in self.payments]

    def moves_of(self, payment: Payment) -> list[Move]:
        return [row for row in self.moves if row.payment_id == payment.pk]

    def has_case(self, payment: Payment, *kinds: CaseKind) -> bool:
        return any(case.payment_id == payment.pk and (not kinds or case.kind in kinds) for case in self.open)

    def _attempt(self, payment: Payment) -> Attempt:
        """What ended after the last report is not in its sums yet: it is on its way as well."""
        facts = payment.facts
        unseen = [
            row
            for row in self.moves_of(payment)
            if row.is_under_way or (row.status == M.SUCCEEDED and _later(row.ended_at, payment.reported_at))
        ]
        return Attempt(
            id=payment.pk,
            facts=facts,
            secured_by_authorization=conf.get().providers[payment.account].secured_means == "authorized",
            settling=payment.settles_id == self.order.pk,
            going_back=going_back(facts, as_asked(unseen)) if facts.status in SECURING else 0,
        )


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other


def always(world: World) -> Rows:
    """Return the rows as they are. What no step, no crash and no late answer may break."""
    assert not HOUSE.wrongs, HOUSE.wrongs
    rows = Rows(world)
    _money_is_known(rows)
    _nothing_is_made_twice(rows)
    _deliveries_once(rows)
    _cases_are_unique(rows)
    _order_follows(rows)
    _somebody_comes_back(rows)
    _remember(rows)
    return rows


def _remember(rows: Rows) -> None:
    happened = rows.world.happened
    happened |= {str(p.status) for p in rows.payments} | {f"order {rows.order.status}"}
    happened |= {case.kind for case in rows.cases} | {f"{m.kind} {m.status}" for m in rows.moves}
    happened |= {f"policy {m.policy}" for m in rows.moves if m.policy}


def _money_is_known(rows: Rows) -> None:
    for payment, attempt in zip(rows.payments, rows.attempts, strict=True):
        facts, deal = payment.facts, rows.world.deal_of(payment)
        assert facts.captured >= rows.world.highest.get(payment.pk, 0), "captured fell"
        rows.world.highest[payment.pk] = facts.captured
        assert facts.captured <= (deal.captured if deal else 0), "money that nobody has"
        if facts.money:
            assert facts.status in {*SECURING, P.CONFLICTED}, f"money on a payment that is {facts.status}"
        if facts.status is P.CONFLICTED and not row_resolved(facts):
            assert rows.has_case(payment, K.MISMATCH), "a conflict without a case"
        if facts.status in SECURING and not attempt.settling and stays(attempt) and not _is_awaited(attempt):
            assert facts.held or rows.has_case(payment) or _was_judged(rows, payment), "money, and nobody is told"


def _is_awaited(attempt: Attempt) -> bool:
    return attempt.facts.status is P.AUTHORIZED and not attempt.secured_by_authorization


def _was_judged(rows: Rows, payment: Payment) -> bool:
    return any(case.payment_id == payment.pk and case.resolved_by for case in rows.cases)


def _nothing_is_made_twice(rows: Rows) -> None:
    marks = Counter((deal.account, deal.key) for deal in HOUSE.deals)
    assert all(count == 1 for count in marks.values()), f"two objects of one payment: {marks}"
    assert {key for _, key in marks} <= {payment.key for payment in rows.payments}
    known = {row.key for row in rows.moves}
    for deal in HOUSE.deals:
        for parts in (deal.captures, deal.voids, deal.refunds):
            keys = [part.key for part in parts if part.key]
            assert len(keys) == len(set(keys)), f"a move was made twice: {parts}"
            assert set(keys) <= known
    for payment in rows.payments:
        refunds = [m for m in rows.moves_of(payment) if m.kind == MoveKind.REFUND and m.origin == Move.Origin.SHOP]
        mine = [m.amount for m in refunds if m.status in RESERVING and m.currency == payment.currency]
        assert sum(mine) <= payment.captured, "more asked back than was captured"


def _deliveries_once(rows: Rows) -> None:
    stock = (rows.goods.pop("reserve", 0), rows.goods.pop("release", 0))
    assert stock[0] - stock[1] == int(rows.order.stock_reserved), f"stock: {stock}"
    assert all(count == 1 for count in rows.goods.values()), f"delivered twice: {rows.goods}"
    keys = {row.key: row for row in rows.fulfilments}
    assert set(rows.goods) <= set(keys)
    turns = Counter((row.handler, row.generation) for row in rows.fulfilments)
    assert all(count == 1 for count in turns.values())
    for row in rows.fulfilments:
        assert (row.status == "done") == (row.key in rows.goods), f"{row.status}, and the goods say otherwise"


def _cases_are_unique(rows: Rows) -> None:
    for case in rows.cases:
        assert case.is_open == (case.open_key is not None)
        assert case.open_key is None or case.open_key.startswith(f"{case.kind}:")
    subjects = Counter((c.kind, c.payment_id) for c in rows.open if c.kind != K.MOVE)
    assert all(count == 1 for count in subjects.values()), subjects


def _order_follows(rows: Rows) -> None:
    order, status = rows.order, OrderStatus(rows.order.status)
    told = look_at(Change(source="test", now=rows.now), order, rows.payments)
    waits_for_the_sweep = status in PAYABLE_ORDER and order.pay_before <= rows.now
    if not waits_for_the_sweep:
        assert told.status is status, f"the order is {status}, its payments make it {told.status}"
        settling = [p.pk for p in rows.payments if p.settles_id == order.pk]
        assert settling == ([told.settles] if told.settles else [])
    flags = {"blocked": _blocked(rows), "canceled": order.canceled_at is not None}
    past = order.pay_before <= rows.now
    known = {
        expected_order_status(status, order.total, rows.attempts, past_deadline=p, **flags) for p in {past, False}
    }
    assert status in known, f"the order is {status}, the specification says {known}"
    if status in CLOSED_ORDER:
        assert not any(stays(attempt) for attempt in rows.attempts), "a closed order keeps money"


def _blocked(rows: Rows) -> bool:
    blocking = {K.LATE_MONEY, K.MISMATCH, K.AUTHORIZATION_LOST, K.CHARGEBACK, K.OVERDRAWN}
    settling = {p.pk for p in rows.payments if p.settles_id == rows.order.pk and P(p.status) in SECURING}
    found = [case for case in rows.open if case.kind in blocking]
    return any(not (settling and c.kind == K.LATE_MONEY and c.payment_id not in settling) for c in found)


def _somebody_comes_back(rows: Rows) -> None:
    """Every unfinished row is due some day, or a person was told."""
    for payment in rows.payments:
        status = P(payment.status)
        if status in {*ALIVE, P.AUTHORIZED, P.CONFLICTED}:
            assert payment.next_check_at is not None or rows.has_case(payment), f"{status}, and nobody asks"
        if payment.recheck:
            assert payment.next_check_at is not None
    for row in rows.moves:
        how = M(row.status)
        told = any(case.open_key == f"move:move:{row.pk}" for case in rows.open)
        if how is M.SUBMITTING or (how is M.PENDING and row.kind != MoveKind.DISPUTE):
            assert row.due_at is not None or told, f"{row} is {how}, and nobody looks"
        if how is M.REQUESTED:
            assert row.awaits_approval or row.due_at is not None
    for work in rows.fulfilments:
        if work.status == "blocked":
            ready = is_ready(rows.order, rows.payments) and may_run(rows.order, rows.payments, work.handler)
            assert not ready, "nothing blocks it any more"
        if work.status == "failed":
            assert any(case.kind == K.FULFILMENT for case in rows.open)
        if work.status == "running":
            assert work.lease_until is not None
    if rows.order.status == OrderStatus.ON_HOLD:
        assert rows.open or any(p.held for p in rows.payments), "on hold, and nobody knows why"


# --- at the end


def at_rest(world: World) -> None:
    """Everything that could happen has happened: our books say what the house's books say."""
    rows = Rows(world)
    keys = {payment.key: payment for payment in rows.payments}
    for deal in HOUSE.deals:
        stored = set(keys[deal.key].references.values_list("value", flat=True))
        assert deal.id in stored, "a payment at the house that we never found again"
    for payment in rows.payments:
        _payment_says_what_the_house_says(rows, payment)
    for row in rows.moves:
        _move_says_what_the_house_says(rows, row)
    if rows.order.status == OrderStatus.PROCESSING:
        waiting = [row.status for row in rows.fulfilments if row.status != "done"]
        assert waiting in (["blocked"], ["failed"]), f"paid, and nobody delivers: {waiting}"
    pending = WebhookDelivery.objects.filter(state="pending", payment__order_id=world.order_id)
    assert not pending.exists(), "a webhook that is never done"


def _payment_says_what_the_house_says(rows: Rows, payment: Payment) -> None:
    deal, facts = rows.world.deal_of(payment), payment.facts
    if deal is None:
        assert facts.status is P.FAILED, f"it never came to exist, and is {facts.status}"
        return
    house: Any = registry.provider(payment.account)
    report = house.report(deal)
    if deal.currency == payment.currency:
        sums = (facts.captured, facts.capturable, facts.refunded, facts.charged_back)
        assert sums == (deal.captured, deal.capturable, deal.refunded, deal.charged_back), (sums, deal)
    elif deal.money:
        assert (facts.observed_amount, facts.observed_currency) == (deal.money, deal.currency)
    want = expected_of(_knowing_nothing(facts), report, rows.now)
    assert (facts.status, facts.doubt) == (want.status, want.doubt), "the way there must not matter"
    succeeded = [m.let_go for m in rows.moves_of(payment) if m.status == M.SUCCEEDED]
    assert facts.let_go == sum(succeeded), "what failed gave up nothing"
    if deal.currency == payment.currency:
        shown = sum(m.amount for m in rows.moves_of(payment) if m.kind == MoveKind.REFUND and m.status == M.SUCCEEDED)
        assert shown == deal.refunded, (shown, deal.refunds)


def _knowing_nothing(facts: Facts) -> Facts:
    """A row that has only what reports cannot tell again: our own decisions, and what papers said."""
    return replace(
        Facts(expected=facts.expected, currency=facts.currency),
        let_go=facts.let_go,
        accepted=facts.accepted,
        captured=facts.captured,
        refunded=facts.refunded,
        charged_back=facts.charged_back,
        ever_paid=facts.ever_paid,
        capturable=facts.capturable,
    )


def _move_says_what_the_house_says(rows: Rows, row: Move) -> None:
    payment = next(p for p in rows.payments if p.pk == row.payment_id)
    deal, status = rows.world.deal_of(payment), M(row.status)
    assert deal is not None
    if row.kind == MoveKind.DISPUTE:
        return
    assert status in ENDED, f"{row} is still {status}: {_told(row)}, {deal}"
    if row.origin != Move.Origin.SHOP:
        return
    there = deal.has(MoveKind(row.kind), row.key)
    if row.kind == MoveKind.VOID:  # what ran out meanwhile looks the same from here
        assert status is not M.SUCCEEDED or deal.capturable == 0
    else:
        assert (status is M.SUCCEEDED) == (there == "succeeded"), (
            f"{row} is {status}, there it is {there or 'not'}: {_told(row)}, {deal}"
        )


def _told(row: Any) -> dict[str, Any]:
    """A row's columns, for the message of a failure."""
    return {name: value for name, value in vars(row).items() if value and not name.startswith("_")}
