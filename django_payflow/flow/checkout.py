"""Chapter one: the buyer presses "pay".

1. commit a ``Payment(created)`` with the frozen request: from now on a crash loses nothing;
2. ask the provider to create it, under the attempt's key;
3. commit reference, hosted page and status; send the buyer there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from .. import checkpoints, clock, conf, redaction, registry
from ..conf import Account
from ..exceptions import BankIsWorking, CheckoutRefused, ConfigurationError, OrderNotPayable, TooManyAttempts
from ..messages import Capture, Checkout
from ..models import Payment, PaymentEvent
from ..models.payment import new_key, new_token
from ..states import ALIVE, DEAD, OfferStep, OrderStatus, PaymentStatus, offer_step
from ..validation import refuse_invalid
from .addresses import addressed, page_is_lost, success_url, waiting_url
from .books import recompute_order, withdraw
from .confirm import confirm, finish_create
from .gate import refuse_inside_transaction
from .results import Started
from .rows import Change, locked_order, locked_payments, note, save_facts, save_order, short_transaction
from .stock import reserve

__all__ = ["AccountChoice", "accounts_for", "start_checkout"]


_ROUNDS = 4
"""How often a start may find that another one was faster, before it gives up politely."""


@dataclass(frozen=True, kw_only=True)
class AccountChoice:
    """One way to pay that a buyer may choose."""

    alias: str
    label: str


def accounts_for(order: Any) -> list[AccountChoice]:
    """Return the accounts that would take this order as it is, in the order of the settings."""
    settings = conf.get()
    try:
        frozen = _freeze(order, method=None)
    except CheckoutRefused:
        return []
    choices = []
    for alias, account in settings.providers.items():
        try:
            refuse_invalid(order, _at(account, frozen), registry.provider(alias))
        except CheckoutRefused:
            continue
        except ConfigurationError as wrong:  # one broken account must not take the others from the buyer
            redaction.logger().error("account %s cannot be offered: %s", alias, wrong)
            continue
        choices.append(AccountChoice(alias=alias, label=account.label))
    return choices


def start_checkout(
    *,
    order: Any,
    account: str,
    method: str | None = None,
    confirmed: bool = False,
    actor: str = "",
    ip: str = "",
    user_agent: str = "",
) -> Started:
    """Start paying an order at an account, or give the same offer again.

    ``method`` is the provider's word for a payment method (``None``: the buyer chooses there); ``confirmed`` says
    that the buyer wants to pay again although an earlier attempt has been with his bank for long. ``ip`` and
    ``user_agent`` are those of the buyer's device: some providers' fraud control wants them.
    Raises a ``CheckoutRefused`` (with a polite ``buyer_message``), ``ConfigurationError`` for an unknown account,
    ``InsideTransaction``. After an unknown outcome at the provider the result leads to the waiting page.
    """
    refuse_inside_transaction()
    frozen = _at(conf.get().account(account), _freeze(order, method=method))
    device = {"ip": ip or frozen.buyer.ip, "user_agent": (user_agent or frozen.buyer.user_agent)[:200]}
    frozen = replace(frozen, buyer=replace(frozen.buyer, **device))
    provider = registry.provider(account)
    refuse_invalid(order, frozen, provider)
    asked: set[int] = set()
    for _ in range(_ROUNDS):
        plan = _plan(order.pk, frozen, live=provider.live, confirmed=confirmed, actor=actor, asked=asked)
        if plan.ask_first is None:
            break
        asked.add(plan.ask_first)
        patience = conf.get().start_patience
        if confirm(payment_id=plan.ask_first, source="checkout", patience=patience).outcome == "busy":
            raise BankIsWorking("an earlier payment is being asked about; try again in a moment")
    else:
        raise BankIsWorking("other starts of this order keep coming in between; try again in a moment")
    if plan.started is not None:
        return plan.started
    checkpoints.reached("checkout.intent")
    return _after_create(plan.created)


@dataclass(frozen=True, kw_only=True)
class _Plan:
    created: int = 0
    """A new payment whose create call is ours to make."""
    ask_first: int | None = None
    """An earlier attempt that must be settled at the provider before a new one may start."""
    started: Started | None = None
    """Nothing to do at the provider: the answer is known."""


def _plan(order_id: int, frozen: Checkout, *, live: bool, confirmed: bool, actor: str, asked: set[int]) -> _Plan:
    """Decide in one transaction. ``asked`` are the attempts that were settled at the provider for this start."""
    change = Change(source="checkout", now=clock.now(), actor=actor)

    def work() -> _Plan:
        order = locked_order(order_id)
        payments = locked_payments(order_id)
        if not order.can_be_paid:
            raise OrderNotPayable(f"order {order.reference} is {order.status}")
        if order.pay_before is not None and change.now >= order.pay_before:
            raise OrderNotPayable(f"the time to pay order {order.reference} ended at {order.pay_before}")
        if order.total == 0:
            return _place_free(change, order)
        _refuse_changed_total(order, frozen)
        offer = next((p for p in payments if p.offer_of_id == order_id), None)
        plan = _about_offer(change, offer, frozen, confirmed=confirmed, asked=asked) if offer else None
        return plan or _new_attempt(change, order, payments, frozen, live=live)

    plan = short_transaction(change, work)
    return replace(plan, started=replace(plan.started, wakes=tuple(change.wakes))) if plan.started else plan


def _place_free(change: Change, order: Any) -> _Plan:
    """An order of zero needs no payment."""
    reserve(change, order)
    save_order(change, order, OrderStatus.PENDING, placed_at=order.placed_at or change.now)
    recompute_order(change, order, [])
    return _Plan(started=Started(payment_id=0, url=success_url(order)))


def _refuse_changed_total(order: Any, frozen: Checkout) -> None:
    if (order.total, order.currency) != (frozen.amount, frozen.currency):
        raise OrderNotPayable(f"order {order.reference} changed while its payment was being started; load it again")


def _about_offer(
    change: Change, offer: Payment, frozen: Checkout, *, confirmed: bool, asked: set[int]
) -> _Plan | None:
    """Decide about the attempt that is already offered; ``None``: a new one may start."""
    settings = conf.get()
    override = settings.processing_override
    same_way = _is_same(offer, frozen)
    step = offer_step(
        offer.facts,
        same_way=same_way,
        confirmed=confirmed,
        age=change.now - offer.created_at,
        override_after=None if override is None else timedelta(seconds=override),
    )
    over = offer.expires_at is not None and offer.expires_at <= change.now
    if step is OfferStep.SAME_URL and offer.checkout_url and not over:
        return _Plan(started=Started(payment_id=offer.pk, url=offer.checkout_url))
    if step is OfferStep.FINISH_CREATE:
        return _finish_first(change, offer, same_way=same_way, asked=asked)
    if step is OfferStep.SAME_URL and not (offer.withdraw or over or page_is_lost(offer)):
        return _unfinished(change, offer)
    if step in {OfferStep.SAME_URL, OfferStep.END_FIRST}:  # a page that was taken back or lost cannot be given again
        return _end_first(change, offer, asked=asked)
    if step is OfferStep.REFUSE_BANK:
        raise BankIsWorking(f"payment {offer} is {offer.status} at {offer.account}")
    if step is OfferStep.REFUSE:
        raise OrderNotPayable(f"payment {offer} of this order is {offer.label}")
    save_facts(change, offer, offer.facts, offer_of_id=None)
    return None


def _is_same(offer: Payment, frozen: Checkout) -> bool:
    """The same way to pay for the same order: an attempt is bound to the lines that it was started for."""
    old = offer.frozen
    same_order = (old.amount, old.currency, old.lines) == (frozen.amount, frozen.currency, frozen.lines)
    return same_order and (offer.account, offer.asked_method) == (frozen.account, frozen.method or "")


def _unfinished(change: Change, offer: Payment) -> _Plan:
    """The page's address is not known yet: somebody asks for it now or soon; the waiting page moves on by itself."""
    change.wake("payment", offer.pk)
    return _Plan(started=Started(payment_id=offer.pk, url=waiting_url(offer)))


