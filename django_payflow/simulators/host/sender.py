"""One attempt to deliver one webhook over HTTP, to this machine only."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests

NOT_THIS_MACHINE = "not sent: simulators only talk to this machine"
_MAX_REDIRECTS = 5
_MAX_BODY = 65536


@dataclass(frozen=True, kw_only=True)
class WebhookPolicy:
    """How a provider delivers. ``schedule``: seconds since the change at which attempts 1, 2, ... are made."""

    schedule: tuple[float, ...]
    timeout: float
    follow_redirects: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one attempt brought: an HTTP status, or an error in words. ``accepted`` ends the delivery."""

    accepted: bool
    seconds: float
    status: int | None = None
    error: str | None = None


def is_loopback(url: str) -> bool:
    """127.0.0.0/8, ::1 and localhost. Anything that two URL parsers could read differently is refused."""
    if any(character <= " " or character in "\\@" for character in url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - reading it raises on a bad port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    return host == "localhost" or _is_loopback_address(host)


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def attempt(method: str, url: str, headers: Mapping[str, str], body: str, policy: WebhookPolicy) -> Outcome:
    """Any 2xx inside the provider's patience counts; slower than that is a failure even when it says 200."""
    started, timeout = time.monotonic(), policy.timeout
    try:
        status = _send(method, url, headers, body, policy.follow_redirects, started + timeout)
    except (requests.RequestException, _Refused, UnicodeError) as error:
        return Outcome(accepted=False, seconds=time.monotonic() - started, error=_in_words(error, timeout))
    seconds = time.monotonic() - started
    if seconds > timeout:
        return Outcome(accepted=False, seconds=seconds, status=status, error=f"slower than {timeout:g} s")
    return Outcome(accepted=200 <= status < 300, seconds=seconds, status=status)


class _Refused(Exception):
    """We do not send there."""


def _in_words(error: Exception, timeout: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.ConnectionError):
        return f"connection failed: {error}"[:300]
    return f"{type(error).__name__}: {error}"[:300]


def _send(method: str, url: str, headers: Mapping[str, str], body: str, follow: bool, deadline: float) -> int:
    with requests.Session() as session:
        session.trust_env = False  # no proxies, no .netrc
        session.headers.clear()  # exactly the provider's headers and no others
        sent: dict[str, str] = dict(headers)
        data: bytes | None = body.encode()
        for _hop in range(_MAX_REDIRECTS + 1):
            if not is_loopback(url):
                raise _Refused(NOT_THIS_MACHINE)
            status, location = _exchange(session, method, url, sent, data, deadline)
            if not follow or location is None or status not in (301, 302, 303, 307, 308):
                return status
            url = urljoin(url, location)
            if status in (301, 302, 303):  # the POST becomes a GET and loses its body; 307 and 308 keep both
                method, data = "GET", None
                sent.pop("Content-Type", None)
        raise _Refused("too many redirects")


def _exchange(
    session: requests.Session,
    method: str,
    url: str,
    headers: Mapping[str, str],
    data: bytes | None,
    deadline: float,
) -> tuple[int, str | None]:
    patience = max(deadline - time.monotonic(), 0.001)
    with session.request(
        method, url, headers=headers, data=data, timeout=patience, allow_redirects=False, stream=True
    ) as response:
        read = 0
        for chunk in response.iter_content(8192):
            read += len(chunk)
            if read > _MAX_BODY or time.monotonic() > deadline:
                break
        return response.status_code, response.headers.get("Location")
