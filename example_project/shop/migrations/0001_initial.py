from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("payflow", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.CharField(db_index=True, max_length=255)),
                ("sender", models.CharField(max_length=255)),
                ("recipients", models.TextField()),
                ("subject", models.CharField(max_length=255)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(choices=[("tea", "Tea"), ("coffee", "Coffee"), ("gear", "Gear")], max_length=10),
                ),
                ("unit", models.CharField(help_text="What one piece is, such as “100 g tin”.", max_length=40)),
                ("summary", models.CharField(max_length=120)),
                ("description", models.TextField()),
                (
                    "price",
                    models.PositiveIntegerField(
                        help_text="Gross, in cents.", validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("vat_rate", models.DecimalField(decimal_places=2, default=Decimal("21"), max_digits=4)),
                (
                    "picture",
                    models.CharField(
                        choices=[
                            ("tin", "Tin"),
                            ("bag", "Bag"),
                            ("kettle", "Kettle"),
                            ("cup", "Cup"),
                            ("dripper", "Dripper"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "tint",
                    models.CharField(
                        max_length=7, validators=[django.core.validators.RegexValidator("\\A#[0-9a-f]{6}\\Z")]
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("available", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="PlacedBasket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="placed_basket", to="payflow.order"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Shipment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tracking_code", models.CharField(max_length=20, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shipment", to="payflow.order"
                    ),
                ),
            ],
        ),
    ]