def _finish_first(change: Change, offer: Payment, *, same_way: bool, asked: set[int]) -> _Plan | None:
    """Nobody has its URL. It is looked up once; if that brings nothing, another way to pay supersedes it."""
    if offer.lease_until is not None and offer.lease_until > change.now:
        return _unfinished(change, offer)
    if offer.pk not in asked:
        return _Plan(ask_first=offer.pk)
    if same_way:
        return _unfinished(change, offer)
    withdraw(change, offer)
    return None


def _end_first(change: Change, offer: Payment, *, asked: set[int]) -> _Plan | None:
    """Have the first attempt ended; one that the provider would not end is superseded and stays watched."""
    if not (offer.withdraw and offer.pk in asked):
        withdraw(change, offer, keep_offer=True)
        return _Plan(ask_first=offer.pk)
    save_facts(change, offer, offer.facts, offer_of_id=None, checkout_url="")
    return None


def _new_attempt(change: Change, order: Any, payments: list[Payment], frozen: Checkout, *, live: bool) -> _Plan:
    _refuse_beside_money(payments)
    _refuse_too_many(change, payments)
    reserve(change, order)
    settings = conf.get()
    token = new_token()
    checkout = addressed(replace(frozen, created_at=change.now), hint=token, return_token=(back := new_token()))
    payment = Payment.objects.create(
        order_id=order.pk,
        account=frozen.account,
        key=checkout.key,
        webhook_token=token,
        return_token=back,
        amount=checkout.amount,
        currency=checkout.currency,
        asked_method=checkout.method or "",
        checkout=checkout.to_json(),
        live=live,
        offer_of_id=order.pk,
        created_at=change.now,
        lease_token=str(uuid.uuid4()),
        lease_until=change.now + settings.lease,
        next_check_at=change.now + settings.lease,
    )
    save_order(change, order, OrderStatus.PENDING, placed_at=order.placed_at or change.now)
    summary = f"payment started at {payment.account}"
    note(change, order.pk, payment, PaymentEvent.Kind.COMMAND, summary, {"amount": payment.amount})
    return _Plan(created=payment.pk)


