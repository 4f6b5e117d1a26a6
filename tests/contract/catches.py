"""Which scenario notices which wrong provider."""

from __future__ import annotations

from typing import Any, NamedTuple

from django_payflow.exceptions import NotSent, Uncertain
from django_payflow.testing.contract import Trouble
from tests.contract.wrong import calls, declarations, reports, webhooks


class Catch(NamedTuple):
    provider: type
    scenario: str
    values: dict[str, Any]


LOST = {"trouble": Trouble.LOST, "end": Uncertain, "exists": 1}
BUSY = {"trouble": Trouble.BUSY, "end": NotSent, "exists": 0}


def caught(provider: type, *names: str, **values: Any) -> list[Catch]:
    return [Catch(provider, f"test_{name}", values) for name in names]


CATCHES = [
    *caught(
        reports.AlwaysPaid,
        "create__reports_an_open_payment_without_money",
        "open__waits_for_the_buyer_and_holds_no_money",
        "processing__no_money_is_visible_yet",
        "failed__is_dead_without_money",
        "canceled__is_dead_without_money",
        "expired__is_dead_without_money",
        "expired__comes_by_the_clock",
        "browser__proves_nothing",
        "failed__the_buyer_is_told_and_may_try_again",
        "processing__nothing_is_handed_over_and_nobody_pays_twice",
        "genuine__is_stored_and_accepted_before_anybody_asks_the_provider",
        "forged__an_unsigned_lie_only_makes_us_ask",
        "swapped__one_payments_delivery_never_pays_another",
        "copied_mark__makes_no_second_payment_ours",
    ),
    *caught(
        reports.NeverPaid,
        "paid__the_whole_amount_is_captured",
        "page__paying_there_pays_and_leads_back_to_the_shop",
        "late_success__is_money",
        "late_success__after_failure_is_money_too",
        "paid__the_webhook_brings_it",
        "paid__the_returning_buyer_brings_it",
        "paid__the_poll_brings_it_when_no_webhook_ever_comes",
        "paid__after_two_days_of_outage_it_is_found_all_the_same",
        "paid__webhook_return_and_poll_together_have_one_effect",
        "paid__on_the_hosted_page_itself",
        "late_money__after_expiry_a_person_decides",
        "late_money__after_failure_is_accepted",
        "duplicated__five_times_has_one_effect",
        "duplicated__all_of_a_story_again_at_its_end_changes_nothing",
        "reordered__the_newest_first_ends_the_same",
        "provider_down__the_delivery_is_kept_and_done_later",
        "two_attempts__both_paid_hand_over_once_and_show_the_surplus",
        "two_accounts__the_second_pays_after_the_first_failed",
        "missing__never_takes_money_back",
    ),
    *caught(
        reports.BelievesTheRequest,
        "amount__what_the_provider_says_counts_and_not_what_we_asked",
        "amount__a_wrong_demand_is_visible_before_anybody_paid",
        "wrong_amount__that_is_put_right_closes_its_case",
        "wrong_demand__takes_the_page_back_before_anybody_pays",
        "orphan__that_asks_for_other_money_is_not_adopted",
    ),
    *caught(reports.BelievesTheRequest, "wrong_amount__is_booked_exactly_and_hands_nothing_over", difference=-1),
    *caught(
        reports.BelievesTheCurrency,
        "currency__what_the_provider_says_counts",
        "wrong_currency__is_kept_beside_the_books_and_hands_nothing_over",
    ),
    *caught(reports.SeesNoMark, "create__leaves_our_key_on_the_payment", "pay__leads_to_the_hosted_page"),
    *caught(reports.WritesTheMarkItself, "mark__what_the_provider_says_counts"),
    *caught(
        reports.KnowsTheMode, "mode__what_the_provider_says_counts", "wrong_mode__is_refused_and_changes_nothing"
    ),
    *caught(
        reports.SeesNoRefund,
        "refund__is_told_beside_the_gross_captured_sum",
        "refund__a_part_is_a_part",
        "refund__from_the_dashboard_appears",
        "refund__of_a_part_appears",
    ),
    *caught(
        reports.CapturesNet,
        "refund__is_told_beside_the_gross_captured_sum",
        "chargeback__is_told_beside_the_gross_captured_sum",
    ),
    *caught(
        reports.SeesNoChargeback,
        "chargeback__is_told_beside_the_gross_captured_sum",
        "chargeback__appears_with_a_case",
    ),
    *caught(reports.KeepsChargebacks, "chargeback__that_was_won_is_none", "chargeback__that_was_won_closes_its_case"),
    *caught(
        reports.TakesReservedForCaptured,
        "authorized__the_money_is_capturable_and_not_captured",
        "authorized__secures_the_order",
    ),
    *caught(
        reports.CallsEveryDeathExpiry,
        "failed__is_dead_without_money",
        "canceled__is_dead_without_money",
        "canceled__the_buyer_is_told_and_may_try_again",
    ),
    *caught(
        reports.KeepsExpiredOpen,
        "expired__is_dead_without_money",
        "expired__the_buyer_may_try_again",
        "expired__comes_by_polling_alone",
        "find__sees_the_dead_too",
    ),
    *caught(
        reports.TakesProcessingForOpen,
        "processing__no_money_is_visible_yet",
        "processing__that_fails_lets_the_buyer_try_again",
    ),
    *caught(reports.OffersThePageForEver, "page__is_no_longer_offered_once_it_is_paid"),
    *caught(
        reports.LosesItsOwnReference,
        "create__makes_exactly_one_payment",
        "open__waits_for_the_buyer_and_holds_no_money",
    ),
    *caught(
        reports.GuessesWords,
        "unknown_word__is_said_and_not_guessed",
        "unknown_word__is_shown_to_a_person_and_asked_about_again",
    ),
    *caught(
        reports.TakesMissingForUnclear, "unknown_reference__is_not_found", "retrieve__a_missing_payment_is_not_found"
    ),
    *caught(reports.TakesTroubleForMissing, "retrieve__refused_credentials_are_not_a_missing_payment"),
    *caught(
        reports.TakesTroubleForMissing,
        "retrieve__trouble_that_stays_is_an_unclear_end",
        trouble=Trouble.BEFORE,
    ),
    *caught(reports.TakesTroubleForMissing, "retrieve__turned_away_is_not_sent"),
    *caught(reports.TakesTroubleForMissing, "retrieve__an_unreadable_answer_concludes_nothing", kind="html"),
    *caught(reports.TakesTroubleForTheEnd, "missing__for_a_moment_is_no_news"),
    *caught(
        reports.TakesTroubleForTheEnd,
        "trouble__leaves_the_payment_as_it_is_and_asks_again",
        trouble=Trouble.BEFORE,
    ),
    *caught(reports.BreaksOnStrangeIds, "reference__is_no_path"),
    *caught(reports.MakesWhenItReads, "read__changes_nothing_at_the_provider"),
    *caught(
        calls.MakesTwo,
        "create__makes_exactly_one_payment",
        "create__another_attempt_is_another_payment",
        "pay__a_double_click_gives_the_same_page",
    ),
    *caught(calls.RepeatsWithAnotherKey, "create__bad_ends_are_told_apart_and_never_repeated", **LOST),
    *caught(
        calls.RepeatsWithAnotherKey,
        "lost__the_sweep_adopts_the_payment_and_the_buyer_goes_on",
        trouble=Trouble.LOST,
    ),
    *caught(
        calls.RepeatsWithAnotherKey,
        "lost__pressing_pay_again_makes_no_second_payment",
        "lost__the_waiting_buyer_himself_brings_it_on",
        "lost__is_asked_for_under_one_and_the_same_key",
        "early__before_the_reference_is_stored_it_is_kept_and_comes_again",
    ),
    *caught(
        calls.ForgetsTheKey,
        "create__sends_the_attempts_key",
        "create__a_repeat_with_the_same_key_gives_the_same_payment",
        "create__leaves_our_key_on_the_payment",
    ),
    *caught(calls.SendsTheTime, "create__the_same_checkout_always_sends_the_same_bytes"),
    *caught(
        calls.ThinksInCents,
        "create__no_amount_loses_a_unit_in_any_currency",
        "paid__in_every_currency_to_the_last_unit",
    ),
    *caught(
        calls.AsksForALittleMore,
        "create__asks_the_buyer_for_exactly_the_amount",
        "create__any_description_goes_through",
        "pay__leads_to_the_hosted_page",
    ),
    *caught(calls.KnowsAsciiOnly, "create__any_description_goes_through"),
    *caught(calls.SumsTheLines, "create__lines_never_change_the_total"),
    *caught(calls.SendsAnyLocale, "create__any_locale_goes_through"),
    *caught(
        calls.ChecksNothing,
        "check__refuses_amounts_and_currencies_before_the_wire",
        "check__refuses_what_is_no_currency",
        "money__the_provider_does_not_take_is_refused_before_the_wire",
    ),
    *caught(calls.AsksWhenItChecks, "check__lets_the_everyday_pass_without_a_call"),
    *caught(
        calls.LeadsElsewhere,
        "create__gives_a_page_and_a_reference",
        "pay__leads_to_the_hosted_page",
    ),
    *caught(calls.LeadsNowhere, "page__opens_for_the_buyer", "pay__leads_to_the_hosted_page"),
    *caught(calls.TakesUnclearForNo, "create__bad_ends_are_told_apart_and_never_repeated", **LOST),
    *caught(calls.TakesUnclearForNo, "create__an_unreadable_answer_is_an_unclear_end", kind="html"),
    *caught(calls.TakesUnclearForNo, "create__each_http_status_has_its_end", status=500),
    *caught(calls.TakesUnclearForNo, "not_done__is_sent_again", trouble=Trouble.BEFORE),
    *caught(calls.TakesNoForUnclear, "create__a_definite_no_is_rejected_and_makes_nothing"),
    *caught(calls.TakesNoForUnclear, "refused__the_buyer_is_told_politely_and_may_try_again"),
    *caught(calls.TakesUnclearForNotSent, "create__bad_ends_are_told_apart_and_never_repeated", **LOST),
    *caught(
        calls.ForgetsThePause,
        "create__turned_away_with_a_pause_says_how_long",
        "turned_away__the_providers_pause_is_kept",
    ),
    *caught(calls.TurnedAwayIsNo, "create__bad_ends_are_told_apart_and_never_repeated", **BUSY),
    *caught(calls.TurnedAwayIsNo, "create__with_nobody_there_nothing_was_sent"),
    *caught(calls.TurnedAwayIsNo, "not_done__is_sent_again", trouble=Trouble.BUSY),
    *caught(
        calls.IsEverybody,
        "create__two_accounts_are_two_worlds",
        "find__the_other_accounts_payment_is_not_ours",
    ),
    *caught(
        calls.FindsNothing,
        "find__ours_among_others",
        "find__sees_the_money",
        "find__beyond_the_keys_life",
        "lost__beyond_the_keys_life_it_is_found_and_not_made_again",
        "lost__a_search_that_fails_proves_nothing",
    ),
    *caught(calls.FindsTheNewest, "find__ours_among_others", "find__tells_the_attempts_of_one_order_apart"),
    *caught(calls.FindsByTheOrder, "find__tells_the_attempts_of_one_order_apart"),
    *caught(calls.FindsWhatItOnceWas, "find__sees_the_money", "find__sees_the_dead_too"),
    *caught(
        calls.TakesAFailedSearchForNothing,
        "find__a_failed_search_is_no_finding_of_nothing",
        trouble=Trouble.LOST,
    ),
    *caught(
        calls.MakesUpThePage,
        "lost_page__the_sweep_adopts_the_payment_and_paying_again_gives_a_new_page",
        trouble=Trouble.LOST,
    ),
    *caught(
        calls.MakesUpThePage,
        "lost_page__pressing_pay_again_at_once_gives_a_page_too",
        "lost_page__money_for_it_is_seen_all_the_same",
    ),
    *caught(calls.TakesAFailedSearchForNothing, "lost__a_search_that_fails_proves_nothing"),
    *caught(
        calls.MakesWhatItDoesNotFind,
        "find__nothing_where_nothing_is",
        "find__makes_nothing",
        "lost__and_nowhere_to_be_found_is_given_up_after_two_searches",
    ),
    *caught(
        calls.SaysItCancelled,
        "cancel__ends_an_open_payment",
        "cancel__a_paid_payment_keeps_its_money",
        "cancel__twice_ends_it_once",
        "cancel__that_was_not_done_leaves_it_open",
        "two_accounts__the_first_offer_is_ended_before_the_second_account_is_asked",
        "deadline__an_open_payment_is_ended_at_the_provider",
    ),
    *caught(calls.CancelsTwice, "cancel__that_was_not_done_leaves_it_open"),
    *caught(
        calls.TakesUnclearForCancelled,
        "cancel__a_lost_answer_leaves_it_unclear_and_asking_clears_it",
        trouble=Trouble.LOST,
    ),
    *caught(calls.TakesUnclearForCancelled, "cancel__that_was_not_done_leaves_it_open"),
    *caught(reports.IsNeverTheSame, "read__twice_gives_the_same"),
    *caught(reports.MakesUpWords, "read__every_word_is_in_the_table"),
    *caught(reports.ForgetsTheTimeZone, "expiry__is_told_while_the_payment_is_open_or_not_at_all"),
    *caught(reports.AsksOnceAndGuesses, "retrieve__a_passing_fault_is_outlived_or_said", trouble=Trouble.LOST),
    *caught(calls.CancelsAnything, "cancel__an_unknown_payment_is_rejected"),
    *caught(calls.CancelsWithoutSayingSo, "cancel__is_refused_before_the_wire_where_there_is_none"),
    *caught(calls.PromisesToReserve, "manual_capture__is_refused_before_the_wire_where_there_is_none"),
    *caught(declarations.NeedsNoKey, "options__without_its_secrets_a_provider_is_not_built"),
    *caught(declarations.IsLive, "mode__the_stages_credentials_move_no_real_money"),
    *caught(declarations.KeepsKeysForEver, "key_life__is_below_what_the_provider_promises"),
    *caught(declarations.LogsWhatTheProviderSays, "words__of_a_provider_that_echoes_too_much_are_scrubbed"),
    *caught(webhooks.SaysNoKind, "genuine__every_delivery_of_a_story_is_read"),
    *caught(webhooks.IgnoresAll, "reordered__old_bad_news_after_the_good_news_changes_nothing"),
    *caught(webhooks.StoresAnything, "endpoint__a_stranger_who_guesses_fills_no_row"),
    *caught(declarations.KnowsEveryOption, "options__an_unknown_one_is_refused_by_name"),
    *caught(declarations.NamesNoSource, "statuses__every_word_has_a_phase_and_the_table_a_source"),
    *caught(declarations.HasNoSecrets, "secrets__are_declared"),
    *caught(declarations.ShowsItsKey, "secrets__are_declared", "secrets__show_in_no_repr"),
    *caught(declarations.QuotesItsKey, "secrets__a_wrong_one_is_refused_without_being_quoted"),
    *caught(declarations.NeverStopsAsking, "poll_schedule__asks_soon_and_comes_to_an_end"),
    *caught(declarations.TrustsEveryHost, "checkout_address__another_host_is_refused"),
    *caught(declarations.MakesWhenItProbes, "probe__says_whether_the_credentials_are_good_or_that_it_cannot"),
    *caught(declarations.LogsItsKey, "story__leaves_no_secret_in_log_or_rows"),
    *caught(declarations.LogsTheBuyer, "story__leaves_nobodys_name_in_log_or_rows"),
    *caught(declarations.LogsTheAddress, "story__our_own_log_and_rows_hold_no_token"),
    *caught(
        declarations.KeepsItsKeyInALocal,
        "traceback__of_a_failing_call_shows_no_secret_even_with_locals",
        end="refused",
    ),
    *caught(
        webhooks.ReadsAnything,
        "unreadable__is_refused_whatever_it_is",
        "unreadable__strange_headers_break_nothing",
        "endpoint__takes_neither_get_nor_too_much",
    ),
    *caught(webhooks.BreaksOnStrangeHeaders, "unreadable__strange_headers_break_nothing"),
    *caught(
        webhooks.AsksWhenItReads,
        "genuine__is_read_without_a_call",
        "genuine__is_stored_and_accepted_before_anybody_asks_the_provider",
        "stranger__an_unknown_token_is_answered_404_and_stores_nothing",
    ),
    *caught(
        webhooks.ReadsNothing,
        "genuine__leads_to_the_payment",
        "paid__the_webhook_brings_it",
        "duplicated__five_times_has_one_effect",
    ),
    *caught(webhooks.IgnoresAll, "genuine__leads_to_the_payment", "paid__the_webhook_brings_it"),
    *caught(webhooks.BelievesItsHints, "unsigned__is_a_hint_and_claims_nothing_more"),
    *caught(webhooks.NamesOnePayment, "genuine__two_payments_are_told_apart", "genuine__leads_to_the_payment"),
    *caught(
        webhooks.NeverTheSame, "genuine__says_the_same_when_it_comes_again", "duplicated__five_times_has_one_effect"
    ),
    *caught(
        webhooks.ChecksNoSignature,
        "signed__a_changed_body_is_refused",
        "signed__about_another_payment_is_refused",
        "signed__an_old_one_is_refused_when_it_is_replayed",
        "signed__a_genuine_one_of_the_other_mode_is_refused_with_an_alarm",
        "signed__the_other_accounts_signature_is_none",
        "replayed__an_hour_later_the_same_bytes_are_refused",
        "other_account__its_address_does_not_take_our_delivery",
    ),
    *caught(webhooks.ChecksNoSignature, "signed__a_forgery_is_refused", "forged__is_refused_without_a_row_or_a_call"),
    *caught(
        webhooks.HasEndlessPatience,
        "signed__an_old_one_is_refused_when_it_is_replayed",
        "replayed__an_hour_later_the_same_bytes_are_refused",
    ),
    *caught(webhooks.HasEndlessPatience, "signed__a_forgery_is_refused"),
    *caught(
        webhooks.TakesEitherMode,
        "signed__a_genuine_one_of_the_other_mode_is_refused_with_an_alarm",
        "other_mode__is_refused_and_shown_to_a_person_once",
    ),
    *caught(
        webhooks.RingsNoAlarm,
        "signed__a_genuine_one_of_the_other_mode_is_refused_with_an_alarm",
        "other_mode__is_refused_and_shown_to_a_person_once",
    ),
    *caught(
        webhooks.RingsForAnybody,
        "signed__a_forgery_rings_no_alarm",
        "forged__opens_no_case",
    ),
    *caught(webhooks.KeepsForgeriesToItself, "forged__however_many_come_in_an_hour_make_one_case"),
    *caught(
        webhooks.CountsAllEventsAsOne,
        "genuine__two_events_have_two_ids",
        "processing__nothing_is_handed_over_and_nobody_pays_twice",
        "duplicated__all_of_a_story_again_at_its_end_changes_nothing",
    ),
    *caught(webhooks.KnowsTheFirstSecret, "signed__two_secrets_are_good_while_one_replaces_the_other"),
    *caught(webhooks.QuotesItsSecret, "refusal__quotes_no_secret"),
    *caught(webhooks.SeesNoReview, "held__is_said_beside_the_money", "held__waits_for_the_review_and_then_goes_on"),
    *caught(
        webhooks.TakesADeclineForTheEnd,
        "declined__the_buyer_may_try_again_on_the_same_page",
        "declined__the_attempt_lives_on_and_can_still_be_paid",
    ),
    *caught(webhooks.ForgetsManualCapture, "create__manual_capture_reserves_only"),
]
SLOW = [
    *caught(
        calls.WaitsForEver,
        "create__a_hanging_answer_ends_with_the_deadline",
        "retrieve__a_hanging_answer_ends_with_the_deadline",
        "hang__the_returning_buyer_waits_a_moment_only",
        "hang__pressing_pay_takes_bounded_time",
        trouble=Trouble.SLOW,
    )
]
