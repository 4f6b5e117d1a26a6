"""Push notifications: what is sent where, with and without retries, and what can be wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.simulators.golomt_kit import EXPIRED_CARD, PAID, SECRET, GolomtShop, hmac_hex, opened_shop, outcome_message
from tests.simulators.kit import Receiver

golomt = pytest.fixture(opened_shop)

FIELDS = ["amount", "bank", "errorDesc", "checksum", "errorCode", "cardHolder", "transactionId", "cardNumber"]


def states(golomt: GolomtShop) -> list[tuple[str, int]]:
    return [(each["state"], len(each["attempts"])) for each in golomt.deliveries()]


def test_a_push_on_the_wire(golomt: GolomtShop, receiver: Receiver) -> None:
    golomt.paid()
    (seen,) = receiver.wait_for(1)
    assert (seen.method, seen.path) == ("POST", "/push")
    assert seen.headers == {
        "Host": receiver.url.removeprefix("http://"),
        "User-Agent": "Golomt E-Commerce (simulated)",
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Length": str(len(seen.body)),
    }, "no signature in a header"
    body = json.loads(seen.body)
    assert list(body) == [*FIELDS, "token"]
    assert body == {
        "amount": "18500.00",
        "bank": "Голомт банк",
        "errorDesc": PAID,
        "checksum": hmac_hex(f"ORD10004500018500.00{body['token']}"),
        "errorCode": "000",
        "cardHolder": "9496250",
        "transactionId": "ORD100045",
        "cardNumber": "949625******0003",
        "token": golomt.inquiry()["token"],
    }


def test_a_push_about_a_decline_has_no_token(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.set_status("ORD100045", "declined")
    (body,) = golomt.pushed()
    assert list(body) == FIELDS
    assert (body["errorCode"], body["errorDesc"]) == ("300", EXPIRED_CARD)
    assert body["checksum"] == "94e6bf2ccb2bdaa3ca5da2e33617c9a7d26b100b39f69e8ffacdbbc231c7244b"


def test_without_retry__one_attempt_by_default(golomt: GolomtShop, receiver: Receiver) -> None:
    receiver.answers["/push"] = 500
    golomt.paid()
    assert states(golomt) == [("exhausted", 1)]
    golomt.advance(7 * 86400)
    assert len(receiver.seen) == 1


def test_with_retry__the_same_bytes_at_the_times_set(golomt: GolomtShop, receiver: Receiver) -> None:
    golomt.settings(push_schedule=[0, 60, 300])
    receiver.answers["/push"] = 503
    golomt.paid()
    assert states(golomt) == [("failed", 1)]
    golomt.advance(50)
    assert len(receiver.seen) == 1
    golomt.advance(11)
    assert states(golomt) == [("failed", 2)]
    receiver.answers["/push"] = 200
    golomt.advance(240)
    assert states(golomt) == [("sent", 3)]
    assert len({seen.body for seen in receiver.seen}) == 1


def test_only_post__redirects_are_not_followed(golomt: GolomtShop, receiver: Receiver) -> None:
    receiver.answers["/push"] = (301, {"Location": "/elsewhere"})
    golomt.paid()
    assert states(golomt) == [("exhausted", 1)]
    assert [seen.path for seen in receiver.seen] == ["/push"]


def test_push_off__and_by_hand(golomt: GolomtShop, receiver: Receiver) -> None:
    golomt.settings(push=False)
    golomt.paid()
    assert golomt.deliveries() == []
    golomt.control("POST", "golomt/payments/ORD100045/webhook")
    receiver.wait_for(1)


def test_nowhere_registered(golomt: GolomtShop) -> None:
    golomt.settings(push_url=None)
    golomt.paid()
    assert golomt.deliveries() == []
    answer = golomt.try_control("POST", "golomt/payments/ORD100045/webhook")
    assert (answer.status_code, "push_url" in answer.json()["error"]) == (400, True)


def test_each_merchant_has_its_own_address_and_key(golomt: GolomtShop, receiver: Receiver) -> None:
    second = {"name": "second", "secret": "s2", "bearer": "b2", "push_url": f"{receiver.url}/second"}
    golomt.control("POST", "golomt/merchants", second)
    golomt.create(secret="s2", bearer="b2", genToken="N")
    golomt.set_status("ORD100045", "paid")
    (seen,) = receiver.wait_for(1)
    body = json.loads(seen.body)
    assert seen.path == "/second"
    assert body["checksum"] == hmac_hex(outcome_message(body), "s2") != hmac_hex(outcome_message(body), SECRET)


def test_webhook_false__nothing_is_sent(golomt: GolomtShop) -> None:
    golomt.create()
    golomt.set_status("ORD100045", "paid", webhook=False)
    assert golomt.deliveries() == []


def test_open_payments_are_not_pushed(golomt: GolomtShop) -> None:
    golomt.create()
    for status in ("processing", "expired", "open"):
        golomt.set_status("ORD100045", status)
    assert golomt.deliveries() == []
    assert golomt.try_control("POST", "golomt/payments/ORD100045/webhook").status_code == 400


@pytest.mark.parametrize("kind", ["bad_signature", "other_secret", "unsigned", "tampered"])
@pytest.mark.parametrize("by", ["fault", "verb"])
def test_wrong_checksums(golomt: GolomtShop, kind: str, by: str) -> None:
    golomt.create(genToken="N")
    if by == "fault":
        golomt.fault("webhook", kind, times=1)
        golomt.set_status("ORD100045", "paid")
    else:
        golomt.set_status("ORD100045", "paid", webhook=False)
        golomt.control("POST", "golomt/payments/ORD100045/webhook", {"spoilt": kind})
    golomt.control("POST", "golomt/payments/ORD100045/webhook")
    wrong, right = golomt.pushed()
    assert right["checksum"] == hmac_hex("ORD10004500018500.00")
    assert ("checksum" in wrong) is (kind != "unsigned")
    assert wrong.get("checksum") != hmac_hex(outcome_message(wrong))
    assert (wrong["amount"] == right["amount"]) is (kind != "tampered")
    assert golomt.deliveries()[0]["faults"] == ([kind] if by == "fault" else [])


def test_spoilt_in_an_unknown_way(golomt: GolomtShop) -> None:
    golomt.paid()
    answer = golomt.try_control("POST", "golomt/payments/ORD100045/webhook", {"spoilt": "v0"})
    assert (answer.status_code, "bad_signature" in answer.json()["error"]) == (400, True)


def test_a_fault_for_one_payment_leaves_the_others_alone(golomt: GolomtShop) -> None:
    golomt.fault("webhook", "bad_signature", payment="ORD2")
    golomt.paid("ORD1", genToken="N")
    golomt.paid("ORD2", genToken="N")
    right = [each["checksum"] == hmac_hex(outcome_message(each)) for each in golomt.pushed()]
    assert right == [True, False]


def test_faults_of_the_host__duplicate_and_drop(golomt: GolomtShop, receiver: Receiver) -> None:
    golomt.fault("webhook", "duplicate", times=1, copies=3)
    golomt.paid("ORD1")
    first = receiver.wait_for(3)
    assert len({seen.body for seen in first}) == 1
    golomt.fault("webhook", "drop", times=1)
    golomt.paid("ORD2")
    assert [state for state, _attempts in states(golomt)] == ["sent", "sent", "sent", "dropped"]


def test_replay__a_genuine_push_for_ever(golomt: GolomtShop, receiver: Receiver) -> None:
    """There is no time and no number in it, so it stays good while the truth has moved on."""
    golomt.fault("webhook", "unsigned", times=1)
    golomt.paid()
    assert golomt.try_control("POST", "golomt/payments/ORD100045/replay").status_code == 400, "none was genuine yet"
    golomt.control("POST", "golomt/payments/ORD100045/webhook")
    genuine = receiver.wait_for(2)[1].body
    golomt.set_status("ORD100045", "declined", webhook=False)
    golomt.advance(30 * 86400)
    golomt.control("POST", "golomt/payments/ORD100045/replay")
    golomt.control("POST", "golomt/payments/ORD100045/replay", {"url": f"{receiver.url}/other"})
    again = receiver.wait_for(4)
    assert [seen.body for seen in again[2:]] == [genuine, genuine]
    assert {seen.path for seen in again[2:]} == {"/push", "/other"}
    body: dict[str, Any] = json.loads(genuine)
    assert body["checksum"] == hmac_hex(outcome_message(body))
    assert golomt.inquiry()["errorCode"] == "300"


def test_other_machines__recorded_and_never_contacted(golomt: GolomtShop) -> None:
    golomt.settings(push_url="https://shop.example/push")
    golomt.paid()
    assert states(golomt) == [("failed", 0)]
