"""The JSON control API under ``/_control/``: everything a test may do that no provider offers.

``GET /_control/`` lists all endpoints with a line each; the lines are the docstrings below.

==========================================  ==================================================================
``POST reset``                              forget everything
``GET/POST clock``                          the simulated clock; {"advance": seconds} or {"offset": seconds}
``POST hold``                               {"on": true}: webhooks are recorded as held; false releases them
``GET deliveries[/<id>]``                   webhooks; ?provider= and ?payment= filter
``POST deliveries/<id>/send``               one attempt now
``GET/POST/DELETE faults``, ``DELETE .../<id>``  what shall go wrong, see ``faults.py``
``GET calls``                               API calls received, newest last
``POST wait``                               {"idle": true, "timeout": seconds}: until nothing is due; 408 if not
``<provider>/...``                          the verbs of each simulator
==========================================  ==================================================================

Errors are ``{"error": "<sentence>"}`` with a fitting status.
"""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, current_app, jsonify, request
from flask.sansio.app import App
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from django_payflow.simulators.host.core import Core
from django_payflow.simulators.host.delivery import STATES
from django_payflow.simulators.host.faults import CALL_KINDS, WEBHOOK_KINDS, BadFault
from django_payflow.simulators.host.requests_in import flag, json_body, number, refuse_foreign_pages
from django_payflow.simulators.host.seam import Refusal, Unknown
from django_payflow.simulators.host.store import Json

PREFIX = "/_control"


def build(core: Core) -> Blueprint:
    control = Blueprint("control", __name__, url_prefix=PREFIX)
    control.record_once(lambda setup: _answer_errors_in_json(setup.app))
    _add_host_routes(control, core)
    _add_delivery_routes(control, core)
    _add_fault_routes(control, core)
    return control


def _answer_errors_in_json(app: App) -> None:
    def guard() -> None:
        if request.path.startswith(PREFIX):
            refuse_foreign_pages()

    def unfit(error: HTTPException) -> ResponseReturnValue:
        if not request.path.startswith(PREFIX):
            return error
        return {"error": f"{error.name}: {error.description}"}, error.code or 500

    def refused(error: Refusal) -> ResponseReturnValue:
        return {"error": str(error)}, error.status

    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.before_request(guard)
    app.register_error_handler(HTTPException, unfit)
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(BadFault, lambda error: ({"error": str(error)}, 400))


def _endpoints() -> list[Json]:
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    found = []
    for rule in sorted(rules, key=lambda rule: rule.rule):
        doc = current_app.view_functions[rule.endpoint].__doc__ or ""
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found.append({"methods": methods, "path": rule.rule, "what": doc.strip().split("\n")[0]})
    return found


def _add_host_routes(control: Blueprint, core: Core) -> None:
    clock = core.services.clock

    @control.get("/")
    def index() -> ResponseReturnValue:
        """This list, and the words that states and faults use."""
        return {
            "endpoints": _endpoints(),
            "providers": {name: list(each.operations) for name, each in core.simulators.items()},
            "delivery_states": dict(STATES),
            "fault_kinds": {"webhook": dict(WEBHOOK_KINDS), "calls": dict(CALL_KINDS)},
        }

    @control.post("/reset")
    def reset() -> ResponseReturnValue:
        """Forget everything: payments, deliveries, faults, calls; clock offset 0, hold off."""
        core.reset()
        return {"reset": True}

    @control.get("/clock")
    def read_clock() -> ResponseReturnValue:
        """The simulated time and its offset from real time in seconds."""
        return {"now": clock.now().isoformat(), "offset": clock.offset}

    @control.post("/clock")
    def move_clock() -> ResponseReturnValue:
        """{"advance": seconds} or {"offset": seconds}; "shared": true if the shops' clocks move as well."""
        body = json_body("advance", "offset", "shared")
        advance, offset = number(body, "advance"), number(body, "offset")
        if (advance is None) == (offset is None):
            raise Refusal('send either {"advance": seconds} or {"offset": seconds}')
        try:
            target = offset if offset is not None else clock.offset + (advance or 0)
            clock.set_offset(target, shared=flag(body, "shared", False))
        except (ValueError, OverflowError, OSError) as error:
            raise Refusal(f"the clock cannot go there: {error}") from error
        return read_clock()

    @control.get("/calls")
    def calls() -> ResponseReturnValue:
        """API calls received, newest last (the last 5000); ?provider= filters."""
        wanted = request.args.get("provider")
        return jsonify([each for each in core.services.calls.entries() if wanted in (None, each["provider"])])

    @control.post("/wait")
    def wait() -> ResponseReturnValue:
        """Answer once nothing is due or being sent: {"idle": true, "timeout": seconds}; 408 if that lasts."""
        body = json_body("idle", "timeout")
        if not flag(body, "idle", True):
            raise Refusal('the only thing to wait for is {"idle": true}')
        timeout = number(body, "timeout")
        if core.wait_idle(10.0 if timeout is None else timeout):
            return {"idle": True}
        return {"error": "something is still due or being sent"}, 408


def _add_delivery_routes(control: Blueprint, core: Core) -> None:
    deliveries = core.services.deliveries

    @control.get("/hold")
    def read_hold() -> ResponseReturnValue:
        """Whether webhooks are held back."""
        return {"on": deliveries.hold}

    @control.post("/hold")
    def hold() -> ResponseReturnValue:
        """{"on": true}: webhooks are recorded with state held and not sent; false releases them."""
        deliveries.set_hold(flag(json_body("on"), "on"))
        return read_hold()

    @control.get("/deliveries")
    def all_deliveries() -> ResponseReturnValue:
        """Webhooks in the order of their making, with every attempt; ?provider= and ?payment= filter."""
        wanted = {name: request.args[name] for name in ("provider", "payment", "state") if name in request.args}
        return jsonify(deliveries.all(lambda each: all(each[name] == value for name, value in wanted.items())))

    @control.get("/deliveries/<delivery_id>")
    def one_delivery(delivery_id: str) -> ResponseReturnValue:
        """One webhook."""
        found = deliveries.get(delivery_id)
        if found is None:
            raise Unknown(f"there is no delivery {delivery_id}")
        return found

    @control.post("/deliveries/<delivery_id>/send")
    def send(delivery_id: str) -> ResponseReturnValue:
        """One attempt now, whatever the state; the schedule of attempts is not used up by it."""
        if not deliveries.send_now(delivery_id):
            raise Unknown(f"there is no delivery {delivery_id}")
        return one_delivery(delivery_id)


def _add_fault_routes(control: Blueprint, core: Core) -> None:
    faults = core.services.faults

    @control.get("/faults")
    def all_faults() -> ResponseReturnValue:
        """The faults that are set, with what is left of their `times`."""
        return jsonify([asdict(fault) for fault in faults.all()])

    @control.post("/faults")
    def add_fault() -> ResponseReturnValue:
        """Set one: {provider, on, kind, times?, payment?, seconds?, status?, copies?, amount?, ...}."""
        return asdict(faults.add(json_body())), 201

    @control.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        """Remove all faults."""
        faults.clear()
        return {"removed": "all"}

    @control.delete("/faults/<fault_id>")
    def remove_fault(fault_id: str) -> ResponseReturnValue:
        """Remove one fault."""
        if not faults.remove(fault_id):
            raise Unknown(f"there is no fault {fault_id}")
        return {"removed": fault_id}
