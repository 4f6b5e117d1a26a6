"""Providers that declare wrong things, or show what nobody should see."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from django_payflow.exceptions import (
    ProviderError,
)
from django_payflow.providers.base import PollSchedule
from django_payflow.providers.mollie import MollieOptions, MollieProvider


class KnowsEveryOption(MollieProvider):
    @classmethod
    def read_options(cls, raw):
        return super().read_options({name: raw[name] for name in ("api_key", "base_url") if name in raw})


class NamesNoSource(MollieProvider):
    status_source = ""


class HasNoSecrets(MollieProvider):
    secret_fields = ()


@dataclass(frozen=True, kw_only=True)
class OpenOptions(MollieOptions):
    api_key: str


@dataclass(frozen=True, kw_only=True)
class EasyOptions(MollieOptions):
    api_key: str = field(default="test_" + "e" * 30, repr=False)


class NeedsNoKey(MollieProvider):
    options_class = EasyOptions


class IsLive(MollieProvider):
    live = True


class KeepsKeysForEver(MollieProvider):
    key_life = timedelta(days=400)


class LogsWhatTheProviderSays(MollieProvider):
    def create(self, checkout):
        try:
            return super().create(checkout)
        except ProviderError as error:
            logging.getLogger("shop.debug").warning("%s", error)
            raise


class ShowsItsKey(MollieProvider):
    options_class = OpenOptions


class QuotesItsKey(MollieProvider):
    @classmethod
    def read_options(cls, raw):
        from django_payflow.exceptions import ConfigurationError

        try:
            return super().read_options(raw)
        except ConfigurationError:
            raise ConfigurationError(f"wrong: {raw!r}") from None


class NeverStopsAsking(MollieProvider):
    poll_schedule = PollSchedule(longest=timedelta(minutes=1))


class TrustsEveryHost(MollieProvider):
    def safe_checkout_url(self, url):
        return url


class MakesWhenItProbes(MollieProvider):
    def probe(self):
        body = {
            "amount": {"currency": "EUR", "value": "1.00"},
            "description": "probe",
            "redirectUrl": "https://x.test",
        }
        sent = {"Content-Type": "application/json"}
        self.http.send("POST", "/v2/payments", auth=self._auth(), body=json.dumps(body).encode(), headers=sent)
        return "good"


class LogsItsKey(MollieProvider):
    def retrieve(self, checkout, reference):
        logging.getLogger("shop.debug").debug("asking with %s", self.options.api_key)
        return super().retrieve(checkout, reference)


class LogsTheBuyer(MollieProvider):
    def create(self, checkout):
        logging.getLogger("shop.debug").debug("create for %s", checkout.buyer.email)
        return super().create(checkout)


class LogsTheAddress(MollieProvider):
    def create(self, checkout):
        logging.getLogger("django_payflow.mine").info("return to %s", checkout.return_url)
        return super().create(checkout)


class KeepsItsKeyInALocal(MollieProvider):
    def create(self, checkout):
        key = self.options.api_key
        redirect = super().create(checkout)
        return redirect if key else redirect
