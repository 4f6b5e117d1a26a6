"""What may be sent, and what is shown.

A field that we do not know is refused: a misspelt ``amount`` would refund everything. Amounts are whole numbers of
minor units. What is shown has public ids only, and no personal data: who sent it has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from .. import clock, conf
from ..exceptions import ConfigurationError
from ..messages import LineKind, MoveKind
from ..models import Move
from ..models.fsm import choices_of
from ..money import MAX_MINOR, exponent
from ..states import MoveStatus, OrderStatus, PaymentStatus

if TYPE_CHECKING:
    Plain = serializers.Serializer[Any]
else:
    Plain = serializers.Serializer

__all__ = [
    "AmountSerializer",
    "CaptureSerializer",
    "LineSerializer",
    "MoveSerializer",
    "NewOrderSerializer",
    "OrderSerializer",
    "PaymentDetailsSerializer",
    "PaymentSerializer",
    "ReasonSerializer",
    "StartSerializer",
    "StartedSerializer",
    "StrictSerializer",
]


class StrictSerializer(Plain):
    """Refuses what it does not know, naming it."""

    def to_internal_value(self, data: Any) -> Any:
        """Read the fields. Raises ``ValidationError``."""
        known = {name for name, field in self.fields.items() if not field.read_only}
        unknown = sorted(set(data) - known) if isinstance(data, Mapping) else []
        if unknown:
            raise serializers.ValidationError(
                {_shown(name): ["This field is not known here."] for name in unknown[:10]}
            )
        return super().to_internal_value(data)


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:40])


class MinorUnits(serializers.IntegerField):
    """An amount in minor units: 1790 is 17.90 euro. A JSON number without a fraction, neither text nor 17.90."""

    default_error_messages = {"invalid": "A whole number of minor units is needed: 1790 for 17.90 euro."}

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", -MAX_MINOR)
        super().__init__(**{"max_value": MAX_MINOR, **options})

    def to_internal_value(self, data: Any) -> int:
        """Take a whole number and nothing that could be read as one."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Count(MinorUnits):
    """A whole number of things."""

    default_error_messages = {"invalid": "A whole number is needed."}


class Currency(serializers.CharField):
    """An ISO 4217 code."""

    default_error_messages = {"unknown": "An ISO 4217 code of a currency with minor units is needed, such as EUR."}

    def to_internal_value(self, data: Any) -> str:
        """Take a code that we can count in."""
        code = super().to_internal_value(data)
        try:
            exponent(code)
        except ConfigurationError:
            self.fail("unknown")
        return code


class LineSerializer(StrictSerializer):
    """One line of an order; prices are gross."""

    name = serializers.CharField(max_length=255)
    sku = serializers.CharField(max_length=64, allow_blank=True, default="")
    kind = serializers.ChoiceField(
        choices=choices_of(LineKind),
        default=LineKind.GOODS.value,
        error_messages={"invalid_choice": f"One of {', '.join(LineKind)} is needed."},
    )
    unit = serializers.CharField(max_length=20, default="pcs", help_text="What the quantity counts.")
    quantity = Count(default=1, min_value=1, max_value=2**31 - 1)
    unit_price = MinorUnits(help_text="Gross, in minor units; negative for a discount.")
    total = MinorUnits(read_only=True, help_text="quantity x unit_price")
    vat_rate = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=0,
        max_value=100,
        default=Decimal(0),
        help_text="In percent, such as 21.",
    )


class PaymentDetailsSerializer(StrictSerializer):
    """What only payment providers need of the buyer. Kept until the order is over, and never shown."""

    phone = serializers.CharField(required=False, max_length=40)
    first_name = serializers.CharField(required=False, max_length=100)
    last_name = serializers.CharField(required=False, max_length=100)
    company = serializers.CharField(required=False, max_length=200)
    government_id = serializers.CharField(required=False, max_length=40)
    street = serializers.CharField(required=False, max_length=200)
    street2 = serializers.CharField(required=False, max_length=200)
    postal_code = serializers.CharField(required=False, max_length=20)
    city = serializers.CharField(required=False, max_length=100)
    country = serializers.RegexField("^[A-Z]{2}$", required=False, help_text="ISO 3166, two letters.")


