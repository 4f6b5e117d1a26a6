"""What each built-in provider says while a payment lives: legal histories, recorded once through the real adapters.

A story is a list of reports, one for every moment at which something happened at the provider's simulator. The
tests deliver them as real life does: late, twice, in another order, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.test import override_settings

from django_payflow import registry
from django_payflow.flow.asking import Claim, ask
from django_payflow.messages import Capture, Checkout, Reference, Report
from django_payflow.states import PaymentStatus
from django_payflow.testing import Simulators
from django_payflow.testing.contract import Act, Stage
from django_payflow.testing.contract.stage import ALIASES
from tests.contract.stages import STAGES

_RESERVING = {Act.CAPTURE, Act.CAPTURE_PART, Act.VOID, Act.LAPSE}

SCRIPTS: dict[str, tuple[Act, ...]] = {
    "paid": (Act.PAY,),
    "processed, then paid": (Act.PROCESS, Act.PAY),
    "declined, then paid": (Act.DECLINE, Act.PAY),
    "reviewed, then paid": (Act.HOLD, Act.PAY),
    "failed": (Act.FAIL,),
    "processed, then failed": (Act.PROCESS, Act.FAIL),
    "canceled": (Act.CANCEL,),
    "expired": (Act.EXPIRE,),
    "expired, then paid": (Act.EXPIRE, Act.PAY),
    "expired, paid, refunded": (Act.EXPIRE, Act.PAY, Act.REFUND),
    "authorized, captured": (Act.AUTHORIZE, Act.CAPTURE),
    "authorized, captured, refunded": (Act.AUTHORIZE, Act.CAPTURE, Act.REFUND),
    "authorized, a part captured": (Act.AUTHORIZE, Act.CAPTURE_PART),
    "authorized, released": (Act.AUTHORIZE, Act.VOID),
    "authorized, run out": (Act.AUTHORIZE, Act.LAPSE),
    "paid, refunded": (Act.PAY, Act.REFUND),
    "paid, refunded twice": (Act.PAY, Act.REFUND_PART, Act.REFUND_PART),
    "paid, refunded slowly": (Act.PAY, Act.REFUND_PENDING, Act.REFUND_ARRIVES),
    "paid, refund came back": (Act.PAY, Act.REFUND, Act.REFUND_FAILS),
    "charged back, won": (Act.PAY, Act.CHARGE_BACK, Act.WIN),
    "charged back, lost": (Act.PAY, Act.CHARGE_BACK, Act.LOSE),
    "partly charged back": (Act.PAY, Act.CHARGE_BACK_PART),
    "partly refunded, charged back": (Act.PAY, Act.REFUND_PART, Act.CHARGE_BACK),
    "asked about": (Act.PAY, Act.INQUIRE, Act.INQUIRY_OVER),
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """One payment's life."""

    provider: str
    name: str
    checkout: Checkout
    reports: tuple[Report, ...]
    """What the provider would say after each event, the first one right after the creation."""


def record(name: str, simulators: Simulators) -> list[Story]:
    """Play every script that exists at this provider, and keep what its adapter reads."""
    stage = STAGES[name](simulators)
    stage.begin()
    account = {"BACKEND": stage.backend, "OPTIONS": stage.options()}
    payflow = {"BASE_URL": "https://shop.test", "ALLOW_SIMULATORS": True, "PROVIDERS": {ALIASES[1]: account}}
    with override_settings(PAYFLOW=payflow):
        stage.listen(1, f"https://shop.test/payflow/webhook/{ALIASES[1]}/")
        found = [_play(stage, name, script, acts) for script, acts in SCRIPTS.items() if _exists(stage, acts)]
    stage.begin()
    return found


def _exists(stage: Stage, acts: tuple[Act, ...]) -> bool:
    manual = stage.provider_class.supports_manual_capture
    return not any(stage.lacks(act) for act in acts) and (manual or Act.AUTHORIZE not in acts)


def _play(stage: Stage, name: str, script: str, acts: tuple[Act, ...]) -> Story:
    capture = Capture.MANUAL if Act.AUTHORIZE in acts else Capture.AUTOMATIC
    checkout = stage.checkout(capture=capture)
    first = registry.provider(checkout.account).create(checkout).report.references[0]
    made = len(stage.deliveries())
    reports = [_ask(checkout, first, ())]
    for act in acts:
        stage.play(first.value, act)
        named = tuple(_parts(stage, made))
        reports.append(_ask(checkout, first, named))
    return Story(provider=name, name=script, checkout=checkout, reports=tuple(reports))


def _parts(stage: Stage, made: int) -> Iterator[Reference]:
    """Return the refunds and disputes that the webhooks named, where nothing else names them."""
    provider = stage.provider()
    if not provider.unlisted:
        return
    for delivery in stage.deliveries()[made:]:
        headers = {key.lower(): value for key, value in delivery.headers.items()}
        for notice in provider.parse_webhook(headers, delivery.body, {}, ""):
            yield from notice.parts


def _ask(checkout: Checkout, reference: Reference, parts: tuple[Reference, ...]) -> Report:
    claim: dict[str, Any] = {"payment_id": 0, "order_id": 0, "token": "", "version": 0, "reported_at": None}
    claim |= {"status": PaymentStatus.PENDING, "withdraw": False, "created_at": checkout.created_at}
    claim |= {"checkout": checkout, "reference": reference, "parts": tuple(dict.fromkeys(parts))}
    asked = ask(Claim(**claim, account=checkout.account), None)
    assert isinstance(asked.answer, Report), asked
    return asked.answer
