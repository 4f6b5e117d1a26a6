"""The fulfilment table, typed in here a second time from the specification, against the one in the code."""

from __future__ import annotations

from itertools import product

import pytest
from django.core import mail
from django_fsm import TransitionNotAllowed

from django_payflow import flow
from django_payflow.exceptions import CommandRefused
from django_payflow.models import Case, Fulfilment
from django_payflow.states import (
    FULFILLING,
    FULFILMENT_MOVES,
    FULFILMENT_RETRY_SECONDS,
    FulfilmentEvent,
    FulfilmentStatus,
    OrderStatus,
    next_fulfilment,
)

E, F = FulfilmentEvent, FulfilmentStatus

SPECIFICATION = """
| from \\ event | unblock | block | claim | ok | retryable error | final error | lease expired | wake | exhausted | operator retry | cancel |
|---|---|---|---|---|---|---|---|---|---|---|---|
| blocked | due | . | refuse | done | . | . | . | . | . | refuse | canceled |
| due | . | blocked | running* | done | . | . | . | . | . | refuse | canceled |
| running | . | (noted) | refuse | done | retry_wait | failed | retry_wait | . | . | refuse | refuse |
| retry_wait | . | blocked | refuse | done | . | . | . | due | failed | refuse | canceled |
| done | . | . | refuse | . | . | . | . | . | . | refuse | refuse |
| failed | . | . | refuse | . | . | . | . | . | . | due* | canceled |
| canceled | . | . | refuse | . | . | . | . | . | . | due* | refuse |
"""  # noqa: E501  (a table is read by its columns)


def cells() -> dict[tuple[F, E], str]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in SPECIFICATION.strip().splitlines()]
    events = [E(word) for word in rows[0][1:]]
    return {(F(row[0]), event): word for row in rows[2:] for event, word in zip(events, row[1:], strict=True)}


def test_specification__has_a_cell_for_every_status_and_event():
    assert set(cells()) == set(product(F, E))


@pytest.mark.parametrize("order_ready", [True, False], ids=["ready", "not ready"])
@pytest.mark.parametrize(("status", "event"), list(product(F, E)))
def test_next_fulfilment__does_what_the_cell_says(status, event, order_ready):
    word = cells()[status, event]
    if word == "refuse":
        with pytest.raises(CommandRefused, match=event.value):
            next_fulfilment(status, event, order_ready=order_ready)
        return
    after = next_fulfilment(status, event, order_ready=order_ready)
    if word in {".", "(noted)"}:  # a running handler cannot be stopped: that the order is on hold is in its own row
        assert after is status
    elif word.endswith("*") and not order_ready:
        assert after is F.BLOCKED
    else:
        assert after is F(word.removesuffix("*"))


def test_order__is_taken_as_ready_unless_the_caller_says_otherwise():
    assert next_fulfilment(F.DUE, E.CLAIM) is F.RUNNING


def test_star__stands_where_a_handler_would_start():
    """Only a claim and an operator's retry can set something in motion: both look at the order first."""
    starred = {(status, event) for (status, event), word in cells().items() if word.endswith("*")}
    assert starred == {(F.DUE, E.CLAIM), (F.FAILED, E.OPERATOR_RETRY), (F.CANCELED, E.OPERATOR_RETRY)}


def test_fulfilling__is_processing_and_also_completed():
    """The specification says processing; docs/decisions/0002 says why completed orders may go on as well."""
    assert set(FULFILLING) == {OrderStatus.PROCESSING, OrderStatus.COMPLETED}


def test_fulfilment_moves__are_exactly_those_of_the_table():
    made = {
        (status, next_fulfilment(status, event, order_ready=ready))
        for (status, event), word in cells().items()
        for ready in (True, False)
        if word != "refuse"
    }
    moves = {(source, target) for target, sources in FULFILMENT_MOVES.items() for source in sources}
    assert moves == {(old, new) for old, new in made if old is not new}


@pytest.mark.parametrize(("old", "new"), list(product(F, F)))
def test_move_to__does_what_the_table_says_and_nothing_else(old, new):
    row = Fulfilment(status=old.value)
    if old in FULFILMENT_MOVES[new]:
        row.move_to(new)
        assert row.status == new.value
    else:
        with pytest.raises(TransitionNotAllowed):
            row.move_to(new)
        assert row.status == old.value


def test_done__is_left_by_nothing():
    """What was delivered stays delivered; delivering again is a new row, by an operator only."""
    assert all(F.DONE not in sources for sources in FULFILMENT_MOVES.values())


def test_retry_schedule__is_the_one_of_the_specification():
    minute, hour = 60, 3600
    assert list(FULFILMENT_RETRY_SECONDS) == [
        *(10, minute, 5 * minute, 15 * minute),
        *(hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour),
    ]


# --- known to be wrong today; it turns red when it is mended, then drop its mark


def test_completed_order__sends_its_late_e_mail_after_a_chargeback_was_won(story, settings):
    in_memory = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 1  # nobody listens
    story.start()
    story.bank("paid")
    story.webhook()
    payment = f"mollie/payments/{story.reference}"
    lost = story.sim.object("POST", f"{payment}/chargeback")["_embedded"]["chargebacks"][0]["id"]
    story.webhook()
    settings.EMAIL_BACKEND = in_memory
    story.sim.advance(61)
    story.work()
    e_mail = Fulfilment.objects.get(order=story.order, handler="confirmation")
    assert (story.now().status, e_mail.status) == ("completed", "blocked")

    story.sim.object("POST", f"{payment}/chargebacks/{lost}/reverse", {"webhook": False})
    flow.ask_provider(payment_id=story.payment.pk, actor="ada")
    story.work()

    assert not Case.objects.open().exists()
    e_mail.refresh_from_db()
    assert (e_mail.status, len(mail.outbox)) == ("done", 1)
