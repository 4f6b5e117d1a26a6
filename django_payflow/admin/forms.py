"""What an operator says along with a command. The fields bear the names of the flow's arguments."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..exceptions import ConfigurationError, NotEnoughLeft
from ..messages import MoveKind
from ..models import Move, Payment
from ..money import exponent, from_decimal_string, readable, to_decimal_string
from .money import backend_of, left

__all__ = [
    "AmountField",
    "CaptureForm",
    "EvidenceForm",
    "OperationForm",
    "OptionalReasonForm",
    "ReasonForm",
    "RecordChargebackForm",
    "RecordRefundForm",
    "RefundForm",
    "RefuteForm",
    "VoidForm",
    "digits_of",
]

REASON_LENGTH = 200


def digits_of(currency: str) -> int:
    """Return how many decimals people write; none, for what a provider calls a currency and ISO 4217 does not."""
    try:
        return exponent(currency)
    except ConfigurationError:
        return 0


class OperationForm(forms.Form):
    """The base of all: knows the row that the command is about."""

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        self.row = row
        super().__init__(*args, **kwargs)

    def refuse(self, refused: Exception) -> None:
        """Show why the flow did not take what was said: beside the amount, if that is the reason."""
        words = _("Not done: %(reason)s.") % {"reason": str(refused).rstrip(".")}
        about_amount = isinstance(refused, NotEnoughLeft) and "amount" in self.fields
        self.add_error("amount" if about_amount else None, words)


class AmountField(forms.CharField):
    """An amount as people write it, in major units of a currency; cleaned to an integer of minor units.

    Text, not a number field: a browser would hand over what its own language makes of it.
    """

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "payflow-amount"})
        super().__init__(max_length=30, widget=widget, **kwargs)
        self.use("EUR")

    def use(self, currency: str) -> None:
        """Say which currency the amount is in."""
        self.currency, self.digits = currency, digits_of(currency)

    def clean(self, value: Any) -> int:
        """Return minor units, above zero. Raises ``ValidationError`` rather than round."""
        text = super().clean(value)
        try:
            minor = from_decimal_string(text, self.digits)
        except ValueError:
            raise ValidationError(self._how_to_write()) from None
        if minor <= 0:
            raise ValidationError(_("The amount must be above zero."))
        return minor

    def _how_to_write(self) -> str:
        example = to_decimal_string(12345, self.digits)
        names = {"example": example, "currency": self.currency, "digits": self.digits}
        if self.digits == 0:
            return _("Write a whole number of %(currency)s, such as %(example)s.") % names
        return _("Write %(currency)s with at most %(digits)s decimals after a point, such as %(example)s.") % names


class ReasonField(forms.CharField):
    """Why; for the record."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
        values = {
            "label": gettext_lazy("Reason"),
            "help_text": gettext_lazy("Becomes part of the record: no names, no addresses."),
            **kwargs,
        }
        super().__init__(max_length=REASON_LENGTH, widget=widget, **values)


class ReasonForm(OperationForm):
    """A reason that must be given."""

    reason = ReasonField()


class OptionalReasonForm(OperationForm):
    """A reason, if there is one to tell."""

    reason = ReasonField(required=False)


class RefuteForm(OperationForm):
    """How somebody knows that it did not take place."""

    reason = ReasonField(
        label=gettext_lazy("How do you know?"),
        help_text=gettext_lazy("Where you looked, and what stands there. Becomes part of the record."),
    )


