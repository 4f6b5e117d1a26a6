"""The REST API, for shops whose orders are made by another program. Part of a shop only if it includes it:

    path("api/", include("django_payflow.api.urls"))

``urls``         the addresses, and ``payflow_api`` for a shop that lets users see only their own orders
``views``        orders, payments, moves: each request is one flow call
``permissions``  which Django permission each of them takes
``idempotency``  a repeated request gets the same answer instead of a second effect
``serializers``  what may be sent, and what is shown
``errors``       what a refusal looks like
``openapi``      the description, where drf-spectacular is installed
"""

from importlib.util import find_spec

if find_spec("rest_framework") is None:
    raise ImportError("django_payflow.api needs Django REST framework: pip install 'dj-payflow[api]'")
