"""A program with every permission, and a payment that its buyer has paid."""

from __future__ import annotations

from typing import Any

import pytest

from django_payflow import flow
from django_payflow.models import Payment
from tests.api.kit import Program, person


@pytest.fixture
def api(db: None) -> Program:
    return Program(person("ada"))


@pytest.fixture
def pay(api: Program, sim: Any) -> Any:
    """Order, start, and let the buyer pay: ``pay()``, ``pay("authorized", method="creditcard")``."""

    def play(status: str = "paid", **fields: Any) -> Payment:
        payment = api.started(api.order()["reference"], **fields)
        sim.set_status(payment.references.get().value, status, webhook=False)
        flow.confirm(payment_id=payment.pk, source="poll")
        return Payment.objects.get(pk=payment.pk)

    return play


@pytest.fixture
def manual(sim: Any, settings: Any) -> None:
    """The account authorizes only."""
    account = {**settings.PAYFLOW["PROVIDERS"]["mollie"], "CAPTURE": "manual"}
    settings.PAYFLOW = {**settings.PAYFLOW, "PROVIDERS": {"mollie": account}, "FULFILMENT": {}}