class EvidenceForm(OperationForm):
    """What proves that it took place."""

    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        max_length=200,
        help_text=gettext_lazy("The bank's or the provider's own reference of it, as its statement shows it."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    booked_on = forms.DateField(
        label=gettext_lazy("Booked on"),
        required=False,
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("The date in the bank's papers, if they name one."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


# --- amounts


class _AmountForm(OperationForm):
    """Prefills an amount with all that is possible. How much is possible, the flow decides."""

    verb: Any = ""

    amount = AmountField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        minor, currency = self.bound()
        field: Any = self.fields["amount"]
        field.use(currency)
        field.label = _("Amount in %(currency)s") % {"currency": currency}
        names = {"most": readable(minor, currency), "verb": self.verb}
        field.help_text = _("At most %(most)s can be %(verb)s now.") % names
        field.initial = to_decimal_string(minor, field.digits) if minor > 0 else ""

    def bound(self) -> tuple[int, str]:
        """Return how much is possible, in minor units, and the currency."""
        raise NotImplementedError


_UNUSABLE = gettext_lazy("This page cannot be used: its key is missing or was changed. Open it anew.")


class _KeyedForm(OperationForm):
    """Carries a key that was made for this page: sent twice, it asks for one move."""

    kind: MoveKind

    key = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages={"required": _UNUSABLE, "invalid": _UNUSABLE},
    )

    def clean_key(self) -> str:
        """Return the key as the flow wants it. Raises ``ValidationError`` for one that is not random."""
        key: uuid.UUID = self.cleaned_data["key"]
        if key.version != 4:
            raise ValidationError(_UNUSABLE)
        return str(key)

    def clean(self) -> dict[str, Any]:
        """Refuse a page that was used already and says something else now."""
        said: dict[str, Any] = super().clean() or {}
        known = Move.objects.filter(key=said["key"]).first() if "key" in said else None
        if known is None:
            return said
        if (known.payment_id, known.kind, said.get("amount", known.amount)) != (self.row.pk, self.kind, known.amount):
            raise ValidationError(_("This page was used already, for a %(move)s. Open it anew.") % {"move": known})
        return said


class VoidForm(_KeyedForm):
    """A release of everything."""

    kind = MoveKind.VOID
    reason = ReasonField(required=False)


class RefundForm(_AmountForm, _KeyedForm):
    """How much goes back, and why."""

    kind = MoveKind.REFUND
    verb = gettext_lazy("refunded")
    field_order = ("amount", "reason")
    reason = ReasonField(required=False)

    def bound(self) -> tuple[int, str]:
        """All that is left."""
        return left(MoveKind.REFUND, self.row)


class CaptureForm(_AmountForm, _KeyedForm):
    """How much is taken, and whether that is all."""

    kind = MoveKind.CAPTURE
    verb = gettext_lazy("captured")
    field_order = ("amount", "final", "reason")
    final = forms.BooleanField(
        label=gettext_lazy("Nothing more will be captured"),
        required=False,
        help_text=gettext_lazy("What is left of the authorization is released."),
    )
    reason = ReasonField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        backend = backend_of(self.row)
        if backend is None or not backend.supports_partial_capture:
            del self.fields["final"]
        else:
            self.fields["final"].initial = not backend.supports_several_captures

    def bound(self) -> tuple[int, str]:
        """All that is authorized."""
        return left(MoveKind.CAPTURE, self.row)


class _RecordForm(_AmountForm, EvidenceForm):
    """Something that the bank did, with its reference: recorded once, however often the button is pressed."""

    kind: MoveKind

    def clean_reference(self) -> str:
        """Refuse what was recorded before. Raises ``ValidationError``."""
        said: str = self.cleaned_data["reference"]
        known = Move.objects.filter(payment=self.row, kind=self.kind, origin=Move.Origin.RECORDED, evidence=said)
        if known.exists():
            raise ValidationError(_("This was recorded already, with the same reference."))
        return said


class RecordRefundForm(_RecordForm):
    """A refund that the bank made."""

    kind = MoveKind.REFUND
    verb = gettext_lazy("refunded")
    field_order = ("amount", "reference", "booked_on")

    def bound(self) -> tuple[int, str]:
        """All that is left."""
        return left(MoveKind.REFUND, self.row)


class RecordChargebackForm(_RecordForm):
    """What the buyer's bank took back."""

    kind = MoveKind.DISPUTE
    verb = gettext_lazy("charged back")
    field_order = ("amount", "reference", "booked_on")

    def bound(self) -> tuple[int, str]:
        """All that was captured and not charged back yet."""
        payment: Payment = self.row
        return max(0, payment.captured - payment.charged_back), payment.currency
