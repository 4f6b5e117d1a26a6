"""Is a provider reachable, and does it accept our credentials? For the doctor."""

from __future__ import annotations

from .. import registry
from ..exceptions import ProviderError, Unsupported
from .gate import call

__all__ = ["probe_account"]


def probe_account(*, account: str, patience: float = 5) -> tuple[bool, str]:
    """Make a harmless authenticated call. Returns whether it went well, and a sentence.

    Raises ``ConfigurationError`` for an account whose settings cannot work.
    """
    provider = registry.provider(account, deadline=patience)
    answer, note = call(account, "probe", provider.probe)
    if isinstance(answer, Unsupported):
        return True, "its settings are readable; it has no harmless call to try"
    if isinstance(answer, ProviderError):
        return False, note.message
    return True, answer
