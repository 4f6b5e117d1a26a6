"""The control panel at ``/``: the same as the control API, for people. Plain forms, no script."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from django_payflow.simulators.host.clock import iso
from django_payflow.simulators.host.core import Core
from django_payflow.simulators.host.faults import ANY_CALL, CALL_KINDS, WEBHOOK, BadFault
from django_payflow.simulators.host.requests_in import Foreign, refuse_foreign_pages
from django_payflow.simulators.host.seam import Refusal, Simulator, Unknown

_SHOWN = 50
_STEPS = (("+1 min", 60), ("+15 min", 900), ("+1 hour", 3600), ("+1 day", 86400))
_NUMBERS: Mapping[str, Callable[[str], Any]] = {
    "times": int,
    "seconds": float,
    "status": int,
    "copies": int,
    "retry_after": int,
}
_SAFETY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def build(core: Core) -> Blueprint:
    return Panel(core).blueprint()


class Panel:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._services = core.services
        #: known to the pages of this process only; other web pages cannot read it
        self._token = secrets.token_urlsafe(16)

    def blueprint(self) -> Blueprint:
        panel = Blueprint("panel", __name__)
        panel.before_request(self._guard)
        panel.after_request(_make_safe)
        panel.register_error_handler(Refusal, self._refused)
        panel.register_error_handler(BadFault, self._refused)
        panel.get("/")(self.show)
        panel.post("/panel/clock")(self.move_clock)
        panel.post("/panel/hold")(self.set_hold)
        panel.post("/panel/reset")(self.reset)
        panel.post("/panel/faults")(self.add_fault)
        panel.post("/panel/faults/<fault_id>/remove")(self.remove_fault)
        panel.post("/panel/deliveries/<delivery_id>/send")(self.send)
        panel.post("/panel/payments/<payment_id>")(self.act)
        return panel

    # -- guarding ---------------------------------------------------------------------------------------

    def _guard(self) -> None:
        refuse_foreign_pages()
        if request.method == "POST" and not hmac.compare_digest(request.form.get("token", ""), self._token):
            raise Foreign("The form is not from this panel, or from before its last start; load the page again.")

    def _refused(self, error: ValueError) -> ResponseReturnValue:
        return self._page(str(error)), getattr(error, "status", 400)

    # -- showing ----------------------------------------------------------------------------------------

    def _simulator(self) -> Simulator:
        """The tab that is open; unless one is named, the provider that was called last."""
        simulators = self._core.simulators
        called = self._services.calls.last_provider()
        return simulators.get(request.values.get("provider") or called, next(iter(simulators.values())))

    def show(self) -> ResponseReturnValue:
        return self._page()

    def _page(self, message: str | None = None) -> str:
        current = self._simulator()
        base = f"{request.host_url}{current.name}"
        return render_template(
            "panel/panel.html",
            message=message,
            token=self._token,
            current=current,
            simulators=self._core.simulators.values(),
            rows=current.panel_rows(base, _SHOWN),
            deliveries=self._services.deliveries.all(lambda each: each["provider"] == current.name)[-_SHOWN:][::-1],
            faults=[fault for fault in self._services.faults.all() if fault.provider == current.name],
            targets=(WEBHOOK, ANY_CALL, *current.operations),
            webhook_kinds=self._services.faults.webhook_kinds(current.name),
            call_kinds=CALL_KINDS,
            now=iso(self._services.clock.timestamp()),
            offset=self._services.clock.offset,
            offset_words=_in_words(self._services.clock.offset),
            steps=_STEPS,
            hold=self._services.deliveries.hold,
            refresh=request.args.get("refresh") == "on",
        )

    def _back(self, part: str) -> ResponseReturnValue:
        return redirect(url_for("panel.show", provider=self._simulator().name, _anchor=part), 303)

    # -- doing ------------------------------------------------------------------------------------------

    def move_clock(self) -> ResponseReturnValue:
        step = request.form.get("advance", "")
        if step == "real":
            self._services.clock.restart()
        elif step in {str(seconds) for _label, seconds in _STEPS}:
            self._services.clock.set_offset(self._services.clock.offset + int(step))
        else:
            raise Refusal("The clock moves by the steps offered only; the control API takes any number.")
        return self._back("clock")

    def set_hold(self) -> ResponseReturnValue:
        self._services.deliveries.set_hold(request.form.get("on") == "true")
        return self._back("deliveries")

    def reset(self) -> ResponseReturnValue:
        self._core.reset()
        return self._back("")

    def add_fault(self) -> ResponseReturnValue:
        wanted: dict[str, Any] = {"provider": self._simulator().name}
        for name in ("on", "kind", "payment"):
            if request.form.get(name):
                wanted[name] = request.form[name].strip()
        for name, read in _NUMBERS.items():
            if request.form.get(name):
                wanted[name] = _number(name, request.form[name], read)
        if request.form.get("value"):
            wanted["amount"] = {"value": request.form["value"], "currency": request.form.get("currency", "")}
        self._services.faults.add(wanted)
        return self._back("faults")

    def remove_fault(self, fault_id: str) -> ResponseReturnValue:
        self._services.faults.remove(fault_id)
        return self._back("faults")

    def send(self, delivery_id: str) -> ResponseReturnValue:
        if not self._services.deliveries.send_now(delivery_id):
            raise Unknown(f"There is no delivery {delivery_id}.")
        self._core.wait_idle(1.0)  # mostly answered by then, so the page shows how it went
        return self._back("deliveries")

    def act(self, payment_id: str) -> ResponseReturnValue:
        self._simulator().panel_act(payment_id, request.form.get("action", ""))
        self._core.wait_idle(1.0)
        return self._back(payment_id)


def _number(name: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise Refusal(f"{name} must be a number.") from error


def _in_words(offset: float) -> str:
    """For example: 1 d 2 h ahead of real time."""
    if not int(offset):
        return "real time"
    rest, parts = abs(int(offset)), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return f"{' '.join(parts)} {'ahead of' if offset > 0 else 'behind'} real time"


def _make_safe(response: Response) -> Response:
    for name, value in _SAFETY.items():
        response.headers.setdefault(name, value)
    return response
