"""The host by itself: atomic changes, due times, and a second provider beside Mollie."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Blueprint, Flask, Response, request

import django_payflow.simulators
from django_payflow.simulators import MOUNTED, Running
from django_payflow.simulators.host import Call, Json, PanelRow, Services, Simulator, Unknown, WebhookPolicy
from django_payflow.simulators.host.agenda import DueHeap
from django_payflow.simulators.host.store import Store
from tests.simulators.kit import Receiver, Shop

# -- the store ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "disk"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Store]]:
    """One store; on disk, tests append the reopened one to it."""
    store = Store(tmp_path if request.param == "disk" else None)
    opened = [store]
    yield opened
    for each in opened:
        each.close()


def test_store__hands_out_copies(stores: list[Store]) -> None:
    (store,) = stores
    given = {"deep": {"list": [1]}}
    store.put("things", "a", given)
    given["deep"]["list"].append(2)
    taken = store.get("things", "a")
    assert taken == {"deep": {"list": [1]}}
    taken["deep"]["list"].append(3)
    store.find("things")[0]["deep"]["list"].append(4)
    assert store.get("things", "a") == {"deep": {"list": [1]}}


def test_store__a_failed_change_is_taken_back_whole(stores: list[Store]) -> None:
    (store,) = stores
    store.put("things", "kept", {"n": 1})
    store.put("things", "gone", {"n": 2})
    with pytest.raises(ZeroDivisionError), store.change():
        store.put("things", "kept", {"n": 10})
        store.put("things", "kept", {"n": 11})
        store.put("things", "new", {"n": 3})
        store.delete("things", "gone")
        raise ZeroDivisionError
    assert {key: store.get("things", key) for key in store.keys("things")} == {"kept": {"n": 1}, "gone": {"n": 2}}


def test_store__a_caught_failure_inside_takes_back_only_its_own_part(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.change():
        store.put("things", "outer", {})
        with pytest.raises(ZeroDivisionError), store.change():
            store.put("things", "inner", {})
            store.put("things", "outer", {"changed": True})
            raise ZeroDivisionError
    store.close()
    again = Store(tmp_path)
    assert again.find("things") == [{}]
    assert again.keys("things") == ["outer"]
    again.close()


def test_store__refuses_what_is_not_json(stores: list[Store]) -> None:
    (store,) = stores
    with pytest.raises(TypeError):
        store.put("things", "a", {"when": object()})


def test_store__keeps_the_order_of_creation(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key in "cab":
        store.put("things", key, {})
    store.put("things", "a", {"again": True})
    store.close()
    again = Store(tmp_path)
    assert again.keys("things") == ["c", "a", "b"]
    again.close()


# -- due times ----------------------------------------------------------------------------------------------


def test_heap__moved_dropped_and_equal_keys() -> None:
    heap = DueHeap()
    for key, due in (("a", 5.0), ("b", 1.0), ("c", 3.0)):
        heap.set(key, due)
    heap.set("a", 2.0)
    heap.drop("b")
    assert heap.next_due() == 2.0
    assert [heap.pop_due(3.0) for _ in range(3)] == ["a", "c", None]
    assert heap.next_due() is None


def test_heap__set_again_to_the_same_time_comes_out_once() -> None:
    heap = DueHeap()
    heap.set("a", 1.0)
    heap.set("a", 2.0)
    heap.set("a", 1.0)
    assert [heap.pop_due(9.0), heap.pop_due(9.0)] == ["a", None]


# -- a second provider --------------------------------------------------------------------------------------


class Echo:
    """The smallest provider: everything the seam asks for, and a signature that is made for every attempt."""

    name = "echo"
    title = "Echo Pay"
    operations = ("say",)
    webhook_faults: Mapping[str, str] = {"bad_signature": "signed with another secret"}

    def __init__(self, services: Services) -> None:
        self.services = services
        self.signed = 0

    def app(self) -> Flask:
        app = Flask(__name__, static_folder=None)

        @app.post("/say/<word>")
        def say(word: str) -> Response:
            call = Call(provider="echo", operation="say", payment=word)
            return self.services.calls.carry_out(
                call, refuse=lambda status: Response("refused", status), perform=lambda: self.say(word)
            )

        return app

    def say(self, word: str) -> Response:
        with self.services.store.change():
            self.services.store.put("echo.words", word, {"said": True})
            self.services.timers.set("echo", "repeat", word, self.services.clock.timestamp() + 60)
        return Response(request.script_root + word)

    def control(self) -> Blueprint:
        verbs = Blueprint("control_echo", __name__)

        @verbs.get("/words")
        def echo_words() -> Json:
            """The words that were said."""
            return {"words": self.services.store.keys("echo.words")}

        return verbs

    def webhook_policy(self) -> WebhookPolicy:
        return WebhookPolicy(schedule=(0, 10), timeout=5, follow_redirects=False)

    def sign(self, delivery: Json) -> Mapping[str, str]:
        self.signed += 1
        wrong = "bad_signature" in delivery["faults"]
        return {"Echo-Signature": "wrong" if wrong else f"{delivery['facts']['secret']}-{self.signed}"}

    def on_timer(self, job: str, subject: str, due: float) -> None:
        self.services.deliveries.enqueue(
            provider="echo",
            payment=subject,
            url=self.services.store.get("echo.hook", "url")["url"],  # type: ignore[index]
            headers={"Content-Type": "application/json"},
            body="{}",
            facts={"secret": "s3"},
        )

    def panel_rows(self, base_url: str, limit: int) -> Sequence[PanelRow]:
        return [
            PanelRow(
                id=word,
                status="said",
                amount="1",
                description=base_url,
                note="",
                created="now",
                key="none",
                page_url=None,
                actions=[("forget", "Forget")],
            )
            for word in self.services.store.keys("echo.words")
        ]

    def panel_act(self, payment: str, action: str) -> None:
        if self.services.store.get("echo.words", payment) is None:
            raise Unknown(f"nobody said {payment}")
        self.services.store.delete("echo.words", payment)


def test_a_second_provider_gets_everything(receiver: Receiver) -> None:
    built: list[Echo] = []

    def factory(services: Services) -> Simulator:
        services.store.put("echo.hook", "url", {"url": f"{receiver.url}/echo"})
        built.append(Echo(services))
        return built[0]

    with Running({**MOUNTED, "echo": factory}) as running, requests.Session() as session:
        shop = Shop(running.url, session, "")
        shop.control("POST", "faults", {"provider": "echo", "on": "webhook", "kind": "bad_signature", "times": 1})
        receiver.answers["/echo"] = 500
        for word in ("first", "second"):
            assert session.post(f"{running.url}/echo/say/{word}", timeout=5).text == f"/echo{word}"
            shop.advance(61)
            shop.advance(11)
        signatures = [seen.headers["Echo-Signature"] for seen in receiver.seen]
        assert signatures == ["wrong", "wrong", "s3-3", "s3-4"]
        assert {each["state"] for each in shop.deliveries()} == {"exhausted"}
        assert shop.control("GET", "echo/words") == {"words": ["first", "second"]}
        assert [call["provider"] for call in shop.control("GET", "calls")] == ["echo", "echo"]
        assert "echo" in shop.control("GET", "")["providers"]
        unfit = shop.try_control("POST", "faults", {"provider": "mollie", "on": "webhook", "kind": "bad_signature"})
        assert unfit.status_code == 400

        panel = session.get(f"{running.url}/?provider=echo", timeout=5).text
        assert ">Mollie</a>" in panel and "Echo Pay" in panel
        assert f"{running.url}/echo" in panel and "Forget" in panel
        session.post(f"{running.url}/echo/say/third", timeout=5)
        shop.control("POST", "faults", {"provider": "echo", "on": "say", "kind": "lost_answer"})
        with pytest.raises(requests.ConnectionError):
            session.post(f"{running.url}/echo/say/fourth", timeout=5)


def test_a_broken_timer_does_not_stop_the_clock(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Echo):
        def on_timer(self, job: str, subject: str, due: float) -> None:
            if subject == "bad":
                raise RuntimeError("broken on purpose")
            super().on_timer(job, subject, due)

    def factory(services: Services) -> Simulator:
        services.store.put("echo.hook", "url", {"url": f"{receiver.url}/echo"})
        return Broken(services)

    with Running({"echo": factory}) as running, requests.Session() as session:
        shop = Shop(running.url, session, "")
        for word in ("bad", "good"):
            session.post(f"{running.url}/echo/say/{word}", timeout=5)
        shop.advance(61)
        receiver.wait_for(1)
        assert [each["payment"] for each in shop.deliveries()] == ["good"]
    assert "broken on purpose" in caplog.text


# -- what it is made of -------------------------------------------------------------------------------------

ALLOWED = {"flask", "werkzeug", "waitress", "requests"}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_simulators_import_nothing_of_the_package_but_themselves() -> None:
    folder = Path(django_payflow.simulators.__file__).parent
    files = sorted(folder.rglob("*.py"))
    assert len(files) > 20
    strange: list[Any] = []
    for path in files:
        for name in imports_of(path):
            own = name == "django_payflow.simulators" or name.startswith("django_payflow.simulators.")
            root = name.partition(".")[0]
            if not own and root not in ALLOWED and root not in sys.stdlib_module_names and root != "_typeshed":
                strange.append((path.name, name))
    assert strange == []
