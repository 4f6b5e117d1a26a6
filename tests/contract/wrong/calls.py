"""Providers whose calls are wrong in one way each."""

from __future__ import annotations

import random
from dataclasses import replace

from django_payflow.exceptions import (
    NotSent,
    ObjectNotFound,
    ProviderError,
    Rejected,
    Uncertain,
)
from django_payflow.messages import Phase, Reference
from django_payflow.providers.golomt import GolomtProvider
from django_payflow.providers.mollie import MollieProvider


class MakesTwo(MollieProvider):
    def create(self, checkout):
        super().create(replace(checkout, key=f"{checkout.key[:30]}x"))
        return super().create(checkout)


class RepeatsWithAnotherKey(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except Uncertain:
            return super().create(replace(checkout, key=f"{checkout.key[:30]}x"))


class ForgetsTheKey(MollieProvider):
    def create(self, checkout):
        return super().create(replace(checkout, key=f"k{random.random()}"))


class SendsTheTime(MollieProvider):
    def create(self, checkout):
        return super().create(replace(checkout, description=f"{checkout.description} {random.random()}"))


class ThinksInCents(MollieProvider):
    def create(self, checkout):
        wrong = {"JPY": 100, "ISK": 100}.get(checkout.currency, 1)
        return super().create(replace(checkout, amount=checkout.amount // wrong))


class AsksForALittleMore(MollieProvider):
    def create(self, checkout):
        redirect = super().create(replace(checkout, amount=checkout.amount + 1))
        return replace(redirect, report=replace(redirect.report, requested=checkout.amount))


class SumsTheLines(MollieProvider):
    def create(self, checkout):
        total = sum(line.unit_price * line.quantity for line in checkout.lines) or checkout.amount
        return super().create(replace(checkout, amount=total))


class KnowsAsciiOnly(MollieProvider):
    def create(self, checkout):
        checkout.description.encode("ascii")
        return super().create(checkout)


class SendsAnyLocale(MollieProvider):
    def create(self, checkout):
        return super().create(replace(checkout, method=checkout.locale or None))


class ChecksNothing(MollieProvider):
    def check(self, checkout):
        return None


class AsksWhenItChecks(MollieProvider):
    def check(self, checkout):
        super().check(checkout)
        self.probe()


class LeadsElsewhere(MollieProvider):
    def create(self, checkout):
        return replace(super().create(checkout), url="https://evil.example/pay")


class LeadsNowhere(MollieProvider):
    def create(self, checkout):
        return replace(super().create(checkout), url=f"{self.options.base_url}/nowhere")


class TakesUnclearForNo(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except Uncertain as unclear:
            raise Rejected(str(unclear)) from None


class TakesNoForUnclear(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except Rejected as no:
            raise Uncertain(str(no)) from None


class TakesUnclearForNotSent(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except Uncertain as unclear:
            raise NotSent(str(unclear)) from None


class ForgetsThePause(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except NotSent as away:
            raise NotSent(str(away)) from None


class TurnedAwayIsNo(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except NotSent as away:
            raise Rejected(str(away)) from None


class IsEverybody(MollieProvider):
    def __init__(self, account, options, http, cache):
        super().__init__(account, replace(options, api_key="test_" + "everybody" * 4), http, cache)


class FindsNothing(MollieProvider):
    def find(self, checkout):
        return None


class FindsTheNewest(MollieProvider):
    def find(self, checkout):
        items = self.http.get("/v2/payments", auth=self._auth()).json()["_embedded"]["payments"]
        return self.retrieve(checkout, Reference(kind="payment", value=items[0]["id"])) if items else None


class FindsByTheOrder(MollieProvider):
    def find(self, checkout):
        items = self.http.get("/v2/payments", auth=self._auth()).json()["_embedded"]["payments"]
        ours = [item for item in items if (item["metadata"] or {}).get("order") == checkout.order_reference]
        return self.retrieve(checkout, Reference(kind="payment", value=ours[0]["id"])) if ours else None


class FindsWhatItOnceWas(MollieProvider):
    def find(self, checkout):
        found = super().find(checkout)
        return found and replace(found, phase=Phase.OPEN, captured=0)


class TakesAFailedSearchForNothing(MollieProvider):
    def find(self, checkout):
        try:
            return super().find(checkout)
        except ProviderError:
            return None


class MakesWhatItDoesNotFind(MollieProvider):
    def find(self, checkout):
        return super().find(checkout) or self.create(checkout).report


class SaysItCancelled(MollieProvider):
    def cancel(self, checkout, reference):
        return replace(self.retrieve(checkout, reference), phase=Phase.CANCELED, captured=0)


class CancelsAnything(MollieProvider):
    def cancel(self, checkout, reference):
        try:
            return super().cancel(checkout, reference)
        except ObjectNotFound:
            return None


class CancelsWithoutSayingSo(MollieProvider):
    supports_cancel = False


class PromisesToReserve(MollieProvider):
    supports_manual_capture = True


class CancelsTwice(MollieProvider):
    def cancel(self, checkout, reference):
        try:
            return super().cancel(checkout, reference)
        except Uncertain:
            return super().cancel(checkout, reference)


class TakesUnclearForCancelled(MollieProvider):
    def cancel(self, checkout, reference):
        try:
            return super().cancel(checkout, reference)
        except Uncertain:
            return replace(self.retrieve(checkout, reference), phase=Phase.CANCELED)


class WaitsForEver(MollieProvider):
    def __init__(self, account, options, http, cache):
        super().__init__(account, options, replace(http, deadline=60.0, read_timeout=60.0), cache)


class MakesUpThePage(GolomtProvider):
    def find(self, checkout):
        found = super().find(checkout)
        return found and replace(found, checkout_url=f"{self.options.base_url}/payment/en/{checkout.key}")
