"""What the provider class says of itself, before anything is sent."""
# ruff: noqa: S101 - a test suite asserts

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from typing import Any

import pytest

from ... import clock
from ...exceptions import ConfigurationError, InvalidCheckout, ProviderError, Unsupported
from ...messages import Checkout, MoveKind, Phase, Reference
from ...providers.base import Provider
from .base import Contract, needs
from .stage import Stage, Trait


class Declaring(Contract):
    """Options, tables and flags of the provider class."""

    def test_statuses__every_word_has_a_phase_and_the_table_a_source(self, stage: Stage) -> None:
        table = stage.provider_class.statuses
        assert table, "a provider without status words"
        assert all(isinstance(phase, Phase) for phase in table.values())
        assert {Phase.OPEN, Phase.PROCESSING} <= set(table.values())
        assert stage.provider_class.status_source.strip()

    def test_options__an_unknown_one_is_refused_by_name(self, stage: Stage) -> None:
        with pytest.raises(ConfigurationError, match="aip_key"):
            stage.provider_class.read_options({**stage.options(), "aip_key": "x"})

    def test_options__are_frozen(self, provider: Provider[Any]) -> None:
        name = fields(provider.options)[0].name
        with pytest.raises(FrozenInstanceError):
            setattr(provider.options, name, "changed")

    def test_options__without_its_secrets_a_provider_is_not_built(self, stage: Stage) -> None:
        for name in stage.provider_class.secret_fields:
            left = {key: value for key, value in stage.options().items() if key != name}
            with pytest.raises(ConfigurationError):
                stage.provider_class.read_options(left)

    def test_secrets__are_declared(self, stage: Stage) -> None:
        known = {spec.name: spec for spec in fields(stage.provider_class.options_class)}
        assert stage.provider_class.secret_fields, "an account without a secret"
        for name in stage.provider_class.secret_fields:
            assert not known[name].repr, f"the option {name} shows itself"
        assert stage.secrets(), "the stage's options hold no secret"

    def test_secrets__show_in_no_repr(self, stage: Stage, provider: Provider[Any]) -> None:
        seen = repr(provider) + repr(provider.options) + repr(provider.http) + str(provider.options)
        for secret in stage.secrets():
            assert secret not in seen

    def test_secrets__a_wrong_one_is_refused_without_being_quoted(self, stage: Stage) -> None:
        for name in stage.provider_class.secret_fields:
            wrong = (
                ["\x00planted-and-wrong"]
                if isinstance(stage.options()[name], list | tuple)
                else "\x00planted-and-wrong"
            )
            with pytest.raises(ConfigurationError) as refused:
                stage.provider_class.read_options({**stage.options(), name: wrong})
            assert "planted-and-wrong" not in str(refused.value)

    def test_mode__the_stages_credentials_move_no_real_money(self, stage: Stage, provider: Provider[Any]) -> None:
        assert provider.live is False
        assert stage.provider(2).live is False

    def test_poll_schedule__asks_soon_and_comes_to_an_end(self, stage: Stage) -> None:
        schedule, born = stage.provider_class.poll_schedule, clock.now()
        first = schedule.next_check(created=born, expires=None, now=born)
        assert first is not None
        assert timedelta(seconds=1) <= first - born <= timedelta(minutes=5)
        over = born + schedule.longest + timedelta(seconds=1)
        assert schedule.next_check(created=born, expires=None, now=over) is None
        assert stage.lifetime <= schedule.longest, "an open payment outlives the questions about it"

    def test_key_life__is_below_what_the_provider_promises(self, stage: Stage) -> None:
        assert timedelta(0) <= stage.provider_class.key_life <= timedelta(days=30)

    def test_checkout_address__another_host_is_refused(self, provider: Provider[Any]) -> None:
        host = provider.checkout_hosts[0]
        for url in (
            "https://evil.example/pay",
            f"https://{host}.evil.example/pay",
            f"https://evil{host}/pay",
            f"https://{host}@evil.example/pay",
            f"http://{host}/pay",
            f"javascript://{host}/%0aalert(1)",
            f"https://{host}\\@evil.example/pay",
            "//evil.example/pay",
            "",
        ):
            with pytest.raises(InvalidCheckout):
                provider.safe_checkout_url(url)
        assert provider.safe_checkout_url(f"https://{host}/pay/1") == f"https://{host}/pay/1"

    @needs(Trait.NO_CANCEL)
    def test_cancel__is_refused_before_the_wire_where_there_is_none(
        self, stage: Stage, provider: Provider[Any], checkout: Checkout
    ) -> None:
        with pytest.raises(Unsupported):
            provider.cancel(checkout, Reference(kind="payment", value="x"))
        assert (provider.http.sent, stage.calls()) == ([], 0)  # type: ignore[attr-defined]  # a Recorder

    def test_flags__of_moves_agree_with_each_other(self, stage: Stage) -> None:
        says, inherited = stage.provider_class, Provider.retrieve_move
        assert says.supports_refund or not says.supports_partial_refund
        assert says.supports_capture or not (says.supports_partial_capture or says.supports_void)
        assert says.supports_partial_capture or not says.supports_several_captures
        assert says.supports_capture or not says.supports_manual_capture, "authorized money that nobody could take"
        assert says.unlisted <= {MoveKind.REFUND, MoveKind.DISPUTE}
        assert not says.unlisted or says.retrieve_move is not inherited, "what no list shows is read by its id"
        assert says.tells_refunds or not says.supports_refund, "nobody would hear what became of them"

    def test_probe__says_whether_the_credentials_are_good_or_that_it_cannot(
        self, stage: Stage, provider: Provider[Any]
    ) -> None:
        try:
            said = provider.probe()
        except Unsupported:
            assert stage.calls() == 0
            return
        except ProviderError as trouble:
            pytest.fail(f"the probe failed: {trouble}")
        assert said.strip()
        assert stage.payments() == [], "a harmless call made a payment"
