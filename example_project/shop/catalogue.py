"""What stands on the shelves of Fern & Kettle."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .models import Product

FOOD = Decimal("9")
GOODS = Decimal("21")

CATALOGUE: list[dict[str, Any]] = [
    {
        "slug": "sencha-kagoshima",
        "name": "Sencha Kagoshima",
        "kind": Product.Kind.TEA,
        "unit": "100 g tin",
        "summary": "First-flush green tea, sweet grass and sea air",
        "description": "Steamed within hours of picking and gently fired. Brew at 70 °C for one minute, and give "
        "the same leaves a second and a third cup.",
        "price": 1495,
        "vat_rate": FOOD,
        "picture": Product.Picture.TIN,
        "tint": "#5c7f4f",
    },
    {
        "slug": "assam-breakfast",
        "name": "Assam Breakfast",
        "kind": Product.Kind.TEA,
        "unit": "125 g tin",
        "summary": "Malty and round, made for milk",
        "description": "A second-flush leaf from small gardens along the Brahmaputra. Four minutes in boiling "
        "water, and it still stands up to a splash of milk.",
        "price": 895,
        "vat_rate": FOOD,
        "picture": Product.Picture.TIN,
        "tint": "#a4503a",
    },
    {
        "slug": "mint-and-fennel",
        "name": "Mint & Fennel",
        "kind": Product.Kind.TEA,
        "unit": "80 g tin",
        "summary": "Caffeine-free, cool and a little sweet",
        "description": "Peppermint from our own beds with fennel seed and a few rose petals. For after dinner, or "
        "over ice with a slice of lemon.",
        "price": 750,
        "vat_rate": FOOD,
        "picture": Product.Picture.TIN,
        "tint": "#4f8a8b",
    },
    {
        "slug": "guji-highland",
        "name": "Guji Highland",
        "kind": Product.Kind.COFFEE,
        "unit": "250 g bag, whole bean",
        "summary": "Ethiopian filter coffee, peach and bergamot",
        "description": "Washed heirloom beans grown at 2,100 metres, roasted light on Tuesdays and sent the day "
        "after. Best between one and five weeks from the roast.",
        "price": 1390,
        "vat_rate": FOOD,
        "picture": Product.Picture.BAG,
        "tint": "#c98a3a",
    },
    {
        "slug": "house-espresso",
        "name": "House Espresso",
        "kind": Product.Kind.COFFEE,
        "unit": "500 g bag, whole bean",
        "summary": "Dark chocolate, hazelnut, no surprises",
        "description": "Brazil and Guatemala, roasted until the sugars are caramel and not a minute longer. "
        "18 grams in, 36 grams out, half a minute.",
        "price": 1850,
        "vat_rate": FOOD,
        "picture": Product.Picture.BAG,
        "tint": "#6a4a3c",
    },
    {
        "slug": "night-train-decaf",
        "name": "Night Train Decaf",
        "kind": Product.Kind.COFFEE,
        "unit": "250 g bag, whole bean",
        "summary": "Colombian, decaffeinated with sugar cane",
        "description": "All the toffee of a good Huila without the company at three in the morning. Works as "
        "espresso and as filter.",
        "price": 1290,
        "vat_rate": FOOD,
        "picture": Product.Picture.BAG,
        "tint": "#46557a",
    },
    {
        "slug": "gooseneck-kettle",
        "name": "Gooseneck Kettle",
        "kind": Product.Kind.GEAR,
        "unit": "0.9 litre, enamel",
        "summary": "A slow, exact pour, on any stove",
        "description": "Enamelled steel with a beech handle that stays cool. The long spout pours as thin as you "
        "like, which is half of good filter coffee.",
        "price": 6400,
        "vat_rate": GOODS,
        "picture": Product.Picture.KETTLE,
        "tint": "#3f6b5c",
    },
    {
        "slug": "stoneware-cup",
        "name": "Stoneware Cup",
        "kind": Product.Kind.GEAR,
        "unit": "220 ml, one piece",
        "summary": "Thrown by hand, glazed twice",
        "description": "Each one a little different, each one fits the hand. Goes into the dishwasher, stays out of "
        "the microwave.",
        "price": 1650,
        "vat_rate": GOODS,
        "picture": Product.Picture.CUP,
        "tint": "#8b7aa3",
    },
    {
        "slug": "pour-over-dripper",
        "name": "Pour-over Dripper",
        "kind": Product.Kind.GEAR,
        "unit": "for 1 to 2 cups, porcelain",
        "summary": "Spiral ribs, even flow, clear taste",
        "description": "Porcelain keeps the heat in while the water takes its two and a half minutes. Comes with "
        "ten paper filters to start.",
        "price": 2400,
        "vat_rate": GOODS,
        "picture": Product.Picture.DRIPPER,
        "tint": "#b86b5e",
    },
]


def seed() -> None:
    """Fill the shelves; run again, it puts the original goods and prices back."""
    for position, values in enumerate(CATALOGUE):
        wares = {**values, "position": position, "available": True}
        Product.objects.update_or_create(slug=wares.pop("slug"), defaults=wares)
