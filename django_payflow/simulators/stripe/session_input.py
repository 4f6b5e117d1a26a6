"""What creating and updating a Checkout Session accept, and the rules that look at several parameters at once."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

from django_payflow.simulators.host import Json
from django_payflow.simulators.stripe import currencies
from django_payflow.simulators.stripe.answers import ApiError, missing
from django_payflow.simulators.stripe.reading import (
    Spec,
    anything,
    email,
    integer,
    listing,
    mapping,
    metadata,
    one_listed,
    one_of,
    read,
    required,
    text,
    url,
)

_LOCALES = """
    auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk
    sl sv th tr vi zh zh-HK zh-TW
""".split()
#: Names that a list of payment methods may have; only those of ``settings.METHODS`` have a page here.
_METHOD_NAMES = """
    acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie blik boleto
    card cashapp customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link mb_way mobilepay
    multibanco naver_pay oxxo p24 pay_by_bank payco paynow paypal payto pix promptpay revolut_pay samsung_pay satispay
    sepa_debit sofort swish twint us_bank_account wechat_pay zip
""".split()
_MOST = 999_999_999_999
_SHORTEST, _LONGEST = 30 * 60, 24 * 3600

_DECIMAL_PLACES = 12


def _decimal(value: Any, param: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or number != round(number, _DECIMAL_PLACES):
        raise ApiError(400, f"Invalid decimal: {value}", code="parameter_invalid_decimal", param=param)
    return number


_PRODUCT_DATA: Spec = {
    "name": text(250),
    "description": text(),
    "images": listing(url, 8),
    "metadata": metadata,
    "tax_code": text(),
    "tax_details": anything,
    "unit_label": text(12),
}
_PRICE_DATA: Spec = {
    "currency": one_listed(currencies.KNOWN, "Invalid currency"),
    "product_data": mapping(_PRODUCT_DATA),
    "product": text(),
    "unit_amount": integer(0, _MOST),
    "unit_amount_decimal": _decimal,
    "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
    "recurring": anything,
}
_LINE_ITEM: Spec = {
    "price_data": mapping(_PRICE_DATA),
    "price": text(),
    "quantity": integer(1, 999_999_999),
    "adjustable_quantity": anything,
    "metadata": metadata,
    "tax_rates": anything,
    "dynamic_tax_rates": anything,
}
_INTENT_DATA: Spec = {
    "application_fee_amount": integer(0),
    "capture_method": one_of("automatic", "automatic_async", "manual"),
    "description": text(1000),
    "metadata": metadata,
    "on_behalf_of": text(),
    "receipt_email": email,
    "setup_future_usage": one_of("on_session", "off_session"),
    "shipping": anything,
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
    "transfer_data": anything,
    "transfer_group": text(),
}
_METHOD_LIST = listing(one_of(*_METHOD_NAMES))
#: Accepted and echoed or ignored; nothing here depends on them.
_WITHOUT_MEANING = """
    adaptive_pricing after_expiration allow_promotion_codes automatic_tax billing_address_collection branding_settings
    consent_collection custom_fields custom_text customer_account customer_update discounts integration_identifier
    invoice_creation managed_payments name_collection optional_items origin_context payment_method_collection
    payment_method_configuration payment_method_data payment_method_options permissions phone_number_collection
    redirect_on_completion return_url saved_payment_method_options setup_intent_data shipping_address_collection
    shipping_options subscription_data tax_id_collection wallet_options currency
