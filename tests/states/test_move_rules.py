"""The table of captures, voids and refunds, typed in a second time from the specification, against the code's."""

from __future__ import annotations

from itertools import product

import pytest
from django_fsm import TransitionNotAllowed

from django_payflow.exceptions import CommandRefused
from django_payflow.models import Move
from django_payflow.states import (
    MOVE_MOVES,
    MOVE_TABLE,
    RESERVING,
    UNDER_WAY,
    MoveEvent,
    MoveStatus,
    next_move,
)

E, M = MoveEvent, MoveStatus

SPECIFICATION = """
| from \\ event | approve | deny | reply pending | reply done | reply rejected | seen pending | seen succeeded | seen failed | seen canceled | gone from the list | operator confirms | operator refutes |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
| requested | submitting / manual | canceled | . | . | . | pending | succeeded | . | . | . | refuse | refuse |
| manual | refuse | canceled | . | . | . | . | succeeded | . | . | . | succeeded | canceled |
| submitting | refuse | refuse | pending | succeeded | failed | pending | succeeded | failed | canceled | . | succeeded | failed |
| pending | refuse | refuse | . | succeeded | . | . | succeeded | failed | canceled | canceled | succeeded | failed |
| succeeded | refuse | refuse | . | . | . | . | . | returned ! | returned ! | . | refuse | refuse |
| failed | refuse | refuse | . | . | . | pending ! | succeeded ! | . | . | . | refuse | refuse |
| canceled | refuse | refuse | . | . | . | pending ! | succeeded ! | . | . | . | refuse | refuse |
| returned | refuse | refuse | . | . | . | pending ! | succeeded ! | . | . | . | refuse | refuse |
"""  # noqa: E501  (a table is read by its columns)

LATE_REPLIES = {(state, E.REPLY_PENDING): "pending !" for state in (M.FAILED, M.CANCELED)} | {
    (state, E.REPLY_DONE): "succeeded !" for state in (M.FAILED, M.CANCELED)
}
"""Where the code says more than the specification's dot: our own call was answered after an operator had given the
move up. The money did move, so this is news like any other, and a person should look."""

ENDED = {M.SUCCEEDED, M.FAILED, M.CANCELED, M.RETURNED}


def cells() -> dict[tuple[M, E], str]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in SPECIFICATION.strip().splitlines()]
    events = [E(word) for word in rows[0][1:]]
    return {(M(row[0]), event): word for row in rows[2:] for event, word in zip(events, row[1:], strict=True)}


def expected(state: M, event: E, *, manual: bool) -> tuple[M, bool] | None:
    """The status afterwards and whether a person should look; none where it is refused."""
    word = LATE_REPLIES.get((state, event), cells()[state, event])
    if word == "refuse":
        return None
    if word == ".":
        return state, False
    with_call, _, without_call = word.removesuffix(" !").partition(" / ")
    return M(without_call if manual and without_call else with_call), word.endswith("!")


def steps() -> dict[tuple[M, E, bool], tuple[M, bool]]:
    """Every step that the code allows."""
    made = {}
    for state, event, manual in product(M, E, (False, True)):
        try:
            step = next_move(state, event, manual=manual)
        except CommandRefused:
            continue
        made[state, event, manual] = (step.status, step.alarm)
    return made


def test_specification__has_a_cell_for_every_status_and_event():
    assert set(cells()) == set(product(M, E)) == set(MOVE_TABLE)


@pytest.mark.parametrize("manual", [False, True], ids=["called", "by hand"])
@pytest.mark.parametrize(("state", "event"), list(product(M, E)))
def test_next_move__does_what_the_cell_says(state, event, manual):
    want = expected(state, event, manual=manual)
    if want is None:
        with pytest.raises(CommandRefused, match=f"{state.value} cannot take '{event.value}'"):
            next_move(state, event, manual=manual)
        return
    step = next_move(state, event, manual=manual)
    assert (step.status, step.alarm) == want


def test_provider__is_taken_to_have_the_call_unless_the_caller_says_otherwise():
    assert next_move(M.REQUESTED, E.APPROVE).status is M.SUBMITTING


def test_late_replies__are_the_only_cells_where_the_code_says_more():
    differs = {key for key in cells() if expected(*key, manual=False) != _plain(cells()[key], key[0])}
    assert differs == set(LATE_REPLIES)


def _plain(word: str, state: M) -> tuple[M, bool] | None:
    if word in {".", "refuse"}:
        return (state, False) if word == "." else None
    return M(word.removesuffix(" !").split(" / ")[0]), word.endswith("!")


# --- what follows from the table


def test_ended_move__only_wakes_with_an_alarm_and_nothing_else_gives_one():
    for (state, _, _), (after, alarm) in steps().items():
        assert alarm == (state in ENDED and after is not state)


def test_succeeded__only_leaves_to_returned():
    assert {after for (state, _, _), (after, _) in steps().items() if state is M.SUCCEEDED} == {
        M.SUCCEEDED,
        M.RETURNED,
    }


def test_returned__is_reached_from_succeeded_alone():
    assert MOVE_MOVES[M.RETURNED] == {M.SUCCEEDED}


def test_nothing_is_asked_for_again__no_step_leads_back_before_the_call():
    for target in (M.REQUESTED, M.SUBMITTING, M.MANUAL):
        assert {state for (state, _, _), (after, _) in steps().items() if after is target and state is not after} <= {
            M.REQUESTED
        }


def test_people__decide_only_what_has_not_ended():
    """What ended is not undone by a word; another move is asked for, or the provider says otherwise."""
    words = {E.APPROVE, E.DENY, E.CONFIRMED, E.REFUTED}
    assert not [key for key in steps() if key[0] in ENDED and key[1] in words]


def test_provider__is_never_refused():
    """Facts are written down however odd they are."""
    facts = set(E) - {E.APPROVE, E.DENY, E.CONFIRMED, E.REFUTED}
    assert {(state, event) for state, event, _ in steps()} >= set(product(M, facts))


def test_same_news_twice__equals_once():
    facts = set(E) - {E.APPROVE, E.DENY, E.CONFIRMED, E.REFUTED}
    for (_, event, manual), (after, _) in steps().items():
        if event in facts:
            again = next_move(after, event, manual=manual)
            assert (again.status, again.alarm) == (after, False)


def test_reserving__is_the_first_five_and_under_way_those_of_them_that_have_not_ended():
    assert set(RESERVING) == set(list(M)[:5]) == {M.REQUESTED, M.MANUAL, M.SUBMITTING, M.PENDING, M.SUCCEEDED}
    assert set(UNDER_WAY) == RESERVING - ENDED == set(M) - ENDED


def test_by_hand__differs_only_where_somebody_would_have_to_call():
    made = steps()
    differs = {
        (state, event) for state, event, manual in made if made[state, event, False] != made[state, event, True]
    }
    assert differs == {(M.REQUESTED, E.APPROVE)}


def test_move_moves__are_exactly_those_of_the_table():
    made = {(state, after) for (state, _, _), (after, _) in steps().items() if after is not state}
    assert {(source, target) for target, sources in MOVE_MOVES.items() for source in sources} == made


@pytest.mark.parametrize(("old", "new"), list(product(M, M)))
def test_move_to__does_what_the_table_says_and_nothing_else(old, new):
    row = Move(status=old.value)
    if old in MOVE_MOVES[new]:
        row.move_to(new)
        assert row.status == new.value
    else:
        with pytest.raises((TransitionNotAllowed, KeyError)):
            row.move_to(new)
        assert row.status == old.value
