"""One race in a process of its own: ``python -m tests.aftercare.racer <name>`` prints what came of it, as JSON.

Every runner is a thread with a connection of its own; all of them start at the same moment.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
import requests

if __name__ == "__main__":
    django.setup()

from django.db import connection

from django_payflow import flow, tasks
from django_payflow.exceptions import PayflowError
from django_payflow.messages import MoveKind
from django_payflow.models import Case, Move, OrderLine, Payment, get_order_model

BANK = os.environ["SITE_BANK"].removesuffix("/mollie")
Runner = Callable[[], Any]


def bank(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = requests.request(method, f"{BANK}/_control/stripe/{path}", json=body, timeout=30)
    assert answer.ok, answer.text[:300]
    return answer.json()


def at_once(runners: Sequence[Runner]) -> list[str]:
    """Run all at the same moment; return a word for how each of them ended."""
    barrier = threading.Barrier(len(runners))

    def run(runner: Runner) -> str:
        try:
            barrier.wait(30)
            return _word(runner())
        except PayflowError as refused:
            return type(refused).__name__
        except Exception as crash:  # noqa: BLE001  (the test shows it)
            return f"crash: {type(crash).__name__}: {crash}"[:200]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def _word(result: Any) -> str:
    return str(getattr(result, "status", None) or getattr(result, "outcome", None) or type(result).__name__)


# -- one payment


def paid(total: int, account: str = "stripe", word: str = "paid") -> Payment:
    payment = started(total, account)
    bank("POST", f"payments/{id_of(payment)}/status", {"status": word, "webhook": False})
    flow.confirm(payment_id=payment.pk, source="poll")
    return Payment.objects.get(pk=payment.pk)


def started(total: int, account: str = "stripe") -> Payment:
    line = OrderLine(sku="TEA", name="Sencha", quantity=1, unit_price=total, vat_rate=21)
    order = get_order_model().objects.new(currency="EUR", lines=[line], email="ada@example.com", name="Ada")
    return Payment.objects.get(pk=flow.start_checkout(order=order, account=account).payment_id)


def id_of(payment: Payment) -> str:
    return str(payment.references.order_by("pk")[0].value)


def result(payment: Payment, words: list[str]) -> dict[str, Any]:
    """How the runners ended, what the books say after everything due is done, and what the provider has."""
    flow.sweep(inline=True)
    flow.confirm(payment_id=payment.pk, source="poll")
    flow.sweep(inline=True)
    payment = Payment.objects.get(pk=payment.pk)
    there = bank("GET", f"payments/{id_of(payment)}")["simulator"]
    return {
        "words": dict(Counter(words)),
        "order": get_order_model().objects.get(pk=payment.order_id).status,
        "payment": [payment.status, payment.captured, payment.capturable, payment.refunded],
        "moves": sorted(Move.objects.filter(payment=payment).values_list("kind", "amount", "status")),
        "cases": sorted(Case.objects.open().filter(payment=payment).values_list("kind", flat=True)),
        "left": flow.left_to(MoveKind.REFUND, payment)[0],
        "refunds": sorted(each["amount"] for each in there["refunds"]),
        "intent": [there["payment_intent"]["status"], there["payment_intent"]["amount_received"]]
        if there["payment_intent"]
        else None,
    }


# -- the races


def forty_refunds() -> dict[str, Any]:
    payment = paid(10_000)
    return result(payment, at_once([lambda: flow.refund(payment_id=payment.pk, amount=3000, actor="ann")] * 40))


def every_door() -> dict[str, Any]:
    """One refund that waits for a second person: ten agree, and everybody else is already carrying it out."""
    payment = paid(10_000)
    asked = flow.refund(payment_id=payment.pk, actor="ann").move_id
    doors: list[Runner] = [
        lambda: flow.approve_move(move_id=asked, actor="bob"),
        lambda: flow.carry_out(move_id=asked),
        lambda: tasks.carry_out_move(asked),
        lambda: flow.sweep(inline=True),
    ]
    return result(payment, at_once(doors * 10))


def two_equal_parts() -> dict[str, Any]:
    payment = paid(10_000)
    keys = (str(uuid.uuid4()), str(uuid.uuid4()))
    refund: list[Runner] = [
        lambda key=key: flow.refund(payment_id=payment.pk, amount=4000, key=key, actor="ann") for key in keys
    ]
    return result(payment, at_once(refund))


def one_key() -> dict[str, Any]:
    payment, key = paid(10_000), str(uuid.uuid4())
    refund: Runner = lambda: flow.refund(payment_id=payment.pk, amount=4000, key=key, actor="ann")  # noqa: E731
    return result(payment, at_once([refund] * 20))


def capture_against_void() -> dict[str, Any]:
    payment = paid(10_000, "held", "authorized")
    both: list[Runner] = [
        lambda: flow.capture(payment_id=payment.pk, actor="ann"),
        lambda: flow.void(payment_id=payment.pk, actor="bob"),
    ]
    return result(payment, at_once(both * 10))


def refund_against_reports() -> dict[str, Any]:
    """Ours, somebody's in the dashboard, and everybody asks."""
    payment = paid(10_000)
    reference = id_of(payment)
    runners: list[Runner] = [
        lambda: bank("POST", f"payments/{reference}/refund", {"amount": 2000, "webhook": False}),
        *[lambda: flow.refund(payment_id=payment.pk, amount=3000, actor="ann")] * 4,
        *[lambda: flow.confirm(payment_id=payment.pk, source="webhook")] * 15,
    ]
    return result(payment, at_once(runners))


def cancel_against_paying() -> dict[str, Any]:
    payment = started(10_000)
    order_id, reference = payment.order_id, id_of(payment)

    def pay() -> Any:
        bank("POST", f"payments/{reference}/status", {"status": "paid", "webhook": False})
        return flow.confirm(payment_id=payment.pk, source="webhook")

    cancel: list[Runner] = [lambda: flow.cancel_order(order_id=order_id, actor="ann")] * 5
    return result(payment, at_once([pay, *cancel]))


RACES = {
    race.__name__: race
    for race in (
        forty_refunds,
        every_door,
        two_equal_parts,
        one_key,
        capture_against_void,
        refund_against_reports,
        cancel_against_paying,
    )
}

if __name__ == "__main__":
    print("result " + json.dumps(RACES[sys.argv[1]]()))  # noqa: T201
