"""What the built-in providers may skip, name by name: nothing is left out silently."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest

from django_payflow.testing.contract import (
    AdapterContract,
    Contract,
    FlowContract,
    ProviderContract,
    declared_skips,
    scenarios,
)
from tests.contract import report
from tests.contract.stages import STAGES

NO_CANCEL = {
    "test_cancel__a_lost_answer_leaves_it_unclear_and_asking_clears_it",
    "test_cancel__a_paid_payment_keeps_its_money",
    "test_cancel__an_unknown_payment_is_rejected",
    "test_cancel__ends_an_open_payment",
    "test_cancel__that_was_not_done_leaves_it_open",
    "test_cancel__twice_ends_it_once",
    "test_deadline__an_open_payment_is_ended_at_the_provider",
    "test_two_accounts__the_first_offer_is_ended_before_the_second_account_is_asked",
}
NO_KEYS = {
    "test_create__a_repeat_with_the_same_key_gives_the_same_payment",
    "test_create__sends_the_attempts_key",
    "test_lost__is_asked_for_under_one_and_the_same_key",
    "test_not_done__is_sent_again",
    "test_turned_away__the_providers_pause_is_kept",
}
CANCELS = {"test_cancel__is_refused_before_the_wire_where_there_is_none"}
CAPTURES = {
    "test_capture__is_refused_before_the_wire_where_there_is_none",
    "test_manual_capture__is_refused_before_the_wire_where_there_is_none",
}
SIGNED = {
    "test_forged__is_refused_without_a_row_or_a_call",
    "test_other_mode__is_refused_and_shown_to_a_person_once",
    "test_replayed__an_hour_later_the_same_bytes_are_refused",
    "test_signed__a_changed_body_is_refused",
    "test_forged__opens_no_case",
    "test_signed__a_forgery_is_refused",
    "test_signed__a_forgery_rings_no_alarm",
    "test_signed__a_genuine_one_of_the_other_mode_is_refused_with_an_alarm",
    "test_signed__about_another_payment_is_refused",
    "test_signed__an_old_one_is_refused_when_it_is_replayed",
    "test_signed__the_other_accounts_signature_is_none",
    "test_signed__two_secrets_are_good_while_one_replaces_the_other",
}
UNSIGNED = {
    "test_forged__an_unsigned_lie_only_makes_us_ask",
    "test_stranger__an_unknown_token_is_answered_404_and_stores_nothing",
    "test_unsigned__is_a_hint_and_claims_nothing_more",
}
NO_MODE = {"test_mode__what_the_provider_says_counts", "test_wrong_mode__is_refused_and_changes_nothing"}
NO_CURRENCY = {
    "test_currency__what_the_provider_says_counts",
    "test_wrong_currency__is_kept_beside_the_books_and_hands_nothing_over",
}
DECLINED = {
    "test_declined__the_attempt_lives_on_and_can_still_be_paid",
    "test_declined__the_buyer_may_try_again_on_the_same_page",
}
NO_REFUND = {
    "test_cancel_order__gives_the_money_back",
    "test_refund__everything_goes_back",
    "test_refund__no_amount_loses_a_unit_in_any_currency",
    "test_refund__of_a_payment_that_nobody_paid_is_a_definite_no",
    "test_refund__of_money_that_went_back_already_is_a_definite_no",
    "test_refund__parts_are_exactly_what_was_asked_for",
    "test_refund__that_was_not_done_ends_as_what_it_is",
    "test_refund__the_other_account_cannot_make_it",
    "test_refund__the_same_request_again_is_the_same_refund",
    "test_refund__the_same_request_sends_the_same_bytes",
    "test_refund__whose_answer_was_lost_is_not_made_again",
    "test_refunding__a_lost_answer_is_found_and_nothing_is_doubled",
    "test_refunding__everything_once_whoever_asks_again",
    "test_refunding__in_parts_until_nothing_is_left",
    "test_refunding__one_from_the_dashboard_stands_beside_ours",
    "test_refunding__what_was_not_done_is_sent_again",
    "test_two_accounts__each_refund_goes_to_the_one_that_was_paid",
}
REFUNDS = {
    "test_refund__is_refused_before_the_wire_where_there_is_none",
    "test_refunding__without_a_call_it_waits_for_a_person_who_arranged_it",
}
LISTED = {"test_refund__that_no_list_shows_is_read_by_its_id"}
NO_REFUND_LIST = {
    "test_refund__a_part_is_a_part",
    "test_refund__is_told_beside_the_gross_captured_sum",
    "test_refund__on_its_way_is_no_refunded_money_yet",
    "test_refund__ours_are_told_from_somebody_elses",
    "test_refund__that_comes_back_is_none",
    "test_refund__whose_answer_was_lost_shows_itself_by_our_mark",
    "test_refunding__what_somebody_sent_back_before_us_is_refused_and_counted_once",
}
NO_PENDING_REFUNDS = {
    "test_refund__on_its_way_is_no_refunded_money_yet",
    "test_refund__that_comes_back_is_none",
    "test_refunding__on_its_way_it_is_reserved_and_then_it_counts",
    "test_refunding__what_comes_back_is_a_case_and_can_be_sent_again",
}
DASHBOARD_REFUNDS = {"test_refund__from_the_dashboard_appears", "test_refund__of_a_part_appears"}
NO_MANUAL = {
    "test_authorization__its_end_is_known_beforehand",
    "test_cancel_order__releases_what_is_only_authorized",
    "test_capture__of_a_final_part_lets_go_of_the_rest",
    "test_capture__of_a_payment_that_nobody_paid_is_a_definite_no",
    "test_capture__takes_everything",
    "test_capture__that_was_not_done_ends_as_what_it_is",
    "test_capture__the_other_account_can_neither_take_nor_release",
    "test_capture__the_same_request_again_takes_nothing_more",
    "test_capture__whose_answer_was_lost_is_not_made_again",
    "test_create__manual_capture_reserves_only",
    "test_elsewhere__a_capture_in_the_dashboard_pays_the_order_once",
    "test_elsewhere__a_capture_shows",
    "test_elsewhere__a_lapse_holds_the_order",
    "test_elsewhere__a_lapse_shows",
    "test_elsewhere__a_release_in_the_dashboard_holds_the_order",
    "test_elsewhere__a_release_shows",
    "test_elsewhere__a_short_capture_is_a_conflict_that_a_person_may_accept",
    "test_elsewhere__a_short_capture_shows",
    "test_late__what_is_only_authorized_is_released_at_once",
    "test_on_fulfilment__the_money_is_taken_when_the_shop_did_its_part",
    "test_reserved__a_capture_that_was_not_done_is_sent_again",
    "test_reserved__a_final_part_leaves_the_order_as_it_is",
    "test_reserved__a_lost_answer_is_found_and_nothing_is_asked_twice",
    "test_reserved__everything_is_captured_once_whoever_asks_again",
    "test_reserved__its_release_cancels_the_order",
    "test_reserved__more_than_there_is_is_refused_before_the_wire",
    "test_reserved__once_captured_it_is_neither_captured_nor_released",
    "test_void__after_the_capture_is_no_success",
    "test_void__releases_everything",
    "test_void__whose_answer_was_lost_shows_in_the_sums",
}
ONE_CAPTURE = {
    "test_capture__part_by_part_until_everything_is_taken",
    "test_reserved__part_by_part_until_everything_is_taken",
}
SEVERAL_CAPTURES = {"test_reserved__a_part_that_is_not_the_last_is_refused_where_there_is_but_one"}
NO_LAPSE = {
    "test_authorization__its_end_is_known_beforehand",
    "test_elsewhere__a_lapse_holds_the_order",
    "test_elsewhere__a_lapse_shows",
}
DISPUTES = {"test_disputed__where_no_provider_tells_a_person_records_it"}
NO_DISPUTE_LIST = {
    "test_chargeback__is_told_beside_the_gross_captured_sum",
    "test_chargeback__that_was_won_is_none",
    "test_dispute__of_a_part_takes_that_part",
    "test_dispute__that_is_lost_keeps_the_money_away",
    "test_inquiry__takes_no_money_and_holds_while_it_is_open",
}
NO_INQUIRIES = {
    "test_dispute__that_is_lost_keeps_the_money_away",
    "test_disputed__and_lost_the_money_stays_away",
    "test_inquiry__holds_the_order_and_lets_it_go",
    "test_inquiry__takes_no_money_and_holds_while_it_is_open",
}
NO_CHARGEBACKS = (
    NO_DISPUTE_LIST
    | NO_INQUIRIES
    | {
        "test_chargeback__appears_with_a_case",
        "test_chargeback__that_was_won_closes_its_case",
        "test_disputed__a_part_is_a_case_and_the_rest_can_be_refunded",
        "test_disputed__and_won_the_order_goes_on",
    }
)
RINGS = {"test_forged__however_many_come_in_an_hour_make_one_case"}
QUIET = {"test_forged__opens_no_case", "test_signed__a_forgery_rings_no_alarm"}
PAGE_AGAIN = {
    "test_lost__pressing_pay_again_makes_no_second_payment",
    "test_lost__the_sweep_adopts_the_payment_and_the_buyer_goes_on",
    "test_lost__the_waiting_buyer_himself_brings_it_on",
}
PAGE_ONCE = {
    "test_lost_page__money_for_it_is_seen_all_the_same",
    "test_lost_page__pressing_pay_again_at_once_gives_a_page_too",
    "test_lost_page__the_sweep_adopts_the_payment_and_paying_again_gives_a_new_page",
}
HELD = {"test_held__is_said_beside_the_money", "test_held__waits_for_the_review_and_then_goes_on"}
SKIPPED = {
    "mollie": CANCELS
    | CAPTURES
    | REFUNDS
    | LISTED
    | ONE_CAPTURE
    | DISPUTES
    | NO_INQUIRIES
    | SIGNED
    | RINGS
    | PAGE_ONCE
    | HELD
    | DECLINED
    | {"test_genuine__two_events_have_two_ids"},
    "stripe": CANCELS | CAPTURES | REFUNDS | LISTED | ONE_CAPTURE | DISPUTES | UNSIGNED | RINGS | PAGE_ONCE,
    "wooshpay": CANCELS
    | CAPTURES
    | REFUNDS
    | NO_REFUND_LIST
    | ONE_CAPTURE
    | DISPUTES
    | NO_DISPUTE_LIST
    | UNSIGNED
    | RINGS
    | PAGE_ONCE
    | HELD,
    "golomt": NO_CANCEL
    | NO_KEYS
    | NO_MODE
    | NO_CURRENCY
    | UNSIGNED
    | QUIET
    | PAGE_AGAIN
    | DECLINED
    | HELD
    | NO_REFUND
    | NO_REFUND_LIST
    | NO_PENDING_REFUNDS
    | DASHBOARD_REFUNDS
    | LISTED
    | NO_MANUAL
    | ONE_CAPTURE
    | SEVERAL_CAPTURES
    | NO_CHARGEBACKS
    | {
        "test_authorized__secures_the_order",
        "test_authorized__the_money_is_capturable_and_not_captured",
        "test_canceled__is_dead_without_money",
        "test_canceled__the_buyer_is_told_and_may_try_again",
        "test_copied_mark__makes_no_second_payment_ours",
        "test_create__a_definite_no_is_rejected_and_makes_nothing",
        "test_genuine__two_events_have_two_ids",
        "test_mark__what_the_provider_says_counts",
        "test_other_mode__is_refused_and_shown_to_a_person_once",
        "test_processing__no_money_is_visible_yet",
        "test_processing__nothing_is_handed_over_and_nobody_pays_twice",
        "test_processing__that_fails_lets_the_buyer_try_again",
        "test_refused__the_buyer_is_told_politely_and_may_try_again",
        "test_replayed__an_hour_later_the_same_bytes_are_refused",
        "test_signed__a_changed_body_is_refused",
        "test_signed__a_genuine_one_of_the_other_mode_is_refused_with_an_alarm",
        "test_signed__an_old_one_is_refused_when_it_is_replayed",
        "test_signed__two_secrets_are_good_while_one_replaces_the_other",
    },
    "resurs": NO_CANCEL
    | NO_KEYS
    | NO_MODE
    | CAPTURES
    | REFUNDS
    | LISTED
    | NO_PENDING_REFUNDS
    | SEVERAL_CAPTURES
    | NO_LAPSE
    | SIGNED
    | RINGS
    | PAGE_ONCE
    | NO_CHARGEBACKS
    | {"test_genuine__two_events_have_two_ids"},
}


@pytest.mark.parametrize("name", sorted(STAGES))
def test_skips__are_the_pinned_ones_each_with_a_reason(name, running_simulators) -> None:
    declared = declared_skips(ProviderContract, STAGES[name](running_simulators))

    assert set(declared) == SKIPPED[name]
    assert all(len(why.split()) >= 4 for why in declared.values())


def test_scenarios__are_enough() -> None:
    assert len(scenarios(ProviderContract)) >= 120
    assert len(scenarios(AdapterContract)) >= 60


def test_scenarios__none_hides_another() -> None:
    """The groups are united by inheritance: two of one name, or two fixtures, would be one."""
    groups = [group for group in ProviderContract.__mro__ if issubclass(group, Contract)]
    united = {AdapterContract, FlowContract, ProviderContract}
    names = [name for group in groups if group not in united for name in vars(group) if not name.startswith("__")]
    assert sorted(names) == sorted(set(names))


def test_scenarios__all_take_a_stage_and_say_nothing_of_a_provider() -> None:
    for name, scenario in scenarios(ProviderContract).items():
        source = inspect.getsource(scenario).lower()
        assert not any(provider in source for provider in STAGES), name


def test_report__counts_what_was_played_and_nothing_else() -> None:
    def ran(test: str) -> SimpleNamespace:
        return SimpleNamespace(nodeid=f"tests/{test}")

    here = "contract/test_contract.py::TestBuiltin::"
    stats = {
        "passed": [
            ran(f"{here}test_a[mollie]"),
            ran(f"{here}test_b[stripe-lost]"),
            ran("mollie/test_x.py::test_y[a]"),
        ],
        "skipped": [ran(f"{here}test_c[stripe]")],
        "failed": [ran(f"{here}test_d[stripe]")],
    }
    assert report.summary(stats) == (
        f"contract: 2 providers, {len(scenarios(ProviderContract))} scenarios each, "
        "2 passed, 1 skipped as declared, 1 failed"
    )
    assert report.summary({"passed": [ran("test_flow.py::test_a")]}) == ""
