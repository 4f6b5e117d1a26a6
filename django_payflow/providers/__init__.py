"""Adapters, a file each. ``BUILTIN`` names them; a shop may name its own dotted path instead."""

BUILTIN: dict[str, str] = {
    "mollie": "django_payflow.providers.mollie.MollieProvider",
    "stripe": "django_payflow.providers.stripe.StripeProvider",
    "wooshpay": "django_payflow.providers.wooshpay.WooshPayProvider",
    "resurs": "django_payflow.providers.resurs.ResursProvider",
    "golomt": "django_payflow.providers.golomt.GolomtProvider",
}
"""Short name -> dotted path of the provider class."""
