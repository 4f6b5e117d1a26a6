"""The shop's forms: how many, which, and for whom."""

from __future__ import annotations

from django import forms

from .basket import MAX_QUANTITY
from .countries import COUNTRIES, HOME
from .models import Product


class ProductForm(forms.Form):
    """Names a product that is for sale."""

    product = forms.ModelChoiceField(Product.objects.filter(available=True), widget=forms.HiddenInput)


class QuantityForm(ProductForm):
    """A product and how many pieces of it."""

    quantity = forms.IntegerField(
        min_value=1,
        max_value=MAX_QUANTITY,
        initial=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "quantity"}),
    )


def _text(autocomplete: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": autocomplete})


class CheckoutForm(forms.Form):
    """Who gets the parcel. The token says which basket this page showed."""

    name = forms.CharField(max_length=100, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail address",
        help_text="For the confirmation of this order, nothing else.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    country = forms.ChoiceField(
        choices=[(code, country.label) for code, country in COUNTRIES.items()], initial=HOME, required=False
    )
    street = forms.CharField(max_length=100, required=False, widget=_text("street-address"))
    postal_code = forms.CharField(max_length=10, required=False, widget=_text("postal-code"))
    city = forms.CharField(max_length=50, required=False, widget=_text("address-level2"))
    phone = forms.CharField(
        max_length=20,
        required=False,
        label="Mobile phone",
        help_text="Other ways to pay do without these.",
        widget=_text("tel"),
    )
    token = forms.CharField(max_length=64, widget=forms.HiddenInput)

    @property
    def payment_details(self) -> dict[str, str]:
        """What only payment providers need, by the names that django-payflow knows."""
        names = ("street", "postal_code", "city", "phone", "country")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name)}
