"""One row per provider account: nothing but a lock, by which workers agree how many of them ask at once."""

from __future__ import annotations

from django.db import models

__all__ = ["AccountLock"]


class AccountLock(models.Model):
    """Locked while a worker counts who asks an account and joins them, so that two do not take the last place."""

    account = models.CharField(max_length=64, primary_key=True, help_text="The alias in PAYFLOW['PROVIDERS'].")

    def __str__(self) -> str:
        return self.account
