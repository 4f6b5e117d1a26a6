"""The shop of the races: that of the service tests, at Stripe instead of Mollie, and with nothing to deliver."""

import os

from tests.services.site import settings as site

globals().update({name: value for name, value in vars(site).items() if name.isupper()})
CELERY_TASK_ALWAYS_EAGER = True
_STRIPE = {
    "BACKEND": "django_payflow.providers.stripe.StripeProvider",
    "OPTIONS": {
        "api_key": "sk_test_" + "race" * 8,
        "signing_secrets": ["whsec_" + "race" * 8],
        "base_url": os.environ["SITE_BANK"].replace("/mollie", "/stripe"),
    },
}
PAYFLOW = {
    **site.PAYFLOW,
    "LEASE_SECONDS": 60,
    "FETCHES_PER_ACCOUNT": 64,
    "FULFILMENT": {},
    "PROVIDERS": {"stripe": _STRIPE, "held": {**_STRIPE, "CAPTURE": "manual"}},
    "REFUND_APPROVAL_ABOVE": {"EUR": 9000},
}
