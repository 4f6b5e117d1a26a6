"""Stores, payment methods, what credit costs, and addresses at the Resurs simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import FINLAND, INVOICE, STORE, VINCENT, ResursShop, shop_at

UUID = re.compile(r"^[\da-f]{8}-[\da-f]{4}-[0-5][\da-f]{3}-[\da-d][\da-f]{3}-[\da-f]{12}$")


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


def test_stores__pages_and_order(shop: ResursShop) -> None:
    everything = shop.good("GET", "/v2/stores?size=999999")
    assert everything["page"] == {"number": 0, "size": 999999, "totalElements": 4, "totalPages": 1}
    assert everything["content"][0] == {
        "id": STORE,
        "nationalStoreId": 107,
        "countryCode": "SE",
        "name": "Simbutiken",
        "organizationNumber": "5560000000",
    }
    page = shop.good("GET", "/v2/stores?size=3&page=1&sort=countryCode,desc")
    assert [each["countryCode"] for each in page["content"]] == ["DK"]
    assert page["page"] == {"number": 1, "size": 3, "totalElements": 4, "totalPages": 2}
    assert shop.good("GET", "/v2/stores")["page"]["size"] == 20
    assert shop.refused("GET", "/v2/stores?size=0", None) and shop.refused("GET", "/v2/stores?sort=colour", None)


def test_methods__shape_and_limits(shop: ResursShop) -> None:
    path = f"/v2/stores/{STORE}/payment_methods"
    methods = shop.good("GET", path)["content"]
    assert methods[0]["id"] == INVOICE
    for method in methods:
        assert UUID.match(method["id"])
        assert {"minPurchaseLimit", "maxPurchaseLimit", "minApplicationLimit", "maxApplicationLimit"} <= set(method)
        assert isinstance(method["enabledForLegalCustomer"], bool) and isinstance(
            method["priceSignagePossible"], bool
        )
        for link in method["legalLinks"]:
            assert link["type"] in ("GENERAL_TERMS", "SECCI", "PRICE_INFO")
            assert link["url"].endswith("amount=") is link["appendAmount"]
    small = [each["name"] for each in shop.good("GET", f"{path}?amount=50.00")["content"]]
    assert "Faktura" in small and "Delbetalning" not in small
    assert set(shop.refused("GET", f"{path}?amount=1.001", None)) == {"amount"}
    asked = {"governmentId": VINCENT, "amount": 50}
    assert [each["name"] for each in shop.good("POST", f"{path}/personalized", asked)["content"]] == small
    assert "Swish" not in [
        each["name"] for each in shop.good("GET", f"/v2/stores/{FINLAND}/payment_methods")["content"]
    ]


def test_methods__what_credit_costs(shop: ResursShop) -> None:
    path = f"/v2/stores/{STORE}/payment_methods"
    part = next(each for each in shop.good("GET", path)["content"] if each["type"] == "RESURS_PART_PAYMENT")
    factors = shop.good("GET", f"{path}/{part['id']}/annuity_factors")["content"]
    assert [each["durationMonths"] for each in factors] == [3, 6, 12, 24, 36]
    assert set(factors[0]) == {
        "paymentPlanName",
        "annuityFactor",
        "durationMonths",
        "administrationFee",
        "setupFee",
        "interest",
    }
    assert 1 / 3 < factors[0]["annuityFactor"] < 0.36
    signage = shop.good("GET", f"{path}/{part['id']}/price_signage?amount=1200")
    assert signage["secciLinks"][0]["language"] == "sv" and signage["generalTermsLinks"][0]["uri"].startswith("http")
    cost = signage["costList"][2]
    assert cost["totalCost"] == cost["monthlyCost"] * 12 + 95
    assert shop.good("GET", f"{path}/{INVOICE}/annuity_factors")["content"] == []
    elements = shop.good("GET", f"{path}/{part['id']}/application_data_specification?amount=1200")["elements"]
    assert {"HEADING", "TEXT", "NUMBER", "LIST", "CHECKBOX"} == {each["type"] for each in elements}


def test_price_signage__too_small_an_amount_is_a_401(shop: ResursShop) -> None:
    path = f"/v2/stores/{STORE}/payment_methods"
    part = next(each for each in shop.good("GET", path)["content"] if each["type"] == "RESURS_PART_PAYMENT")
    shop.refused("GET", f"{path}/{part['id']}/price_signage?amount=1", None, 401)


def test_address__of_a_test_person(shop: ResursShop) -> None:
    asked = {"storeId": STORE, "customerIp": "127.0.0.1", "governmentId": VINCENT, "customerType": "NATURAL"}
    address = shop.good("POST", "/v2/customers/address/by_government_id", asked)["address"]
    assert (address["addressRow1"], address["postalCode"], address["postalArea"]) == (
        "Glassgatan 15",
        "41655",
        "Göteborg",
    )
    bad = asked | {"governmentId": "12345"}
    assert set(shop.refused("POST", "/v2/customers/address/by_government_id", bad)) == {"governmentId"}
    unknown = asked | {"governmentId": "199001010017"}
    shop.refused("POST", "/v2/customers/address/by_government_id", unknown, 404)
