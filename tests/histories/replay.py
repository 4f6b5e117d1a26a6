"""A provider that says again what was recorded of another one, so that its reports pass through flow and database."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from django.test import override_settings

from django_payflow import clock, flow, registry
from django_payflow.messages import Checkout, MoveKind, Notice, Phase, Redirect, Reference, Report
from django_payflow.models import Case, Move, OrderLine, Payment, get_order_model
from django_payflow.providers.base import Options, Provider
from django_payflow.states import CaseKind, Facts
from tests.contract.stages import STAGES
from tests.histories.news import Story
from tests.histories.world import own_rows

A_CALL = timedelta(milliseconds=50)


class Stand:
    """What the provider would say now, and what happens before its answer arrives."""

    story: Story
    truth = 0
    meanwhile: Callable[[], None] | None = None


STAND = Stand()


class Replay(Provider[Options]):
    """It takes no commands: the story goes on by itself."""

    name = "replay"
    options_class = Options
    statuses = {phase.value: phase for phase in Phase}
    status_source = "the record"
    key_life = timedelta(hours=1)
    checkout_hosts = ("replay.test",)
    signs_webhooks = True
    supports_manual_capture = True
    live = False

    def check(self, checkout: Checkout) -> None:
        """Everything goes."""

    def create(self, checkout: Checkout) -> Redirect:
        return Redirect(url="https://replay.test/", report=self._say(checkout))

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        return self._say(checkout)

    def find(self, checkout: Checkout) -> Report | None:
        return self._say(checkout)

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, query: Mapping[str, str], hint: str
    ) -> list[Notice]:
        return []

    def _say(self, checkout: Checkout) -> Report:
        """The answer is what was true when the question came."""
        report = STAND.story.reports[STAND.truth]
        clock.move(clock.offset() + A_CALL)
        happens, STAND.meanwhile = STAND.meanwhile, None
        if happens is not None:
            happens()
        marked = checkout.key if report.our_reference else ""
        return replace(report, our_reference=marked, live=False, checkout_url="")


def _like(name: str) -> type[Replay]:
    """What a provider lists and tells is its own; reports already hold what was read one by one."""
    model = registry.provider_class(STAGES[name].backend)
    flags = ("marks_captures", "tells_refunds", "tells_disputes", "drops_canceled_refunds", "poll_schedule")
    values = {flag: getattr(model, flag) for flag in flags}
    return type(f"Replay{name.title()}", (Replay,), {**values, "__module__": __name__})


globals().update({f"Replay{name.title()}": _like(name) for name in STAGES})


def replayed(story: Story, number: int) -> Facts:
    """Return what the row says after the story came by post, through flow and database."""
    account = {
        "BACKEND": f"{__name__}.Replay{story.provider.title()}",
        "OPTIONS": {"base_url": "https://replay.test"},
    }
    account["CAPTURE"] = story.checkout.capture.value
    payflow = {"BASE_URL": "https://shop.test", "PROVIDERS": {"replay": account}}
    with own_rows(), override_settings(PAYFLOW=payflow):
        STAND.story, STAND.truth, STAND.meanwhile = story, 0, None
        post = random.Random(f"{story.provider} {story.name} {number}")
        payment = _start(story)
        while STAND.truth < len(story.reports) - 1 or post.random() < 0.7:
            _something_happens(post, payment)
        STAND.truth = len(story.reports) - 1
        for _ in range(2):
            _wait(90)
            flow.confirm(payment_id=payment.pk, source="poll")
        _moves_are_there_once(story, payment)
        return replace(Payment.objects.get(pk=payment.pk).facts, vanished_since=None)


def _start(story: Story) -> Payment:
    line = OrderLine(sku="TEA", name="Sencha", quantity=1, unit_price=story.checkout.amount)
    order = get_order_model().objects.new(currency=story.checkout.currency, lines=[line])
    return Payment.objects.get(pk=flow.start_checkout(order=order, account="replay").payment_id)


def _wait(seconds: float) -> None:
    clock.move(clock.offset() + timedelta(seconds=seconds))


def _something_happens(post: random.Random, payment: Payment) -> None:
    what = post.choice(["event", "event", "ask", "old answer", "old answer", "sweep", "wait"])
    before = Payment.objects.get(pk=payment.pk).captured
    if what == "event":
        _next_event()
    elif what == "wait":
        _wait(post.choice([1, 61, 3700]))
    elif what == "sweep":
        flow.sweep(inline=True)
    else:
        STAND.meanwhile = _overtaken(payment, post.choice([0, 1])) if what == "old answer" else None
        _wait(61)  # whoever asked before is late, and the row is free
        flow.confirm(payment_id=payment.pk, source="poll")
    assert Payment.objects.get(pk=payment.pk).captured >= before
    kinds = Counter(Case.objects.open().exclude(kind=CaseKind.MOVE.value).values_list("kind", flat=True))
    assert all(count == 1 for count in kinds.values())


def _overtaken(payment: Payment, events: int) -> Callable[[], None]:
    """While the answer is under way, the story goes on and somebody else asks and is answered first."""

    def happens() -> None:
        for _ in range(events):
            _next_event()
        _wait(61)
        flow.confirm(payment_id=payment.pk, source="webhook")

    return happens


def _next_event() -> None:
    STAND.truth = min(STAND.truth + 1, len(STAND.story.reports) - 1)


_AS_MOVES = {"won": "failed", "lost": "succeeded", "inquiry": "pending", "open": "pending"}


def _moves_are_there_once(story: Story, payment: Payment) -> None:
    last = story.reports[-1]
    for kind, shown in ((MoveKind.REFUND, last.refunds), (MoveKind.DISPUTE, last.disputes)):
        rows = Counter(Move.objects.filter(payment=payment, kind=kind.value).values_list("reference", flat=True))
        assert all(count == 1 for count in rows.values()), rows
        assert {found.id for found in shown} <= set(rows)
        for found in shown:
            row = Move.objects.get(payment=payment, reference=found.id)
            assert row.status in {_AS_MOVES.get(found.status, found.status), "returned"}, (row.status, found)
