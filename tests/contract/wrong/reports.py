"""Providers whose reports are wrong in one way each."""

from __future__ import annotations

import random
from dataclasses import replace

from django_payflow.exceptions import (
    ObjectNotFound,
    ProviderError,
    Uncertain,
    UnknownStatus,
)
from django_payflow.messages import Checkout, Phase, Redirect, Reference, Report
from django_payflow.providers.mollie import MollieProvider, read_payment


class Altered(MollieProvider):
    """``said`` is what it makes of each report."""

    def said(self, checkout: Checkout, report: Report) -> Report:
        return report

    def create(self, checkout: Checkout) -> Redirect:
        redirect = super().create(checkout)
        return replace(redirect, report=self.said(checkout, redirect.report))

    def retrieve(self, checkout: Checkout, reference: Reference) -> Report:
        return self.said(checkout, super().retrieve(checkout, reference))


class AlwaysPaid(Altered):
    def said(self, checkout, report):
        return replace(report, captured=report.requested)


class NeverPaid(Altered):
    def said(self, checkout, report):
        return replace(report, captured=0)


class BelievesTheRequest(Altered):
    def said(self, checkout, report):
        return replace(report, requested=checkout.amount, captured=checkout.amount if report.captured else 0)


class BelievesTheCurrency(Altered):
    def said(self, checkout, report):
        return replace(report, currency=checkout.currency)


class SeesNoMark(Altered):
    def said(self, checkout, report):
        return replace(report, our_reference="")


class WritesTheMarkItself(Altered):
    def said(self, checkout, report):
        return replace(report, our_reference=checkout.key)


class KnowsTheMode(Altered):
    def said(self, checkout, report):
        return replace(report, live=False)


class SeesNoRefund(Altered):
    def said(self, checkout, report):
        return replace(report, refunded=0)


class CapturesNet(Altered):
    def said(self, checkout, report):
        return replace(report, captured=(report.captured or 0) - (report.refunded or 0) - (report.charged_back or 0))


class SeesNoChargeback(Altered):
    def said(self, checkout, report):
        return replace(report, charged_back=0)


class KeepsChargebacks(Altered):
    def said(self, checkout, report):
        return replace(report, charged_back=sum(dispute.amount for dispute in report.disputes))


class TakesReservedForCaptured(Altered):
    def said(self, checkout, report):
        return replace(report, captured=report.money, capturable=0)


class CallsEveryDeathExpiry(Altered):
    def said(self, checkout, report):
        dead = report.phase in {Phase.FAILED, Phase.CANCELED}
        return replace(report, phase=Phase.EXPIRED if dead else report.phase)


class KeepsExpiredOpen(Altered):
    def said(self, checkout, report):
        return replace(report, phase=Phase.OPEN if report.phase is Phase.EXPIRED else report.phase)


class TakesProcessingForOpen(Altered):
    def said(self, checkout, report):
        return replace(report, phase=Phase.OPEN if not report.money else report.phase)


class OffersThePageForEver(Altered):
    def said(self, checkout, report):
        return replace(report, checkout_url=f"{self.options.base_url}/checkout/x")


class LosesItsOwnReference(Altered):
    def said(self, checkout, report):
        return replace(report, references=(Reference(kind="payment", value="tr_other"),))


class IsNeverTheSame(Altered):
    def said(self, checkout, report):
        return replace(report, method=str(random.random()))


class MakesUpWords(Altered):
    def said(self, checkout, report):
        return replace(report, raw_status="fine")


class ForgetsTheTimeZone(Altered):
    def said(self, checkout, report):
        return replace(report, expires_at=report.expires_at and report.expires_at.replace(tzinfo=None))


class GuessesWords(MollieProvider):
    def retrieve(self, checkout, reference):
        try:
            return super().retrieve(checkout, reference)
        except UnknownStatus:
            return Report(
                phase=Phase.PROCESSING,
                currency=checkout.currency,
                references=(reference,),
                live=False,
                raw_status="?",
                requested=checkout.amount,
                captured=0,
                capturable=0,
            )


class TakesMissingForUnclear(MollieProvider):
    def retrieve(self, checkout, reference):
        try:
            return super().retrieve(checkout, reference)
        except ObjectNotFound as missing:
            raise Uncertain(str(missing)) from None


class TakesTroubleForMissing(MollieProvider):
    def retrieve(self, checkout, reference):
        try:
            return super().retrieve(checkout, reference)
        except ProviderError as trouble:
            raise ObjectNotFound(str(trouble)) from None


class TakesTroubleForTheEnd(MollieProvider):
    def retrieve(self, checkout, reference):
        try:
            return super().retrieve(checkout, reference)
        except ProviderError:
            return Report(
                phase=Phase.FAILED,
                currency=checkout.currency,
                references=(reference,),
                live=False,
                raw_status="failed",
                captured=0,
                capturable=0,
            )


class AsksOnceAndGuesses(MollieProvider):
    def retrieve(self, checkout, reference):
        try:
            return read_payment(self.http.send("GET", f"/v2/payments/{reference.value}", auth=self._auth()).json())
        except ProviderError:
            return self.create(checkout).report


class BreaksOnStrangeIds(MollieProvider):
    def retrieve(self, checkout, reference):
        return super().retrieve(checkout, Reference(kind="payment", value=reference.value.split("_")[1]))


class MakesWhenItReads(MollieProvider):
    def retrieve(self, checkout, reference):
        super().create(replace(checkout, key=f"read-{random.random()}"))
        return super().retrieve(checkout, reference)
