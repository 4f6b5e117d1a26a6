"""Finding a session by our mark after a lost answer: what proves that it exists, and what that it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from django_payflow.exceptions import Rejected, Uncertain
from tests.wooshpay.wire import CREATED, adapter, answer, checkout, intent, serving, session

OTHER_KEY = "sk_test_" + "z" * 30
BORN = datetime.fromtimestamp(CREATED / 1000, UTC)


def test_find__ours_among_others(wooshpay, sim):
    wanted = checkout()
    wooshpay.create(wanted)
    for n in range(3):
        wooshpay.create(checkout(key=f"other-{n}"))
    adapter(sim.base_url("wooshpay"), key=OTHER_KEY).create(checkout(key="somebody-elses"))

    found = wooshpay.find(wanted)

    assert found is not None
    assert (found.our_reference, len(found.references)) == (wanted.key, 2)
    assert sim.calls("get_intent"), "it was fetched whole, not read from the list"
    assert wooshpay.find(checkout(key="somebody-elses")) is None
    assert wooshpay.find(checkout(key="never-was")) is None


def test_find__the_orders_reference_is_not_enough(wooshpay, sim):
    """Several attempts of one order share it: only the mark tells them apart."""
    wooshpay.create(checkout(key="first-attempt"))
    assert wooshpay.find(checkout(key="second-attempt")) is None


def test_find__mark_in_a_json_string(wooshpay, sim):
    reference = wooshpay.create(checkout()).report.references[0]
    sim.overwrite(reference.value, provider="wooshpay", metadata=json.dumps({"attempt": checkout().key}))

    found = wooshpay.find(checkout())
    assert found is not None and found.references[0] == reference


def test_find__over_pages_of_the_simulator(wooshpay, sim):
    wooshpay.create(checkout())
    for n in range(101):
        wooshpay.create(checkout(key=f"other-{n}"))

    found = wooshpay.find(checkout())
    assert found is not None and found.our_reference == checkout().key
    assert len(sim.calls("list")) == 2


def listed(*ages: int, has_more: object = True, **fields) -> dict:
    """A page of sessions that are not ours, made this many minutes after the attempt."""
    data = [
        session(id=f"cs_{minutes}", created=CREATED + minutes * 60_000, metadata={"attempt": "x"}, **fields)
        for minutes in ages
    ]
    return {"object": "list", "data": data, "has_more": has_more}


def search(*answers, created_at=BORN):
    """Find in a list with these pages; return what was found and the addresses that were asked."""
    queue = list(answers)

    def serve(connection, request):
        if "/cs_" in request.path:
            connection.sendall(answer(session()))
        elif "/pi_" in request.path:
            connection.sendall(answer(intent()))
        else:
            page = queue.pop(0)
            connection.sendall(page if isinstance(page, bytes) else answer(page))

    with serving(serve) as wire:
        found = adapter(wire.url).find(checkout(created_at=created_at))
        return found, [seen.path for seen in wire.seen]


OURS = {"data": [session()], "has_more": False}


def test_find__the_cursor_is_the_last_id_and_the_limit_stays():
    found, paths = search(listed(5, 4), listed(3, 2, has_more=None), OURS)
    assert found is not None
    assert [path.partition("?")[2] for path in paths[:3]] == [
        "limit=100",
        "limit=100&starting_after=cs_4",
        "limit=100&starting_after=cs_2",
    ]


@pytest.mark.parametrize("refusal", [400, 404, 405])
def test_find__the_collection_itself_where_the_documented_list_is_missing(refusal):
    found, paths = search(answer({"error": {"message": "id is invalid"}}, refusal), OURS)
    assert found is not None
    assert [path.partition("?")[0] for path in paths[:2]] == ["/v1/checkout/sessions/list", "/v1/checkout/sessions"]


@pytest.mark.parametrize("refusal", [401, 403])
def test_find__a_refused_key_is_not_a_missing_list(refusal):
    with pytest.raises(Rejected) as no:
        search(answer({}, refusal))
    assert no.value.code == str(refusal)


def test_find__neither_list_is_there():
    with pytest.raises(Rejected):
        search(answer({}, 404), answer({}, 404))


def test_find__stops_where_the_list_is_older_than_the_attempt():
    assert search(listed(-5, -11))[0] is None
    assert search(listed(-5, -9), listed(-10, -30))[0] is None


def test_find__stops_at_the_end_of_the_list():
    assert search(listed(5, 4, has_more=False))[0] is None
    assert search(listed(5, 4, has_more=None), listed(has_more=None))[0] is None
    assert search(listed())[0] is None


def test_find__a_list_that_begins_with_the_oldest_is_read_on():
    assert search(listed(-90, -60), OURS)[0] is not None


def test_find__the_same_page_again_and_again_is_an_unclear_end():
    with pytest.raises(Uncertain, match="again and again"):
        search(listed(5, 4), listed(5, 4))


def test_find__a_list_without_end_is_an_unclear_end(monkeypatch):
    monkeypatch.setattr("django_payflow.providers.wooshpay._MAX_PAGES", 3)
    with pytest.raises(Uncertain, match="goes on"):
        search(*[listed(50 - n) for n in range(4)])


def test_find__allows_for_a_clock_that_is_a_little_off(wooshpay):
    asked = checkout()
    wooshpay.create(asked)
    assert wooshpay.find(replace(asked, created_at=asked.created_at + timedelta(minutes=5))) is not None


def test_find__empty_account(wooshpay):
    assert wooshpay.find(checkout()) is None


BLIND = {name: value for name, value in session(client_reference_id="ABC").items() if name != "metadata"}


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"data": None},
        {"data": 17},
        {"data": "x"},
        {"data": ["x"]},
        {"data": [session(metadata=None, created=None)]},
        {"data": [session(metadata=None, created="soon")]},
        {"data": [session(metadata=None, created=10**18 - 1)]},
        {"data": [{"created": CREATED}]},
        {"data": [BLIND], "has_more": False},
    ],
)
def test_find__a_list_that_cannot_be_read_is_an_unclear_end(page):
    with pytest.raises(Uncertain):
        search(page)


def test_find__a_strangers_session_without_metadata_is_none_of_ours():
    assert search({"data": [{**BLIND, "client_reference_id": "other"}], "has_more": False})[0] is None
