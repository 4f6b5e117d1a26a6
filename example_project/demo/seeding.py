"""What the demo puts into its database before it opens."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from example_project.shop.catalogue import seed

ADMIN = "admin"


def prepare_database() -> str:
    """Migrate, fill the shelves, and return the admin's new password."""
    call_command("migrate", interactive=False, verbosity=0)
    seed()
    password = new_admin_password()
    connection.close()
    return password


def new_admin_password() -> str:
    """Give the user ``admin`` a fresh random password: it is printed once and stored nowhere."""
    password = secrets.token_hex(6)
    user, _ = User.objects.update_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True, "is_active": True}
    )
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
