"""The OpenAPI description, made by drf-spectacular (extra ``openapi``); nothing else imports this module.

What the code cannot say stands here as a table: names of operations, what they do, and how they refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers

from .. import __version__
from .errors import MEDIA_TYPE
from .idempotency import HEADER, REPLAYED
from .serializers import (
    AmountSerializer,
    CaptureSerializer,
    MoveSerializer,
    NewOrderSerializer,
    OrderSerializer,
    Plain,
    ReasonSerializer,
    StartedSerializer,
    StartSerializer,
)

__all__ = ["described"]


class ProblemSerializer(Plain):
    """How every request is refused (RFC 9457)."""

    type = serializers.CharField(help_text="The code as a URI; it leads nowhere.")
    title = serializers.CharField()
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="For the developer who reads it.")
    code = serializers.CharField(help_text="For programs: not_enough_left, order_not_payable, in_progress ...")
    errors = serializers.DictField(  # type: ignore[assignment]  # the metaclass takes it away
        required=False, help_text="400: what is wrong with which field."
    )
    buyer_message = serializers.CharField(required=False, help_text="What the buyer may read.")
    left = serializers.IntegerField(required=False, help_text="not_enough_left: minor units that can still go.")
    move = MoveSerializer(required=False, help_text="move_failed: the move that came to nothing.")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One row of the table."""

    id: str
    summary: str
    description: str = ""
    body: Any = None
    good: dict[int, tuple[Any, str]]
    """Status -> what is shown, and what it means. ``None``: what the view shows."""
    bad: tuple[int, ...] = ()
    """Beside 401 and 403."""
    key: str = ""
    """Whether an ``Idempotency-Key`` is ``"required"`` or ``"optional"``."""


_WHY = {
    400: "A field is missing or wrong; `errors` names it.",
    401: "Nobody is logged in.",
    403: "The user lacks the permission.",
    404: "It does not exist, or is not this user's.",
    409: "Not in this state: `detail` says why. Also while the same request is being worked on, with `Retry-After`.",
    422: "It cannot be carried out like this, or the key was used for another request.",
    429: "Too many starts for one buyer; `Retry-After` says when.",
}
_ORDER, _PAYMENT, _MOVE = (OrderSerializer, "The order."), (None, "The payment."), (MoveSerializer, "It took place.")
_LATER = (MoveSerializer, "It is under way, or waits for a person; look again at `/moves/{id}/`.")
_NOT_FOUND, _COMMAND = (404,), (400, 404, 409, 422)
_UNDER_KEY = "Repeat it under the same key after a timeout: it takes place once."

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("orders", "list"): Operation(
        id="listOrders", summary="List orders, the newest first", good={200: (None, "A page of orders.")}
    ),
    ("orders", "retrieve"): Operation(id="readOrder", summary="Read an order", good={200: _ORDER}, bad=_NOT_FOUND),
    ("orders", "create"): Operation(
        id="createOrder",
        summary="Create an order",
        description="A draft; the first payment places it. The total is the sum of the lines.",
        body=NewOrderSerializer,
        good={201: _ORDER},
        bad=(400, 409, 422),
        key="optional",
    ),
    ("orders", "payments"): Operation(
        id="startPayment",
        summary="Start paying an order",
        description="Answers with the address of the page to pay at. While the buyer can still pay there, the same "
        "request brings the same page, under whatever key.",
        body=StartSerializer,
        good={201: (StartedSerializer, "Where to send the buyer.")},
        bad=(*_COMMAND, 429),
        key="required",
    ),
    ("orders", "cancel"): Operation(
        id="cancelOrder",
        summary="Cancel an order",
        description="Open attempts are ended at their providers; what is authorized is released, what is captured is "
        "refunded.",
        body=ReasonSerializer,
        good={200: _ORDER},
        bad=_COMMAND,
        key="optional",
    ),
    ("orders", "expire"): Operation(
        id="expireOrder",
        summary="End the time to pay",
        description="The order is expired when no attempt is open any more, which may take as long as a bank takes.",
        good={200: _ORDER},
        bad=_COMMAND,
        key="optional",
    ),
    ("orders", "complete"): Operation(
        id="completeOrder",
        summary="Say that a paid order is delivered",
        description="For shops in which no handler says so.",
        good={200: _ORDER},
        bad=_COMMAND,
        key="optional",
    ),
    ("payments", "list"): Operation(
        id="listPayments", summary="List payments, the newest first", good={200: (None, "A page of payments.")}
    ),
    ("payments", "retrieve"): Operation(
        id="readPayment", summary="Read a payment", good={200: _PAYMENT}, bad=_NOT_FOUND
    ),
    ("payments", "capture"): Operation(
        id="capturePayment",
        summary="Capture authorized money",
        description=_UNDER_KEY,
        body=CaptureSerializer,
        good={201: _MOVE, 202: _LATER},
        bad=_COMMAND,
        key="required",
    ),
    ("payments", "void"): Operation(
        id="voidPayment",
        summary="Release what is authorized and not captured",
        description=_UNDER_KEY,
        body=ReasonSerializer,
        good={201: _MOVE, 202: _LATER},
        bad=_COMMAND,
        key="required",
    ),
    ("payments", "refund"): Operation(
        id="refundPayment",
        summary="Refund captured money",
        description=_UNDER_KEY,
        body=AmountSerializer,
        good={201: _MOVE, 202: _LATER},
        bad=_COMMAND,
        key="required",
    ),
    ("payments", "cancel"): Operation(
        id="cancelPayment",
        summary="End an open attempt at its provider",
        description="What the provider answers counts: the payment may turn out to be paid.",
        body=ReasonSerializer,
        good={200: _PAYMENT},
        bad=_COMMAND,
        key="optional",
    ),
    ("moves", "retrieve"): Operation(
        id="readMove",
        summary="Read a capture, void, refund or dispute",
        good={200: (None, "The move.")},
        bad=_NOT_FOUND,
    ),
}


