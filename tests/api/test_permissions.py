"""Who may do what, and whose orders exist for him."""

from __future__ import annotations

import pytest
from django.urls import include, path

from django_payflow.api.urls import payflow_api
from django_payflow.api.views import PayflowOrderViewSet
from django_payflow.models import Move, get_order_model
from tests.api.kit import NEW_ORDER, Program, everything, order_permission, person
from tests.conftest import new_order

NEEDS = {
    ("GET", "/orders/"): order_permission("view"),
    ("POST", "/orders/"): order_permission("add"),
    ("GET", "/orders/{order}/"): order_permission("view"),
    ("POST", "/orders/{order}/payments/"): "payflow.add_payment",
    ("POST", "/orders/{order}/cancel/"): order_permission("change"),
    ("POST", "/orders/{order}/expire/"): order_permission("change"),
    ("POST", "/orders/{order}/complete/"): order_permission("change"),
    ("GET", "/payments/"): "payflow.view_payment",
    ("GET", "/payments/{payment}/"): "payflow.view_payment",
    ("POST", "/payments/{payment}/capture/"): "payflow.capture_payment",
    ("POST", "/payments/{payment}/void/"): "payflow.capture_payment",
    ("POST", "/payments/{payment}/refund/"): "payflow.refund_payment",
    ("POST", "/payments/{payment}/cancel/"): "payflow.change_payment",
    ("GET", "/moves/{move}/"): "payflow.view_payment",
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def send(program: Program, method: str, template: str):
    address = template.format(order="NOSUCHORDER", payment=UNKNOWN, move=UNKNOWN)
    return program.get(address) if method == "GET" else program.post(address, {})


@pytest.mark.attack(40)
@pytest.mark.django_db
@pytest.mark.parametrize(("method", "template"), NEEDS)
def test_permission__one_decides_and_all_others_do_not(method, template):
    needed = NEEDS[method, template]
    without = person("bob", [each for each in everything() if each != needed])
    only = person("eve", [needed])

    assert send(Program(without), method, template).short == (403, "permission_denied")
    assert send(Program(only), method, template).status in {200, 400, 404}
    assert send(Program(None), method, template).status == 401


@pytest.mark.django_db
def test_permission__every_address_of_the_api_is_in_the_table():
    described = Program(None).call("GET", "/schema/", Accept="application/vnd.oai.openapi+json").body["paths"]
    words = {"{reference}": "{order}"}
    found = {(method.upper(), address) for address, methods in described.items() for method in methods}
    kinds = {"/payments/": "{payment}", "/moves/": "{move}"}
    named = set()
    for method, address in found:
        for prefix, kind in kinds.items():
            address = address.replace("{id}", kind) if address.startswith(prefix) else address
        named.add((method, address.replace("{reference}", words["{reference}"])))
    assert named == set(NEEDS)


# -- a shop whose users see their own orders only


def mine(request):
    return get_order_model().objects.filter(email=request.user.email)


class OwnOrders(PayflowOrderViewSet):
    """The owner is whoever creates it."""

    def create_order(self, values):
        return super().create_order({**values, "email": self.request.user.email})


urlpatterns = [
    path("api/", include(payflow_api(orders_of=mine, orders=OwnOrders))),
    path("payflow/", include("django_payflow.urls")),
]


@pytest.fixture
def own_orders_only(settings):
    settings.ROOT_URLCONF = __name__


@pytest.mark.attack(39)
def test_scope__foreign_orders_payments_and_moves_do_not_exist(own_orders_only, pay, api, sim):
    payment = pay()
    move = api.post(f"/payments/{payment.key}/refund/", {"amount": 500}).body["id"]
    stranger = Program(person("mallory"))
    order = payment.order.reference
    shown = [f"/orders/{order}/", f"/payments/{payment.key}/", f"/moves/{move}/"]
    commands = [f"/orders/{order}/{verb}/" for verb in ("cancel", "expire", "complete")]
    commands += [f"/payments/{payment.key}/{verb}/" for verb in ("capture", "void", "refund", "cancel")]

    assert [api.get(each).status for each in shown] == [200] * 3
    assert [stranger.get(each).short for each in shown] == [(404, "not_found")] * 3
    assert {stranger.post(each).short for each in commands} == {(404, "not_found")}
    start = stranger.post(f"/orders/{order}/payments/", {"account": "mollie"})
    assert start.short == (404, "not_found")
    assert [stranger.get(each).body["results"] for each in ("/orders/", "/payments/")] == [[], []]
    assert Move.objects.count() == 1


def test_scope__a_new_order_is_its_creators(own_orders_only, api):
    made = api.post("/orders/", {**NEW_ORDER, "email": "somebody@example.com"}).body["reference"]
    other = new_order(email="somebody@example.com").reference

    assert [order["reference"] for order in api.get("/orders/").body["results"]] == [made]
    assert api.get(f"/orders/{other}/").status == 404


def test_scope__of_one_api_is_not_that_of_another(api, own_orders_only, settings):
    other = new_order(email="somebody@example.com").reference
    assert api.get(f"/orders/{other}/").status == 404
    settings.ROOT_URLCONF = "tests.urls"
    assert api.get(f"/orders/{other}/").status == 200


def test_session__without_a_csrf_token_changes_nothing(api):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(api.user)
    found = browser.post("/api/orders/", NEW_ORDER, content_type="application/json")
    assert (found.status_code, get_order_model().objects.count()) == (403, 0)
