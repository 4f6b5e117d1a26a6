"""Access tokens of the Resurs simulator: who gets one, how long it lives, what happens without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from django_payflow.simulators import Running
from tests.simulators.kit import Receiver
from tests.simulators.resurs_kit import CLIENT, ResursShop, shop_at


@pytest.fixture
def shop(running: Running, receiver: Receiver) -> Iterator[ResursShop]:
    with shop_at(running.url, receiver.url) as shop:
        yield shop


def test_token__json_and_form_get_the_documented_answer(shop: ResursShop) -> None:
    form = {"client_id": CLIENT, "client_secret": "sim-resurs-secret", "grant_type": "client_credentials"}
    by_form = shop.session.post(f"{shop.url}/oauth2/token", data=form | {"scope": "mock-merchant-api"}, timeout=5)
    by_json = shop.ask_token()
    for answer in (by_form, by_json):
        body = answer.json()
        assert answer.status_code == 200
        assert set(body) == {"access_token", "token_type", "expires_in"}
        assert body["token_type"] == "Bearer"
        assert type(body["expires_in"]) is int and body["expires_in"] == 3599
    assert by_form.json()["access_token"] != by_json.json()["access_token"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"client_id": "half a \ud83d"}, 401, "invalid_client"),
        ({"client_secret": "half a \ud83d"}, 401, "invalid_client"),
        ({"client_id": ["x"]}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "checkout-plus-api"}, 400, "invalid_scope"),
        ({"scope": None}, 400, "invalid_scope"),
    ],
)
def test_token__refusals(shop: ResursShop, changes: dict[str, object], status: int, error: str) -> None:
    answer = shop.ask_token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_token__credentials_in_a_basic_header_do_not_count(shop: ResursShop) -> None:
    answer = shop.session.post(
        f"{shop.url}/oauth2/token",
        data={"grant_type": "client_credentials", "scope": "merchant-api"},
        auth=(CLIENT, "sim-resurs-secret"),
        timeout=5,
    )
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic c2ltOnNpbQ=="])
def test_calls__need_a_token(shop: ResursShop, header: str) -> None:
    answer = shop.session.get(f"{shop.url}/v2/stores", headers={"Authorization": header}, timeout=5)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    body = answer.json()
    assert body["code"] == "UNAUTHORIZED"
    assert all(isinstance(body[name], str) for name in ("traceId", "message", "timestamp"))


def test_token__ends_on_the_simulated_clock(shop: ResursShop) -> None:
    shop.log_in()
    shop.advance(3590)
    assert shop.call("GET", "/v2/stores").status_code == 200
    shop.advance(10)
    assert shop.call("GET", "/v2/stores").status_code == 401
    shop.log_in()
    assert shop.call("GET", "/v2/stores").status_code == 200


def test_token__lifetime_is_a_setting(shop: ResursShop) -> None:
    shop.settings(token_seconds=60)
    assert shop.ask_token().json()["expires_in"] == 60
    shop.log_in()
    shop.advance(61)
    assert shop.call("GET", "/v2/stores").status_code == 401


def test_revoke__ends_every_token_at_once(shop: ResursShop) -> None:
    first, second = shop.log_in(), shop.log_in()
    assert shop.control("POST", "resurs/tokens/revoke") == {"revoked": 2}
    assert [shop.call("GET", "/v2/stores", token=token).status_code for token in (first, second)] == [401, 401]
    shop.log_in()
    assert shop.call("GET", "/v2/stores").status_code == 200


def test_two_accounts__see_only_their_own(shop: ResursShop) -> None:
    added = shop.control(
        "POST", "resurs/accounts", {"client_id": "second", "client_secret": "s2", "country": "FI", "name": "Toinen"}
    )
    (store,) = added["stores"]
    assert (store["countryCode"], store["name"]) == ("FI", "Toinen")
    payment = shop.create()
    mine = shop.token
    other = shop.log_in(client_id="second", client_secret="s2")
    assert [each["id"] for each in shop.good("GET", "/v2/stores")["content"]] == [store["id"]]
    assert shop.call("GET", f"/v2/payments/{payment['id']}").status_code == 403
    assert shop.call("GET", f"/v2/stores/{payment['storeId']}/payment_methods").status_code == 403
    assert shop.call("POST", "/v2/payments", shop.order()).status_code == 403

    methods = shop.good("GET", f"/v2/stores/{store['id']}/payment_methods")["content"]
    body = shop.order(storeId=store["id"], paymentMethodId=methods[0]["id"], governmentId="230580-7335")
    body["customer"]["mobilePhone"] = "+3585005555127"
    theirs = shop.call("POST", "/v2/payments", body, token=other)
    assert (theirs.status_code, theirs.json()["countryCode"]) == (200, "FI")
    assert shop.call("GET", f"/v2/payments/{theirs.json()['id']}", token=mine).status_code == 403
    assert len(shop.control("GET", "resurs/payments")) == 2
    assert [each["client_id"] for each in shop.control("GET", "resurs/accounts")] == [CLIENT, "second"]


def test_accounts__what_cannot_be_added(shop: ResursShop) -> None:
    for body in (
        {"client_id": CLIENT, "client_secret": "x"},
        {"client_id": "a"},
        {"client_id": "a", "client_secret": "x", "country": "DE"},
    ):
        assert shop.try_control("POST", "resurs/accounts", body).status_code == 400


def test_calls__are_logged_with_the_clients_fingerprint(shop: ResursShop) -> None:
    payment = shop.create()
    calls = shop.control("GET", "calls?provider=resurs")
    assert [call["operation"] for call in calls] == ["token", "create"]
    shown = shop.control("GET", f"resurs/payments/{payment['id']}")["simulator"]
    assert {call["key"] for call in calls} == {shown["key"]}
    assert CLIENT not in str(calls)
