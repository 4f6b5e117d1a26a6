"""The body of a create call: which fields it has, what each must be, and the rules that look at several of them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django_payflow.simulators.host import Json, is_loopback
from django_payflow.simulators.resurs import people
from django_payflow.simulators.resurs.bodies import Reader

REFERENCE = r"[\w-]{1,36}"
CALLBACKS = ("authorization", "management", "creditApplication")
_SWITCHES = (
    "initiatedOnCustomersDevice",
    "deliverLinks",
    "handleFrozenPayments",
    "handleManualInspection",
    "automaticCapture",
    "handlePhysicalAgreement",
)
_TTL_DEFAULT, _TTL_MOST = 120, 43200
#: Resurs refuses this one; how it tells good addresses from bad ones is not documented.
_REFUSED_DOMAINS = ("difjgod903845gn.asdasd",)
_PHONES = {
    "SE": r"(\+46|0046|46|0)7\d{8}",
    "NO": r"(\+47|0047|47)?[49]\d{7}",
    "FI": r"(\+358|00358|358|0)\d{5,12}",
    "DK": r"(\+45|0045|45)?\d{8}",
}


def read_customer(reader: Reader, country: str) -> Json:
    """What the payment shows of the customer. ``deviceInfo`` is checked and not shown."""
    customer: Json = {"customerType": reader.word("customerType", ("NATURAL", "LEGAL")) or "NATURAL"}
    customer["governmentId"] = _government_id(reader, country, customer["customerType"])
    customer["contactPerson"] = reader.text("contactPerson", 100)
    if customer["customerType"] == "LEGAL" and customer["contactPerson"] is None:
        reader.blame("contactPerson", "must be given for a company")
    customer["email"] = _email(reader)
    customer["mobilePhone"] = _phone(reader, country)
    if reader.has("deliveryAddress"):
        customer["deliveryAddress"] = _address(reader.inner("deliveryAddress"))
    device = reader.inner("deviceInfo")
    device.text("ip", 45, least=2, pattern=r"[0-9a-fA-F:.]+")
    device.text("userAgent", 200, least=1)
    return {name: value for name, value in customer.items() if value is not None}


def _government_id(reader: Reader, country: str, customer_type: str) -> str | None:
    """Left out is fine, the customer then enters it at the gateway; null and "" are refused."""
    if "governmentId" in reader.sent and reader.sent["governmentId"] in (None, ""):
        reader.blame("governmentId", "must not be empty")
        return None
    value = reader.text("governmentId", 50)
    if value is not None and not people.is_valid(value, country, customer_type):
        reader.blame("governmentId", "is not valid")
    return value


def _email(reader: Reader) -> str | None:
    value = reader.text("email", 254)
    if not value:
        return None
    well_formed = re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", value)
    if well_formed is None or value.rpartition("@")[2].lower() in _REFUSED_DOMAINS:
        reader.blame("email", "is not valid")
    return value


def _phone(reader: Reader, country: str) -> str | None:
    """Mobile numbers of the store's country, and of any other with its prefix (GUESS)."""
    value = reader.text("mobilePhone", 30)
    if not value:
        return None
    bare = re.sub(r"[\s()-]", "", value)
    if not re.fullmatch(_PHONES[country], bare) and not _is_foreign(bare, country):
        reader.blame("mobilePhone", "is not valid")
    return value


def _is_foreign(number: str, country: str) -> bool:
    own = {"SE": "46", "NO": "47", "FI": "358", "DK": "45"}[country]
    return re.fullmatch(rf"(\+|00)(?!{own})[1-9]\d{{6,14}}", number) is not None


def _address(reader: Reader) -> Json:
    """``postalArea`` is the town. The names of the two postal fields are swapped in one of Resurs' own examples."""
    address = {
        "fullName": reader.text("fullName", 50),
        "firstName": reader.text("firstName", 50),
        "lastName": reader.text("lastName", 50),
        "addressRow1": reader.text("addressRow1", 100, least=1, required=True),
        "addressRow2": reader.text("addressRow2", 100),
        "postalArea": reader.text("postalArea", 50, least=1, required=True),
        "postalCode": reader.text("postalCode", 10, least=1, required=True, pattern=r"[ \d]{1,10}"),
        "countryCode": reader.text("countryCode", 2, pattern=r"[A-Z]{2}"),
    }
    return {name: value for name, value in address.items() if value is not None}


def read_metadata(reader: Reader) -> Json:
    metadata: Json = {}
    creator = reader.text("creator", 100)
    if creator is not None:
        metadata["creator"] = creator
    if reader.has("custom"):
        metadata["custom"] = [
            {"key": each.text("key", 50, least=1, required=True), "value": each.text("value", 1000, required=True)}
            for each in reader.items("custom", 0, 1000)
        ]
    return metadata


def read_options(reader: Reader, strict_callback_url: bool) -> Json:
    """``timeToLiveInMinutes`` stands beside ``redirectionUrls``; inside it is an unknown name and ignored."""
    options: Json = {name: reader.truth(name) for name in _SWITCHES}
    if options["automaticCapture"] and options["handleFrozenPayments"]:
        reader.blame("automaticCapture", "must not be true together with handleFrozenPayments")
    options["ttl"] = reader.whole("timeToLiveInMinutes", 1, _TTL_MOST) or _TTL_DEFAULT
    redirection = reader.inner("redirectionUrls")
    redirection.inner("coApplicant")
    redirection.inner("merchant")
    customer = redirection.inner("customer")
    options["successUrl"] = _url(customer, "successUrl")
    options["failUrl"] = _url(customer, "failUrl")
    options["callbacks"] = read_callbacks(reader.inner("callbacks"), strict_callback_url)
    return options


def read_callbacks(reader: Reader, strict: bool) -> Json:
    """kind -> address, for the kinds that were given."""
    found = {}
    for kind in CALLBACKS:
        if not reader.has(kind):
            continue
        callback = reader.inner(kind)
        url = _url(callback, "url", required=True)
        if url is not None and strict and not is_public(url):
            callback.blame("url", "must be https on port 443 with a public host name")
        found[kind] = url
    return found


def _url(reader: Reader, name: str, *, required: bool = False) -> str | None:
    value = reader.text(name, 2048, required=required)
    if value is not None and not re.match(r"https?://[^\s/?#]+", value):
        reader.blame(name, "must be an address")
    return value


def is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" and port in (None, 443) and "." in host and not is_loopback(url)
