"""What each call does, once it is known who asks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import NamedTuple

from django_payflow.simulators.golomt import shapes, validation
from django_payflow.simulators.golomt.answers import ApiError, invalid, not_found
from django_payflow.simulators.golomt.checksums import seal
from django_payflow.simulators.golomt.endings import ENDINGS
from django_payflow.simulators.golomt.ledger import Card, Ledger
from django_payflow.simulators.golomt.merchants import Merchant
from django_payflow.simulators.golomt.settlements import Settlements
from django_payflow.simulators.host import Json


class Asked(NamedTuple):
    """One call: who, and what was sent in the body and the query."""

    merchant: Merchant
    sent: Json
    query: Mapping[str, str]


class Operations:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settings = ledger.settings
        self._settlements = Settlements(ledger)

    def routes(self) -> Mapping[str, tuple[str, Callable[[Asked], Json]]]:
        """Path -> operation and what it does. All are POST."""
        return {
            "/api/invoice": ("invoice", self.invoice),
            "/api/merchant/invoice": ("invoice", self.invoice),  # in the prose of the page only
            "/api/inquiry": ("inquiry", self.inquiry),
            "/api/pay": ("pay", self.pay),
            "/api/check": ("check", self.check),
            "/api/confirmation": ("confirmation", self.confirmation),
            "/api/get/token": ("get_token", self.get_token),
            "/api/getSettlementDetails": ("settlements", self.settlements),
            "/api/getSettlementDetails/details": ("settlements", self.settlements),  # one client asks there
        }

    # -- shared -----------------------------------------------------------------------------------------

    def _sealed(self, asked: Asked, operation: str, body: Json) -> Json:
        spoilt = self._settings["spoilt_answers"].get(operation)
        return seal(asked.merchant.secret, operation, body, (spoilt,) if spoilt else ())

    def _new_id(self, asked: Asked, operation: str) -> str:
        """Unique per merchant for ever, also after the page has expired. The wording of the refusal is a GUESS."""
        wanted = validation.transaction_id(asked.sent, self._settings["transaction_ids"])
        validation.checksum(asked.sent, operation, asked.merchant.secret)
        if self._ledger.of(asked.merchant, wanted) is not None:
            raise invalid(f"transactionId {wanted} is already used")
        return wanted

    def _known(self, asked: Asked, operation: str, *kinds: str) -> Json:
        wanted = validation.text(asked.sent, "transactionId")
        validation.checksum(asked.sent, operation, asked.merchant.secret)
        found = self._ledger.of(asked.merchant, wanted)
        if found is None or found["kind"] not in kinds:
            raise not_found(f"transaction {wanted} is not found")
        self._ledger.spoil_amount(found, operation)
        return found

    def _check_tokens_enabled(self) -> None:
        if not self._settings["tokens_enabled"]:
            raise ApiError(403, "token is not enabled for this merchant", "Forbidden")

    # -- invoices ---------------------------------------------------------------------------------------

    def invoice(self, asked: Asked) -> Json:
        sent = asked.sent
        fields = {
            "amount": validation.amount(sent),
            "returnType": validation.return_type(sent),
            "callback": validation.callback(sent),
            "genToken": validation.yes_or_no(sent, "genToken"),
            "socialDeeplink": validation.yes_or_no(sent, "socialDeeplink"),
        }
        transaction = self._ledger.open(asked.merchant, "invoice", self._new_id(asked, "invoice"), fields)
        body = self._sealed(asked, "invoice", shapes.opened(transaction))
        if fields["socialDeeplink"] == "Y":
            key = base64.b64encode(transaction["invoice"].encode()).decode()
            body["socialDeeplink"] = f"socialpay-payment://key={key}"
        return body

    def inquiry(self, asked: Asked) -> Json:
        transaction = self._known(asked, "inquiry", "invoice", "token")
        return self._sealed(asked, "inquiry", shapes.inquiry(transaction, self._settings["amounts"]))

    # -- tokens -----------------------------------------------------------------------------------------

    def pay(self, asked: Asked) -> Json:
        """Done at once; a decline is an answer like any other. GUESS: an unknown token is a 400."""
        sent = asked.sent
        amount, language = validation.amount(sent), validation.language(sent)
        transaction_id = self._new_id(asked, "pay")
        self._check_tokens_enabled()
        card = self._ledger.card_of(asked.merchant, sent["token"])
        if card is None:
            raise not_found("token is not found")
        fields = {"amount": amount, "usedToken": sent["token"]}
        transaction = self._ledger.open(asked.merchant, "token", transaction_id, fields)
        ending = ENDINGS[self._settings["token_outcome"]]
        used = Card(number=card["number"], holder=card["holder"])
        self._ledger.finish(transaction, ending, card=used, language=language)
        return self._sealed(asked, "pay", shapes.pay(transaction, self._settings["amounts"]))

    def check(self, asked: Asked) -> Json:
        """GUESS: only payments by token are found here; an inquiry finds them too."""
        transaction = self._known(asked, "check", "token")
        return self._sealed(asked, "check", shapes.check(transaction, self._settings["amounts"]))

    def confirmation(self, asked: Asked) -> Json:
        sent = asked.sent
        fields = {"returnType": validation.return_type(sent), "callback": validation.callback(sent), "genToken": "Y"}
        transaction_id = self._new_id(asked, "confirmation")
        self._check_tokens_enabled()
        transaction = self._ledger.open(asked.merchant, "binding", transaction_id, fields)
        return self._sealed(asked, "confirmation", shapes.opened(transaction))

    def get_token(self, asked: Asked) -> Json:
        transaction = self._known(asked, "get_token", "binding")
        return self._sealed(asked, "get_token", shapes.get_token(transaction))

    def settlements(self, asked: Asked) -> Json:
        validation.checksum(asked.sent, "settlements", asked.merchant.secret)
        return self._settlements.page(asked.merchant, asked.sent, asked.query)
