"""Make the tables of the back office, and the person who works there: ``python -m tests.services.site.furnish``."""

from __future__ import annotations

import os

import django
from django.core.management import call_command


def main(name: str, password: str) -> None:
    """Do nothing that was done already."""
    from django.contrib.auth import get_user_model

    call_command("migrate", "admin", verbosity=0)
    people = get_user_model().objects
    if not people.filter(username=name).exists():
        people.create_superuser(name, "", password)


if __name__ == "__main__":
    django.setup()
    main(*os.environ["SITE_PERSON"].split(":"))