class NewOrderSerializer(StrictSerializer):
    """A new order. Its total is the sum of its lines; a ``total`` that is sent along must be that sum."""

    currency = Currency(help_text="ISO 4217, such as EUR.")
    lines = LineSerializer(many=True, allow_empty=False, max_length=500)  # type: ignore[call-arg]  # of a list
    total = MinorUnits(required=False, min_value=0, help_text="A check: refused unless it is the sum of the lines.")
    email = serializers.EmailField(required=False)
    name = serializers.CharField(required=False, max_length=200)
    payment_details = PaymentDetailsSerializer(required=False)
    locale = serializers.RegexField("^[A-Za-z_-]{2,16}$", required=False, help_text="For the hosted page: nl_NL.")
    pay_before = serializers.DateTimeField(required=False, help_text="Unpaid after this moment, the order expires.")

    def validate_pay_before(self, value: Any) -> Any:
        """An order that is over before it begins is a mistake."""
        if value <= clock.now():
            raise serializers.ValidationError("This moment has passed.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Add up, and compare with what the client thinks it is."""
        total = sum(line["quantity"] * line["unit_price"] for line in attrs["lines"])
        if not 0 <= total <= MAX_MINOR:
            raise serializers.ValidationError({"lines": [f"They add up to {total}, which nobody can pay."]})
        if attrs.pop("total", total) != total:
            raise serializers.ValidationError({"total": [f"The lines add up to {total}."]})
        return attrs


class OrderSerializer(Plain):
    """An order."""

    reference = serializers.CharField(help_text="The order's public id.")
    status = serializers.ChoiceField(choices=choices_of(OrderStatus))
    currency = serializers.CharField()
    total = MinorUnits(help_text="What the buyer pays, in minor units.")
    lines = LineSerializer(many=True, source="payflow_lines")
    locale = serializers.CharField(allow_blank=True)
    pay_before = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    placed_at = serializers.DateTimeField(allow_null=True, help_text="When its first payment was started.")
    secured_at = serializers.DateTimeField(allow_null=True, help_text="When its money was certain.")
    canceled_at = serializers.DateTimeField(allow_null=True)
    payments = serializers.SerializerMethodField(help_text="The ids of its payments, the oldest first.")

    def get_payments(self, order: Any) -> list[str]:
        """Return their public ids."""
        return [payment.key for payment in order.payments.all()]


class StartSerializer(StrictSerializer):
    """A payment to start."""

    account = serializers.CharField(max_length=64, help_text="The name of an account in the shop's settings.")
    method = serializers.RegexField(
        "^[A-Za-z0-9_.-]{1,40}$", required=False, help_text="The provider's word; without it the buyer chooses."
    )
    confirmed = serializers.BooleanField(
        default=False, help_text="The buyer wants to pay again although his bank has been working for long."
    )
    ip = serializers.IPAddressField(required=False, help_text="Of the buyer's device, for fraud control.")
    user_agent = serializers.CharField(required=False, max_length=500, help_text="The buyer's browser, likewise.")

    def validate_account(self, value: str) -> str:
        """The account exists."""
        if value not in conf.get().providers:
            raise serializers.ValidationError("The shop has no such account.")
        return value


class StartedSerializer(Plain):
    """Where to send the buyer."""

    order = serializers.CharField(help_text="The order's reference.")
    payment = serializers.CharField(allow_null=True, help_text="The payment's id; null for an order of zero.")
    redirect_url = serializers.CharField(
        help_text="Send the buyer's browser there, and nobody else: it is made for him alone."
    )


class MoveSerializer(Plain):
    """A capture, void, refund or dispute of a payment."""

    id = serializers.CharField(source="key")
    payment = serializers.CharField(source="payment.key", help_text="The payment's id.")
    kind = serializers.ChoiceField(choices=choices_of(MoveKind))
    status = serializers.ChoiceField(choices=choices_of(MoveStatus))
    amount = MinorUnits(help_text="In minor units.")
    currency = serializers.CharField()
    final = serializers.BooleanField(help_text="Of a capture: nothing more will be captured.")
    origin = serializers.ChoiceField(choices=Move.Origin.choices, help_text="Whose idea it was.")
    awaits_approval = serializers.BooleanField(help_text="A second person must agree first.")
    reason = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(source="error", help_text="Why it was refused, or what is not clear.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class PaymentSerializer(Plain):
    """One attempt to pay an order; amounts are minor units."""

    id = serializers.CharField(source="key")
    order = serializers.CharField(source="order.reference", help_text="The order's reference.")
    account = serializers.CharField()
    method = serializers.CharField(help_text="The provider's word.")
    status = serializers.ChoiceField(choices=choices_of(PaymentStatus))
    label = serializers.CharField(  # type: ignore[assignment]  # the metaclass takes it away
        help_text="The status, or what the amounts make of it: partly refunded, on hold."
    )
    amount = MinorUnits(help_text="What the order asks for.")
    currency = serializers.CharField()
    capturable = MinorUnits(help_text="Authorized, not captured, not released.")
    captured = MinorUnits(help_text="Gross: refunds do not lower it.")
    refunded = MinorUnits(help_text="Refunds that have settled.")
    charged_back = MinorUnits(help_text="Taken back by the buyer's bank and not won back.")
    live = serializers.BooleanField(help_text="Real money, or the provider's test mode.")
    cancel_asked = serializers.BooleanField(source="withdraw", help_text="It will be ended at the provider.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="As the provider says.")
    capture_before = serializers.DateTimeField(allow_null=True, help_text="When the authorization runs out.")
    moves = MoveSerializer(many=True, help_text="Captures, voids, refunds and disputes, the oldest first.")


class ReasonSerializer(StrictSerializer):
    """Why, for the record."""

    reason = serializers.CharField(required=False, max_length=200)


class AmountSerializer(ReasonSerializer):
    """How much, and why."""

    amount = MinorUnits(required=False, min_value=1, help_text="In minor units; without it everything that is left.")


class CaptureSerializer(AmountSerializer):
    """How much, whether that is all, and why."""

    final = serializers.BooleanField(
        required=False,
        help_text="Nothing more will be captured: the rest is released. By default where a provider captures once.",
    )


class NothingSerializer(StrictSerializer):
    """An empty body."""
