"""One refund, asked for by a program; an operator, a task and the program itself come by while it is being made."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_payflow import checkpoints, tasks
from django_payflow.models import Move


@pytest.mark.gauntlet("G7")
@pytest.mark.parametrize("point", ["move.claimed", "move.called", "move.settled"])
def test_G7__admin_api_and_task_at_one_refund_make_one(api, pay, sim, point):
    payment = pay()
    path, body = f"/payments/{payment.key}/refund/", {"amount": 500}
    operator = Client()
    operator.force_login(User.objects.create_superuser("grace"))
    seen = []

    def others() -> None:
        checkpoints.disarm()
        move = Move.objects.get()
        tasks.carry_out_move(move.pk)
        operator.post(reverse("admin:payflow_move_look", args=[move.pk]))
        seen.append(api.post(path, body, key="once").status)

    checkpoints.arm(point, others)
    first = api.post(path, body, key="once")
    again = api.post(path, body, key="once")

    assert seen == [409]
    assert (first.status, again.status, first.body) == (202, 202, again.body)
    assert len(sim.calls("refund")) == Move.objects.count() == 1
    assert [refund["amount"]["value"] for refund in sim.payments()[0]["_embedded"]["refunds"]] == ["5.00"]