def _refuse_beside_money(payments: Iterable[Payment]) -> None:
    """An earlier attempt that is no longer offered may hold money, or a question about money."""
    for payment in payments:
        status = PaymentStatus(payment.status)
        if status not in ALIVE | DEAD and payment.facts.money_left > 0:
            raise OrderNotPayable(f"payment {payment} of this order is {payment.label}")


def _refuse_too_many(change: Change, payments: Iterable[Payment]) -> None:
    recent = sum(1 for payment in payments if payment.created_at > change.now - timedelta(hours=1))
    if recent >= conf.get().attempts_per_hour:
        raise TooManyAttempts(f"{recent} attempts within an hour")


def _after_create(payment_id: int) -> Started:
    result = finish_create(payment_id)
    checkpoints.reached("checkout.committed")
    payment = Payment.objects.select_related("order").get(pk=payment_id)
    if PaymentStatus(payment.status) in DEAD and payment.failure:
        raise CheckoutRefused(
            f"the provider refused the payment: {payment.failure}",
            buyer_message="The payment provider did not accept this payment. Please try again or choose another way.",
        )
    return Started(payment_id=payment_id, url=payment.checkout_url or waiting_url(payment), wakes=result.wakes)


_CAPTURE = {"automatic": Capture.AUTOMATIC, "manual": Capture.MANUAL, "on_fulfilment": Capture.MANUAL}


def _at(account: Account, frozen: Checkout) -> Checkout:
    """Return the request as it would be made at an account."""
    return replace(frozen, account=account.alias, capture=_CAPTURE[account.capture])


def _freeze(order: Any, *, method: str | None) -> Checkout:
    """Read what the order asks for, once: its lines and its buyer may be queries of the shop's."""
    return Checkout(
        key=new_key(),
        account="",
        order_reference=order.reference,
        description=order.payflow_description(),
        amount=order.total,
        currency=order.currency,
        method=method,
        locale=order.locale,
        pay_before=order.pay_before,
        lines=tuple(order.payflow_lines()),
        buyer=order.payflow_buyer(),
        return_url="",
        webhook_url="",
        created_at=clock.now(),
    )
