"""Providers that move money in a wrong way, one each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django_payflow.exceptions import NotSent, ProviderError, Rejected, Uncertain
from django_payflow.messages import MoneyMove, MoveKind
from django_payflow.providers.golomt import GolomtProvider
from django_payflow.providers.mollie import MollieProvider
from django_payflow.providers.resurs import ResursProvider
from django_payflow.providers.stripe import StripeProvider
from django_payflow.providers.wooshpay import WooshPayProvider
from tests.contract.wrong.reports import Altered


def _done(request, word="succeeded"):
    return MoneyMove(id="made-up", amount=request.amount, status=word, our_reference=request.key)


# --- refunds


class SaysItRefunded(MollieProvider):
    def refund(self, checkout, request):
        return _done(request)


class RefundsTwice(MollieProvider):
    def refund(self, checkout, request):
        super().refund(checkout, replace(request, key=f"{request.key[:30]}x", amount=1))
        return super().refund(checkout, request)


class RefundsEverything(MollieProvider):
    def refund(self, checkout, request):
        return super().refund(checkout, replace(request, amount=checkout.amount))


class RefundsALittleLess(MollieProvider):
    def refund(self, checkout, request):
        return super().refund(checkout, replace(request, amount=max(1, request.amount - 1)))


class ForgetsItsMoves(MollieProvider):
    """Every call is a new one to it."""

    _calls = 0

    def _again(self, request):
        type(self)._calls += 1
        return replace(request, key=f"33333333-3333-4333-8333-{type(self)._calls:012d}")

    def refund(self, checkout, request):
        return super().refund(checkout, self._again(request))

    def capture(self, checkout, request):
        return super().capture(checkout, self._again(request))


class RepeatsRefunds(MollieProvider):
    """Repeats after a lost answer, under another key and without the same amount, which would be noticed."""

    def refund(self, checkout, request):
        try:
            return super().refund(checkout, request)
        except Uncertain:
            return super().refund(checkout, replace(request, key=f"{request.key[:30]}x", amount=request.amount // 2))


class TakesTroubleForNo(MollieProvider):
    def refund(self, checkout, request):
        try:
            return super().refund(checkout, request)
        except ProviderError as trouble:
            raise Rejected(str(trouble)) from None

    def capture(self, checkout, request):
        try:
            return super().capture(checkout, request)
        except ProviderError as trouble:
            raise Rejected(str(trouble)) from None


class TakesTroubleForDone(MollieProvider):
    def refund(self, checkout, request):
        try:
            return super().refund(checkout, request)
        except ProviderError:
            return _done(request)

    def capture(self, checkout, request):
        try:
            return super().capture(checkout, request)
        except ProviderError:
            return _done(request)

    def void(self, checkout, request):
        try:
            return super().void(checkout, request)
        except ProviderError:
            return _done(request)


class TakesNoForUnclear(MollieProvider):
    def refund(self, checkout, request):
        try:
            return super().refund(checkout, request)
        except Rejected as no:
            raise Uncertain(str(no)) from None

    def capture(self, checkout, request):
        try:
            return super().capture(checkout, request)
        except Rejected as no:
            raise Uncertain(str(no)) from None


class SendsTheCallsNumber(MollieProvider):
    _calls = 0

    def refund(self, checkout, request):
        type(self)._calls += 1
        return super().refund(checkout, replace(request, reason=f"call {type(self)._calls}"))


class BelongsToBoth(MollieProvider):
    """Uses one account's key for whatever it is asked."""

    def _first(self):
        mine = replace(self.options, api_key="test_" + "contract1" * 4)
        return MollieProvider(self.account, mine, self.http, self.cache)

    def refund(self, checkout, request):
        return self._first().refund(checkout, request)

    def capture(self, checkout, request):
        return self._first().capture(checkout, request)


class RefundsWithoutACall(GolomtProvider):
    def refund(self, checkout, request):
        self.probe_the_bank(checkout)
        return _done(request)

    def probe_the_bank(self, checkout):
        self.find(checkout)


class PromisesRefunds(GolomtProvider):
    supports_refund = True

    def refund(self, checkout, request):
        raise NotSent("no such thing")


class CapturesInItsMind(GolomtProvider):
    def capture(self, checkout, request):
        return _done(request)


class LosesThePaper(GolomtProvider):
    tells_disputes = True
    tells_refunds = True


