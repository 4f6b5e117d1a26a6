"""The sheet's worked examples, against the simulator's own formulas and over the wire."""

from __future__ import annotations

import pytest

from django_payflow.simulators.golomt import checksums
from tests.simulators.golomt_kit import CALLBACK, SECRET, GolomtShop, hmac_hex, opened_shop

golomt = pytest.fixture(opened_shop)

TOKEN = "3c1f0a7be2d94c5e8f60718293a4b5c6d7e8f90123456789abcdef0011223344"
UUID = "6f2d2c0e-5a7f-4a4e-9f3b-0c6f6b0e9d11"
#: formula, fields, expected; computed outside of this project with OpenSSL and Python
REQUESTS = [
    (
        "invoice",
        {"transactionId": "ORD100045", "amount": "18500.00", "returnType": "GET", "callback": CALLBACK},
        "0364ac0eba0303020094932164064441037827f4ca0e90df00add578c255c841",
    ),
    (
        "inquiry",
        {"transactionId": "ORD100045"},
        "76d36c2a55380540ec11e4047430e40e9a0aa0f601e0ed4d60fe125fb28cf038",
    ),
    (
        "pay",
        {"amount": "18500.00", "transactionId": "ORD100046", "token": TOKEN},
        "67f56a030a87524e67f4e40d6418947425324e24f288522f546a51329f74490d",
    ),
    (
        "confirmation",
        {"transactionId": "TOK100001", "returnType": "GET", "callback": "https://shop.example/pay/golomt/token"},
        "b16bfd7e837d48d89931fdb67941cd15e06db906efa5944e919b45ee997892cd",
    ),
]
ORDER = {"transactionId": "ORD100045", "amount": "18500.00"}
ANSWERS = [
    (
        "invoice",
        {"invoice": UUID, "transactionId": "ORD100045"},
        "0939ed4bef10f17ea7fb0b87d3d9373613acf998ab66e61ad77c16182bc13cde",
    ),
    (
        "inquiry",
        ORDER | {"errorCode": "000", "token": TOKEN},
        "675d5a6c0b6169edf0e74748cfc7c8a62cc84cc3fc0a9787f04135367f57df64",
    ),
    ("push", ORDER | {"errorCode": "000"}, "6cc81fdc36d58627c0d11cf5a6e5a535e511d42174e3fe84ede4ace04f5798bd"),
    (
        "inquiry",
        ORDER | {"errorCode": None, "token": None},
        "841f53dc6009dd6dbd2c154aa0875e6f30d8d3533f3e29844256b78946e1ea28",
    ),
    ("push", ORDER | {"errorCode": "300"}, "94e6bf2ccb2bdaa3ca5da2e33617c9a7d26b100b39f69e8ffacdbbc231c7244b"),
    (
        "pay",
        ORDER | {"transactionId": "ORD100046", "errorCode": "000"},
        "0905152abfa48dfebc3025376abdfd73543f9cc86596ed383291ac304f25e9db",
    ),
]


@pytest.mark.parametrize(("operation", "fields", "expected"), REQUESTS)
def test_request_checksums__as_worked_out(operation: str, fields: dict[str, str], expected: str) -> None:
    assert checksums.is_right(SECRET, operation, fields | {"checksum": expected})
    assert not checksums.is_right(SECRET, operation, fields | {"checksum": expected.upper()})
    assert not checksums.is_right("another", operation, fields | {"checksum": expected})


@pytest.mark.parametrize(("operation", "fields", "expected"), ANSWERS)
def test_answer_checksums__as_worked_out(operation: str, fields: dict[str, str], expected: str) -> None:
    assert checksums.seal(SECRET, operation, fields)["checksum"] == expected


def test_the_worked_example__over_the_wire(golomt: GolomtShop) -> None:
    body = golomt.order()
    assert body["checksum"] == REQUESTS[0][2]
    opened = golomt.good("/api/invoice", body)
    assert opened["checksum"] == hmac_hex(f"{opened['invoice']}ORD100045")
    assert golomt.inquiry()["checksum"] == ANSWERS[3][2]
    golomt.set_status("ORD100045", "declined")
    assert golomt.inquiry()["checksum"] == ANSWERS[4][2]
    golomt.control("PATCH", "golomt/payments/ORD100045", {"errorCode": "000", "token": TOKEN})
    assert golomt.inquiry()["checksum"] == ANSWERS[1][2]
    golomt.control("PATCH", "golomt/payments/ORD100045", {"token": None})
    assert golomt.inquiry()["checksum"] == ANSWERS[2][2]


@pytest.mark.parametrize("kind", checksums.SPOILINGS)
def test_spoilt_answers(golomt: GolomtShop, kind: str) -> None:
    golomt.paid(genToken="N")
    right = golomt.inquiry()
    golomt.settings(spoilt_answers={"inquiry": kind})
    spoilt = golomt.inquiry()
    if kind == "unsigned":
        assert spoilt == {name: value for name, value in right.items() if name != "checksum"}
    elif kind == "tampered":
        assert (spoilt["checksum"], spoilt["amount"]) == (right["checksum"], "118500.00")
    else:
        assert spoilt | {"checksum": right["checksum"]} == right
        assert spoilt["checksum"] != right["checksum"]
    assert golomt.create("ORD100047")["checksum"], "other answers are not spoilt"
    golomt.settings(spoilt_answers={})
    assert golomt.inquiry() == right
