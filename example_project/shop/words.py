"""Every status of an order and its payments, as the buyer reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Words:
    """A status in a shop's words."""

    badge: str
    title: str
    text: str
    tone: str
    """``good``, ``wait`` or ``bad``: the colour."""


_TRY_AGAIN = "Your order is still here, and you can try again whenever you like."

WORDS = {
    "draft": Words(
        badge="Not paid yet",
        title="Your order is ready to be paid",
        text="Everything is set aside for you. Choose “pay” when you are ready.",
        tone="wait",
    ),
    "pending": Words(
        badge="Waiting for payment",
        title="We are waiting for your payment",
        text="As soon as it arrives, this page and your e-mail will tell you.",
        tone="wait",
    ),
    "processing": Words(
        badge="Paid",
        title="Thank you, your payment is in",
        text="We are packing your parcel now.",
        tone="good",
    ),
    "completed": Words(
        badge="Paid and shipped",
        title="Thank you, your parcel is on its way",
        text="Your payment is in and your order has left our shop.",
        tone="good",
    ),
    "on_hold": Words(
        badge="Being checked",
        title="We are checking your payment",
        text="Something about it needs a person's eye. Please do not pay again; we will be in touch.",
        tone="wait",
    ),
    "failed": Words(
        badge="Not paid",
        title="The payment did not go through",
        text=f"It was declined. {_TRY_AGAIN}",
        tone="bad",
    ),
    "canceled": Words(
        badge="Cancelled",
        title="This order was cancelled",
        text="Nothing will be sent for this order.",
        tone="bad",
    ),
    "expired": Words(
        badge="Expired",
        title="This order has expired",
        text="It was not paid in time. Nothing will be sent for it.",
        tone="bad",
    ),
}
"""A row per order status."""

BANK_IS_WORKING = Words(
    badge="At your bank",
    title="Your bank is working on your payment",
    text="This can take a while. There is no need to pay again; we will e-mail you when it is done.",
    tone="wait",
)

WORDS_BY_PAYMENT = {
    ("pending", "processing"): BANK_IS_WORKING,
    ("processing", "authorized"): Words(
        badge="Payment approved",
        title="Thank you, your payment is approved",
        text="We are packing your parcel now.",
        tone="good",
    ),
    ("completed", "authorized"): Words(
        badge="Approved and shipped",
        title="Thank you, your parcel is on its way",
        text="Your payment is approved and your order has left our shop.",
        tone="good",
    ),
    ("failed", "canceled"): Words(
        badge="Not paid",
        title="You cancelled the payment",
        text=f"Nothing was paid. {_TRY_AGAIN}",
        tone="bad",
    ),
    ("failed", "expired"): Words(
        badge="Not paid",
        title="The payment took too long",
        text=f"The payment page has closed. {_TRY_AGAIN}",
        tone="bad",
    ),
}
"""Closer words, where (order status, payment status) says more than the order's status alone."""

UNKNOWN = Words(badge="In progress", title="We are working on your order", text="", tone="wait")

MONEY_WORDS = {
    "authorized": "Your payment is approved.",
    "refunded": "Your money went back to you.",
    "partly refunded": "Part of your money went back to you.",
    "charged back": "Your bank took the payment back.",
}
"""What became of the money of a paid order, by the payment's label; anything else is simply in."""

MAIL_WORDS = {
    "done": ("E-mail sent.", "done"),
    "due": ("Your e-mail is being sent.", "now"),
    "running": ("Your e-mail is being sent.", "now"),
    "retry_wait": ("Your e-mail is delayed; we keep trying.", "now"),
    "failed": ("Your e-mail could not be sent.", "bad"),
}
"""How the confirmation stands, by the status of its fulfilment: text and the step's state."""
