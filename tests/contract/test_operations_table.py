"""Every cell of the providers' tables "operation x state" is played at the simulator."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from django_payflow import flow
from django_payflow.exceptions import CommandRefused
from django_payflow.models import Move
from django_payflow.testing.contract import Act, Call, Contract, Shop, Stage
from tests.contract.stages import STAGES

SCRIPT = Path(__file__).resolve().parent.parent.parent / "bin" / "generate-docs"
_LOADER = SourceFileLoader("generate_docs_of_operations", str(SCRIPT))


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_loader(_LOADER.name, _LOADER)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    _LOADER.exec_module(module)
    return module


DOCS = _generator()
ACTS = {
    "open": None,
    "processing": Act.PROCESS,
    "authorized": Act.AUTHORIZE,
    "partly captured": Act.AUTHORIZE,
    "paid": Act.PAY,
    "partly refunded": Act.PAY,
    "refunded": Act.PAY,
    "dead": Act.FAIL,
}
SLOW = {"processing", "partly captured", "partly refunded", "refunded"}
NOTE = {"reference": "letter of the bank", "booked_on": None, "actor": "ann"}
MADE = {Call.CAPTURE, Call.VOID, Call.REFUND, Call.CANCEL}


class Bench:
    """One payment, brought into a state, and what an operation then did."""

    def __init__(self, shop: Shop, state: str) -> None:
        self.shop, self.stage = shop, shop.stage
        shop.order = shop.new_order()
        shop.start(method=shop.stage.cancelable_method if state in {"open", "processing"} else None)
        if act := ACTS[state]:
            self.stage.play(shop.reference, act, webhook=False)
            shop.ask()
        self.id, self.amount = shop.payment.pk, shop.payment.amount
        self.part = self.amount // 5
        if state == "partly captured":
            flow.capture(payment_id=self.id, amount=self.part, final=False, actor="ann")
        elif state in {"partly refunded", "refunded"}:
            self._give_back(None if state == "refunded" else self.part)
        self.before = self._calls()

    def _give_back(self, amount: int | None) -> None:
        done = flow.refund(payment_id=self.id, amount=amount, actor="ann")
        if done.status == "manual":
            flow.confirm_move(move_id=done.move_id, reference="letter of the bank", actor="ann")
        self.shop.later(self.stage.bank_time.total_seconds())

    def _calls(self) -> dict[Call, int]:
        known = getattr(self.stage, "operations", {})
        return {call: self.stage.calls(call) for call in MADE if call in known}

    def made(self) -> set[Call]:
        """The calls that have reached the provider since."""
        now = self._calls()
        return {call for call in now if now[call] > self.before[call]}

    def ask(self, operation: str) -> None:
        about: dict[str, Any] = {"payment_id": self.id, "actor": "ann"}
        noted = {"payment_id": self.id, "amount": self.part, **NOTE}
        {
            "cancel the attempt": lambda: flow.cancel_payment(**about),
            "capture": lambda: flow.capture(**about),
            "capture a part": lambda: flow.capture(**about, amount=self.part),
            "release": lambda: flow.void(**about),
            "refund": lambda: flow.refund(**about),
            "refund a part": lambda: flow.refund(**about, amount=self.part),
            "record a refund": lambda: flow.record_refund(**noted),
            "record a chargeback": lambda: flow.record_chargeback(**noted),
            "cancel the order": lambda: flow.cancel_order(order_id=self.shop.order.pk, actor="ann"),
        }[operation]()

    def word(self, operation: str) -> str:
        """What it did, in the table's words."""
        moves = Move.objects.filter(payment_id=self.id).count()
        try:
            self.ask(operation)
        except CommandRefused:
            assert (self.made(), Move.objects.filter(payment_id=self.id).count()) == (set(), moves)
            return str(DOCS.REFUSED)
        made, order = self.made(), operation == "cancel the order"
        if Move.objects.filter(payment_id=self.id, status="failed").exists():
            return "asked, and refused there"
        if order and made & {Call.VOID, Call.REFUND}:
            words = [
                word
                for call, word in ((Call.VOID, "released there"), (Call.REFUND, "refunded there"))
                if call in made
            ]
            return " and ".join(words)
        if made & {Call.VOID, Call.REFUND}:
            return str(DOCS.THERE)
        if Call.CAPTURE in made:
            return self._captured(whole=operation == "capture")
        if Call.CANCEL in made:
            return str(DOCS.ASKED)
        return self._without_a_call(operation)

    def _captured(self, *, whole: bool) -> str:
        self.shop.later(self.stage.bank_time.total_seconds())
        if whole:
            return str(DOCS.THERE)
        return str(DOCS.KEEPS if self.shop.payment.capturable else DOCS.LETS_GO)

    def _without_a_call(self, operation: str) -> str:
        newest = Move.objects.filter(payment_id=self.id).order_by("pk").last()
        if newest is not None and newest.status == "manual":
            return str(DOCS.BY_HAND)
        if newest is not None and newest.origin == Move.Origin.RECORDED and operation.startswith("record"):
            return str(DOCS.RECORDED)
        alive = self.shop.payment.status in {"pending", "processing"}
        return str(DOCS.RUNS_ON if alive else DOCS.NOTHING)


class TestOperations(Contract):
    @pytest.fixture(params=sorted(STAGES))
    def stage(self, request: pytest.FixtureRequest, running_simulators: Any) -> Stage:
        return STAGES[request.param](running_simulators)

    @pytest.mark.parametrize(
        "state", [pytest.param(each, marks=pytest.mark.slow if each in SLOW else ()) for each in DOCS.STATES]
    )
    def test_cells__are_what_happens(self, stage: Stage, shop: Shop, state: str) -> None:
        cells = DOCS.operations(stage.provider_class)
        column = {name: cells[name, state] for name in DOCS.OPERATIONS}
        act = ACTS[state]
        if act is not None and act in stage.cannot:
            pytest.skip(f"{stage.name}: {stage.cannot[act]}")
        if DOCS.NEVER in column.values():
            pytest.skip(f"{stage.name}: the state does not occur")
        account = {"BACKEND": stage.backend, "OPTIONS": stage.options()}
        reserves = {"CAPTURE": "manual"} if act is Act.AUTHORIZE else {}
        shop.change(PROVIDERS={"one": {**account, **reserves}}, FULFILMENT={})

        seen, bench = {}, None
        for name, word in sorted(column.items(), key=lambda cell: cell[1] != DOCS.REFUSED):
            bench = bench or Bench(shop, state)
            seen[name] = bench.word(name)
            if (seen[name], word) != (DOCS.REFUSED, DOCS.REFUSED):
                bench = None  # it did something: the next one begins anew
        assert seen == column
