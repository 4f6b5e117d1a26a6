"""Capture, refund, cancel and modify at the Resurs simulator: the log, the sums, the possible actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import STORE, ResursShop, actions, line, shop_at, sums


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


BEFORE = ["CAPTURE", "PARTIAL_CAPTURE", "CANCEL", "PARTIAL_CANCEL"]
AFTER = ["REFUND", "PARTIAL_REFUND"]


def do(shop: ResursShop, payment: dict[str, Any], what: str, *totals: Any, **more: Any) -> dict[str, Any]:
    body = more | ({"orderLines": [line(total) for total in totals]} if totals else {})
    return shop.good("POST", f"/v2/payments/{payment['id']}/{what}", body)


def refuse(
    shop: ResursShop, payment: dict[str, Any], what: str, *totals: Any, status: int = 400, **more: Any
) -> None:
    body = more | ({"orderLines": [line(total) for total in totals]} if totals else {})
    shop.refused("POST", f"/v2/payments/{payment['id']}/{what}", body, status)


def log(payment: dict[str, Any]) -> list[str]:
    return [entry["type"] for entry in payment["order"]["actionLog"]]


def test_capture_and_refund__everything(shop: ResursShop) -> None:
    payment = shop.accepted()
    assert (sums(payment), actions(payment)) == (("849.0", "849.0", "0.0", "0.0", "0.0"), BEFORE)
    captured = do(shop, payment, "capture", transactionId="cap-1", creator="me", invoiceOptions={"invoiceId": "i-1"})
    assert (sums(captured), actions(captured)) == (("849.0", "0.0", "849.0", "0.0", "0.0"), AFTER)
    entry = captured["order"]["actionLog"][1]
    assert (entry["type"], entry["transactionId"], entry["creator"]) == ("CAPTURE", "cap-1", "me")
    assert entry["orderLines"] == captured["order"]["actionLog"][0]["orderLines"]
    refunded = do(shop, payment, "refund", transactionId="ref-1", refundNoteOptions={"refundNoteId": "n"})
    assert (sums(refunded), actions(refunded)) == (("849.0", "0.0", "849.0", "849.0", "0.0"), [])
    assert (log(refunded), refunded["status"]) == (["CREATE", "CAPTURE", "REFUND"], "ACCEPTED")
    assert refunded["order"]["actionLog"][2]["transactionId"] == "ref-1"


def test_parts__only_the_money_counts(shop: ResursShop) -> None:
    """Lines are never matched with those of the order."""
    payment = shop.accepted()
    first = do(shop, payment, "capture", 300.25, -0.25)
    assert (sums(first), actions(first)) == (("849.0", "549.0", "300.0", "0.0", "0.0"), BEFORE + AFTER)
    refuse(shop, payment, "capture", 549.01)
    refuse(shop, payment, "cancel", 549.01)
    refuse(shop, payment, "refund", 300.01)
    assert sums(do(shop, payment, "cancel", 49)) == ("849.0", "500.0", "300.0", "0.0", "49.0")
    assert sums(do(shop, payment, "refund", 100)) == ("849.0", "500.0", "300.0", "100.0", "49.0")
    rest = do(shop, payment, "capture")
    assert sums(rest) == ("849.0", "0.0", "800.0", "100.0", "49.0")
    (left,) = rest["order"]["actionLog"][-1]["orderLines"]
    assert (left["totalAmountIncludingVat"], left["vatRate"]) == (500, 25)
    refuse(shop, payment, "refund", 700.01)
    done = do(shop, payment, "refund")
    assert (sums(done), actions(done)) == (("849.0", "0.0", "800.0", "800.0", "49.0"), [])
    assert all(entry["orderLines"] for entry in done["order"]["actionLog"])


@pytest.mark.parametrize("what", ["capture", "refund", "cancel", "order"])
def test_movements__need_an_approved_payment(shop: ResursShop, what: str) -> None:
    waiting, frozen, rejected = shop.create(), shop.create(), shop.create()
    shop.set_status(frozen["id"], "frozen")
    shop.set_status(rejected["id"], "rejected")
    lines = (10,) if what == "order" else ()
    for payment in (waiting, rejected) if what == "cancel" else (waiting, frozen, rejected):
        refuse(shop, payment, what, *lines)
    shop.settings(refusal_status=409)
    refuse(shop, waiting, what, *lines, status=409)


@pytest.mark.parametrize("totals", [(0,), (-5,), (10, -10)])
@pytest.mark.parametrize("what", ["capture", "refund", "cancel"])
def test_movements__need_a_positive_sum(shop: ResursShop, what: str, totals: tuple[int, ...]) -> None:
    payment = shop.accepted()
    do(shop, payment, "capture", 100)
    refuse(shop, payment, what, *totals)
    assert sums(shop.get(payment["id"])) == ("849.0", "749.0", "100.0", "0.0", "0.0")


@pytest.mark.parametrize("totals", [(10, 0), (10, -1)])
def test_refund__has_positive_lines_only(shop: ResursShop, totals: tuple[int, ...]) -> None:
    """A capture may contain a discount, and one that names no lines is refunded with all of its own."""
    payment = shop.accepted()
    do(shop, payment, "capture", 900, -51)
    refuse(shop, payment, "refund", *totals)
    refunded = do(shop, payment, "refund")
    assert [each["totalAmountIncludingVat"] for each in refunded["order"]["actionLog"][-1]["orderLines"]] == [
        900,
        -51,
    ]


@pytest.mark.parametrize("what", ["capture", "refund", "cancel"])
def test_faults__of_movements(shop: ResursShop, what: str) -> None:
    """Done or not, a failed answer does not say; the log does."""
    payment = shop.accepted()
    if what == "refund":
        do(shop, payment, "capture")
    before, path = len(log(payment)), f"/v2/payments/{payment['id']}/{what}"
    before += what == "refund"
    for fault, done in (({"kind": "5xx"}, False), ({"kind": "429"}, False), ({"kind": "5xx", "done": True}, True)):
        shop.fault(what, times=1, **fault)
        assert shop.call("POST", path, {"orderLines": [line(10)]}).status_code in {429, 503}
        assert len(log(shop.get(payment["id"]))) - before == done
    for fault in ("lost_answer", "truncated"):
        shop.fault(what, fault, times=1)
        with pytest.raises((requests.RequestException, ValueError)):
            shop.call("POST", path, {"orderLines": [line(10)]}).json()
    assert log(shop.get(payment["id"]))[before:] == [what.upper()] * 3


def test_movements__nothing_left(shop: ResursShop) -> None:
    payment = shop.accepted()
    refuse(shop, payment, "refund")
    do(shop, payment, "capture")
    refuse(shop, payment, "capture")
    refuse(shop, payment, "cancel")
    do(shop, payment, "refund")
    refuse(shop, payment, "refund")


def test_movements__what_is_no_request(shop: ResursShop) -> None:
    payment = shop.accepted()
    path = f"/v2/payments/{payment['id']}/capture"
    assert shop.call("POST", path, []).status_code == 400
    assert shop.call("POST", path, headers={"Content-Type": "application/json"}).status_code == 400
    assert set(shop.refused("POST", path, {"orderLines": []})) == {"orderLines"}
    blamed = shop.refused("POST", path, {"orderLines": [line(1), line(1, quantity=0)], "transactionId": ""})
    assert set(blamed) == {"orderLines[1].quantity", "transactionId"}
    assert set(shop.refused("POST", f"/v2/payments/{payment['id']}/order", {})) == {"orderLines"}
    assert sums(shop.get(payment["id"]))[1] == "849.0"


def test_transaction_id__repeats_are_accepted_unless_told_otherwise(shop: ResursShop) -> None:
    payment = shop.accepted()
    do(shop, payment, "capture", 10, transactionId="t")
    again = do(shop, payment, "capture", 10, transactionId="t")
    assert sums(again)[2] == "20.0"
    shop.settings(duplicate_transaction_id="refused")
    refuse(shop, payment, "capture", 10, transactionId="t", status=409)
    assert sums(do(shop, payment, "capture", 10, transactionId="u"))[2] == "30.0"


def test_cancel__has_no_transaction_id(shop: ResursShop) -> None:
    entry = do(shop, shop.accepted(), "cancel", transactionId="t", creator="me")["order"]["actionLog"][1]
    assert (entry["type"], entry["creator"], "transactionId" in entry) == ("CANCEL", "me", False)


def test_modify__cancel_all_then_add_replaces_the_order(shop: ResursShop) -> None:
    payment = shop.accepted()
    gone = do(shop, payment, "cancel")
    assert (sums(gone), actions(gone), gone["status"]) == (("849.0", "0.0", "0.0", "0.0", "849.0"), [], "ACCEPTED")
    replaced = do(shop, payment, "order", 600, 50.5)
    assert sums(replaced) == ("1499.5", "650.5", "0.0", "0.0", "849.0")
    assert (log(replaced), actions(replaced)) == (["CREATE", "CANCEL", "MODIFY_ORDER"], BEFORE)
    assert sums(do(shop, payment, "capture")) == ("1499.5", "0.0", "650.5", "0.0", "849.0")


def test_modify__is_bounded_by_the_credit_limit(shop: ResursShop) -> None:
    payment = shop.accepted()
    refuse(shop, payment, "order", 4151.01)
    assert sums(do(shop, payment, "order", 4151))[1] == "5000.0"
    strict = shop.accepted()
    shop.settings(modify_bound="agreed")
    refuse(shop, strict, "order", 0.01)
    do(shop, strict, "order", -100)
    assert sums(do(shop, strict, "order", 100))[1] == "849.0"


def test_modify__cannot_take_back_what_was_captured(shop: ResursShop) -> None:
    payment = shop.accepted()
    do(shop, payment, "capture", 800)
    refuse(shop, payment, "order", -49.01)
    assert sums(do(shop, payment, "order", -49))[:3] == ("800.0", "0.0", "800.0")


def test_frozen__can_be_cancelled_as_a_whole(shop: ResursShop) -> None:
    payment = shop.create(governmentId="198209123705")
    shop.sign(payment)
    frozen = shop.get(payment["id"])
    assert (sums(frozen), actions(frozen)) == (("849.0", "0.0", "0.0", "0.0", "0.0"), ["CANCEL"])
    refuse(shop, payment, "cancel", 10)
    gone = do(shop, payment, "cancel")
    assert (gone["status"], gone["rejectedReason"]) == ("REJECTED", {"category": "CANCELED"})
    assert sums(gone) == ("849.0", "0.0", "0.0", "0.0", "849.0")
    assert shop.told() == ["authorization FROZEN", "management CANCEL", "authorization REJECTED"]


def test_cancel_before_signing__as_the_setting_says(shop: ResursShop) -> None:
    payment = shop.create()
    refuse(shop, payment, "cancel")
    assert shop.get(payment["id"])["status"] == "TASK_REDIRECTION_REQUIRED"
    shop.settings(cancel_before_signing="rejects")
    gone = do(shop, payment, "cancel")
    assert (gone["status"], gone["rejectedReason"]) == ("REJECTED", {"category": "CANCELED"})
    assert "taskRedirectionUrls" not in gone


def method_named(shop: ResursShop, name: str) -> str:
    found = shop.good("GET", f"/v2/stores/{STORE}/payment_methods")["content"]
    return str(next(each["id"] for each in found if each["name"] == name))


@pytest.mark.parametrize("name", ["Swish", "Trustly"])
def test_direct_methods__are_captured_at_once_and_refunded_whole(shop: ResursShop, name: str) -> None:
    payment = shop.accepted(paymentMethodId=method_named(shop, name))
    assert (sums(payment), actions(payment)) == (("849.0", "0.0", "849.0", "0.0", "0.0"), ["REFUND"])
    assert "application" not in payment
    refuse(shop, payment, "refund", 848.99)
    assert sums(do(shop, payment, "refund"))[3] == "849.0"
    assert shop.told() == ["authorization CAPTURED", "management REFUND"]


def test_cards__reserve_and_move_the_whole_only(shop: ResursShop) -> None:
    payment = shop.accepted(paymentMethodId=method_named(shop, "Kort"))
    assert actions(payment) == ["CAPTURE", "CANCEL"]
    refuse(shop, payment, "capture", 100)
    assert actions(do(shop, payment, "capture")) == ["REFUND"]


def test_automatic_capture(shop: ResursShop) -> None:
    payment = shop.accepted(options={"automaticCapture": True, "handleFrozenPayments": False})
    assert sums(payment) == ("849.0", "0.0", "849.0", "0.0", "0.0")
    assert (log(payment), shop.told()) == (["CREATE", "CAPTURE"], ["authorization CAPTURED"])


def test_strict_vat__refuses_what_does_not_add_up(shop: ResursShop) -> None:
    payment = shop.accepted()
    path, wrong = f"/v2/payments/{payment['id']}/capture", line(100, totalVatAmount=20.06)
    shop.settings(strict_vat=True)
    assert set(shop.refused("POST", path, {"orderLines": [wrong]})) == {"orderLines[0].totalVatAmount"}
    shop.good("POST", path, {"orderLines": [line(100, totalVatAmount=20.05)]})
    shop.settings(strict_vat=False)
    shop.good("POST", path, {"orderLines": [wrong]})
