"""How a transaction may end: the bank's error codes and their words.

Only 000 and 300 are seen in the bank's documents; the complete table could not be had. Codes from 901 on are
invented here and say SIM in their description, so that nobody takes them for the bank's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Ending(NamedTuple):
    """An outcome with the bank's code, and its description in Mongolian and English."""

    status: str
    code: str
    mn: str
    en: str
    #: whether a card was used, so that answers name one
    with_card: bool = True


_ENDINGS = (
    Ending("paid", "000", "Амжилттай", "Successful"),
    Ending("declined", "300", "Картын хугацаа дууссан", "Card expired"),
    Ending("insufficient_funds", "901", "SIM: Үлдэгдэл хүрэлцэхгүй", "SIM: insufficient funds"),
    Ending("failed", "902", "SIM: Карт гаргагч банк татгалзсан", "SIM: declined by the issuer"),
    Ending("authentication_failed", "903", "SIM: 3-D Secure амжилтгүй", "SIM: 3-D Secure failed"),
    Ending("canceled", "904", "SIM: Худалдан авагч цуцалсан", "SIM: cancelled by the buyer", with_card=False),
    Ending("expired", "905", "SIM: Хуудасны хугацаа дууссан", "SIM: page timer expired", with_card=False),
)
ENDINGS: Mapping[str, Ending] = {ending.status: ending for ending in _ENDINGS}
PAID_CODE = "000"

#: Where nothing is decided yet. ``processing`` is the bank's SENT without a code: data sent, no answer seen.
UNDECIDED = ("open", "processing")
#: Words of the control API; PENDING and SENT are the bank's own.
WORDS: Mapping[str, str] = {
    **{status: status for status in (*UNDECIDED, *ENDINGS)},
    "PENDING": "open",
    "SENT": "processing",
}


def ending_for(code: str, description: str | None) -> Ending:
    """An ending with any code, kept to the letter; everything but 000 is a failure."""
    for ending in _ENDINGS:
        if ending.code == code:
            return ending if description is None else ending._replace(mn=description, en=description)
    text = description if description is not None else f"SIM: {code}"
    return Ending("failed", code, text, text)