class PayflowSchema(AutoSchema):
    """Reads the table. What a shop's subclass adds is described as anything else is."""

    view: Any

    @property
    def _row(self) -> Operation | None:
        return OPERATIONS.get((self.view.basename, self.view.action))

    def get_operation_id(self) -> str:
        """Return the name that generated clients give their method."""
        return self._row.id if self._row else super().get_operation_id()

    def get_summary(self) -> str | None:
        """Return a line."""
        return self._row.summary if self._row else super().get_summary()

    def get_description(self) -> str:  # type: ignore[override]  # the stubs know the framework's own generator
        """Return some lines."""
        return self._row.description if self._row else super().get_description()

    def get_tags(self) -> list[str]:
        """Return the chapter."""
        return [self.view.basename]

    def get_override_parameters(self) -> list[Any]:
        """Add the key's header."""
        return [_key_header(self._row)] if self._row and self._row.key else []

    def get_request_serializer(self) -> Any:
        """Return what is read."""
        return self._row.body if self._row else super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        """Return what is answered, well or badly."""
        if self._row is None:
            return super().get_response_serializers()
        own = self.view.serializer_class(many=self.view.action == "list")
        good = {
            (code, "application/json"): OpenApiResponse(what or own, why)
            for code, (what, why) in self._row.good.items()
        }
        return good | {
            (code, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, _WHY[code]) for code in (401, 403, *self._row.bad)
        }


def described(patterns: list[URLPattern | URLResolver]) -> URLPattern:
    """Describe the views behind these addresses, and return the address of the description."""
    for pattern in patterns:
        callback: Any = getattr(pattern, "callback", None)
        callback.cls.schema = PayflowSchema()
    view = SpectacularAPIView.as_view(
        patterns=list(patterns),
        custom_settings={
            "TITLE": "Orders and payments",
            "VERSION": __version__,
            "DESCRIPTION": "Amounts are whole numbers in the minor unit of their currency: 1790 is 17.90 euro.",
            "POSTPROCESSING_HOOKS": [
                "drf_spectacular.hooks.postprocess_schema_enums",
                "django_payflow.api.openapi.name_the_server",
            ],
        },
    )
    return path("schema/", view, name="schema")


def name_the_server(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Say where the paths begin: at the address that the description was read from."""
    if request is not None:
        result["servers"] = [{"url": request.path.removesuffix("schema/")[:-1] or "/"}]
    return result


def _key_header(operation: Operation) -> OpenApiParameter:
    words = f"A unique id of this request, such as a UUID. A repeated one is answered with `{REPLAYED}: true`."
    return OpenApiParameter(
        HEADER, str, OpenApiParameter.HEADER, required=operation.key == "required", description=words
    )
