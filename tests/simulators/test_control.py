"""The control API: what tests command, and how it answers when they are wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from django_payflow.simulators import MOUNTED, start
from tests.simulators.kit import KEY, LIVE_KEY, Receiver, Shop


def test_index__every_endpoint_has_its_line(shop: Shop) -> None:
    index = shop.control("GET", "")
    paths = {(method, each["path"]) for each in index["endpoints"] for method in each["methods"]}
    assert all(each["what"] for each in index["endpoints"])
    promised = """
        POST /reset, GET /clock, POST /clock, POST /hold, GET /deliveries, POST /deliveries/<delivery_id>/send,
        GET /faults, POST /faults, DELETE /faults, DELETE /faults/<fault_id>, GET /calls, POST /wait,
        GET /mollie/payments, GET /mollie/payments/<payment_id>, PATCH /mollie/payments/<payment_id>,
        POST /mollie/payments/<payment_id>/status, POST /mollie/payments/<payment_id>/refund,
        POST /mollie/payments/<payment_id>/refunds/<refund_id>/status, POST /mollie/payments/<payment_id>/chargeback,
        POST /mollie/payments/<payment_id>/chargebacks/<chargeback_id>/reverse,
        POST /mollie/payments/<payment_id>/webhook, POST /mollie/payments/<payment_id>/captures/<capture_id>/status
    """
    wanted = {tuple(each.split()) for each in promised.replace("/", "/_control/", 1).split(",")}
    wanted = {(method, path if path.startswith("/_control") else f"/_control{path}") for method, path in wanted}
    assert wanted <= paths
    assert set(index["providers"]) == set(MOUNTED)


def test_clock__moves_both_ways_and_to_a_point(shop: Shop) -> None:
    assert shop.control("GET", "clock")["offset"] == 0
    assert shop.control("POST", "clock", {"advance": 90})["offset"] == 90
    assert shop.control("POST", "clock", {"advance": -30})["offset"] == 60
    moved = shop.control("POST", "clock", {"offset": 86400})
    ahead = datetime.fromisoformat(moved["now"]) - datetime.now(UTC)
    assert 86390 < ahead.total_seconds() < 86410
    assert shop.create()["createdAt"][:10] == moved["now"][:10]


@pytest.mark.parametrize(
    "body",
    [{}, {"advance": "1"}, {"advance": 1, "offset": 2}, {"offset": True}, {"forward": 1}, {"offset": 9e11}, []],
)
def test_clock__unfit_moves(shop: Shop, body: Any) -> None:
    answer = shop.try_control("POST", "clock", body)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
    assert shop.control("GET", "clock")["offset"] == 0


def test_payments__newest_first_of_all_keys_with_what_the_api_hides(shop: Shop) -> None:
    old, new = shop.create(), shop.create(LIVE_KEY)
    found = shop.control("GET", "mollie/payments")
    assert [each["id"] for each in found] == [new["id"], old["id"]]
    one = shop.control("GET", f"mollie/payments/{old['id']}")
    facts = one.pop("simulator")
    assert {name: one[name] for name in old if name != "_links"} == {
        name: old[name] for name in old if name != "_links"
    }
    assert facts["key"].startswith("test_...")
    assert facts["checkout"] == old["_links"]["checkout"]["href"]
    assert shop.session.get(facts["checkout"], timeout=5).status_code == 200
    assert shop.try_control("GET", "mollie/payments/tr_none").status_code == 404


def test_keys_appear_nowhere(shop: Shop) -> None:
    shop.paid()
    shop.call("GET", "/v2/payments", "test_short")
    for path in ("calls", "mollie/payments", "deliveries"):
        assert KEY not in str(shop.control("GET", path))
    assert KEY not in shop.session.get(shop.root, timeout=5).text


def test_overwrite__any_field_without_a_webhook(shop: Shop) -> None:
    payment = shop.create()
    lies = {
        "amount": {"currency": "EUR", "value": "1.00"},
        "metadata": {"order": "somebody else's"},
        "profileId": "pfl_other",
        "mode": "live",
        "status": "unheard_of",
        "settlementAmount": {"currency": "EUR", "value": "0.70"},
        "amountRemaining": {"currency": "EUR", "value": "99.00"},
    }
    shop.control("PATCH", f"mollie/payments/{payment['id']}", lies)
    seen = shop.get(payment["id"])
    assert {name: seen[name] for name in lies} == lies
    assert (
        shop.control("PATCH", f"mollie/payments/{payment['id']}", {"metadata": None, "locale": None})["metadata"]
        is None
    )
    assert shop.deliveries() == []


def test_overwrite__expiry_is_obeyed(shop: Shop) -> None:
    payment = shop.create()
    soon = shop.control("GET", "clock")["now"]
    shop.control("PATCH", f"mollie/payments/{payment['id']}", {"expiresAt": soon})
    shop.settle()
    assert shop.get(payment["id"])["status"] == "expired"


@pytest.mark.parametrize(
    "body",
    [
        {"id": "tr_x"},
        {"amount": None},
        {"amount": {"value": "x"}},
        {"status": None},
        {"expiresAt": "soon"},
        {"dueDate": "soon"},
        {"method": "\ud800"},
    ],
)
def test_overwrite__only_what_can_still_be_shown(shop: Shop, body: dict[str, Any]) -> None:
    payment = shop.get(shop.create()["id"])
    assert shop.try_control("PATCH", f"mollie/payments/{payment['id']}", body).status_code == 400
    assert shop.get(payment["id"]) == payment


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("status", {"status": "refunded"}),
        ("status", {}),
        ("status", {"status": "paid", "webhook": "yes"}),
        ("status", {"status": "paid", "method": "coins"}),
        ("status", {"status": "paid", "method": ["ideal"]}),
        ("status", {"status": "paid", "when": "now"}),
        ("refund", {"amount": {"currency": "EUR", "value": "1"}}),
        ("chargeback", {}),
    ],
)
def test_verbs__refused_with_a_sentence_and_no_change(shop: Shop, path: str, body: dict[str, Any]) -> None:
    payment = shop.get(shop.create()["id"])
    answer = shop.try_control("POST", f"mollie/payments/{payment['id']}/{path}", body)
    assert answer.status_code in (400, 422)
    assert len(answer.json()["error"]) > 10
    assert shop.get(payment["id"]) == payment


def test_errors__are_json_everywhere(shop: Shop) -> None:
    for method, path, status in (("GET", "nothing", 404), ("PUT", "reset", 405), ("POST", "faults/flt_x", 405)):
        answer = shop.try_control(method, path)
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    broken = shop.session.post(f"{shop.root}/_control/hold", data="{", timeout=5)
    assert (broken.status_code, broken.json()["error"]) == (400, "the body must be a JSON object")


def test_settings__listed_changed_refused(shop: Shop) -> None:
    settings = shop.control("GET", "mollie/settings")
    assert set(settings) - {"meaning"} == set(settings["meaning"])
    assert shop.control("POST", "mollie/settings", {"capture_seconds": 1})["capture_seconds"] == 1
    for wrong in ({"unknown": 1}, {"capture_seconds": "1"}, {"disabled_methods": ["coins"]}):
        assert shop.try_control("POST", "mollie/settings", wrong).status_code == 400


def test_calls__what_was_received_newest_last(shop: Shop) -> None:
    payment = shop.create()
    shop.get(payment["id"], embed="refunds")
    shop.call("GET", "/v2/payments", "nonsense")
    shop.call("POST", "/v2/payments", json={}, headers={"Idempotency-Key": "k1"})
    create, get, list_, refused = shop.control("GET", "calls")
    assert (create["method"], create["path"], create["operation"], create["status"]) == (
        "POST",
        "/mollie/v2/payments",
        "create",
        201,
    )
    assert (get["path"], get["payment"]) == (f"/mollie/v2/payments/{payment['id']}?embed=refunds", payment["id"])
    assert (list_["status"], list_["key"]) == (401, None)
    assert (refused["status"], refused["idempotency_key"], refused["replayed"]) == (422, "k1", False)
    assert create["key"] == get["key"] == shop.control("GET", "mollie/payments")[0]["simulator"]["key"]


def test_reset__everything_is_gone(shop: Shop, receiver: Receiver) -> None:
    receiver.answers["/hook"] = 500
    shop.paid()
    open_payment = shop.create()
    shop.fault("get", "5xx")
    shop.control("POST", "hold", {"on": True})
    shop.control("POST", "clock", {"offset": 5})
    shop.control("POST", "reset")
    assert shop.control("GET", "mollie/payments") == []
    assert [shop.control("GET", name) for name in ("deliveries", "faults", "calls")] == [[], [], []]
    assert shop.control("GET", "hold") == {"on": False}
    assert shop.control("GET", "clock")["offset"] == 0
    assert shop.call("GET", f"/v2/payments/{open_payment['id']}").status_code == 404
    before = len(receiver.seen)
    shop.advance(3 * 86400)
    assert len(receiver.seen) == before, "no timer and no retry is left"


def test_foreign_pages_and_foreign_names_are_refused(shop: Shop) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = shop.session.post(f"{shop.root}/_control/reset", headers=headers, timeout=5)
        assert (answer.status_code, bool(answer.json()["error"])) == (403, True)
    for host in ("evil.example", "127.0.0.1.evil.example", "[::1", ""):
        assert shop.session.get(f"{shop.root}/_control/clock", headers={"Host": host}, timeout=5).status_code in (
            400,
            403,
        )
    local = shop.session.get(f"{shop.root}/_control/clock", headers={"Host": "localhost:1"}, timeout=5)
    assert local.status_code == 200


def test_several_at_once_share_nothing(shop: Shop) -> None:
    shop.create()
    with start() as other, requests.Session() as session:
        second = Shop(other.url, session, shop.webhook_url)
        assert second.control("GET", "mollie/payments") == []
        second.control("POST", "clock", {"offset": 99})
        second.create()
        assert len(shop.control("GET", "mollie/payments")) == 1
        assert shop.control("GET", "clock")["offset"] == 0
        assert other.url != shop.root
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{other.url}/_control/clock", timeout=1)
