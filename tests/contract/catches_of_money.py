"""Which scenario about money after "paid" notices which wrong provider."""

from __future__ import annotations

from typing import Any, NamedTuple

from django_payflow.exceptions import Uncertain
from django_payflow.testing.contract import Call, Trouble
from tests.contract.wrong import moves, reports


class Catch(NamedTuple):
    provider: type
    scenario: str
    values: dict[str, Any]


def caught(provider: type, *names: str, **values: Any) -> list[Catch]:
    return [Catch(provider, f"test_{name}", values) for name in names]


NOT_DONE = {"trouble": Trouble.BEFORE, "end": Uncertain}

MONEY = [
    *caught(
        moves.SaysItRefunded,
        "refund__everything_goes_back",
        "refunding__everything_once_whoever_asks_again",
        "cancel_order__gives_the_money_back",
    ),
    *caught(moves.RefundsTwice, "refund__everything_goes_back"),
    *caught(moves.RefundsEverything, "refund__parts_are_exactly_what_was_asked_for"),
    *caught(
        moves.RefundsALittleLess,
        "refund__parts_are_exactly_what_was_asked_for",
        "refund__no_amount_loses_a_unit_in_any_currency",
        "refunding__in_parts_until_nothing_is_left",
    ),
    *caught(moves.ForgetsItsMoves, "refund__the_same_request_again_is_the_same_refund"),
    *caught(moves.SendsTheCallsNumber, "refund__the_same_request_sends_the_same_bytes"),
    *caught(moves.RepeatsRefunds, "refund__whose_answer_was_lost_is_not_made_again", trouble=Trouble.LOST),
    *caught(
        moves.ForgetsTheMarks,
        "refund__whose_answer_was_lost_shows_itself_by_our_mark",
        "refund__ours_are_told_from_somebody_elses",
    ),
    *caught(moves.ClaimsEveryRefund, "refund__ours_are_told_from_somebody_elses"),
    *caught(moves.TakesTroubleForNo, "refund__that_was_not_done_ends_as_what_it_is", **NOT_DONE),
    *caught(
        moves.TakesTroubleForNo, "refunding__a_lost_answer_is_found_and_nothing_is_doubled", trouble=Trouble.LOST
    ),
    *caught(moves.TakesTroubleForNo, "refunding__what_was_not_done_is_sent_again", trouble=Trouble.BUSY),
    *caught(moves.TakesTroubleForNo, "reserved__a_capture_that_was_not_done_is_sent_again", trouble=Trouble.BUSY),
    *caught(
        moves.TakesTroubleForNo, "reserved__a_lost_answer_is_found_and_nothing_is_asked_twice", what=Call.CAPTURE
    ),
    *caught(moves.TakesTroubleForDone, "refund__that_was_not_done_ends_as_what_it_is", **NOT_DONE),
    *caught(moves.TakesTroubleForDone, "capture__that_was_not_done_ends_as_what_it_is", **NOT_DONE),
    *caught(
        moves.TakesTroubleForDone,
        "refund__of_a_payment_that_nobody_paid_is_a_definite_no",
        "refunding__what_somebody_sent_back_before_us_is_refused_and_counted_once",
        "void__whose_answer_was_lost_shows_in_the_sums",
    ),
    *caught(
        moves.TakesNoForUnclear,
        "refund__of_money_that_went_back_already_is_a_definite_no",
        "refund__of_a_payment_that_nobody_paid_is_a_definite_no",
        "capture__of_a_payment_that_nobody_paid_is_a_definite_no",
    ),
    *caught(
        moves.BelongsToBoth,
        "refund__the_other_account_cannot_make_it",
        "capture__the_other_account_can_neither_take_nor_release",
        "two_accounts__each_refund_goes_to_the_one_that_was_paid",
    ),
    *caught(moves.RefundsWithoutACall, "refund__is_refused_before_the_wire_where_there_is_none"),
    *caught(moves.PromisesRefunds, "refunding__without_a_call_it_waits_for_a_person_who_arranged_it"),
    *caught(moves.CapturesInItsMind, "capture__is_refused_before_the_wire_where_there_is_none"),
    *caught(moves.LosesThePaper, "disputed__where_no_provider_tells_a_person_records_it"),
    *caught(moves.ReadsAnybodysRefund, "refund__that_no_list_shows_is_read_by_its_id"),
    *caught(reports.NeverPaid, "refunding__more_than_is_left_is_refused_before_the_wire"),
    *caught(moves.ShowsNoMoves, "refunding__one_from_the_dashboard_stands_beside_ours"),
    *caught(
        moves.CountsPendingRefunds,
        "refund__on_its_way_is_no_refunded_money_yet",
        "refund__that_comes_back_is_none",
        "refunding__on_its_way_it_is_reserved_and_then_it_counts",
    ),
    *caught(moves.SeesNoneOfIt, "refunding__what_comes_back_is_a_case_and_can_be_sent_again"),
    *caught(
        moves.TakesAPartForAll,
        "dispute__of_a_part_takes_that_part",
        "disputed__a_part_is_a_case_and_the_rest_can_be_refunded",
    ),
    *caught(
        moves.NeverGivesUp, "dispute__that_is_lost_keeps_the_money_away", "disputed__and_lost_the_money_stays_away"
    ),
    *caught(reports.KeepsChargebacks, "disputed__and_won_the_order_goes_on"),
    *caught(
        moves.AsksAboutNothing,
        "inquiry__takes_no_money_and_holds_while_it_is_open",
        "inquiry__holds_the_order_and_lets_it_go",
    ),
    *caught(moves.TakesInquiriesForLosses, "inquiry__takes_no_money_and_holds_while_it_is_open"),
    *caught(
        moves.SaysItCaptured,
        "capture__takes_everything",
        "reserved__everything_is_captured_once_whoever_asks_again",
        "reserved__once_captured_it_is_neither_captured_nor_released",
        "on_fulfilment__the_money_is_taken_when_the_shop_did_its_part",
    ),
    *caught(
        moves.CapturesEverything,
        "capture__of_a_final_part_lets_go_of_the_rest",
        "reserved__a_final_part_leaves_the_order_as_it_is",
    ),
    *caught(
        moves.CapturesOnce,
        "capture__part_by_part_until_everything_is_taken",
        "reserved__part_by_part_until_everything_is_taken",
    ),
    *caught(moves.CapturesAgain, "capture__the_same_request_again_takes_nothing_more"),
    *caught(moves.CapturesAgain, "capture__whose_answer_was_lost_is_not_made_again", trouble=Trouble.LOST),
    *caught(moves.LetsItBeCaptured, "reserved__a_part_that_is_not_the_last_is_refused_where_there_is_but_one"),
    *caught(reports.TakesReservedForCaptured, "reserved__more_than_there_is_is_refused_before_the_wire"),
    *caught(
        moves.SaysItReleased,
        "void__releases_everything",
        "void__after_the_capture_is_no_success",
        "reserved__its_release_cancels_the_order",
        "cancel_order__releases_what_is_only_authorized",
    ),
    *caught(moves.ReleasesByCapturing, "void__releases_everything"),
    *caught(moves.RefundsInsteadOfReleasing, "void__after_the_capture_is_no_success"),
    *caught(moves.CannotRelease, "late__what_is_only_authorized_is_released_at_once"),
    *caught(moves.KnowsNoEnd, "authorization__its_end_is_known_beforehand"),
    *caught(moves.EndsYesterday, "authorization__its_end_is_known_beforehand"),
    *caught(
        moves.LosesTheCapture,
        "elsewhere__a_capture_shows",
        "elsewhere__a_short_capture_shows",
        "elsewhere__a_capture_in_the_dashboard_pays_the_order_once",
        "elsewhere__a_short_capture_is_a_conflict_that_a_person_may_accept",
    ),
    *caught(
        moves.NeverLetsGo,
        "elsewhere__a_release_shows",
        "elsewhere__a_lapse_shows",
        "elsewhere__a_release_in_the_dashboard_holds_the_order",
        "elsewhere__a_lapse_holds_the_order",
    ),
    *caught(
        moves.PromisesTheMoon,
        "flags__of_moves_agree_with_each_other",
    ),
    *caught(
        moves.ShowsItsKeyWhenItMoves,
        "traceback__of_a_failing_call_shows_no_secret_even_with_locals",
        end="refused",
    ),
]