class ReadsAnybodysRefund(WooshPayProvider):
    def retrieve_move(self, checkout, reference):
        part = self._one("/v1/refunds", reference.value, self.http.ends())
        return MoneyMove(id=part["id"], amount=part["amount"], status="succeeded")


# --- what reports say of them


class ShowsNoMoves(Altered):
    def said(self, checkout, report):
        return replace(report, refunds=(), disputes=(), captures=())


class ForgetsTheMarks(Altered):
    def said(self, checkout, report):
        return replace(report, refunds=tuple(replace(move, our_reference="") for move in report.refunds))


class ClaimsEveryRefund(Altered):
    def said(self, checkout, report):
        marks = [move.our_reference for move in report.refunds if move.our_reference]
        mark = marks[0] if marks else ""
        return replace(report, refunds=tuple(replace(move, our_reference=mark) for move in report.refunds))


class CountsPendingRefunds(Altered):
    def said(self, checkout, report):
        done = tuple(replace(move, status="succeeded") for move in report.refunds)
        return replace(report, refunds=done, refunded=sum(move.amount for move in done))


class SeesNoneOfIt(Altered):
    """Neither refunds nor disputes."""

    def said(self, checkout, report):
        return replace(report, refunded=0, charged_back=0, refunds=(), disputes=())


class TakesAPartForAll(Altered):
    def said(self, checkout, report):
        return replace(report, charged_back=report.captured if report.charged_back else 0)


class NeverLetsGo(Altered):
    """What was once authorized stays so."""

    def said(self, checkout, report):
        return replace(report, capturable=(report.requested or 0) - (report.captured or 0))


class LosesTheCapture(Altered):
    def said(self, checkout, report):
        return replace(report, captured=0, captures=())


class KnowsNoEnd(Altered):
    authorization_life = None

    def said(self, checkout, report):
        return replace(report, capture_before=None)


class EndsYesterday(Altered):
    def said(self, checkout, report):
        ends = report.capture_before
        return replace(report, capture_before=ends and ends - timedelta(days=365))


class AsksAboutNothing(StripeProvider):
    """An inquiry is no review to it."""

    def retrieve(self, checkout, reference):
        return replace(super().retrieve(checkout, reference), held=False)


class TakesInquiriesForLosses(StripeProvider):
    def retrieve(self, checkout, reference):
        report = super().retrieve(checkout, reference)
        return replace(report, charged_back=sum(move.amount for move in report.disputes))


class NeverGivesUp(StripeProvider):
    """A dispute stays open for ever."""

    def retrieve(self, checkout, reference):
        report = super().retrieve(checkout, reference)
        return replace(report, disputes=tuple(replace(move, status="open") for move in report.disputes))


# --- captures and voids


class SaysItCaptured(MollieProvider):
    def capture(self, checkout, request):
        return _done(request)


class CapturesEverything(MollieProvider):
    def capture(self, checkout, request):
        return super().capture(checkout, replace(request, amount=checkout.amount))


class CapturesOnce(ResursProvider):
    """Releases what is left after every capture."""

    def capture(self, checkout, request):
        return super().capture(checkout, replace(request, final=True))


class CapturesAgain(ResursProvider):
    """Knows its own marks no more."""

    _calls = 0

    def capture(self, checkout, request):
        type(self)._calls += 1
        return super().capture(checkout, replace(request, key=f"{request.key[:24]}{type(self)._calls:012d}"))


class LetsItBeCaptured(MollieProvider):
    def check_move(self, checkout, request):
        return None


class SaysItReleased(MollieProvider):
    def void(self, checkout, request):
        return _done(request)


class ReleasesByCapturing(MollieProvider):
    def void(self, checkout, request):
        return super().capture(checkout, replace(request, kind=MoveKind.CAPTURE))


class RefundsInsteadOfReleasing(MollieProvider):
    def void(self, checkout, request):
        try:
            return super().void(checkout, request)
        except ProviderError:
            return super().refund(checkout, replace(request, kind=MoveKind.REFUND))


class CannotRelease(MollieProvider):
    supports_void = False


# --- declarations


class PromisesTheMoon(GolomtProvider):
    """A part of nothing."""

    supports_partial_refund = True


class ShowsItsKeyWhenItMoves(MollieProvider):
    def refund(self, checkout, request):
        key = self.options.api_key
        try:
            return super().refund(checkout, request)
        except ProviderError:
            raise Rejected(f"refused with the key {key}") from None
