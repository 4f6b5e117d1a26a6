"""Forty hands on one payment, on a database that locks: one effect each, and no error but the polite ones.

Every race runs in a process of its own, against simulators of its own; see ``racer``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.services.databases import Database
from tests.services.harness import Bank, Process, clean_environment

pytestmark = [pytest.mark.services, pytest.mark.slow]
KINDS = ["postgres", *(["mariadb"] if os.environ.get("PAYFLOW_TEST_DATABASE") == "mariadb" else [])]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    running = Bank(tmp_path_factory.mktemp("simulators"))
    yield running
    running.kill()


@pytest.fixture(scope="module", params=KINDS)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[Database]:
    made = Database(request.param, tmp_path_factory.mktemp("databases"), django_db_blocker.unblock).migrate()
    yield made
    made.drop()


@pytest.fixture
def race(database: Database, bank: Bank) -> Callable[[str], dict[str, Any]]:
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.aftercare.race_settings",
        "SITE_DATABASE": database.url,
        "SITE_BANK": f"{bank.url}/mollie",
        "SITE_URL": "http://127.0.0.1:1",
        "SITE_MAILS": "/nowhere",
        "SITE_BROKER": "memory://localhost",
    }

    def run(name: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.aftercare.racer", name]
        process = Process(name, command, clean_environment(**variables))
        try:
            line = process.await_line("result ", seconds=90)
            assert process.wait() == 0, process.log
        finally:
            process.kill()
        told: dict[str, Any] = json.loads(line.partition("result ")[2])
        assert not any(word.startswith("crash") for word in told["words"]), told["words"]
        return told

    return run


@pytest.mark.gauntlet("G7")
def test_G7__forty_refunds_of_thirty_on_a_hundred_are_exactly_three(race):
    told = race("forty_refunds")

    assert told["words"] == {"succeeded": 3, "NotEnoughLeft": 37}
    assert told["refunds"] == [3000, 3000, 3000]
    assert told["moves"] == [["refund", 3000, "succeeded"]] * 3
    assert (told["payment"], told["left"], told["cases"]) == (["paid", 10_000, 0, 9000], 1000, [])


@pytest.mark.gauntlet("G7")
def test_G7__one_refund_by_every_door_at_once_is_one(race):
    """A second person's agreement, the flow, the task and the sweep."""
    told = race("every_door")

    assert told["refunds"] == [10_000]
    assert told["moves"] == [["refund", 10_000, "succeeded"]]
    assert told["words"]["CommandRefused"] == 9, "one of ten agreed first"
    assert (told["payment"], told["left"], told["order"]) == (["paid", 10_000, 0, 10_000], 0, "canceled")


@pytest.mark.gauntlet("G8")
def test_G8__two_equal_parts_at_once_are_two(race):
    told = race("two_equal_parts")

    assert (told["words"], told["refunds"]) == ({"succeeded": 2}, [4000, 4000])
    assert (told["payment"], told["left"]) == (["paid", 10_000, 0, 8000], 2000)


@pytest.mark.gauntlet("G7")
def test_G7__the_same_key_twenty_times_is_one_refund(race):
    told = race("one_key")

    assert told["refunds"] == [4000]
    assert told["moves"] == [["refund", 4000, "succeeded"]]
    assert set(told["words"]) <= {"succeeded", "submitting"}


def test_capture_against_void__one_of_them_wins_and_the_money_agrees(race):
    told = race("capture_against_void")

    (kind, amount, status) = told["moves"][0]
    assert (len(told["moves"]), amount, status) == (1, 10_000, "succeeded")
    captured = kind == "capture"
    assert told["payment"] == (["paid", 10_000, 0, 0] if captured else ["canceled", 0, 0, 0])
    assert told["intent"] == (["succeeded", 10_000] if captured else ["canceled", 0])
    assert (told["order"], told["cases"]) == ("processing" if captured else "canceled", [])
    assert told["words"]["NotEnoughLeft"] == 19


@pytest.mark.gauntlet("G9")
def test_G9__refunds_of_ours_and_of_others_between_many_looks_are_all_counted_once(race):
    told = race("refund_against_reports")

    ours = told["refunds"].count(3000)
    assert ours in {2, 3}, "the dashboard's may come first or last"
    assert told["payment"][3] == sum(told["refunds"])
    done = [amount for _, amount, status in told["moves"] if status == "succeeded"]
    assert sorted(done) == told["refunds"]
    assert told["left"] == 10_000 - sum(told["refunds"])


def test_cancel_against_paying__the_money_is_neither_lost_nor_delivered_for(race):
    told = race("cancel_against_paying")

    assert told["order"] in {"canceled", "on_hold"}
    if told["payment"][1]:
        goes_back = told["refunds"] == [10_000] or ["refund", 10_000, "requested"] in told["moves"]
        assert goes_back or told["cases"] == ["late_money"]
    else:
        assert told["payment"][0] in {"canceled", "expired"}
