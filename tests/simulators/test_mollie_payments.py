"""Creating, fetching, listing, changing and cancelling payments: shapes, refusals, pages of a list."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.simulators.kit import ADDRESS, KEY, LIVE_KEY, OTHER_KEY, Shop


def test_create__a_201_in_hal_with_what_strict_clients_need(shop: Shop) -> None:
    answer = shop.call("POST", "/v2/payments", json=shop.order())
    payment = answer.json()

    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/hal+json"
    assert re.fullmatch(r"tr_\w{22}", payment["id"])
    assert payment["resource"] == "payment"
    assert payment["mode"] == "test"
    assert payment["status"] == "open"
    assert payment["amount"] == {"value": "24.95", "currency": "EUR"}
    assert payment["sequenceType"] == "oneoff"
    assert payment["profileId"].startswith("pfl_")
    assert payment["metadata"] == {"order": "2026-0042"}
    assert payment["method"] is None
    assert payment["isCancelable"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", payment["createdAt"])
    assert payment["_links"]["self"]["href"] == f"{shop.url}/v2/payments/{payment['id']}"
    assert payment["_links"]["checkout"]["href"].startswith(f"{shop.url}/checkout/")
    assert {"dashboard", "documentation"} <= set(payment["_links"])


def test_create__what_does_not_apply_is_absent_not_null(shop: Shop) -> None:
    payment = shop.create()
    absent = "paidAt canceledAt expiredAt failedAt authorizedAt amountRefunded amountRemaining amountCaptured"
    assert not set(absent.split()) & set(payment)
    assert not {"amountChargedBack", "captureBefore", "cancelUrl", "locale"} & set(payment)


def test_final__no_checkout_no_expiry_no_cancelable(shop: Shop) -> None:
    payment = shop.paid()
    assert "checkout" not in payment["_links"]
    assert not {"expiresAt", "isCancelable"} & set(payment)
    assert payment["amountRemaining"] == {"value": "24.95", "currency": "EUR"}
    assert payment["paidAt"]


@pytest.mark.parametrize(
    "metadata", [None, "text stays text", 7, ["a", 1], {"deep": {"er": [None, True]}}, '{"a":1}']
)
def test_create__metadata_comes_back_as_it_was(shop: Shop, metadata: object) -> None:
    body = shop.order() | {"metadata": metadata}
    assert shop.call("POST", "/v2/payments", json=body).json()["metadata"] == metadata


def test_create__a_long_description_is_cut(shop: Shop) -> None:
    assert shop.create(description="x" * 300)["description"] == "x" * 255


@pytest.mark.parametrize(("currency", "value"), [("JPY", "500"), ("ISK", "1200"), ("EUR", "0.01"), ("HUF", "900.00")])
def test_create__decimals_of_the_currency(shop: Shop, currency: str, value: str) -> None:
    amount = {"currency": currency, "value": value}
    assert shop.create(amount=amount, method="creditcard")["amount"] == amount


def eur(value: object, **more: object) -> dict[str, Any]:
    return {"amount": {"currency": "EUR", "value": value, **more}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"description": None}, "description"),
    ({"description": " "}, "description"),
    ({"description": 5}, "description"),
    ({"amount": None}, "amount"),
    ({"amount": "24.95"}, "amount"),
    (eur("10"), "amount.value"),
    (eur("10.0"), "amount.value"),
    (eur("10.000"), "amount.value"),
    (eur(10.0), "amount.value"),
    (eur("1e3"), "amount.value"),
    (eur("-1.00"), "amount.value"),
    (eur("10,00"), "amount.value"),
    (eur("01.00"), "amount.value"),
    (eur("10.00\n"), "amount.value"),
    (eur("10.00", cents=5), "amount.cents"),
    ({"amount": {"currency": "JPY", "value": "500.00"}}, "amount.value"),
    ({"amount": {"currency": "KWD", "value": "1.000"}}, "amount.currency"),
    ({"amount": {"currency": "eur", "value": "1.00"}}, "amount.currency"),
    ({"amount": {"value": "1.00"}}, "amount.currency"),
    (eur("0.00"), "amount"),
    ({**eur("50000.01"), "method": "ideal"}, "amount"),
    ({"redirectUrl": None}, "redirectUrl"),
    ({"redirectUrl": "javascript:alert(1)"}, "redirectUrl"),
    ({"redirectUrl": "/relative"}, "redirectUrl"),
    ({"cancelUrl": "not a url"}, "cancelUrl"),
    ({"webhookUrl": "ftp://shop.example/hook"}, "webhookUrl"),
    ({"method": "coins"}, "method"),
    ({"method": ["ideal", "coins"]}, "method"),
    ({"method": "alma"}, "method"),  # exists, not switched on
    ({"method": {"id": "ideal"}}, "method"),
    ({"method": "ideal", "amount": {"currency": "USD", "value": "1.00"}}, "method"),
    ({"locale": "xx_XX"}, "locale"),
    ({"metadata": {"long": "x" * 1100}}, "metadata"),
    ({"sequenceType": "twice"}, "sequenceType"),
    ({"sequenceType": "recurring"}, "customerId"),
    ({"customerId": "cst_unknown"}, "customerId"),
    ({"captureMode": "later"}, "captureMode"),
    ({"captureDelay": "8 days"}, "captureDelay"),
    ({"captureDelay": "soon"}, "captureDelay"),
    ({"method": "klarna"}, "lines"),
    ({"method": "ideal", "dueDate": "2030-01-01"}, "dueDate"),
    ({"method": "banktransfer", "dueDate": "2001-01-01"}, "dueDate"),
    ({"restrictPaymentMethodsToCountry": "Netherlands"}, "restrictPaymentMethodsToCountry"),
    ({"billingAddress": {"city": "Utrecht"}}, "billingAddress"),
    ({"testmode": True}, "testmode"),
    ({"profileId": "pfl_other"}, "profileId"),
    ({"expiresAt": "2030-01-01"}, "expiresAt"),
    ({"webhookURL": "https://shop.example/hook"}, "webhookURL"),
]


@pytest.mark.parametrize(("changes", "field"), REFUSED, ids=lambda value: str(value)[:50])
def test_create__refused_with_the_field_at_fault(shop: Shop, changes: dict[str, Any], field: str) -> None:
    answer = shop.call("POST", "/v2/payments", json=shop.order(**changes))
    error = answer.json()

    assert (answer.status_code, error.get("field")) == (422, field)
    assert answer.headers["Content-Type"] == "application/hal+json"
    assert error["status"] == 422
    assert error["title"] == "Unprocessable Entity"
    assert error["detail"]
    assert error["_links"]["documentation"]["type"] == "text/html"
    assert shop.control("GET", "mollie/payments") == []


def test_create__lines_must_add_up(shop: Shop) -> None:
    lines = [line("25.00"), line("-0.05", type="discount")]
    good = shop.create(method="klarna", lines=lines, billingAddress=ADDRESS)
    assert good["method"] == "klarna"
    bad = shop.order(method="klarna", lines=[line("24.94")], billingAddress=ADDRESS)
    assert shop.call("POST", "/v2/payments", json=bad).json()["field"] == "lines"


def line(value: str, **more: Any) -> dict[str, Any]:
    price = {"currency": "EUR", "value": value}
    return {"description": "Chair", "quantity": 1, "unitPrice": price, "totalAmount": price} | more


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"description": ""}, "description"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 2}, "totalAmount"),
        ({"unitPrice": None}, "unitPrice"),
        ({"unitPrice": {"currency": "USD", "value": "24.95"}}, "unitPrice.currency"),
        ({"type": "discount"}, "unitPrice"),
        ({"type": "tip"}, "type"),
        ({"discountAmount": {"currency": "EUR", "value": "0.01"}}, "totalAmount"),
        ({"vatAmount": {"currency": "EUR", "value": "4.33"}}, "vatRate"),
        ({"vatAmount": {"currency": "EUR", "value": "4.34"}, "vatRate": "21.00"}, "vatAmount"),
    ],
)
def test_create__a_line_must_be_right_to_the_cent(shop: Shop, wrong: dict[str, Any], field: str) -> None:
    body = shop.order(method="klarna", lines=[line("24.95", **wrong)], billingAddress=ADDRESS)
    assert shop.call("POST", "/v2/payments", json=body).json()["field"] == f"lines.0.{field}"


def test_create__a_line_with_its_vat(shop: Shop) -> None:
    vat = {"vatAmount": {"currency": "EUR", "value": "4.33"}, "vatRate": "21.00"}
    assert shop.create(method="klarna", lines=[line("24.95", **vat)], billingAddress=ADDRESS)["status"] == "open"


@pytest.mark.parametrize(
    ("method", "wrong", "field"),
    [
        ("klarna", {"familyName": ""}, "familyName"),
        ("billie", {}, "organizationName"),
        ("klarna", {"country": "Nederland"}, "country"),
        ("klarna", {"email": "nobody"}, "email"),
        ("klarna", {"phone": "call me"}, "phone"),
    ],
)
def test_create__a_method_that_checks_buyers_wants_their_address(
    shop: Shop, method: str, wrong: dict[str, Any], field: str
) -> None:
    body = shop.order(method=method, lines=[line("24.95")], billingAddress=ADDRESS | wrong)
    assert shop.call("POST", "/v2/payments", json=body).json()["field"] == f"billingAddress.{field}"


def test_create__zero_only_for_a_first_payment_by_card_or_paypal(shop: Shop) -> None:
    zero = eur("0.00")
    assert shop.create(sequenceType="first", method="creditcard", **zero)["amount"]["value"] == "0.00"
    refused = shop.call("POST", "/v2/payments", json=shop.order(**zero, sequenceType="first", method="ideal"))
    assert (refused.status_code, refused.json()["field"]) == (422, "amount")


def test_create__a_method_switched_off(shop: Shop) -> None:
    shop.control("POST", "mollie/settings", {"disabled_methods": ["ideal"]})
    answer = shop.call("POST", "/v2/payments", json=shop.order(method="ideal"))
    assert (answer.status_code, answer.json()["field"]) == (422, "method")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/h", "http://localhost/h", "http://10.0.0.5/h", "http://shop.local/h"]
)
def test_create__strict_webhook_check_is_a_switch(shop: Shop, url: str) -> None:
    shop.create(webhookUrl=url)
    shop.control("POST", "mollie/settings", {"strict_webhook_url": True})
    answer = shop.call("POST", "/v2/payments", json=shop.order(webhookUrl=url))
    assert (answer.status_code, answer.json()["field"]) == (422, "webhookUrl")
    shop.create(webhookUrl="https://shop.example/hook")


def test_create__form_encoding_with_brackets(shop: Shop) -> None:
    form = {
        "amount[currency]": "EUR",
        "amount[value]": "10.00",
        "description": "By form",
        "redirectUrl": "https://shop.example/",
        "method[]": ["ideal", "creditcard"],
        "metadata[order][id]": "7",
    }
    answer = shop.call("POST", "/v2/payments", data=form)
    assert answer.status_code == 201, answer.text
    assert answer.json()["metadata"] == {"order": {"id": "7"}}


def test_create__other_media_types_and_broken_json(shop: Shop) -> None:
    xml = shop.call("POST", "/v2/payments", data="<a/>", headers={"Content-Type": "text/xml"})
    assert (xml.status_code, xml.json()["title"]) == (415, "Unsupported Media Type")
    for broken in ("{", "[]", '"text"', '{"a": NaN}'):
        answer = shop.call("POST", "/v2/payments", data=broken, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["title"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer ", "Bearer test_short", "Bearer access_" + "k" * 30, f"Basic {KEY}"]
)
def test_auth__anything_but_a_key_is_401(shop: Shop, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = shop.session.get(f"{shop.url}/v2/payments", headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized Request")
    assert "documentation" in answer.json()["_links"]


def test_auth__the_key_is_the_account(shop: Shop) -> None:
    payment = shop.create()
    for other in (OTHER_KEY, LIVE_KEY):
        assert shop.call("GET", f"/v2/payments/{payment['id']}", other).status_code == 404
        assert shop.call("GET", "/v2/payments", other).json()["count"] == 0
    live = shop.create(LIVE_KEY)
    assert live["mode"] == "live"
    assert shop.create()["profileId"] == payment["profileId"]
    assert live["profileId"] != payment["profileId"]


def test_errors__unknown_payment_path_and_method(shop: Shop) -> None:
    for path in ("/v2/payments/tr_unknown", "/v2/orders", "/v2/payments/tr_unknown/refunds"):
        answer = shop.call("GET", path)
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    wrong = shop.call("PUT", "/v2/payments")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, POST")
    assert wrong.json()["status"] == 405


def test_get__query_parameters(shop: Shop) -> None:
    payment = shop.create()
    assert shop.get(payment["id"], embed="refunds,chargebacks,captures")["_embedded"] == {
        "refunds": [],
        "chargebacks": [],
        "captures": [],
    }
    assert "_embedded" not in shop.get(payment["id"], include="details.qrCode")
    for params, field in (({"testmode": "true"}, "testmode"), ({"embed": "orders"}, "embed")):
        answer = shop.call("GET", f"/v2/payments/{payment['id']}", params=params)
        assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_list__pages_newest_first_and_back_again(shop: Shop) -> None:
    ids = [shop.create()["id"] for _ in range(7)][::-1]
    shop.create(OTHER_KEY)
    page = shop.call("GET", "/v2/payments", params={"limit": "3"}).json()
    pages = [page]
    while page["_links"]["next"]:
        page = shop.call("GET", page["_links"]["next"]["href"]).json()
        pages.append(page)

    assert [[each["id"] for each in page["_embedded"]["payments"]] for page in pages] == [ids[:3], ids[3:6], ids[6:]]
    assert [page["count"] for page in pages] == [3, 3, 1]
    assert pages[0]["_links"]["previous"] is None
    back = shop.call("GET", pages[1]["_links"]["previous"]["href"]).json()
    assert [each["id"] for each in back["_embedded"]["payments"]] == ids[:3]


def test_list__inclusive_cursor_and_order(shop: Shop) -> None:
    ids = [shop.create()["id"] for _ in range(4)]

    def listed(**params: str) -> list[str]:
        page = shop.call("GET", "/v2/payments", params=params).json()
        return [each["id"] for each in page["_embedded"]["payments"]]

    assert listed(**{"from": ids[1]}) == [ids[1], ids[0]]
    assert listed(sort="asc") == ids
    assert listed(**{"from": ids[2], "sort": "asc"}) == ids[2:]
    next_page = shop.call("GET", "/v2/payments", params={"sort": "asc", "limit": "2"}).json()["_links"]["next"][
        "href"
    ]
    found = shop.call("GET", next_page).json()["_embedded"]["payments"]
    assert [each["id"] for each in found] == ids[2:]


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"from": "tr_nothere"}, 400, "from"),
        ({"limit": "0"}, 400, "limit"),
        ({"limit": "251"}, 400, "limit"),
        ({"limit": "many"}, 400, "limit"),
        ({"sort": "random"}, 400, "sort"),
        ({"metadata": "x"}, 422, "metadata"),
        ({"profileId": "pfl_x"}, 422, "profileId"),
    ],
)
def test_list__refused(shop: Shop, params: dict[str, str], status: int, field: str) -> None:
    answer = shop.call("GET", "/v2/payments", params=params)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_update__changes_what_may_change_and_sends_nothing(shop: Shop) -> None:
    payment = shop.create()
    changed = {"description": "New", "metadata": {"a": 1}, "method": "banktransfer", "locale": "nl_NL"}
    answer = shop.call("PATCH", f"/v2/payments/{payment['id']}", json=changed)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in changed} == changed
    assert shop.get(payment["id"])["expiresAt"] > payment["expiresAt"]
    assert shop.deliveries() == []


def test_update__refused(shop: Shop) -> None:
    path = f"/v2/payments/{shop.create()['id']}"
    for name, value in (("amount", {"currency": "EUR", "value": "1.00"}), ("testmode", True), ("status", "paid")):
        answer = shop.call("PATCH", path, json={name: value})
        assert (answer.status_code, answer.json()["field"]) == (422, name)
    done = shop.paid()["id"]
    final = shop.call("PATCH", f"/v2/payments/{done}", json={"redirectUrl": "https://shop.example/"})
    assert (final.status_code, final.json()["field"]) == (422, "redirectUrl")
    assert shop.call("PATCH", path, OTHER_KEY, json={"description": "Mine"}).status_code == 404


def test_cancel__only_what_is_cancelable(shop: Shop) -> None:
    card = shop.create(method="creditcard")
    refused = shop.call("DELETE", f"/v2/payments/{card['id']}")
    assert (refused.status_code, "field" in refused.json()) == (422, False)

    transfer = shop.create(method="banktransfer")
    assert transfer["isCancelable"] is True
    answer = shop.call("DELETE", f"/v2/payments/{transfer['id']}")
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.json()["canceledAt"]
    assert [each["payment"] for each in shop.deliveries()] == [transfer["id"]]
    assert shop.call("DELETE", f"/v2/payments/{transfer['id']}").status_code == 422
    refused = shop.call("DELETE", f"/v2/payments/{card['id']}", json={"testmode": True})
    assert refused.json()["field"] == "testmode"


def test_methods__limits_and_filter(shop: Shop) -> None:
    found = shop.call("GET", "/v2/methods").json()
    methods = {each["id"]: each for each in found["_embedded"]["methods"]}
    assert found["count"] == len(methods)
    assert methods["ideal"]["minimumAmount"] == {"value": "0.01", "currency": "EUR"}
    assert methods["ideal"]["maximumAmount"] == {"value": "50000.00", "currency": "EUR"}
    assert "directdebit" not in methods
    assert (
        shop.session.get(methods["ideal"]["image"]["svg"], timeout=5).headers["Content-Type"].startswith("image/svg")
    )

    large = shop.call("GET", "/v2/methods", params={"amount[value]": "3000.00", "amount[currency]": "EUR"}).json()
    names = {each["id"] for each in large["_embedded"]["methods"]}
    assert "ideal" in names
    assert "creditcard" not in names  # up to 2000.00
    assert shop.call("GET", "/v2/methods/ideal").json()["id"] == "ideal"
    assert shop.call("GET", "/v2/methods/alma").status_code == 404
