"""A stage over the simulators' control API: what differs between providers is a few words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from ..simulators import Delivery, Simulators
from .stage import Act, Asked, Call, Forgery, Stage, Trouble

__all__ = ["SimulatorStage"]

_FAULTS: Mapping[Trouble, dict[str, Any]] = {
    Trouble.BEFORE: {"kind": "5xx"},
    Trouble.AFTER: {"kind": "5xx", "done": True},
    Trouble.BUSY: {"kind": "429"},
    Trouble.LOST: {"kind": "lost_answer"},
    Trouble.TRUNCATED: {"kind": "truncated"},
    Trouble.HANG: {"kind": "hang", "seconds": 0.2},
    Trouble.SLOW: {"kind": "slow", "seconds": 5},
    Trouble.MISSING: {"kind": "not_found"},
}

_VERBS: Mapping[Act, tuple[str, dict[str, Any]]] = {
    Act.CHARGE_BACK: ("chargeback", {}),
    Act.CHARGE_BACK_PART: ("chargeback", {}),
    Act.WIN: ("reverse", {}),
    Act.LOSE: ("lose", {}),
    Act.INQUIRE: ("chargeback", {"inquiry": True}),
    Act.INQUIRY_OVER: ("reverse", {}),
    Act.REFUND_PENDING: ("refund", {}),
    Act.REFUND_ARRIVES: ("refunds", {}),
    Act.REFUND_FAILS: ("refunds", {}),
    Act.CAPTURE: ("capture", {}),
    Act.CAPTURE_PART: ("capture", {}),
    Act.VOID: ("void", {}),
    Act.LAPSE: ("lapse", {}),
}
"""The control API's verbs for what happens to the money later, with what they are told."""


