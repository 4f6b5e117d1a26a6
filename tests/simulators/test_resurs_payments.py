"""Creating, reading and finding payments at the Resurs simulator: shapes on the wire and refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import INVOICE, STORE, ResursShop, line, shop_at, sums


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


UUID = re.compile(r"^[\da-f]{8}-[\da-f]{4}-[0-5][\da-f]{3}-[\da-d][\da-f]{3}-[\da-f]{12}$")


def test_create__answers_as_in_the_documentation(shop: ResursShop) -> None:
    answer = shop.call("POST", "/v2/payments", shop.order())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    payment = answer.json()
    assert UUID.match(payment["id"])
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", payment["created"])
    assert (payment["storeId"], payment["countryCode"], payment["status"]) == (
        STORE,
        "SE",
        "TASK_REDIRECTION_REQUIRED",
    )
    assert payment["paymentMethod"] == {"name": "Faktura"}
    assert payment["paymentActions"] == []
    assert payment["customer"]["deliveryAddress"]["postalArea"] == "Göteborg"
    assert "deviceInfo" not in payment["customer"]
    assert payment["metadata"] == {"custom": [{"key": "externalCustomerId", "value": "77"}]}
    assert "rejectedReason" not in payment
    assert type(payment["application"]["approvedCreditLimit"]) is int
    urls = payment["taskRedirectionUrls"]
    assert set(urls) == {"customerUrl", "merchantUrl"}
    assert urls["customerUrl"].startswith(f"{shop.url}/gateway/customer/")


def test_create__decimals_as_on_the_wire(shop: ResursShop) -> None:
    text = shop.call("POST", "/v2/payments", shop.order()).text
    for part in (
        '"totalOrderAmount": 849.0,',
        '"authorizedAmount": 0.0,',
        '"quantity": 2,',
        '"vatRate": 25,',
        '"unitAmountIncludingVat": 400.0,',
        '"totalVatAmount": 9.8}',
        '"requestedCreditLimit": 849.0,',
        '"approvedCreditLimit": 5000,',
    ):
        assert part in text
    assert "currency" not in text.lower()


def test_create__works_out_what_was_left_out(shop: ResursShop) -> None:
    lines = [line(100, quantity=3, vatRate=12.5), line(-0.01, vatRate=0), line(0)]
    payment = shop.create(order={"orderLines": lines}, metadata=None, customer=None)
    (entry,) = payment["order"]["actionLog"]
    assert (entry["type"], UUID.match(entry["actionId"]) is not None) == ("CREATE", True)
    first = entry["orderLines"][0]
    assert [str(first[name]) for name in ("quantity", "vatRate", "unitAmountIncludingVat", "totalVatAmount")] == [
        "3",
        "12.5",
        "33.33",
        "11.11",
    ]
    assert sums(payment)[0] == "99.99"
    assert re.match(r"^[\w-]{1,36}$", payment["order"]["orderReference"])
    assert payment["customer"] == {"customerType": "NATURAL"}
    assert "metadata" not in payment


def test_create__nulls_and_unknown_names_are_tolerated(shop: ResursShop) -> None:
    """As the official library sends them."""
    body = shop.order()
    body["application"] = None
    body["options"]["redirectionUrls"] |= {"coApplicant": None, "merchant": None, "timeToLiveInMinutes": "x"}
    body["options"]["callbacks"] = {"authorization": {"url": f"{shop.receiver_url}/a", "description": None}}
    body["options"] |= {"timeToLiveInMinutes": None, "intValidation": {}, "handleFrozenPayements": True}
    body["customer"] |= {
        "contactPerson": None,
        "deviceInfo": {"ip": None, "userAgent": None},
        "mobilePhone": "46701234567",
    }
    body["customer"]["email"] = "test@hosted.resurs"
    body["order"]["orderLines"][0] |= {"description": None, "reference": None, "type": None, "totalVatAmount": None}
    answer = shop.call("POST", "/v2/payments", body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200, answer.text
    assert "description" not in answer.json()["order"]["actionLog"][0]["orderLines"][0]


def test_create__is_not_idempotent(shop: ResursShop) -> None:
    first, second = (
        shop.call("POST", "/v2/payments", shop.order(), headers={"resurs-request-id": "one"}).json() for _ in range(2)
    )
    assert first["id"] != second["id"]
    assert first["order"]["orderReference"] == second["order"]["orderReference"]


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    return changed(body, path, ...)


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with one value replaced (or removed), named as in an error."""
    target: Any = body
    *parents, last = re.findall(r"[^.\[\]]+", path)
    for part in parents:
        target = target[int(part)] if part.isdigit() else target.setdefault(part, {})
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return body


