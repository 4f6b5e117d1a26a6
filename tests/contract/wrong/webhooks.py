"""Providers that read webhooks wrongly."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from django_payflow.exceptions import (
    WebhookRefused,
)
from django_payflow.messages import Notice, Phase
from django_payflow.providers import stripe
from django_payflow.providers.golomt import GolomtProvider
from django_payflow.providers.mollie import MollieProvider
from django_payflow.providers.stripe import StripeProvider


class ReadsAnything(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [Notice(reference=body.decode("latin-1").partition("=")[2][:40] or "x")]


class BreaksOnStrangeHeaders(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        headers["content-type"].encode("ascii")
        return super().parse_webhook(headers, body, query, hint)


class AsksWhenItReads(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        notices = super().parse_webhook(headers, body, query, hint)
        self.probe()
        return notices


class ReadsNothing(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return []


class IgnoresAll(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [replace(notice, ignorable=True) for notice in super().parse_webhook(headers, body, query, hint)]


class SaysNoKind(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [replace(notice, kind="") for notice in super().parse_webhook(headers, body, query, hint)]


class BelievesItsHints(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [replace(n, event_id="evt_1") for n in super().parse_webhook(headers, body, query, hint)]


class NamesOnePayment(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [replace(n, reference="tr_one") for n in super().parse_webhook(headers, body, query, hint)]


class NeverTheSame(MollieProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [
            replace(n, kind=f"payment-{random.random()}") for n in super().parse_webhook(headers, body, query, hint)
        ]


class ChecksNoSignature(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [stripe._notice(stripe._read_event(body))]


class StoresAnything(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [Notice(reference="x", event_id=str(len(body)))]


class HasEndlessPatience(StripeProvider):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        object.__setattr__(self.options, "tolerance", 10**9)


class TakesEitherMode(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        try:
            return super().parse_webhook(headers, body, query, hint)
        except WebhookRefused as refused:
            if refused.reason != "mode":
                raise
            return [stripe._notice(stripe._read_event(body))]


class RingsNoAlarm(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        try:
            return super().parse_webhook(headers, body, query, hint)
        except WebhookRefused as refused:
            raise WebhookRefused(str(refused), status=refused.status, reason=refused.reason) from None


class RingsForAnybody(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        try:
            return super().parse_webhook(headers, body, query, hint)
        except WebhookRefused as refused:
            raise WebhookRefused(str(refused), status=refused.status, alarm=True) from None


class KeepsForgeriesToItself(GolomtProvider):
    def parse_webhook(self, headers, body, query, hint):
        try:
            return super().parse_webhook(headers, body, query, hint)
        except WebhookRefused as refused:
            raise WebhookRefused(str(refused), status=refused.status, reason=refused.reason) from None


class CountsAllEventsAsOne(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        return [replace(n, event_id="evt_1") for n in super().parse_webhook(headers, body, query, hint)]


class KnowsTheFirstSecret(StripeProvider):
    def __init__(self, account, options, http, cache):
        first = replace(options, signing_secrets=options.signing_secrets[:1])
        super().__init__(account, first, http, cache)


class QuotesItsSecret(StripeProvider):
    def parse_webhook(self, headers, body, query, hint):
        try:
            return super().parse_webhook(headers, body, query, hint)
        except WebhookRefused as refused:
            raise WebhookRefused(f"{refused}: {self.options.signing_secrets}") from None


class SeesNoReview(StripeProvider):
    def retrieve(self, checkout, reference):
        return replace(super().retrieve(checkout, reference), held=False)


class TakesADeclineForTheEnd(StripeProvider):
    def retrieve(self, checkout, reference):
        report = super().retrieve(checkout, reference)
        declined = "requires_payment_method" in report.raw_status
        return replace(report, phase=Phase.FAILED) if declined else report


class ForgetsManualCapture(StripeProvider):
    def create(self, checkout):
        return super().create(replace(checkout, capture=type(checkout.capture).AUTOMATIC))

    def retrieve(self, checkout, reference):
        report = super().retrieve(checkout, reference)
        return replace(report, captured=report.money, capturable=0)