class SimulatorStage(Stage):
    """A provider that one of our simulators plays, or another one with the same control API."""

    simulator: ClassVar[str]
    """The prefix under ``/_control/``."""
    words: ClassVar[Mapping[Act, str]] = {
        Act.PAY: "paid",
        Act.AUTHORIZE: "authorized",
        Act.PROCESS: "processing",
        Act.DECLINE: "declined",
        Act.FAIL: "failed",
        Act.CANCEL: "canceled",
        Act.EXPIRE: "expired",
        Act.HOLD: "held",
    }
    """The control API's status words."""
    operations: ClassVar[Mapping[Call, str]] = {
        Call.CREATE: "create",
        Call.RETRIEVE: "get",
        Call.FIND: "list",
        Call.CANCEL: "cancel",
        Call.CAPTURE: "capture",
        Call.VOID: "void",
        Call.REFUND: "refund",
    }
    """The simulator's names of the requests that a call consists of, or begins with."""
    open_words: ClassVar[Collection[str]] = ("open",)
    """The status words of payments that can still be paid."""
    refund_done: ClassVar[str] = "succeeded"
    """The status of a refund that has arrived."""
    refund_waiting: ClassVar[str] = "pending"
    """The status of one that the bank is working on."""
    refund_failed: ClassVar[str] = "failed"
    """The status of one that came back."""
    registers_endpoints: ClassVar[bool] = False
    """Webhook addresses are registered for the whole account, with a secret."""
    events: ClassVar[Sequence[str]] = ()
    """The event types to register for; empty: those that the simulator sends unasked."""

    def __init__(self, simulators: Simulators) -> None:
        self.sim = simulators

    # -- accounts

    def begin(self) -> None:
        """Empty simulators that hold webhooks back."""
        self.sim.reset()

    def listen(self, account: int, url: str) -> None:
        """Register the address with the account's own secret."""
        if self.registers_endpoints:
            options = self.options(account)
            secret = options[self.signing_option][0]
            wanted = {"api_key": options["api_key"], "url": url, "secret": secret}
            events = {"enabled_events": list(self.events)} if self.events else {}
            self._control("POST", "webhook_endpoints", {**wanted, **events})

    # -- what happens at the provider

    def play(self, reference: str, act: Act, *, webhook: bool = True) -> None:
        """By the common control verbs."""
        path = f"payments/{reference}"
        if act in self.words:
            self._control("POST", f"{path}/status", {"status": self.words[act], "webhook": webhook})
        elif act in {Act.REFUND, Act.REFUND_PART}:
            asked = self.asked(reference)
            part = {"amount": self.wire_amount(asked.amount // 5, asked.currency)} if act is Act.REFUND_PART else {}
            self._control("POST", f"{path}/refund", {"status": self.refund_done, "webhook": webhook, **part})
        else:
            self._play_later(path, reference, act, webhook=webhook)

    def _play_later(self, path: str, reference: str, act: Act, *, webhook: bool) -> None:
        """What happens to the money after the buyer did his part."""
        verb, more = _VERBS[act]
        if act is Act.REFUND_PENDING:
            more = {"status": self.refund_waiting}
        elif act in {Act.REFUND_ARRIVES, Act.REFUND_FAILS}:
            newest = self.refunds(self.payment(reference))[-1]
            verb = f"refunds/{newest}/status"
            more = {"status": self.refund_done if act is Act.REFUND_ARRIVES else self.refund_failed}
        elif act in {Act.CAPTURE_PART, Act.CHARGE_BACK_PART}:
            asked = self.asked(reference)
            last = {"final": True} if act is Act.CAPTURE_PART else {}
            more = {"amount": self.wire_amount(asked.amount // 5, asked.currency), **last}
        elif act in {Act.WIN, Act.LOSE, Act.INQUIRY_OVER}:
            verb = f"chargebacks/{self.chargebacks(self.payment(reference))[-1]}/{verb}"
        self._control("POST", f"{path}/{verb}", {"webhook": webhook, **more})

    def refunds(self, payment: Mapping[str, Any]) -> list[str]:
        """Return the ids of a payment's refunds, oldest first."""
        return [str(refund["id"]) for refund in payment["refunds"]]

    def sent_back(self, reference: str) -> list[int]:
        """Read ``amount`` of every refund."""
        return [int(refund["amount"]) for refund in self.payment(reference)["refunds"]]

    def chargebacks(self, payment: Mapping[str, Any]) -> list[str]:
        """Return the ids of a payment's chargebacks, oldest first."""
        return [str(dispute["id"]) for dispute in payment["disputes"]]

    def wire_amount(self, amount: int, currency: str) -> Any:
        """Return minor units as the provider writes them."""
        return amount

    def payment(self, reference: str) -> dict[str, Any]:
        """Return a payment as the control API shows it."""
        return self.sim.object("GET", f"{self.simulator}/payments/{reference}")

    def payments(self) -> list[str]:
        """All of them."""
        return [str(payment["id"]) for payment in self.sim.payments(self.simulator)]

    def asked(self, reference: str) -> Asked:
        """Read ``amount`` and ``currency``."""
        payment = self.payment(reference)
        return Asked(amount=int(payment["amount"]), currency=str(payment["currency"]).upper())

    def payable(self, reference: str) -> bool:
        """Read ``status``."""
        return self.payment(reference)["status"] in self.open_words

    def overwrite(self, reference: str, fields: dict[str, Any]) -> None:
        """Overwrite stored fields."""
        self._control("PATCH", f"payments/{reference}", fields)

    def advance(self, seconds: float) -> None:
        """Both clocks; what the simulators do by then is done."""
        self.sim.advance(seconds)
        self.sim.control("POST", "wait", {"idle": True})

    # -- what happens on the wire

    def trouble(
        self, call: Call, trouble: Trouble, *, times: int | None = None, retry_after: int | None = None
    ) -> None:
        """Set a fault."""
        more = {name: value for name, value in (("times", times), ("retry_after", retry_after)) if value is not None}
        self.sim.fault(self.operations[call], provider=self.simulator, **{**_FAULTS[trouble], **more})

    def calm(self) -> None:
        """Clear the faults."""
        self.sim.clear_faults()

    def calls(self, call: Call | None = None) -> int:
        """Count the call log."""
        log = self.sim.calls(None if call is None else self.operations[call])
        return sum(1 for entry in log if entry["provider"] == self.simulator)

    def keys(self) -> list[str | None]:
        """Read the call log."""
        log = self.sim.calls(self.operations[Call.CREATE])
        return [entry["idempotency_key"] for entry in log if entry["provider"] == self.simulator]

    # -- webhooks

    def deliveries(self) -> list[Delivery]:
        """All that were made."""
        return self.sim.deliveries()

    def send_again(self, reference: str) -> None:
        """By the control verb."""
        self._control("POST", f"payments/{reference}/webhook", {})

    def forged(self, reference: str, forgery: Forgery) -> Delivery:
        """By a webhook fault."""
        self.sim.fault("webhook", forgery.value, provider=self.simulator, times=1)
        self.send_again(reference)
        return self.deliveries()[-1]

    def base_url(self) -> str:
        """Return where the provider's API base URL stands."""
        return self.sim.base_url(self.simulator)

    def _control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        return self.sim.control(method, f"{self.simulator}/{path}", body)