FIRST = "order.orderLines[0]"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("storeId", ...),
        ("storeId", "abc"),
        ("storeId", "b7f88ac4-0000-4000-8000-0000000000ff"),
        ("paymentMethodId", ...),
        ("paymentMethodId", "b7f88ac4-0000-4000-8000-0000000000ff"),
        ("order", ...),
        ("order.orderLines", []),
        ("order.orderLines", [line(1)] * 1001),
        ("order.orderReference", "a/b"),
        ("order.orderReference", "x" * 37),
        ("order.orderReference", ""),
        (f"{FIRST}.quantity", 0),
        (f"{FIRST}.quantity", ...),
        (f"{FIRST}.quantityUnit", ...),
        (f"{FIRST}.vatRate", 100.01),
        (f"{FIRST}.vatRate", -1),
        (f"{FIRST}.totalAmountIncludingVat", "800.00"),
        (f"{FIRST}.totalAmountIncludingVat", 800.001),
        (f"{FIRST}.totalAmountIncludingVat", True),
        (f"{FIRST}.totalAmountIncludingVat", ...),
        (f"{FIRST}.description", "x" * 101),
        (f"{FIRST}.reference", "x" * 51),
        (f"{FIRST}.description", "half a \ud83d"),
        (f"{FIRST}.type", "GOODS"),
        ("customer.customerType", "PERSON"),
        ("customer.governmentId", None),
        ("customer.governmentId", ""),
        ("customer.governmentId", "198123112311"),
        ("customer.email", "nobody"),
        ("customer.email", "asd@difjgod903845gn.asdasd"),
        ("customer.mobilePhone", "0809910000"),
        ("customer.deliveryAddress.postalCode", "416 55X"),
        ("customer.deliveryAddress.postalArea", ...),
        ("customer.deliveryAddress.addressRow1", ""),
        ("customer.deliveryAddress.fullName", "x" * 51),
        ("customer.deviceInfo.userAgent", "x" * 201),
        ("metadata.custom", {"a": "b"}),
        ("metadata.custom", [{"key": "a" * 51, "value": "b"}]),
        ("options.automaticCapture", True),
        ("options.handleFrozenPayments", "yes"),
        ("options.timeToLiveInMinutes", 0),
        ("options.timeToLiveInMinutes", 43201),
        ("options.timeToLiveInMinutes", 1.5),
        ("options.redirectionUrls.customer.successUrl", "shop.example"),
        ("options.callbacks.authorization", {"url": None}),
    ],
)
def test_create__refusals_name_the_field(shop: ResursShop, path: str, value: Any) -> None:
    body = without(shop.order(), path) if value is ... else changed(shop.order(), path, value)
    blamed = shop.refused("POST", "/v2/payments", body)
    assert blamed and all(name.startswith(path) or path.startswith(name) for name in blamed)
    assert shop.control("GET", "resurs/payments") == []


def test_create__companies_need_a_contact_and_a_method_for_them(shop: ResursShop) -> None:
    company: dict[str, Any] = {"customerType": "LEGAL", "governmentId": "166997368573"}
    assert set(shop.refused("POST", "/v2/payments", shop.order(**company))) == {"customer.contactPerson"}
    with_contact = shop.order(**company, contactPerson="")
    assert set(shop.refused("POST", "/v2/payments", with_contact)) == {"paymentMethodId"}
    methods = shop.good("GET", f"/v2/stores/{STORE}/payment_methods")["content"]
    legal = next(each["id"] for each in methods if each["enabledForLegalCustomer"])
    assert shop.create(**company, contactPerson="Vincent Alexandersson", paymentMethodId=legal)["id"]


def test_create__totals_outside_the_methods_limits(shop: ResursShop) -> None:
    blamed = shop.refused("POST", "/v2/payments", shop.order(order={"orderLines": [line(50000.01)]}))
    assert set(blamed) == {"order.orderLines"}
    assert shop.create(order={"orderLines": [line(50000)]})["application"]["approvedCreditLimit"] == 50000


@pytest.mark.parametrize("body", ["", "[]", "{", "NaN", '{"order": NaN}', '"x"'])
def test_bodies__that_are_no_json_object(shop: ResursShop, body: str) -> None:
    shop.log_in()
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Type": "application/json"}
    answer = shop.session.post(f"{shop.url}/v2/payments", data=body, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


def test_bodies__other_content_types(shop: ResursShop) -> None:
    answer = shop.call("POST", "/v2/payments", headers={"Content-Type": "text/plain"}, data=json.dumps(shop.order()))
    assert answer.status_code == 415
    strict = {"Content-Type": "application/json-strict"}
    assert shop.call("POST", "/v2/payments", shop.order(), headers=strict).status_code == 200


def test_errors__three_shapes_and_two_kinds_of_code(shop: ResursShop) -> None:
    body = shop.order(mobilePhone="0809910000")

    def error() -> dict[str, Any]:
        found: dict[str, Any] = shop.call("POST", "/v2/payments", body).json()
        return found

    assert error()["validationErrors"] == [{"fieldName": "customer.mobilePhone", "message": "is not valid"}]
    assert error()["code"] == "BAD_REQUEST"
    shop.settings(error_fields="map", error_codes="numbers")
    assert error()["validationErrors"] == {"customer.mobilePhone": "is not valid"}
    assert error()["code"] == "400"
    shop.settings(error_fields="parameters")
    assert error()["parameters"] == {"customer.mobilePhone": "is not valid"}
    assert "validationErrors" not in error()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nothing", 404),
        ("DELETE", "/v2/payments", 405),
        ("GET", "/v2/payments/b7f88ac4-0000-4000-8000-0000000000ff", 404),
        ("GET", f"/v2/stores/{INVOICE}/payment_methods", 404),
        ("GET", f"/v2/stores/{STORE}/payment_methods/{STORE}/annuity_factors", 404),
    ],
)
def test_errors__always_have_a_body(shop: ResursShop, method: str, path: str, status: int) -> None:
    assert shop.refused(method, path, None, status) == {}


