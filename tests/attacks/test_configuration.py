"""Rows 37 and 38: credentials go to the provider over TLS, and nowhere else."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from django.core.checks import run_checks

import django_payflow
from django_payflow import flow, registry
from django_payflow.conf import CONF_KEYS, Account
from django_payflow.exceptions import ConfigurationError
from django_payflow.models import Payment
from django_payflow.providers import BUILTIN
from django_payflow.providers.http import Http
from tests.attacks.kit import hook, post

PACKAGE = Path(django_payflow.__file__).parent
TEST_KEY, LIVE_KEY = "test_" + "k" * 30, "live_" + "k" * 30
LOOPBACK = "http://127.0.0.1:8801/mollie"


def build(base_url: str, *, key: str = TEST_KEY, simulators: bool = True):
    options = {"api_key": key, "base_url": base_url}
    account = Account(alias="m", backend=BUILTIN["mollie"], options=options)
    return registry.build(account, allow_simulators=simulators)


# -- 37


@pytest.mark.attack(37)
@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.mollie.com",
        "http://169.254.169.254/",
        "http://10.0.0.1:8801",
        "http://127.0.0.1.evil.test/",
        "http://localhost.evil.test/",
        "http://localhost@evil.test/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0.0.0.0:8801/",
        "http://[::ffff:127.0.0.1]/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1:8801",
        "127.0.0.1:8801",
        "",
    ],
)
def test_attack_37__only_https_or_a_simulator_on_this_machine(base_url):
    with pytest.raises(ConfigurationError):
        build(base_url)


@pytest.mark.attack(37)
@pytest.mark.parametrize("base_url", ["https://api.mollie.com", "HTTPS://api.mollie.com"])
def test_attack_37__https_is_taken(base_url):
    assert build(base_url, key=LIVE_KEY, simulators=False).live is True


@pytest.mark.attack(37)
@pytest.mark.parametrize("host", ["127.0.0.1:8801", "localhost:8801", "[::1]:8801"])
def test_attack_37__a_simulator_needs_the_permission_and_a_test_key(host):
    assert build(f"http://{host}").live is False
    with pytest.raises(ConfigurationError, match="ALLOW_SIMULATORS"):
        build(f"http://{host}", simulators=False)
    with pytest.raises(ConfigurationError, match="live key"):
        build(f"http://{host}", key=LIVE_KEY)


@pytest.mark.attack(37)
@pytest.mark.parametrize("broken", [{"api_key": LIVE_KEY}, {"base_url": "http://api.mollie.com"}])
def test_attack_37__such_an_account_takes_no_money_and_no_webhook(story, payflow, client, broken):
    payment = story.start()
    reference, asked = story.reference, len(story.sim.calls())
    payflow(options=broken)

    started = client.post(f"/payflow/start/{story.order.reference}/", {"account": "mollie"})
    heard = post(client, hook(payment), f"id={reference}")
    flow.sweep(inline=True)

    assert (started.status_code, heard.status_code) == (400, 503)
    assert len(story.sim.calls()) == asked
    assert Payment.objects.count() == 1
    assert "payflow.E011" in {error.id for error in run_checks()}


@pytest.mark.attack(37)
def test_attack_37__the_buyer_cannot_name_a_server(story, client):
    """Nothing of a request reaches the address that is called."""
    fields = {"account": "mollie", "base_url": "https://evil.test", "webhook_url": "https://evil.test"}
    client.post(
        f"/payflow/start/{story.order.reference}/?base_url=https://evil.test", fields, headers={"Host": "evil.test"}
    )

    made = story.sim.payments()[0]
    assert made["webhookUrl"].startswith("https://shop.test/payflow/webhook/mollie/")
    assert made["redirectUrl"].startswith("https://shop.test/payflow/return/")


@pytest.mark.attack(37)
def test_attack_37__a_broken_account_does_not_take_the_others_from_the_buyer(story, payflow):
    wrong = {"BACKEND": BUILTIN["mollie"], "OPTIONS": {"api_key": TEST_KEY, "base_url": "http://evil.test"}}
    payflow(providers={"wrong": wrong})
    assert [choice.alias for choice in flow.accounts_for(story.order)] == ["mollie"]


# -- 38


def _sources() -> list[Path]:
    """Production code: the simulators are a program of their own."""
    return [path for path in PACKAGE.rglob("*.py") if "simulators" not in path.relative_to(PACKAGE).parts]


def _tls_switches(source: str) -> list[str]:
    """Whatever could turn certificate checks off, or leave them to an option."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg in {"verify", "cert_reqs", "check_hostname", "assert_hostname"}:
            found.append(f"{node.arg}={ast.unparse(node.value)}")
        if isinstance(node, ast.Attribute) and node.attr in {
            *("verify", "CERT_NONE", "_create_unverified_context", "disable_warnings", "check_hostname"),
        }:
            found.append(ast.unparse(node))
    return found


@pytest.mark.attack(38)
def test_attack_38__no_code_switches_certificate_checks_off():
    assert len(_sources()) > 40
    assert {str(path): found for path in _sources() if (found := _tls_switches(path.read_text()))} == {}


@pytest.mark.attack(38)
@pytest.mark.parametrize(
    "line", ["requests.get(u, verify=False)", "s.verify = False", "ssl._create_unverified_context()"]
)
def test_attack_38__the_static_test_can_see(line):
    assert _tls_switches(line)


@pytest.mark.attack(38)
def test_attack_38__no_setting_and_no_option_is_named_so():
    options = [
        name for path in BUILTIN.values() for name in registry.provider_class(path).options_class.__annotations__
    ]
    names = [*CONF_KEYS, *options, *inspect.signature(Http).parameters]
    assert [
        name for name in names if any(word in name.lower() for word in ("verify", "tls", "ssl", "insecure", "cert"))
    ] == []


@pytest.mark.attack(38)
@pytest.mark.parametrize("name", ["PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_attack_38__the_environment_cannot_switch_it_off(monkeypatch, name):
    """What ``requests`` would do for a call of ours, asked of the library itself."""
    from django_payflow.providers.http import _session

    monkeypatch.setenv(name, "0" if name == "PYTHONHTTPSVERIFY" else "")
    settled = _session().merge_environment_settings("https://api.mollie.com", {}, True, None, None)
    assert settled["verify"], "a bundle of certificates or True, never off"


@pytest.mark.attack(38)
def test_attack_38__a_certificate_of_nobody_is_refused(tmp_path, monkeypatch):
    """For real: a TLS server with a self-made certificate gets nothing, not even the key."""
    import shutil
    import ssl
    import subprocess

    from django_payflow.exceptions import ProviderError
    from tests.mollie.test_adapter import checkout
    from tests.mollie.wire import adapter, always, answer, payment, serving

    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += [
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with serving(always(answer(payment())), tls=context) as wire:
        url = wire.url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(ProviderError):
            adapter(url, deadline=3).create(checkout())
        assert wire.seen == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
        assert adapter(url, deadline=3).create(checkout()).report.raw_status == "open", "trusted, it would be heard"
