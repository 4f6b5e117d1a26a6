"""What the bank's pages say, in the two languages that the address can name."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("mn", "en")

_EN: Mapping[str, str] = {
    "pay_title": "Pay by card",
    "socialpay_title": "Pay with SocialPay",
    "binding_title": "Confirm your card",
    "amount": "Amount to pay",
    "binding_amount": "Taken to confirm the card, and returned",
    "number": "Card number",
    "holder": "Name on the card",
    "until": "Valid until",
    "time_left": "Time left",
    "pay": "Pay",
    "bind": "Confirm",
    "cancel": "Cancel",
    "back": "Back to the shop",
    "paid": "The payment was successful",
    "bound": "The card was confirmed",
    "failed": "The payment was not successful",
    "expired": "The transaction time has expired",
    "processing": "The payment is being processed",
    "closed": "You have left the payment page",
    "reopen": "Open it again",
    "going_back": "You are being sent back to the shop",
    "transaction": "Transaction",
    "scan": "Scan with the SocialPay app",
    "bad_card": "This is not a card number.",
}
_MN: Mapping[str, str] = {
    "pay_title": "Картаар төлөх",
    "socialpay_title": "SocialPay-ээр төлөх",
    "binding_title": "Картаа баталгаажуулах",
    "amount": "Төлөх дүн",
    "binding_amount": "Баталгаажуулах дүн (буцаагдана)",
    "number": "Картын дугаар",
    "holder": "Карт эзэмшигчийн нэр",
    "until": "Хүчинтэй хугацаа",
    "time_left": "Үлдсэн хугацаа",
    "pay": "Төлөх",
    "bind": "Баталгаажуулах",
    "cancel": "Цуцлах",
    "back": "Дэлгүүр рүү буцах",
    "paid": "Төлбөр амжилттай төлөгдлөө",
    "bound": "Карт баталгаажлаа",
    "failed": "Төлбөр амжилтгүй боллоо",
    "expired": "Гүйлгээний хугацаа дууссан",
    "processing": "Төлбөр хийгдэж байна",
    "closed": "Та төлбөрийн хуудаснаас гарлаа",
    "reopen": "Дахин нээх",
    "going_back": "Таныг дэлгүүр рүү буцааж байна",
    "transaction": "Гүйлгээний дугаар",
    "scan": "SocialPay аппаар уншуулна уу",
    "bad_card": "Картын дугаар буруу байна.",
}
TEXTS: Mapping[str, Mapping[str, str]] = {"mn": _MN, "en": _EN}
