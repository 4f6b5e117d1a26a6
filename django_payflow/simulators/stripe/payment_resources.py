"""PaymentIntents, charges, refunds and disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe.answers import ApiError, missing, refused
from django_payflow.simulators.stripe.api import Asked, Route
from django_payflow.simulators.stripe.books import CHARGES, DISPUTES, INTENTS, REFUNDS, REVIEWS, Account, Books
from django_payflow.simulators.stripe.disputes import Disputes
from django_payflow.simulators.stripe.expansion import list_of
from django_payflow.simulators.stripe.money import CANCEL_REASONS, Money
from django_payflow.simulators.stripe.paging import CREATED, PAGING, created_fits, found_page, page, search
from django_payflow.simulators.stripe.reading import (
    Spec,
    anything,
    boolean,
    integer,
    merged,
    metadata,
    one_of,
    required,
    text,
)
from django_payflow.simulators.stripe.refunds import REASONS, Refunds

_URLS: Mapping[str, str] = {
    INTENTS: "/v1/payment_intents",
    CHARGES: "/v1/charges",
    REFUNDS: "/v1/refunds",
    DISPUTES: "/v1/disputes",
}
_LIST: Spec = {**PAGING, **CREATED, "customer": text(), "customer_account": text()}
_LIST_OF_CHARGES: Spec = {**_LIST, "payment_intent": text(), "transfer_group": text()}
_LIST_BY_CHARGE: Spec = {**PAGING, **CREATED, "payment_intent": text(), "charge": text()}
_SEARCH: Spec = {"query": text(), "limit": integer(1, 100), "page": text()}
_CAPTURE: Spec = {
    **dict.fromkeys(("amount_details", "hooks", "payment_details", "transfer_data"), anything),
    "amount_to_capture": integer(1),
    "application_fee_amount": integer(0),
    "final_capture": boolean,
    "metadata": metadata,
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
}
_REFUND: Spec = {
    "amount": integer(1),
    "charge": text(),
    "payment_intent": text(),
    "reason": one_of(*REASONS),
    "metadata": metadata,
    "instructions_email": text(),
    **dict.fromkeys(("currency", "customer", "origin", "refund_application_fee", "reverse_transfer"), anything),
}
_EVIDENCE: Spec = {
    "evidence": anything,
    "submit": boolean,
    "metadata": metadata,
    "intended_submission_method": text(),
}
_FILTERS = ("payment_intent", "charge", "customer", "transfer_group")


class PaymentResources:
    def __init__(self, books: Books, money: Money, refunds: Refunds, disputes: Disputes) -> None:
        self._books = books
        self._money = money
        self._refunds = refunds
        self._disputes = disputes

    def routes(self) -> Sequence[Route]:
        return (*self._intent_routes(), *self._charge_routes(), *self._refund_routes(), *self._dispute_routes())

    # -- all four ---------------------------------------------------------------------------------------

    def _get(self, kind: str, asked: Asked) -> Json:
        return dict(self._books.need(kind, asked.id, asked.account)["body"])

    def _list(self, kind: str, asked: Asked) -> Json:
        def fits(document: Json) -> bool:
            if document["account"] != asked.account.id or not created_fits(document, asked.sent.get("created")):
                return False
            body = document["body"]
            return all(body.get(name) == asked.sent[name] for name in _FILTERS if name in asked.sent)

        found = [document["body"] for document in reversed(self._books.all(kind, fits))]
        return page(found, asked.sent, _URLS[kind])

    def _update(self, kind: str, asked: Asked) -> Json:
        document = self._books.need(kind, asked.id, asked.account)
        if "metadata" in asked.sent:
            document["body"]["metadata"] = merged(document["body"]["metadata"], asked.sent["metadata"])
            self._books.save(kind, document)
        return dict(document["body"])

    def _search(self, kind: str, asked: Asked) -> Json:
        """Objects younger than the lag are not found yet."""
        query = search(required(asked.sent, "query"))
        known_until = self._books.services.clock.timestamp() - self._books.settings["search_lag"]

        def fits(document: Json) -> bool:
            mine = document["account"] == asked.account.id and document["created"] <= known_until
            return bool(mine and query(document["body"]))

        found = [document["body"] for document in reversed(self._books.all(kind, fits))]
        return found_page(found, asked.sent, f"{_URLS[kind]}/search")

    # -- PaymentIntents ---------------------------------------------------------------------------------

    def _intent_routes(self) -> Sequence[Route]:
        intents, one = _URLS[INTENTS], f"{_URLS[INTENTS]}/<object_id>"
        return (
            Route("GET", intents, "intents", lambda asked: self._list(INTENTS, asked), _LIST),
            Route("GET", f"{intents}/search", "search", lambda asked: self._search(INTENTS, asked), _SEARCH),
            Route("GET", one, "get_intent", lambda asked: self._get(INTENTS, asked), {"client_secret": text()}),
            Route("POST", one, "update_intent", lambda asked: self._update(INTENTS, asked), {"metadata": metadata}),
            Route("POST", f"{one}/capture", "capture", self.capture, _CAPTURE),
            Route("POST", f"{one}/cancel", "void", self.void, {"cancellation_reason": one_of(*CANCEL_REASONS)}),
        )

    def capture(self, asked: Asked) -> Json:
        intent = self._books.need(INTENTS, asked.id, asked.account)
        if "metadata" in asked.sent:
            intent["body"]["metadata"] = merged(intent["body"]["metadata"], asked.sent["metadata"])
        final = asked.sent.get("final_capture", True)
        self._money.capture(intent, asked.sent.get("amount_to_capture"), final)
        return dict(intent["body"])

    def void(self, asked: Asked) -> Json:
        intent = self._books.need(INTENTS, asked.id, asked.account)
        self._money.void(intent, asked.sent.get("cancellation_reason"))
        return dict(intent["body"])

    # -- charges and reviews ----------------------------------------------------------------------------

    def _charge_routes(self) -> Sequence[Route]:
        charges, one = _URLS[CHARGES], f"{_URLS[CHARGES]}/<object_id>"
        return (
            Route("GET", charges, "charges", lambda asked: self._list(CHARGES, asked), _LIST_OF_CHARGES),
            Route("GET", f"{charges}/search", "search", lambda asked: self._search(CHARGES, asked), _SEARCH),
            Route("GET", one, "get_charge", lambda asked: self._get(CHARGES, asked)),
            Route("POST", one, "update_charge", lambda asked: self._update(CHARGES, asked), {"metadata": metadata}),
            Route("GET", f"{one}/refunds", "refunds", self.refunds_of_charge, PAGING),
            Route("GET", "/v1/reviews", "reviews", self.reviews, {**PAGING, **CREATED}),
            Route("GET", "/v1/reviews/<object_id>", "reviews", lambda asked: self._get(REVIEWS, asked)),
        )

    def refunds_of_charge(self, asked: Asked) -> Json:
        charge = self._books.need(CHARGES, asked.id, asked.account)
        found = [refund["body"] for refund in reversed(self._books.of_charge(REFUNDS, charge))]
        return page(found, asked.sent, f"/v1/charges/{asked.id}/refunds")

    def reviews(self, asked: Asked) -> Json:
        """Those that are open."""
        mine = self._books.all(REVIEWS, lambda each: each["account"] == asked.account.id and each["body"]["open"])
        fitting = [each["body"] for each in reversed(mine) if created_fits(each, asked.sent.get("created"))]
        return page(fitting, asked.sent, "/v1/reviews") if fitting else list_of([], "/v1/reviews")

    # -- refunds ----------------------------------------------------------------------------------------

    def _refund_routes(self) -> Sequence[Route]:
        refunds, one = _URLS[REFUNDS], f"{_URLS[REFUNDS]}/<object_id>"
        return (
            Route("POST", refunds, "refund", self.refund, _REFUND),
            Route("GET", refunds, "refunds", lambda asked: self._list(REFUNDS, asked), _LIST_BY_CHARGE),
            Route("GET", one, "get_refund", lambda asked: self._get(REFUNDS, asked)),
            Route("POST", one, "update_refund", lambda asked: self._update(REFUNDS, asked), {"metadata": metadata}),
            Route("POST", f"{one}/cancel", "cancel_refund", self.cancel_refund),
        )

    def refund(self, asked: Asked) -> Json:
        sent = asked.sent
        charge = self._charge_to_refund(sent, asked.account)
        refund = self._refunds.refund(
            charge, sent.get("amount"), reason=sent.get("reason"), data=merged({}, sent.get("metadata", {}))
        )
        return dict(refund["body"])

    def _charge_to_refund(self, sent: Json, account: Account) -> Json | None:
        """None for a PaymentIntent that no charge of succeeded. An unknown charge is a 404 that names ``id``."""
        if "charge" in sent:
            charge = self._books.need(CHARGES, sent["charge"], account)
            if sent.get("payment_intent", charge["body"]["payment_intent"]) != charge["body"]["payment_intent"]:
                raise ApiError(400, "The charge does not belong to the PaymentIntent.", param="charge")
            return charge
        if "payment_intent" not in sent:
            raise refused(
                "One of the following params should be provided for this request: payment_intent or charge."
            )
        intent = self._books.find(INTENTS, sent["payment_intent"], account)
        if intent is None:
            raise missing("payment_intent", sent["payment_intent"], "payment_intent")
        return self._books.charge_of(intent)

    def cancel_refund(self, asked: Asked) -> Json:
        refund = self._books.need(REFUNDS, asked.id, asked.account)
        self._refunds.cancel(refund)
        return dict(refund["body"])

    # -- disputes ---------------------------------------------------------------------------------------

    def _dispute_routes(self) -> Sequence[Route]:
        disputes, one = _URLS[DISPUTES], f"{_URLS[DISPUTES]}/<object_id>"
        return (
            Route("GET", disputes, "disputes", lambda asked: self._list(DISPUTES, asked), _LIST_BY_CHARGE),
            Route("GET", one, "get_dispute", lambda asked: self._get(DISPUTES, asked)),
            Route("POST", one, "update_dispute", self.update_dispute, _EVIDENCE),
            Route("POST", f"{one}/close", "close_dispute", self.close_dispute),
        )

    def update_dispute(self, asked: Asked) -> Json:
        self._update(DISPUTES, asked)
        dispute = self._books.need(DISPUTES, asked.id, asked.account)
        evidence = asked.sent.get("evidence", {})
        if not isinstance(evidence, dict):
            raise ApiError(400, "Invalid object", param="evidence")
        if evidence:
            self._disputes.answer(dispute, evidence, asked.sent.get("submit", True))
        return dict(dispute["body"])

    def close_dispute(self, asked: Asked) -> Json:
        dispute = self._books.need(DISPUTES, asked.id, asked.account)
        self._disputes.close(dispute)
        return dict(dispute["body"])
