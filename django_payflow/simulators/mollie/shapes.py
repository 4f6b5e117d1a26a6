"""Stored documents as the API shows them. What does not apply is left out; what may be null is null."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import urlencode

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie import methods
from django_payflow.simulators.mollie.amounts import amount, value_of
from django_payflow.simulators.mollie.answers import documentation, link
from django_payflow.simulators.mollie.movements import CAPTURES, CHARGEBACKS, REFUNDS, Movements

EMBEDDABLE = ("refunds", "chargebacks", "captures")


class Shapes:
    """``base`` is where the API is mounted, taken from the request: the links work wherever that is."""

    def __init__(self, movements: Movements, base: str) -> None:
        self._movements = movements
        self._base = base

    def payment(self, payment: Json, embed: Sequence[str] = (), page: str = "get-payment") -> Json:
        fields = payment["fields"]
        shape: Json = {"resource": "payment", "id": payment["id"]} | self._derived(payment) | fields
        if embed:
            shape["_embedded"] = {name: self._children(name, payment) for name in embed}
        shape["_links"] = self._payment_links(payment, page)
        return shape

    def _derived(self, payment: Json) -> Json:
        """Facts that follow from others; a stored field of the same name wins, so that tests can lie."""
        fields, movements = payment["fields"], self._movements
        derived: Json = {}
        if fields["status"] in ("open", "pending", "authorized"):
            derived["isCancelable"] = is_cancelable(fields)
        currency = fields["amount"]["currency"]
        captured = movements.captured(payment)
        if captured or fields["status"] == "authorized":
            derived["amountCaptured"] = amount(currency, captured)
        if movements.received(payment) and _refundable(fields):
            derived["amountRefunded"] = amount(currency, movements.refunded(payment))
            derived["amountRemaining"] = amount(currency, movements.remaining(payment))
        back = movements.charged_back(payment, reversed_too=True)
        if back:  # positive since 2021; that it stays after a reversal is a GUESS
            derived["amountChargedBack"] = amount(currency, back)
        return derived

    def _payment_links(self, payment: Json, page: str) -> Json:
        fields, root = payment["fields"], f"{self._base}/v2/payments/{payment['id']}"
        links = {"self": link(root), "dashboard": link(f"{self._base}/dashboard/{payment['id']}", "text/html")}
        if fields["status"] in ("open", "pending"):
            links["checkout"] = link(self.checkout_url(payment), "text/html")
        if fields["mode"] == "test" and fields["status"] == "paid":
            change = f"{self._base}/checkout/test-mode/change-state?token={payment['token']}"
            links["changePaymentState"] = link(change, "text/html")
        for name, kind in (("refunds", REFUNDS), ("chargebacks", CHARGEBACKS), ("captures", CAPTURES)):
            if self._movements.of(kind, payment):
                links[name] = link(f"{root}/{name}")
        links["documentation"] = documentation(page)
        return links

    def checkout_url(self, payment: Json) -> str:
        """The method list, or the page of the method that is set already."""
        method = payment["fields"]["method"]
        if method is None:
            return f"{self._base}/checkout/select-method/{payment['token']}"
        return f"{self._base}/checkout/test-mode?{urlencode({'method': method, 'token': payment['token']})}"

    def _children(self, name: str, payment: Json) -> list[Json]:
        movements = self._movements
        if name == "refunds":
            return [self.refund(each) for each in movements.of(REFUNDS, payment) if movements.visible(each)]
        if name == "chargebacks":
            return [self.chargeback(each) for each in movements.of(CHARGEBACKS, payment)]
        return [self.capture(each) for each in movements.of(CAPTURES, payment)]

    def capture(self, capture: Json) -> Json:
        return self._child("capture", "captures", capture, ("status", "description", "metadata"))

    def refund(self, refund: Json) -> Json:
        shape = self._child("refund", "refunds", refund, ("status", "description", "metadata"))
        shape["settlementAmount"] = _negative(refund["amount"])
        if refund["status"] in ("processing", "refunded"):
            shape["externalReference"] = {"type": "acquirer-reference", "id": f"ARN{refund['id'][3:14].upper()}"}
        return shape

    def chargeback(self, back: Json) -> Json:
        shape = self._child("chargeback", "chargebacks", back, ("reason", "reversedAt"))
        shape["settlementAmount"] = _negative(back["amount"])
        return shape

    def _child(self, resource: str, plural: str, document: Json, names: Sequence[str]) -> Json:
        payment = f"{self._base}/v2/payments/{document['payment']}"
        shape = {"resource": resource, "id": document["id"], "mode": document["mode"]}
        shape |= {"amount": document["amount"]} | {name: document[name] for name in names}
        shape |= {"paymentId": document["payment"], "createdAt": document["createdAt"]}
        shape["_links"] = {
            "self": link(f"{payment}/{plural}/{document['id']}"),
            "payment": link(payment),
            "documentation": documentation(f"get-{resource}"),
        }
        return shape


def is_cancelable(fields: Json) -> bool:
    """Bank transfers while open, direct debits while pending, and authorizations (the void of 2024)."""
    if "isCancelable" in fields:  # set through the control API
        return bool(fields["isCancelable"])
    status, method = fields["status"], fields["method"]
    return (status, method) in (("open", "banktransfer"), ("pending", "directdebit")) or status == "authorized"


def _refundable(fields: Json) -> bool:
    method = methods.known(fields["method"])
    return method is None or method.refundable


def _negative(stored: Json) -> Json:
    return amount(stored["currency"], -value_of(stored) or Decimal(0))
