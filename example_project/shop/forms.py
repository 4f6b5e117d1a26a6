"""The shop's forms: how many, which, and for whom."""

from __future__ import annotations

from django import forms

from .basket import MAX_QUANTITY
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


class CheckoutForm(forms.Form):
    """Who gets the parcel. The token says which basket this page showed."""

    name = forms.CharField(max_length=100, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail address",
        help_text="For the confirmation of this order, nothing else.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    token = forms.CharField(max_length=64, widget=forms.HiddenInput)
