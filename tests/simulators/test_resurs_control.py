"""Control verbs of the Resurs simulator: outcomes by word, the merchant portal, lies, faults, settings, the panel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import ResursShop, actions, line, shop_at, sums


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


@pytest.mark.parametrize(
    ("word", "status", "reason", "told"),
    [
        ("authorized", "ACCEPTED", None, ["authorization AUTHORIZED"]),
        ("ACCEPTED", "ACCEPTED", None, ["authorization AUTHORIZED"]),
        ("paid", "ACCEPTED", None, ["authorization CAPTURED"]),
        ("captured", "ACCEPTED", None, ["authorization CAPTURED"]),
        ("processing", "ACCEPTED", None, []),
        ("held", "FROZEN", None, ["authorization FROZEN"]),
        ("frozen", "FROZEN", None, ["authorization FROZEN"]),
        ("inspection", "INSPECTION", None, ["creditApplication INSPECTION"]),
        ("SUPPLEMENTING_REQUIRED", "SUPPLEMENTING_REQUIRED", None, []),
        ("failed", "REJECTED", "CREDIT_DENIED", ["authorization REJECTED"]),
        ("rejected", "REJECTED", "CREDIT_DENIED", ["authorization REJECTED"]),
        ("REJECTED", "REJECTED", "CREDIT_DENIED", ["authorization REJECTED"]),
        ("canceled", "REJECTED", "ABORTED_BY_CUSTOMER", ["authorization REJECTED"]),
        ("expired", "REJECTED", "TIMEOUT", ["authorization REJECTED"]),
        ("insufficient_funds", "REJECTED", "INSUFFICIENT_FUNDS", ["authorization REJECTED"]),
        ("technical_error", "REJECTED", "TECHNICAL_ERROR", ["authorization REJECTED"]),
        ("open", "TASK_REDIRECTION_REQUIRED", None, []),
        ("declined", "TASK_REDIRECTION_REQUIRED", None, []),
    ],
)
def test_status__words(shop: ResursShop, word: str, status: str, reason: str | None, told: list[str]) -> None:
    shown = shop.set_status(shop.create()["id"], word)
    assert (shown["status"], shown.get("rejectedReason", {}).get("category")) == (status, reason)
    assert shop.told() == told


@pytest.mark.parametrize(("word", "completed"), [("failed", True), ("canceled", False), ("expired", False)])
def test_status__tells_whether_the_buyer_did_his_part(shop: ResursShop, word: str, completed: bool) -> None:
    assert shop.set_status(shop.create()["id"], word)["simulator"]["tasks"]["completed"] is completed


def test_status__unknown_words_are_refused_with_the_known(shop: ResursShop) -> None:
    payment = shop.create()
    refused = shop.try_control("POST", f"resurs/payments/{payment['id']}/status", {"status": "dance"})
    assert refused.status_code == 400
    assert {"paid", "frozen", "INSPECTION", "timeout"} <= set(re.findall(r"\w+", refused.json()["error"]))
    assert shop.try_control("POST", "resurs/payments/none/status", {"status": "paid"}).status_code == 404


def test_status__without_callback(shop: ResursShop) -> None:
    assert shop.set_status(shop.create()["id"], "authorized", webhook=False)["status"] == "ACCEPTED"
    assert shop.told() == []


def test_processing__is_accepted_without_money(shop: ResursShop) -> None:
    payment = shop.create()
    shown = shop.set_status(payment["id"], "processing")
    assert (sums(shown), actions(shown)) == (("849.0", "0.0", "0.0", "0.0", "0.0"), [])
    assert sums(shop.set_status(payment["id"], "authorized"))[1] == "849.0"


@pytest.mark.parametrize("end", ["expired", "canceled", "failed"])
def test_late_success(shop: ResursShop, end: str) -> None:
    payment = shop.create()
    shop.set_status(payment["id"], end)
    late = shop.set_status(payment["id"], "paid")
    assert (late["status"], sums(late)[2], "rejectedReason" in late) == ("ACCEPTED", "849.0", False)
    assert shop.told() == ["authorization REJECTED", "authorization CAPTURED"]


def test_failure_after_success__and_success_after_cancel(shop: ResursShop) -> None:
    payment = shop.accepted()
    failed = shop.set_status(payment["id"], "failed")
    assert (failed["status"], sums(failed)[1]) == ("REJECTED", "0.0")
    shop.set_status(payment["id"], "authorized")
    gone = shop.set_status(payment["id"], "canceled")
    assert (gone["status"], sums(gone)) == ("ACCEPTED", ("849.0", "0.0", "0.0", "0.0", "849.0"))
    assert shop.told()[-1] == "management CANCEL"
    assert sums(shop.set_status(payment["id"], "paid")) == ("849.0", "0.0", "849.0", "0.0", "0.0")


def test_paid__again_leaves_what_was_cancelled(shop: ResursShop) -> None:
    payment = shop.accepted()
    for verb, amount in (("capture", 500), ("cancel", 349)):
        shop.control("POST", f"resurs/payments/{payment['id']}/{verb}", {"amount": amount})
    assert sums(shop.set_status(payment["id"], "paid")) == ("849.0", "0.0", "500.0", "0.0", "349.0")


def test_paid__after_authorization_is_a_capture_in_the_portal(shop: ResursShop) -> None:
    payment = shop.accepted()
    assert sums(shop.set_status(payment["id"], "paid"))[2] == "849.0"
    assert shop.told() == ["authorization AUTHORIZED", "management CAPTURE"]


# -- the merchant portal --------------------------------------------------------------------------------


def test_portal__amounts_and_lines(shop: ResursShop) -> None:
    payment = shop.accepted()
    path = f"resurs/payments/{payment['id']}"
    captured = shop.control("POST", f"{path}/capture", {"amount": "500.00", "transactionId": "p1"})
    entry = captured["order"]["actionLog"][1]
    assert (entry["transactionId"], entry["creator"], sums(captured)[2]) == ("p1", "merchant-portal", "500.0")
    assert sums(shop.control("POST", f"{path}/refund", {"lines": [line(99.95), line(0.05)]}))[3] == "100.0"
    assert sums(shop.control("POST", f"{path}/cancel", {"amount": 49}))[4] == "49.0"
    assert sums(shop.control("POST", f"{path}/modify", {"amount": {"value": "-100.00"}}))[1] == "200.0"
    assert sums(shop.control("POST", f"{path}/capture", {"webhook": False}))[2] == "700.0"
    assert sums(shop.control("POST", f"{path}/refund"))[3] == "700.0"
    words = ("CAPTURE", "REFUND", "CANCEL", "MODIFY_ORDER", "REFUND")
    assert shop.told()[1:] == [f"management {word}" for word in words]
    assert shop.get(payment["id"])["order"] == shop.control("GET", path)["order"]


def test_portal__a_final_capture_cancels_the_rest(shop: ResursShop) -> None:
    payment = shop.accepted()
    captured = shop.control("POST", f"resurs/payments/{payment['id']}/capture", {"amount": 300, "final": True})
    assert sums(captured) == ("849.0", "0.0", "300.0", "0.0", "549.0")
    assert shop.told()[1:] == ["management CAPTURE", "management CANCEL"]
    whole = shop.accepted()
    captured = shop.control("POST", f"resurs/payments/{whole['id']}/capture", {"final": True, "webhook": False})
    assert sums(captured) == ("849.0", "0.0", "849.0", "0.0", "0.0")
    assert shop.told()[3:] == ["authorization AUTHORIZED"]


def test_portal__a_final_capture_of_too_much_does_nothing(shop: ResursShop) -> None:
    payment = shop.accepted()
    path = f"resurs/payments/{payment['id']}/capture"
    assert shop.try_control("POST", path, {"amount": 850, "final": True}).status_code == 400
    assert shop.try_control("POST", path, {"amount": 300, "final": "yes"}).status_code == 400
    assert sums(shop.get(payment["id"])) == ("849.0", "849.0", "0.0", "0.0", "0.0")


def test_portal__void_cancels_what_was_not_captured(shop: ResursShop) -> None:
    payment = shop.accepted()
    path = f"resurs/payments/{payment['id']}"
    shop.control("POST", f"{path}/capture", {"amount": 300})
    assert shop.try_control("POST", f"{path}/void", {"amount": 1}).status_code == 400
    assert sums(shop.control("POST", f"{path}/void", {"webhook": False}))[1:] == ("0.0", "300.0", "0.0", "549.0")
    assert shop.try_control("POST", f"{path}/void").status_code == 400
    assert shop.told() == ["authorization AUTHORIZED", "management CAPTURE"]


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("capture", {"amount": "849.01"}),
        ("capture", {"amount": "much"}),
        ("capture", {"amount": "1.001"}),
        ("capture", {"lines": []}),
        ("capture", {"colour": "red"}),
        ("refund", {}),
        ("refund", {"status": "pending"}),
        ("modify", {}),
    ],
)
def test_portal__refusals(shop: ResursShop, verb: str, body: dict[str, Any]) -> None:
    payment = shop.accepted()
    refused = shop.try_control("POST", f"resurs/payments/{payment['id']}/{verb}", body)
    assert (refused.status_code, bool(refused.json()["error"])) == (400, True)
    assert sums(shop.get(payment["id"]))[1] == "849.0"


# -- lies and faults ------------------------------------------------------------------------------------


def test_overwrite__amount_currency_and_anything_answered(shop: ResursShop) -> None:
    payment = shop.accepted()
    path = f"resurs/payments/{payment['id']}"
    shop.control("PATCH", path, {"amount": "12.50", "metadata": {"custom": []}})
    changed = shop.get(payment["id"])
    assert (sums(changed)[:2], changed["metadata"]) == (("12.5", "12.5"), {"custom": []})
    shop.control("PATCH", path, {"amount": {"value": "849.00", "currency": "EUR"}})
    assert (sums(shop.get(payment["id"]))[0], shop.get(payment["id"])["countryCode"]) == ("849.0", "FI")
    shop.control("PATCH", path, {"order": {"refundedAmount": 900.5, "orderReference": "x"}, "application": None})
    changed = shop.get(payment["id"])
    assert (sums(changed)[3], changed["order"]["orderReference"], "application" in changed) == ("900.5", "x", False)
    shop.control("PATCH", path, {"status": "REJECTED", "rejectedReason": {"category": "TIMEOUT"}})
    changed = shop.get(payment["id"])
    assert (changed["status"], changed["rejectedReason"]) == ("REJECTED", {"category": "TIMEOUT"})
    assert shop.told() == ["authorization AUTHORIZED"]
    again = shop.set_status(payment["id"], "authorized")
    assert (again["status"], "rejectedReason" in again) == ("ACCEPTED", False)


def test_overwrite__amount_of_what_was_captured_and_words_nobody_knows(shop: ResursShop) -> None:
    payment = shop.set_status(shop.create()["id"], "paid")
    path = f"resurs/payments/{payment['id']}"
    shop.control("PATCH", path, {"amount": "850.00"})
    assert sums(shop.get(payment["id"])) == ("850.0", "0.0", "850.0", "0.0", "0.0")
    shown = shop.control("PATCH", path, {"status": "paid-ish", "currency": "DKK"})
    assert (shop.get(payment["id"])["status"], shown["simulator"]["currency"]) == ("paid-ish", "DKK")
    assert shop.set_status(payment["id"], "paid")["status"] == "ACCEPTED"


@pytest.mark.parametrize(
    "body",
    [{"id": "x"}, {"colour": 1}, {"status": 1}, {"currency": "USD"}, {"amount": "x"}, {"customer": None}],
)
def test_overwrite__refuses_what_could_not_be_shown(shop: ResursShop, body: dict[str, Any]) -> None:
    payment = shop.create()
    assert shop.try_control("PATCH", f"resurs/payments/{payment['id']}", body).status_code == 400
    assert shop.get(payment["id"]) == payment


def test_webhook__again_and_untrue(shop: ResursShop) -> None:
    payment = shop.create()
    path = f"resurs/payments/{payment['id']}/webhook"
    assert shop.try_control("POST", path).status_code == 400
    shop.control("POST", path, {"status": "AUTHORIZED"})
    shop.control("POST", path, {"kind": "creditApplication"})
    assert shop.try_control("POST", path, {"kind": "management"}).status_code == 400
    assert shop.try_control("POST", path, {"kind": "gossip"}).status_code == 400
    shop.set_status(payment["id"], "paid", webhook=False)
    shop.control("POST", path)
    shop.control("POST", path, {"kind": "management"})
    assert shop.told() == [
        "authorization AUTHORIZED",
        "creditApplication INSPECTION",
        "authorization CAPTURED",
        "management CAPTURE",
    ]


@pytest.mark.parametrize(("status", "code"), [(503, "SERVICE_UNAVAILABLE"), (502, "BAD_GATEWAY")])
def test_faults__refuse_in_the_providers_form(shop: ResursShop, status: int, code: str) -> None:
    shop.log_in()
    shop.fault("create", "5xx", status=status, times=1)
    assert shop.call("POST", "/v2/payments", shop.order()).json()["code"] == code
    assert shop.control("GET", "resurs/payments") == []
    shop.fault("token", "429", times=1, retry_after=3)
    refused = shop.ask_token()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    shop.settings(fault_bodies="empty")
    shop.fault("create", "5xx", times=1)
    assert shop.call("POST", "/v2/payments", shop.order()).text == ""
    assert shop.call("GET", "/v2/nothing").json()["code"] == "NOT_FOUND"


def test_faults__done_all_the_same_and_not_found(shop: ResursShop) -> None:
    shop.fault("create", "5xx", times=1, done=True)
    assert shop.call("POST", "/v2/payments", shop.order()).status_code == 503
    (made,) = shop.control("GET", "resurs/payments")
    shop.fault("get", "not_found", seconds=10)
    assert shop.call("GET", f"/v2/payments/{made['id']}").status_code == 404
    shop.advance(10)
    assert shop.call("GET", f"/v2/payments/{made['id']}").status_code == 200


def test_faults__changed_amount(shop: ResursShop) -> None:
    payment = shop.accepted()
    shop.fault("get", "changed_amount", times=1, amount={"currency": "NOK", "value": "1.00"})
    changed = shop.get(payment["id"])
    assert (sums(changed)[:2], changed["countryCode"]) == (("1.0", "1.0"), "NO")
    shop.fault("create", "changed_amount", times=1, amount={"currency": "SEK", "value": "2.00"})
    assert sums(shop.create())[0] == "2.0"


# -- settings, lists, the panel -------------------------------------------------------------------------


def test_settings__explained_checked_and_forgotten_at_reset(shop: ResursShop) -> None:
    settings = shop.control("GET", "resurs/settings")
    assert set(settings) - {"meaning"} == set(settings["meaning"])
    assert all(settings["meaning"].values())
    for wrong in ({"colour": 1}, {"create_lands": "MARS"}, {"create_status": True}, {"token_seconds": -1}):
        assert shop.try_control("POST", "resurs/settings", wrong).status_code == 400
    shop.settings(create_lands="FROZEN")
    shop.control("POST", "reset")
    assert shop.control("GET", "resurs/settings") == settings


def test_payments__listed_newest_first_with_what_the_api_hides(shop: ResursShop) -> None:
    first, second = shop.create(), shop.create()
    listed = shop.control("GET", "resurs/payments")
    assert [each["id"] for each in listed] == [second["id"], first["id"]]
    hidden = listed[0]["simulator"]
    assert hidden["checkout"] == second["taskRedirectionUrls"]["customerUrl"]
    assert (hidden["account"], hidden["currency"]) == ("sim-resurs-client", "SEK")
    assert shop.try_control("GET", "resurs/payments/none").status_code == 404


def test_panel__shows_and_moves_payments(shop: ResursShop) -> None:
    payment = shop.create()

    def panel() -> str:
        return shop.session.get(f"{shop.root}/?provider=resurs", timeout=5).text

    def act(action: str) -> int:
        token = re.search(r'name="token" value="([\w-]+)"', panel())
        assert token
        form = {"token": token[1], "provider": "resurs", "action": action}
        url = f"{shop.root}/panel/payments/{payment['id']}"
        return shop.session.post(url, data=form, allow_redirects=False, timeout=5).status_code

    assert "849.00 SEK" in panel() and "Order ORD-1042" in panel()
    assert payment["taskRedirectionUrls"]["customerUrl"] in panel()
    assert act("frozen") == 303
    assert shop.get(payment["id"])["status"] == "FROZEN"
    assert act("portal_refund") == 400
    assert [act(action) for action in ("authorized", "portal_capture", "portal_refund", "webhook")] == [303] * 4
    assert "refunded 849.00" in panel()
    assert act("dance") == 400
