"""Orders, payments and moves. Each request that changes something is one flow call, then ``tasks.wake``.

All of them are outside of ``ATOMIC_REQUESTS``: the flow commits step by step, and a provider is never asked while
a transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from django.db.models import Prefetch, QuerySet
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from .. import conf, flow
from ..flow import Moved
from ..models import Move, OrderLine, Payment, get_order_model
from ..states import MoveStatus
from ..tasks import wake
from ..throttle import SLOW_DOWN, starts_wait
from . import errors
from .idempotency import idempotent, key_of, move_key
from .permissions import PayflowPermission, about_orders, about_payments
from .reading import StrictJSONParser
from .serializers import (
    AmountSerializer,
    CaptureSerializer,
    MoveSerializer,
    NewOrderSerializer,
    NothingSerializer,
    OrderSerializer,
    PaymentSerializer,
    ReasonSerializer,
    StartedSerializer,
    StartSerializer,
)

if TYPE_CHECKING:
    ViewSet = GenericViewSet[Any]
else:
    ViewSet = GenericViewSet

__all__ = ["PayflowMoveViewSet", "PayflowOrderViewSet", "PayflowPaymentViewSet"]

OrdersOf = Callable[[Request], "QuerySet[Any]"]
_ENDED_WELL = frozenset({MoveStatus.SUCCEEDED})
_ENDED_BADLY = frozenset({MoveStatus.FAILED, MoveStatus.CANCELED, MoveStatus.RETURNED})


class NewestFirst(CursorPagination):
    """Pages that do not shift while rows are added."""

    ordering = "-created_at"
    page_size = 50


class PayflowViewSet(ViewSet):
    """What the three have in common: who may see what, JSON both ways, and one shape of refusals."""

    permission_classes = (PayflowPermission,)
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    pagination_class = NewestFirst
    filter_backends = ()
    orders_of: OrdersOf | None = None
    """See ``urls.payflow_api``."""

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """Return the view, outside of transactions."""
        return flow.outside_of_transactions(super().as_view(actions, **initkwargs))

    def get_exception_handler(self) -> Any:
        """Our own, whatever the shop uses elsewhere."""
        return errors.answer

    def get_orders(self) -> QuerySet[Any]:
        """Return the orders that exist for this user: all, unless the shop says otherwise.

        Payments and moves follow: those of other orders are not found.
        """
        if getattr(self, "swagger_fake_view", False):  # a description is being made: there is no user
            return get_order_model()._default_manager.none()  # type: ignore[no-any-return]  # a swappable model
        if self.orders_of is not None:
            return self.orders_of(self.request)
        return get_order_model()._default_manager.all()  # type: ignore[no-any-return]  # a swappable model

    def required_permission(self, action: str) -> str:
        """Return the Django permission that an action takes."""
        raise NotImplementedError

    def principal(self) -> str:
        """Return whose idempotency keys these are."""
        return f"user:{self.request.user.pk}"

    @property
    def actor(self) -> str:
        """The user's name, for the record."""
        return self.request.user.get_username()

    def read(self, serializer: Any) -> dict[str, Any]:
        """Return the body as the serializer reads it. Raises ``ValidationError``."""
        found = serializer(data=self.request.data, context=self.get_serializer_context())
        found.is_valid(raise_exception=True)
        values: dict[str, Any] = found.validated_data
        return values


class PayflowOrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PayflowViewSet):
    """Orders."""

    serializer_class = OrderSerializer
    new_order_serializer_class: Any = NewOrderSerializer
    lookup_field = "reference"
    lookup_value_regex = r"[-\w]+"

    def required_permission(self, action: str) -> str:
        """Read: view. Create: add. Start a payment: add a payment. Everything else: change."""
        if action == "payments":
            return about_payments("add")
        return about_orders({"list": "view", "retrieve": "view", "create": "add"}.get(action, "change"))

    def get_queryset(self) -> QuerySet[Any]:
        """Return the user's orders, with what is shown of them."""
        return _with_details(self.get_orders())

    def create_order(self, values: dict[str, Any]) -> Any:
        """Save a new order; a shop that adds the owner, or fields of its own, overrides this."""
        lines = [OrderLine(**line) for line in values.pop("lines")]
        return get_order_model().objects.new(lines=lines, **values)

    @idempotent(atomic=True)
    def create(self, request: Request) -> Response:
        """Create a draft order; it commits together with its answer."""
        order = self.create_order(self.read(self.new_order_serializer_class))
        return self._shown(order.pk, status=201)

    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def payments(self, request: Request, reference: str) -> Response:
        """Start paying an order, or get the same offer again."""
        order, values = self.get_object(), self.read(StartSerializer)
        limit = conf.get().starts_per_minute
        if wait := starts_wait(limit=limit, address=values.get("ip", ""), customer=order.email):
            raise Throttled(wait=wait, detail=SLOW_DOWN)
        started = flow.start_checkout(order=order, actor=self.actor, **values)
        wake(started)
        payment = Payment.objects.filter(pk=started.payment_id).first()
        answer = {
            "order": order.reference,
            "payment": payment.key if payment else None,
            "redirect_url": urljoin(conf.get().base_url + "/", started.url),
        }
        return Response(StartedSerializer(answer).data, status=201)

    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, reference: str) -> Response:
        """Cancel an order: open attempts are ended, money goes back."""
        order, values = self.get_object(), self.read(ReasonSerializer)
        wake(flow.cancel_order(order_id=order.pk, actor=self.actor, **values))
        return self._shown(order.pk)

    @action(detail=True, methods=["post"])
    @idempotent()
    def expire(self, request: Request, reference: str) -> Response:
        """End the time to pay now."""
        order = self.get_object()
        self.read(NothingSerializer)
        wake(flow.expire_order(order_id=order.pk, actor=self.actor))
        return self._shown(order.pk)

    @action(detail=True, methods=["post"])
    @idempotent()
    def complete(self, request: Request, reference: str) -> Response:
        """Say that a paid order is delivered."""
        order = self.get_object()
        self.read(NothingSerializer)
        wake(flow.complete_order(order_id=order.pk, actor=self.actor))
        return self._shown(order.pk)

    def _shown(self, pk: int, status: int = 200) -> Response:
        """Answer with the order as the database has it now; by its number, whatever the scope says of a new one."""
        order = _with_details(get_order_model()._default_manager.all()).get(pk=pk)
        return Response(self.get_serializer(order).data, status=status)


def _with_details(orders: QuerySet[Any]) -> QuerySet[Any]:
    payments = Prefetch("payments", Payment.objects.order_by("pk"))
    return orders.prefetch_related(payments, Prefetch("lines", OrderLine.objects.order_by("pk")))


class PayflowPaymentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PayflowViewSet):
    """Payments."""

    serializer_class = PaymentSerializer
    lookup_field = "key"
    lookup_url_kwarg = "id"
    lookup_value_regex = r"[-\w]+"

    def required_permission(self, action: str) -> str:
        """Read: view. Capture and void: capture. Refund: refund. Cancel an attempt: change."""
        verbs = {"capture": "capture", "void": "capture", "refund": "refund", "cancel": "change"}
        return about_payments(verbs.get(action, "view"))

    def get_queryset(self) -> QuerySet[Any]:
        """Return the payments of the user's orders, with what is shown of them."""
        rows = Payment.objects.filter(order__in=self.get_orders()).select_related("order")
        return rows.prefetch_related(Prefetch("moves", Move.objects.order_by("pk")))

    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def capture(self, request: Request, id: str) -> Response:
        """Take authorized money."""
        return self._move(flow.capture, CaptureSerializer)

    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def void(self, request: Request, id: str) -> Response:
        """Release what is authorized and not captured."""
        return self._move(flow.void, ReasonSerializer)

    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def refund(self, request: Request, id: str) -> Response:
        """Send captured money back."""
        return self._move(flow.refund, AmountSerializer)

    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, id: str) -> Response:
        """End an open attempt at its provider; what the provider answers counts."""
        payment, values = self.get_object(), self.read(ReasonSerializer)
        wake(flow.cancel_payment(payment_id=payment.pk, actor=self.actor, **values))
        return Response(self.get_serializer(self.get_object()).data)

    def _move(self, ask: Callable[..., Moved], serializer: Any) -> Response:
        payment, values = self.get_object(), self.read(serializer)
        key = move_key(self.principal(), key_of(self.request), payment)
        moved = ask(payment_id=payment.pk, actor=self.actor, key=key, **values)
        wake(moved)
        data = MoveSerializer(Move.objects.select_related("payment").get(pk=moved.move_id)).data
        if moved.status in _ENDED_BADLY:
            words = moved.detail or f"It ended as {moved.status.value}."
            return errors.problem(422, "move_failed", words, move=data)
        return Response(data, status=201 if moved.status in _ENDED_WELL else 202)


class PayflowMoveViewSet(mixins.RetrieveModelMixin, PayflowViewSet):
    """Captures, voids, refunds and disputes."""

    serializer_class = MoveSerializer
    lookup_field = "key"
    lookup_url_kwarg = "id"
    lookup_value_regex = r"[-\w]+"

    def required_permission(self, action: str) -> str:
        """Who may read payments may read these."""
        return about_payments("view")

    def get_queryset(self) -> QuerySet[Any]:
        """Return the moves of the payments of the user's orders."""
        return Move.objects.filter(payment__order__in=self.get_orders()).select_related("payment")
