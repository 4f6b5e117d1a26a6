"""The webhook queue: what was to be sent, when, what came back, and what happens next."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django_payflow.simulators.host import sender
from django_payflow.simulators.host.agenda import DueHeap
from django_payflow.simulators.host.clock import Clock, iso
from django_payflow.simulators.host.faults import WEBHOOK, Fault, Faults
from django_payflow.simulators.host.sender import Outcome, WebhookPolicy
from django_payflow.simulators.host.store import Json, Store

#: state -> meaning; ``due`` on a delivery says when the next attempt is made, null means none is planned
STATES: Mapping[str, str] = {
    "queued": "waiting for its first attempt",
    "sent": "accepted with a 2xx",
    "failed": "the last attempt failed; tried again at `due`, or never when `due` is null",
    "dropped": "a fault swallowed it; never sent",
    "held": "waiting for the hold switch, for a later webhook, or for a send by hand",
    "exhausted": "all attempts of the provider's schedule failed",
}
_IN_FLIGHT = 48
_IN_FLIGHT_PER_RECEIVER = 16

Sign = Callable[[Json], Mapping[str, str]]


class Flight(NamedTuple):
    """A delivery that is being sent right now, and the receiver (host and port) it is sent to."""

    delivery_id: str
    receiver: str


class Deliveries:
    """Every delivery runs in its own thread, so a slow receiver delays nobody but itself."""

    def __init__(self, store: Store, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._heap = DueHeap()
        self._in_flight: dict[int, Flight] = {}
        self._parked: list[tuple[str, str]] = []
        self._numbers = itertools.count(1)
        #: provider -> its policy and signer, filled when simulators are mounted
        self.policies: dict[str, Callable[[], WebhookPolicy]] = {}
        self.signers: dict[str, Sign] = {}
        self.wake: Callable[[], None] = lambda: None
        for document in store.find("deliveries", lambda document: document["due"] is not None):
            self._heap.set(document["id"], document["due"])

    # -- putting in -------------------------------------------------------------------------------------

    def enqueue(
        self,
        *,
        provider: str,
        payment: str,
        url: str,
        headers: Mapping[str, str],
        body: str,
        method: str = "POST",
        facts: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Record a webhook and plan its attempts. ``facts`` is for the provider's own use, at signing say."""
        with self._store.change():
            struck = self._faults.take(provider, WEBHOOK, payment, self._faults.webhook_kinds(provider))
            document = {
                "provider": provider,
                "payment": payment,
                "url": url,
                "method": method,
                "headers": dict(headers),
                "body": body,
                "created": self._clock.iso(),
                "faults": [fault.kind for fault in struck],
                "facts": dict(facts or {}),
                "attempts": [],
            }
            ids = [self._plan(document, struck, copy) for copy in range(_copies(struck))]
        self.wake()
        return ids

    def _plan(self, document: Json, struck: list[Fault], copy: int) -> str:
        now = self._clock.timestamp()
        plan: Json = {"state": "queued", "due": now, "start": now, "held_by": None, "note": None, "copy": copy}
        delay = max((60 if f.seconds is None else f.seconds for f in struck if f.kind == "delay"), default=0)
        plan["due"] = plan["start"] = now + delay
        kinds = {fault.kind for fault in struck}
        if not sender.is_loopback(document["url"]):
            plan |= {"state": "failed", "due": None, "note": sender.NOT_THIS_MACHINE}
        elif "drop" in kinds:
            plan |= {"state": "dropped", "due": None, "note": "dropped by a fault"}
        elif self.hold:
            plan |= {"state": "held", "due": None, "held_by": "hold"}
        elif "reorder" in kinds:
            plan |= {"state": "held", "due": None, "held_by": "reorder"}
        delivery_id = f"dlv_{secrets.token_hex(6)}"
        self._save({"id": delivery_id} | document | plan)
        return delivery_id

    def _save(self, document: Json) -> None:
        self._store.put("deliveries", document["id"], document)
        if document["due"] is None:
            self._heap.drop(document["id"])
        else:
            self._heap.set(document["id"], document["due"])

    # -- the hold switch --------------------------------------------------------------------------------

    @property
    def hold(self) -> bool:
        return bool((self._store.get("host", "hold") or {"on": False})["on"])

    def set_hold(self, on: bool) -> None:
        """While on, new webhooks are recorded and not sent; turning it off releases them."""
        with self._store.change():
            self._store.put("host", "hold", {"on": on})
            if not on:
                self._release(lambda document: document["held_by"] == "hold")
        self.wake()

    def _release(self, which: Callable[[Json], bool]) -> None:
        now = self._clock.timestamp()
        for document in self._store.find("deliveries", lambda d: d["state"] == "held" and which(d)):
            self._save(document | {"state": "queued", "due": now, "start": now, "held_by": None})

    # -- looking ----------------------------------------------------------------------------------------

    def all(self, where: Callable[[Json], bool] | None = None) -> list[Json]:
        with self._store.lock:
            return [self.shape(document) for document in self._store.find("deliveries", where)]

    def get(self, delivery_id: str) -> Json | None:
        document = self._store.get("deliveries", delivery_id)
        return None if document is None else self.shape(document)

    def shape(self, document: Json) -> Json:
        """As the control API shows it: the headers are those that an attempt made now would carry."""
        due = document["due"]
        return document | {
            "headers": self._headers(document),
            "due": None if due is None else iso(due),
            "start": iso(document["start"]),
            "sending": any(flight.delivery_id == document["id"] for flight in self._in_flight.values()),
        }

    def busy(self) -> bool:
        """Whether anything is due or being sent right now."""
        with self._store.lock:
            due = self._heap.next_due()
            late = due is not None and due <= self._clock.timestamp()
            return late or bool(self._in_flight) or bool(self._parked)

    def clear(self) -> None:
        with self._store.lock:
            self._heap.clear()
            self._parked.clear()

    # -- sending ----------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        with self._store.lock:
            return self._heap.next_due()

    def run_due(self, now: float) -> None:
        while True:
            with self._store.lock:
                delivery_id = self._heap.pop_due(now)
                if delivery_id is None:
                    return
                self._launch(delivery_id, "schedule")

    def send_now(self, delivery_id: str) -> bool:
        """One attempt by hand, whatever the state. False when there is no such delivery."""
        with self._store.lock:
            if self._store.get("deliveries", delivery_id) is None:
                return False
            self._launch(delivery_id, "hand")
            return True

    def _launch(self, delivery_id: str, by: str) -> None:
        document = self._store.get("deliveries", delivery_id)
        if document is None or self._store.closed:
            return
        receiver = urlsplit(document["url"]).netloc
        load = Counter(flight.receiver for flight in self._in_flight.values())
        if load.total() >= _IN_FLIGHT or load[receiver] >= _IN_FLIGHT_PER_RECEIVER:
            self._parked.append((delivery_id, by))
            return
        number = next(self._numbers)
        self._in_flight[number] = Flight(delivery_id, receiver)
        threading.Thread(
            target=self._fly, args=(number, document, by), name=f"send-{delivery_id}", daemon=True
        ).start()

    def _fly(self, number: int, document: Json, by: str) -> None:
        try:
            policy = self.policies[document["provider"]]()
            began = self._clock.iso()
            outcome = self._attempt(document, policy)
            with self._store.lock:
                if not self._store.closed:
                    self._record(document["id"], outcome, began, by, policy)
        finally:
            self._land(number)

    def _attempt(self, document: Json, policy: WebhookPolicy) -> Outcome:
        return sender.attempt(document["method"], document["url"], self._headers(document), document["body"], policy)

    def _headers(self, document: Json) -> dict[str, str]:
        """Signed afresh for every attempt."""
        headers: dict[str, str] = document["headers"]
        return headers | dict(self.signers[document["provider"]](document))

    def _land(self, number: int) -> None:
        with self._store.lock:
            del self._in_flight[number]
            waiting, self._parked = self._parked, []
            for delivery_id, by in waiting:
                self._launch(delivery_id, by)
        self.wake()

    def _record(self, delivery_id: str, outcome: Outcome, began: str, by: str, policy: WebhookPolicy) -> None:
        with self._store.change():
            document = self._store.get("deliveries", delivery_id)
            if document is None:  # reset while it was on its way
                return
            document["attempts"].append(
                {
                    "at": began,
                    "seconds": round(outcome.seconds, 3),
                    "status": outcome.status,
                    "error": outcome.error,
                    "by": by,
                }
            )
            step = _next_step(document, outcome, by, policy)
            if step:
                self._save(document | step)
            else:  # leaves the plan alone: a scheduled attempt may be on its way at this moment
                self._store.put("deliveries", delivery_id, document)
            self._release_overtaken(document)

    def _release_overtaken(self, document: Json) -> None:
        """Webhooks held by the reorder fault go out once a later one of the same provider was attempted."""
        order = self._store.keys("deliveries", lambda d: d["provider"] == document["provider"])
        earlier = set(order[: order.index(document["id"])])
        self._release(lambda d: d["held_by"] == "reorder" and d["id"] in earlier)


def _copies(struck: list[Fault]) -> int:
    return max((fault.copies or 2 for fault in struck if fault.kind == "duplicate"), default=1)


def _next_step(document: Json, outcome: Outcome, by: str, policy: WebhookPolicy) -> Json:
    """The schedule counts from the change, not from the last attempt; attempts by hand do not use it up."""
    if outcome.accepted:
        return {"state": "sent", "due": None, "held_by": None}
    if by == "hand" or document["due"] is None:
        return {}
    made = sum(1 for attempt in document["attempts"] if attempt["by"] == "schedule")
    if made >= len(policy.schedule):
        return {"state": "exhausted", "due": None}
    return {"state": "failed", "due": document["start"] + policy.schedule[made]}
