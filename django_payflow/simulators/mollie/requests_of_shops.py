"""From a request body to the fields of a payment: the rules that look at several parameters at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django_payflow.simulators.host import Json
from django_payflow.simulators.mollie import methods, validation
from django_payflow.simulators.mollie.amounts import amount, read_amount
from django_payflow.simulators.mollie.answers import ApiError


def read_create(sent: Json, *, disabled: Sequence[str], strict_webhook: bool, today: date) -> tuple[Json, list[str]]:
    """The fields of the new payment as they are stored and answered, and the methods offered to the shopper."""
    validation.refuse_unknown(sent, validation.CREATE)
    for name in ("amount", "description"):
        if sent.get(name) is None:
            raise ApiError(422, "The field is missing.", name)
    fields: Json = {name: check(sent[name]) for name, check in validation.SIMPLE.items() if name in sent}
    fields["sequenceType"] = fields.get("sequenceType") or "oneoff"
    _check_sequence(sent, fields)
    number = read_amount(sent["amount"])
    currency = sent["amount"]["currency"]
    fields["amount"] = amount(currency, number)
    offered = validation.method_names(sent.get("method"), disabled)
    _check_limits(number, currency, offered, disabled, fields["sequenceType"])
    _check_capture(fields, offered)
    fields["webhookUrl"] = validation.webhook_url(sent.get("webhookUrl"), strict_webhook)
    _check_lines(sent, fields, currency, number, offered)
    if "dueDate" in sent:
        fields["dueDate"] = read_due_date(sent["dueDate"], offered, today)
    return {name: value for name, value in fields.items() if value is not None or name == "metadata"}, offered


def _check_sequence(sent: Json, fields: Json) -> None:
    """There are no customers here, so nobody has a mandate, and every customer id is unknown."""
    if fields["sequenceType"] == "recurring" or sent.get("mandateId") is not None:
        raise ApiError(422, "The customer has no mandate that could be charged.", "customerId")
    if sent.get("customerId") is not None:
        raise ApiError(422, "There is no such customer.", "customerId")
    if fields.get("redirectUrl") is None:
        raise ApiError(422, "The field is missing.", "redirectUrl")


def _check_limits(number: Decimal, currency: str, offered: list[str], disabled: Sequence[str], sequence: str) -> None:
    """With several methods the widest limits count; the hosted page then shows only those that fit."""
    candidates = [methods.METHODS[name] for name in offered] or methods.active(disabled)
    usable = [method for method in candidates if currency in method.currencies]
    if not usable:
        raise ApiError(422, "None of the payment methods takes this currency.", "method")  # field is a GUESS
    if number == 0:
        if sequence != "first" or not any(methods.takes_zero(method) for method in usable):
            raise ApiError(422, "The amount is lower than the minimum.", "amount")
        return
    if number < min(Decimal(method.minimum) for method in usable):
        raise ApiError(422, "The amount is lower than the minimum.", "amount")
    if number > max(Decimal(method.maximum) for method in usable):
        raise ApiError(422, "The amount is higher than the maximum.", "amount")


def _check_capture(fields: Json, offered: list[str]) -> None:
    if offered == ["riverty"] and fields.get("captureMode") != "manual":
        raise ApiError(422, "Riverty payments are captured by hand only.", "captureMode")
    if fields.get("captureDelay") is not None and fields.get("captureMode") == "manual":
        raise ApiError(422, "A delay goes with automatic capture only.", "captureDelay")


def _check_lines(sent: Json, fields: Json, currency: str, number: Decimal, offered: list[str]) -> None:
    lines = validation.lines(sent.get("lines"), currency, number)
    if lines is not None:
        fields["lines"] = lines
    if len(offered) != 1 or not methods.METHODS[offered[0]].needs_lines:
        return
    for name in ("lines", "billingAddress"):
        if fields.get(name) is None:
            raise ApiError(422, f"{offered[0]} payments need this.", name)
    if offered[0] != "voucher":
        validation.address_for(offered[0], fields["billingAddress"])


def read_due_date(value: object, offered: list[str], today: date) -> str | None:
    if value is not None and offered != ["banktransfer"]:
        raise ApiError(422, "Only bank transfers have a due date.", "dueDate")
    return validation.due_date(value, today)


def read_update(
    sent: Json, *, final: bool, offered: list[str], disabled: Sequence[str], strict_webhook: bool, today: date
) -> tuple[Json, list[str] | None]:
    """The fields that change, and the methods offered if those change."""
    validation.refuse_unknown(sent, validation.UPDATE)
    if final and "redirectUrl" in sent:
        raise ApiError(422, "A finished payment leads nowhere any more.", "redirectUrl")
    changed: Json = {name: check(sent[name]) for name, check in validation.SIMPLE.items() if name in sent}
    if "webhookUrl" in sent:
        changed["webhookUrl"] = validation.webhook_url(sent["webhookUrl"], strict_webhook)
    now_offered = None
    if "method" in sent:
        if final:
            raise ApiError(422, "A finished payment keeps its method.", "method")  # GUESS
        now_offered = validation.method_names(sent["method"], disabled)
    if "dueDate" in sent:
        changed["dueDate"] = read_due_date(sent["dueDate"], now_offered or offered, today)
    return changed, now_offered
