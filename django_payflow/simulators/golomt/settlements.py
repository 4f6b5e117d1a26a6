"""The settlement list, the only list there is and the only place where a reversal shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from django_payflow.simulators.golomt import validation
from django_payflow.simulators.golomt.answers import invalid, moment, not_found
from django_payflow.simulators.golomt.endings import PAID_CODE
from django_payflow.simulators.golomt.ledger import TRANSACTIONS, Ledger
from django_payflow.simulators.golomt.merchants import Merchant
from django_payflow.simulators.golomt.shapes import written_amount
from django_payflow.simulators.host import Json

#: Mongolia has no summer time. That terminal times are local is a GUESS.
_ULAANBAATAR = timezone(timedelta(hours=8))
_TERMINAL = "00000087"


class Settlements:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(self, merchant: Merchant, sent: Json, query: Mapping[str, str]) -> Json:
        """Days from ``start`` to ``end``, both included, by the moment of payment (GUESS: in local time)."""
        number, size = validation.whole(query, "page", 0, 10**6), validation.whole(query, "size", 50, 1000)
        start, end = validation.day(query, "start"), validation.day(query, "end")
        if not size or end < start:
            raise invalid("size must be at least 1" if not size else "end must not be before start")
        self._check(merchant, sent)
        wanted = self._tokens(merchant, sent["token"])
        found = [
            each
            for each in self._ledger.services.store.find(TRANSACTIONS, lambda each: _is_settled(each, merchant))
            if start <= _local(each).date() <= end and (wanted is None or _token(each) == wanted)
        ]
        pages = -(-len(found) // size)
        return {
            "content": [self._row(merchant, each) for each in found[number * size : (number + 1) * size]],
            "pageable": {
                "first": number == 0,
                "last": number >= pages - 1,
                "totalPages": pages,
                "totalElements": len(found),
            },
        }

    def _check(self, merchant: Merchant, sent: Json) -> None:
        if sent["merchantId"] != merchant.merchant_id:
            raise not_found(f"merchant {sent['merchantId']} is not found")

    def _tokens(self, merchant: Merchant, token: str) -> str | None:
        """GUESS: the page means a card's token, one client sends its bearer token; the latter shows all cards."""
        if token == merchant.bearer:
            return None
        if self._ledger.card_of(merchant, token) is None:
            raise not_found("token is not found")
        return token

    def _row(self, merchant: Merchant, transaction: Json) -> Json:
        fields, local = transaction["fields"], _local(transaction)
        position = self._ledger.services.store.keys(TRANSACTIONS).index(transaction["key"]) + 1
        back = transaction["reversed"]
        return {
            "id": position,
            "merchantId": merchant.merchant_id,
            "terminalId": _TERMINAL,
            "batchNumber": f"{local:%y%m%d}",
            "invoiceNumber": f"{position:06d}",
            "cardNumber": fields["cardNumber"],
            "token": _token(transaction),
            "amount": written_amount(fields["amount"], self._ledger.settings["amounts"]),
            "merchantInvoice": transaction["id"],  # GUESS: the page names the field and says nothing about it
            "respCode": "00",  # two zeros here, three everywhere else
            "respDesc": "Approved",
            "tranTime": f"{local:%H%M%S}",
            "tranDate": f"{local:%m%d}",
            "sysReference": f"{position:012d}",
            "approvalCode": f"{position:06d}",
            "freeText1": None,
            "freeText2": "CHECKED",
            "freeText3": None,
            "requestDate": moment(float(transaction["finished"])),
            "reversedDate": None if back is None else moment(float(back)),
            "checkedDate": moment(float(transaction["finished"])),
            "transferStatus": "NEW",
        }


def _is_settled(transaction: Json, merchant: Merchant) -> bool:
    """Paid, and with an amount, which bindings of cards have not."""
    fields = transaction["fields"]
    paid = fields["errorCode"] == PAID_CODE and transaction["finished"] is not None
    return bool(transaction["merchant"] == merchant.name and paid and fields["amount"] is not None)


def _token(transaction: Json) -> str | None:
    fields = transaction["fields"]
    token: str | None = fields.get("usedToken") or fields["token"]
    return token


def _local(transaction: Json) -> datetime:
    return datetime.fromtimestamp(float(transaction["finished"]), UTC).astimezone(_ULAANBAATAR)