""".split()
CREATE: Spec = {
    **dict.fromkeys(_WITHOUT_MEANING, anything),
    "mode": one_of("payment", "setup", "subscription"),
    "ui_mode": one_of("hosted", "hosted_page", "embedded", "embedded_page", "custom", "elements", "form"),
    "line_items": listing(mapping(_LINE_ITEM), 100),
    "success_url": url,
    "cancel_url": url,
    "client_reference_id": text(200),
    "metadata": metadata,
    "payment_intent_data": mapping(_INTENT_DATA),
    "customer": text(),
    "customer_email": email,
    "customer_creation": one_of("always", "if_required"),
    "payment_method_types": _METHOD_LIST,
    # The newest versions have these two in place of the list above; all three are taken in any version.
    "allowed_payment_method_types": _METHOD_LIST,
    "excluded_payment_method_types": _METHOD_LIST,
    "locale": one_of(*_LOCALES),
    "expires_at": integer(),
    "submit_type": one_of("auto", "book", "donate", "pay", "subscribe"),
}
UPDATE: Spec = {
    "metadata": metadata,
    "collected_information": anything,
    "shipping_options": anything,
    "line_items": anything,
    "payment_intent_data": anything,
}


class NewSession(NamedTuple):
    """A create call that is good. Amounts are in smallest units."""

    sent: Json
    items: list[Json]
    currency: str
    total: int
    expires_at: int
    methods: list[str]

    @property
    def intent_data(self) -> Json:
        return dict(self.sent.get("payment_intent_data", {}))


def read_create(parameters: Json, *, now: int, switched_on: list[str]) -> NewSession:
    """Check a create call. ``now`` is the simulated time, ``switched_on`` the methods of the dashboard."""
    sent = read(parameters, CREATE)
    if required(sent, "mode") != "payment":
        raise ApiError(400, "Only the mode payment is simulated.", param="mode")
    if sent.get("ui_mode", "hosted") not in ("hosted", "hosted_page"):
        raise ApiError(400, "Only the hosted page is simulated.", param="ui_mode")
    for name in ("subscription_data", "setup_intent_data"):
        if name in sent:
            raise ApiError(400, f"{name} goes with another mode.", param=name)
    required(sent, "success_url")
    _check_customer(sent)
    items = [_item(item, f"line_items[{at}]") for at, item in enumerate(required(sent, "line_items"))]
    currency, total = _total(items)
    return NewSession(
        sent=sent,
        items=items,
        currency=currency,
        total=total,
        expires_at=_expiry(sent.get("expires_at"), now),
        methods=_methods(sent, currency, switched_on),
    )


def _check_customer(sent: Json) -> None:
    if "customer" in sent and "customer_email" in sent:
        raise ApiError(400, "You may only specify one of these parameters: customer, customer_email.")
    if "customer" in sent:  # nobody can make customers here
        raise missing("customer", sent["customer"], "customer", 400)


def _item(item: Json, prefix: str) -> Json:
    if "price" in item and "price_data" not in item:  # nobody can make prices here
        raise missing("price", item["price"], f"{prefix}[price]", 400)
    price = required(item, "price_data", prefix)
    quantity = required(item, "quantity", prefix)
    at = f"{prefix}[price_data]"
    currency = required(price, "currency", at)
    if "product" in price:
        raise missing("product", price["product"], f"{at}[product]", 400)
    name = required(required(price, "product_data", at), "name", f"{at}[product_data]")
    if ("unit_amount" in price) == ("unit_amount_decimal" in price):
        raise ApiError(
            400, f"Send one of {at}[unit_amount] and {at}[unit_amount_decimal].", param=f"{at}[unit_amount]"
        )
    unit = Decimal(price["unit_amount"]) if "unit_amount" in price else price["unit_amount_decimal"]
    amount = int((unit * quantity).quantize(Decimal(1), ROUND_HALF_UP))
    if amount % currencies.step(currency):
        raise ApiError(
            400,
            f"Amounts in {currency} must be a multiple of {currencies.step(currency)}.",
            code="parameter_invalid_integer",
            param=f"{at}[unit_amount]",
        )
    return {
        "name": name,
        "quantity": quantity,
        "currency": currency,
        "unit": f"{unit.normalize():f}",
        "amount": amount,
        "tax_behavior": price.get("tax_behavior", "unspecified"),
    }


def _total(items: list[Json]) -> tuple[str, int]:
    """One currency for all; zero is a session without a payment, which is allowed."""
    if not items:
        raise ApiError(400, "There must be at least one line item.", code="parameter_missing", param="line_items")
    currency = str(items[0]["currency"])
    if any(item["currency"] != currency for item in items):
        raise ApiError(400, "All line items must have the same currency.", param="line_items")
    total = sum(item["amount"] for item in items)
    if 0 < total < currencies.minimum(currency):
        least = currencies.shown(currencies.minimum(currency), currency)
        raise ApiError(400, f"The total must be at least {least}.", code="amount_too_small", param="line_items")
    if total > _MOST:
        raise ApiError(400, "The total has too many digits.", code="amount_too_large", param="line_items")
    return currency, total


def _expiry(sent: int | None, now: int) -> int:
    if sent is None:
        return now + _LONGEST
    if not now + _SHORTEST <= sent <= now + _LONGEST:
        raise ApiError(400, "expires_at must be from 30 minutes to 24 hours from now.", param="expires_at")
    return sent


def _methods(sent: Json, currency: str, switched_on: list[str]) -> list[str]:
    """Direct debits take euros and cannot be held for a later capture."""
    fitting = list(sent.get("payment_method_types") or switched_on)
    if "allowed_payment_method_types" in sent:
        fitting = [each for each in fitting if each in sent["allowed_payment_method_types"]]
    left_out = set(sent.get("excluded_payment_method_types", ()))
    manual = sent.get("payment_intent_data", {}).get("capture_method") == "manual"
    if currency != "eur" or manual:
        left_out.add("sepa_debit")
    fitting = [each for each in fitting if each not in left_out]
    if not fitting:
        raise ApiError(400, "No payment method fits this session.", param="payment_method_types")
    return fitting
