"""News of every built-in provider, out of order: the way there must not matter.

``PAYFLOW_SOAK`` is how many permutations are delivered to the rules per provider (500 without it), and to the flow
(100); ``PAYFLOW_SEED`` moves their numbers. A failing test names story and number, which make the same one again.
"""

from __future__ import annotations

import os

import pytest
import time_machine

from tests.contract.stages import STAGES
from tests.histories.mail import by_post, final_cases, final_facts, in_order
from tests.histories.replay import replayed
from tests.services import ledger

SOAK = int(os.environ.get("PAYFLOW_SOAK") or 0)
FIRST = int(os.environ.get("PAYFLOW_SEED") or 1)
IN_MEMORY, THROUGH_FLOW = SOAK or 500, SOAK or 100
LEAST = {"mollie": 18, "stripe": 22, "wooshpay": 20, "resurs": 10, "golomt": 4}
"""How many stories each provider has; fewer, and some of them were lost on the way."""


@pytest.mark.timeout(0 if SOAK > 500 else 120)
@pytest.mark.parametrize("name", STAGES)
def test_permuted_news__the_rules_end_where_the_provider_is(name, stories):
    told = stories(name)
    assert len(told) >= LEAST[name], [story.name for story in told]
    straight = {story.name: final_facts(in_order(story)) for story in told}
    print(f"PAYFLOW_SEED={FIRST}: {IN_MEMORY} permutations of {len(told)} stories of {name}")  # noqa: T201
    for number in range(FIRST, FIRST + IN_MEMORY):
        story = told[number % len(told)]
        row = by_post(story, number)
        where = f"{name}, {story.name}, number {number}: {row.log}"
        assert final_facts(row) == straight[story.name], where
        assert all(final_cases(row).values()), f"{where}: {row.open}"
    ledger.write("histories", {"name": f"news of {name} to the rules", "seed": FIRST, "number": IN_MEMORY})


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", STAGES)
def test_permuted_news__the_flow_ends_where_the_provider_is(name, stories):
    told = stories(name)
    print(f"PAYFLOW_SEED={FIRST}: {THROUGH_FLOW} permutations of {len(told)} stories of {name}")  # noqa: T201
    with time_machine.travel("2026-11-02T08:00:00Z", tick=False):
        for number in range(FIRST, FIRST + THROUGH_FLOW):
            story = told[number % len(told)]
            assert replayed(story, number) == final_facts(in_order(story)), f"{name}, {story.name}, number {number}"
    ledger.write("histories", {"name": f"news of {name} to the flow", "seed": FIRST, "number": THROUGH_FLOW})
