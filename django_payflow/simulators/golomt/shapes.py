"""Answers and pushes about a transaction, field by field in the order of the bank's samples, checksum still empty."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django_payflow.simulators.host import Json

#: three digits that name the card's bank; the bank's own list could not be had
_BANK_CODE = "015"


def written_amount(amount: str | None, style: str) -> str | None:
    """The bank's samples have 1 as well as 1.00, so a shop must not count on either."""
    if amount is None or style == "as_sent":
        return amount
    try:
        number = Decimal(amount)
        return f"{number:.2f}" if style == "two_decimals" else f"{number.normalize():f}"
    except (InvalidOperation, ValueError):  # overwritten by a test
        return amount


def wire_status(fields: Json) -> str:
    """SENT means that payment data were sent, declined as well as paid; PENDING that the bank waits for them."""
    if fields["wireStatus"] is not None:
        return str(fields["wireStatus"])
    return "PENDING" if fields["errorCode"] is None else "SENT"


def inquiry(transaction: Json, amount_style: str) -> Json:
    """Unpaid: everything is null. Finished: the token is there when one was made, else there is no such field."""
    fields = transaction["fields"]
    body = {
        "status": wire_status(fields),
        "amount": written_amount(fields["amount"], amount_style),
        "bank": fields["bank"],
        "errorDesc": fields["errorDesc"],
        "checksum": "",
        "errorCode": fields["errorCode"],
        "cardHolder": fields["cardHolder"],
        "transactionId": transaction["id"],
        "cardNumber": fields["cardNumber"],
    }
    if fields["errorCode"] is None or (fields["token"] is not None and transaction["kind"] != "token"):
        body["token"] = fields["token"]
    return body


def push(transaction: Json, amount_style: str) -> Json:
    """As an inquiry without the status, and with a number where the inquiry has the card holder's name."""
    body = inquiry(transaction, amount_style)
    del body["status"]
    number = body["cardNumber"]
    body["cardHolder"] = None if number is None else f"{number[:6]}0"
    return body


def check(transaction: Json, amount_style: str) -> Json:
    """A payment by token. The token is there after a failure too."""
    fields = transaction["fields"]
    return {
        "amount": written_amount(fields["amount"], amount_style),
        "errorDesc": fields["errorDesc"],
        "checksum": "",
        "errorCode": fields["errorCode"],
        "transactionId": transaction["id"],
        "cardNumber": fields["cardNumber"],
        "token": fields["usedToken"],
    }


def pay(transaction: Json, amount_style: str) -> Json:
    fields = transaction["fields"]
    return {
        "amount": written_amount(fields["amount"], amount_style),
        "errorDesc": fields["errorDesc"],
        "checksum": "",
        "errorCode": fields["errorCode"],
        "cardNumber": fields["cardNumber"],
        "transactionId": transaction["id"],
    }


def get_token(transaction: Json) -> Json:
    """The result of binding a card."""
    fields = transaction["fields"]
    return {
        "bankCode": None if fields["bank"] is None else _BANK_CODE,
        "bank": fields["bank"],
        "errorDesc": fields["errorDesc"],
        "errorCode": fields["errorCode"],
        "cardHolder": fields["cardHolder"],
        "transactionId": transaction["id"],
        "cardNumber": fields["cardNumber"],
        "token": fields["token"],
        "checksum": "",
    }


def opened(transaction: Json) -> Json:
    return {"checksum": "", "transactionId": transaction["id"], "invoice": transaction["invoice"]}
