"""OAuth 2, client credentials (RFC 6749, 4.4): a token is fetched, kept with a margin, renewed once if refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from requests import PreparedRequest
from requests.auth import AuthBase

from ..exceptions import NotSent, ProviderError, Rejected, Uncertain
from .base import Cache
from .http import Answer, Bearer, Http

__all__ = ["ClientCredentials", "Login"]

MARGIN = 60
"""Seconds before its end from which a token is no longer used."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)


class Login(AuthBase):
    """The client's credentials, written into the token call's form, where no traceback shows them."""

    def __init__(self, *, client_id: str, client_secret: str, scope: str) -> None:
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        }

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.prepare_body(data=self._form, files=None)
        return request

    def __repr__(self) -> str:
        return "Login([hidden])"


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """The tokens of one client at one host."""

    http: Http
    cache: Cache = field(repr=False)
    path: str
    """Where tokens are given out."""
    login: Login
    key: str
    """The cache key: nothing of another client, host or scope may ever be found under it."""

    def carry_out(self, ask: Callable[[AuthBase], Answer], ends: float) -> Answer:
        """Ask with the token we have, and once more with a new one if it is refused: by that nothing was done.

        Raises what ``ask`` raises; ``Rejected`` or ``NotSent`` when there is no token: nothing was sent then.
        """
        token = self._token(ends)
        try:
            return ask(token)
        except Rejected as refused:
            if refused.code != "401":
                raise
        self.forget()
        return ask(self._token(ends))

    def forget(self) -> None:
        """Have the next call log in anew."""
        self.cache.delete(self.key)

    def _token(self, ends: float) -> Bearer:
        known = self.cache.get(self.key)
        return Bearer(known) if isinstance(known, str) else self._new_token(ends)

    def _new_token(self, ends: float) -> Bearer:
        """Log in. However that fails, what it was needed for was not sent; a refusal is a definite one."""
        problem: ProviderError
        try:
            if time.monotonic() >= ends:
                raise NotSent("the time of the call was over before its last request")
            return self._keep(self.http.send("POST", self.path, auth=self.login, ends=ends).json())
        except Rejected as refused:
            problem = Rejected(f"no access token is given: {refused}", code=refused.code, word=refused.word)
        except ProviderError as failed:
            words = f"no access token yet: {failed}"
            problem = NotSent(words, code=failed.code, word=failed.word, retry_after=failed.retry_after)
        raise problem

    def _keep(self, told: dict[str, Any]) -> Bearer:
        token, life = told.pop("access_token", None), told.get("expires_in")
        if not isinstance(token, str) or not _VISIBLE.fullmatch(token):
            token = None
            raise Rejected("the answer holds none") if "error" in told else Uncertain("the answer holds none")
        if isinstance(life, int) and life > MARGIN:
            self.cache.set(self.key, token, life - MARGIN)
        return Bearer(token)