@pytest.mark.parametrize("status", [200, 201])
def test_create__success_status_is_a_setting(shop: ResursShop, status: int) -> None:
    shop.settings(create_status=status)
    assert shop.call("POST", "/v2/payments", shop.order()).status_code == status


def test_get__again_and_one_action(shop: ResursShop) -> None:
    payment = shop.create()
    assert shop.get(payment["id"]) == payment
    (entry,) = payment["order"]["actionLog"]
    path = f"/v2/payments/{payment['id']}/actions"
    assert shop.good("GET", f"{path}/{entry['actionId']}") == entry
    assert shop.call("GET", f"{path}/{payment['id']}").status_code == 404


def test_tasks_status__tells_whether_the_buyer_did_his_part(shop: ResursShop) -> None:
    payment = shop.create()
    path = f"/v2/payments/{payment['id']}/tasks/status"
    waiting = shop.good("GET", path)
    url = payment["taskRedirectionUrls"]["customerUrl"]
    assert waiting["completed"] is False
    assert waiting["customer"] == {"customerUrl": url, "hasActiveTask": True}
    assert set(waiting["merchant"]) == {"merchantUrl"}
    shop.sign(payment)
    signed = shop.good("GET", path)
    assert (signed["completed"], signed["customer"]["hasActiveTask"]) == (True, False)


def test_old_rejected_payments__are_no_longer_available(shop: ResursShop) -> None:
    rejected, kept = shop.create(), shop.accepted()
    shop.sign(rejected, "reject")
    shop.advance(31 * 86400)
    shop.log_in()
    assert shop.call("GET", f"/v2/payments/{rejected['id']}").status_code == 403
    assert shop.call("GET", f"/v2/payments/{kept['id']}").status_code == 200


def test_search__by_reference_and_government_id(shop: ResursShop) -> None:
    old, new = shop.create(), shop.create()
    other = shop.create(order={"orderReference": "other", "orderLines": [line(10)]}, governmentId="197211072793")

    def found(**wanted: str) -> list[str]:
        rows = shop.good("POST", "/v2/payments/search", {"storeId": STORE} | wanted)
        assert rows["page"]["totalElements"] == len(rows["content"])
        return [row["id"] for row in rows["content"]]

    assert found(orderReference="ORD-1042") == [new["id"], old["id"]]
    assert found(governmentId="8305147715") == [new["id"], old["id"]]
    assert found(governmentId="19721107-2793", orderReference="other") == [other["id"]]
    assert found(orderReference="nothing") == []
    assert len(found()) == 3
    assert set(shop.refused("POST", "/v2/payments/search", {"orderReference": "other"})) == {"storeId"}


def test_search__delay_and_bare_rows(shop: ResursShop) -> None:
    shop.settings(search_delay=3, search_rows="bare")
    payment = shop.create()
    wanted = {"storeId": STORE, "orderReference": "ORD-1042"}
    assert shop.good("POST", "/v2/payments/search", wanted)["content"] == []
    shop.advance(3)
    (row,) = shop.good("POST", "/v2/payments/search", wanted)["content"]
    assert row["id"] == payment["id"]
    assert not {"order", "countryCode", "application"} & set(row)


def test_small_changes__order_reference_metadata_links(shop: ResursShop) -> None:
    path = f"/v2/payments/{shop.create()['id']}"
    changed = shop.good("PUT", f"{path}/order/order_reference", {"newOrderReference": "NEW_1"})
    assert changed["order"]["orderReference"] == "NEW_1"
    metadata = {"creator": "me", "custom": [{"key": "a", "value": "b"}]}
    assert shop.good("PUT", f"{path}/metadata", metadata) == metadata
    assert shop.good("GET", path)["metadata"] == metadata
    assert shop.good("PUT", f"{path}/metadata", {}) == {}
    assert (
        shop.good("POST", f"{path}/tasks/send_links", {"customer": {"sendByEmail": True, "sendBySms": False}}) == {}
    )
    assert shop.refused("PUT", f"{path}/order/order_reference", {"newOrderReference": "a b"})
