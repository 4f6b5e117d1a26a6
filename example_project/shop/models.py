"""What the shop keeps itself. Orders and payments are django-payflow's."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse

from django_payflow.money import Money

CURRENCY = "EUR"


class Product(models.Model):
    """Something on the shelf. Prices are gross, in cents."""

    class Kind(models.TextChoices):
        """The shop's three shelves."""

        TEA = "tea", "Tea"
        COFFEE = "coffee", "Coffee"
        GEAR = "gear", "Gear"

    class Picture(models.TextChoices):
        """The drawings in ``templates/shop/pictures/``."""

        TIN = "tin", "Tin"
        BAG = "bag", "Bag"
        KETTLE = "kettle", "Kettle"
        CUP = "cup", "Cup"
        DRIPPER = "dripper", "Dripper"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind)
    unit = models.CharField(max_length=40, help_text="What one piece is, such as “100 g tin”.")
    summary = models.CharField(max_length=120)
    description = models.TextField()
    price = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text="Gross, in cents.")
    vat_rate = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal("21"))
    picture = models.CharField(max_length=10, choices=Picture)
    tint = models.CharField(max_length=7, validators=[RegexValidator(r"\A#[0-9a-f]{6}\Z")])
    position = models.PositiveSmallIntegerField(default=0)
    available = models.BooleanField(default=True)
    stock = models.PositiveIntegerField(default=1000, help_text="Pieces on the shelf; see stock.py.")

    class Meta:
        """Shelf order."""

        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the product's page."""
        return reverse("shop:product", args=[self.slug])

    @property
    def money(self) -> Money:
        """The price of one piece."""
        return Money(minor=self.price, currency=CURRENCY)


class PlacedBasket(models.Model):
    """A basket that became an order. The unique token makes the second click find the first one's order."""

    token = models.CharField(max_length=64, unique=True)
    order = models.OneToOneField("payflow.Order", models.PROTECT, related_name="placed_basket")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"basket of {self.order}"


class Shipment(models.Model):
    """The parcel of an order, written by the fulfilment handler. At most one per order."""

    order = models.OneToOneField("payflow.Order", models.PROTECT, related_name="shipment")
    tracking_code = models.CharField(max_length=20, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.tracking_code


class Mail(models.Model):
    """A mail that the shop sent, for the demo's mailbox page."""

    message_id = models.CharField(max_length=255, db_index=True)
    sender = models.CharField(max_length=255)
    recipients = models.TextField()
    subject = models.CharField(max_length=255)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first, as in any mailbox."""

        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.subject
