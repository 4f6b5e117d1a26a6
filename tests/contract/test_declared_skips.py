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

CANCELS = {"test_cancel__is_refused_before_the_wire_where_there_is_none"}
MANUAL = {"test_manual_capture__is_refused_before_the_wire_where_there_is_none"}
SIGNED = {
    "test_forged__is_refused_without_a_row_or_a_call",
    "test_other_mode__is_refused_and_shown_to_a_person_once",
    "test_replayed__an_hour_later_the_same_bytes_are_refused",
    "test_signed__a_changed_body_is_refused",
    "test_signed__a_forgery_is_refused",
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
HELD = {"test_held__is_said_beside_the_money", "test_held__waits_for_the_review_and_then_goes_on"}
SKIPPED = {
    "mollie": CANCELS
    | SIGNED
    | HELD
    | {
        "test_create__manual_capture_reserves_only",
        "test_declined__the_attempt_lives_on_and_can_still_be_paid",
        "test_declined__the_buyer_may_try_again_on_the_same_page",
        "test_genuine__two_events_have_two_ids",
    },
    "stripe": CANCELS | MANUAL | UNSIGNED,
    "wooshpay": CANCELS
    | MANUAL
    | UNSIGNED
    | HELD
    | {
        "test_chargeback__appears_with_a_case",
        "test_chargeback__is_told_beside_the_gross_captured_sum",
        "test_chargeback__that_was_won_closes_its_case",
        "test_chargeback__that_was_won_is_none",
        "test_refund__a_part_is_a_part",
        "test_refund__from_the_dashboard_appears",
        "test_refund__is_told_beside_the_gross_captured_sum",
        "test_refund__of_a_part_appears",
    },
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
