"""The bank's pages, as a browser walks through them, and both ways back to the shop."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.simulators.golomt_kit import CALLBACK, EXPIRED_CARD, PAID, Buyer, GolomtShop, opened_shop, posted_form

golomt = pytest.fixture(opened_shop)


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@pytest.mark.parametrize(
    ("path", "language", "said"),
    [
        ("payment", "mn", "Төлөх"),
        ("payment", "MN", "Төлөх"),
        ("payment", "en", ">Pay<"),
        ("payment", "EN", ">Pay<"),
        ("socialpay", "mn", "SocialPay аппаар"),
        ("socialpay", "EN", "Scan with the SocialPay app"),
    ],
)
def test_the_address_is_built_by_the_shop(golomt: GolomtShop, path: str, language: str, said: str) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"], path, language)
    assert buyer.page.status_code == 200
    assert said in buyer.page.text
    assert "18 500.00 ₮" in buyer.page.text and "ORD100045" in buyer.page.text
    assert "SIMULATOR" in buyer.page.text
    assert buyer.press("pay").status_code == 302
    assert golomt.inquiry()["errorCode"] == "000"


def test_unknown_addresses(golomt: GolomtShop) -> None:
    invoice = golomt.create()["invoice"]
    for path in ("payment/de/" + invoice, "confirmation/mn/" + invoice, "payment/mn/nothere", "other/mn/" + invoice):
        answer = golomt.session.get(f"{golomt.url}/{path}", timeout=5)
        assert (answer.status_code, "text/html" in answer.headers["Content-Type"]) == (404, True)
    assert Buyer(golomt, invoice.upper()).page.status_code == 200


def test_pay__back_by_get(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    answer = buyer.press("pay")
    assert answer.headers["Location"] == (
        f"{CALLBACK}?invoice=ORD100045&status_code=000&desc=%D0%90%D0%BC%D0%B6%D0%B8%D0%BB%D1%82%D1%82%D0%B0%D0%B9"
    ), "the shop's own number, not the invoice; no checksum"
    assert [each["errorCode"] for each in golomt.pushed()] == ["000"]


def test_pay__back_by_post(golomt: GolomtShop) -> None:
    callback = f"{CALLBACK}?a=1&b=%22'><script>alert(1)</script>"
    buyer = Buyer(golomt, golomt.create(returnType="POST", callback=callback)["invoice"])
    answer = buyer.press("pay")
    assert answer.status_code == 200
    assert posted_form(answer.text) == (
        callback,
        {"invoice": "ORD100045", "status_code": "000", "desc": PAID},
    )
    assert re.findall("<script>(.*?)</script>", answer.text) == ["document.forms[0].submit()"]
    assert "<button" in answer.text, "for browsers without scripts"
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", answer.headers["Content-Security-Policy"])
    assert "form-action" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_pay__back_into_an_app(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create(returnType="MOBILE", callback="myapp://paid?x=1")["invoice"])
    location = buyer.press("pay").headers["Location"]
    assert location.startswith("myapp://paid?x=1&invoice=ORD100045&status_code=000&desc=")


def test_a_query_and_an_anchor_in_the_callback_stay(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create(callback=f"{CALLBACK}?a=%20b&c#end")["invoice"])
    location = buyer.press("cancel").headers["Location"]
    assert location.startswith(f"{CALLBACK}?a=%20b&c&invoice=ORD100045&status_code=904&desc=SIM%3A%20")
    assert location.endswith("#end")


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("pay", "paid", "000"),
        ("cancel", "canceled", "904"),
        ("decline", "declined", "300"),
        ("insufficient_funds", "insufficient_funds", "901"),
        ("refuse", "failed", "902"),
        ("authentication_failed", "authentication_failed", "903"),
    ],
)
def test_every_ending_that_returns(golomt: GolomtShop, ending: str, status: str, code: str) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    assert ending in buyer.endings
    told = query_of(buyer.press(ending).headers["Location"])
    asked = golomt.inquiry()
    assert asked["status"] == "SENT"
    assert (told["status_code"], told["desc"]) == (code, asked["errorDesc"]) == (asked["errorCode"], told["desc"])
    assert code in ("000", "300") or asked["errorDesc"].startswith("SIM"), "invented codes say so"
    assert golomt.control("GET", "golomt/payments/ORD100045")["status"] == status
    (push,) = golomt.pushed()
    assert (push["errorCode"], "token" in push) == (code, code == "000")


def test_what_only_a_simulator_offers(golomt: GolomtShop) -> None:
    def end(number: int, ending: str) -> int:
        """The status of the page after it; the pushes are looked at together."""
        return Buyer(golomt, golomt.create(f"ORD{number}")["invoice"]).press(ending).status_code

    assert [end(1, "pay_no_push"), end(2, "pay_no_redirect"), end(3, "pay_push_twice"), end(4, "pay_wrong_push")] == [
        302,
        200,
        302,
        302,
    ]
    assert all(golomt.inquiry(f"ORD{number}")["errorCode"] == "000" for number in (1, 2, 3, 4))
    pushes = golomt.pushed()
    assert [each["transactionId"] for each in pushes] == ["ORD2", "ORD3", "ORD3", "ORD4"]
    assert pushes[1] == pushes[2]
    assert pushes[3]["checksum"] != golomt.inquiry("ORD4")["checksum"]


def test_leave__nothing_happened(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    assert "You have left the payment page" in buyer.press("leave").text
    assert golomt.inquiry()["status"] == "PENDING"
    assert golomt.pushed() == []
    assert buyer.press("pay").status_code == 302, "and the page can be opened again"


def test_the_card_is_masked_and_named(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    wrong = buyer.press("pay", card_number="4987 38")
    assert (wrong.status_code, "This is not a card number." in wrong.text) == (400, True)
    assert golomt.inquiry()["status"] == "PENDING"
    buyer.press("pay", card_number="4987 3811 2233 3883", card_holder="bat  dorj")
    asked = golomt.inquiry()
    assert (asked["cardNumber"], asked["cardHolder"]) == ("498738******3883", "BAT DORJ")
    assert "498738112233" not in str(golomt.control("GET", "golomt/payments/ORD100045"))
    (push,) = golomt.pushed()
    assert push["cardHolder"] == "4987380", "a number there"


def test_a_finished_page_leads_back_and_takes_nothing(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    first = buyer.press("decline").headers["Location"]
    late = buyer.press("pay")
    assert (late.status_code, "The payment was not successful" in late.text) == (200, True)
    assert golomt.inquiry()["errorCode"] == "300"
    again = Buyer(golomt, golomt.control("GET", "golomt/payments/ORD100045")["simulator"]["invoice"])
    assert again.endings == ["back"]
    assert again.press("back").headers["Location"] == first
    assert len(golomt.pushed()) == 1


# -- the timer ------------------------------------------------------------------------------------------


def test_the_timer_is_shown_and_runs_on_the_simulated_clock(golomt: GolomtShop) -> None:
    golomt.settings(page_seconds=120)
    invoice = golomt.create()["invoice"]
    page = Buyer(golomt, invoice).page.text
    assert re.search(r"Time left <strong>0(2:00|1:5\d)</strong>", page)
    golomt.advance(90)
    page = Buyer(golomt, invoice).page.text
    shown = re.search(r"Time left <strong>00:(\d\d)</strong>", page)
    assert shown and 20 <= int(shown[1]) <= 30
    assert f'http-equiv="refresh" content="{int(shown[1]) + 1}"' in page
    golomt.advance(31)
    gone = Buyer(golomt, invoice)
    assert ("The transaction time has expired" in gone.page.text, gone.endings) == (True, ["back"])
    assert "The transaction time has expired" in gone.press("pay").text
    assert golomt.control("GET", "golomt/payments/ORD100045")["status"] == "expired"
    assert query_of(gone.press("back").headers["Location"])["status_code"] == "905"


def test_the_timer_is_exact__even_before_anything_else_noticed(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    golomt.control("POST", "clock", {"advance": 600})
    assert "The transaction time has expired" in buyer.press("pay").text
    assert golomt.inquiry()["errorCode"] is None


def test_after_the_timer__inquiry_still_knows_no_code(golomt: GolomtShop) -> None:
    before = golomt.create() and golomt.inquiry()
    golomt.advance(601)
    assert golomt.inquiry() == before
    assert golomt.pushed() == []


def test_after_the_timer__with_a_code(golomt: GolomtShop) -> None:
    golomt.settings(expiry_answer="905")
    golomt.create()
    golomt.advance(599)
    assert golomt.inquiry()["status"] == "PENDING"
    golomt.advance(2)
    asked = golomt.inquiry()
    assert (asked["status"], asked["errorCode"], asked["errorDesc"][:4]) == ("SENT", "905", "SIM:")
    assert [each["errorCode"] for each in golomt.pushed()] == ["905"]


def test_the_buyer_lets_the_timer_run_out(golomt: GolomtShop) -> None:
    answer = Buyer(golomt, golomt.create()["invoice"]).press("expire")
    assert "The transaction time has expired" in answer.text
    assert golomt.inquiry()["errorCode"] is None


def test_paid_in_time_does_not_expire(golomt: GolomtShop) -> None:
    Buyer(golomt, golomt.create()["invoice"]).press("pay")
    golomt.advance(3600)
    assert golomt.inquiry()["errorCode"] == "000"


def test_without_gen_token__the_live_page_is_broken(golomt: GolomtShop) -> None:
    golomt.settings(pages_need_token=True)
    broken = Buyer(golomt, golomt.create(genToken="N")["invoice"])
    assert "The transaction time has expired" in broken.page.text
    assert golomt.inquiry()["errorCode"] is None
    assert "pay" in Buyer(golomt, golomt.create("ORD100046")["invoice"]).endings


# -- safety ---------------------------------------------------------------------------------------------


def test_pages_take_no_orders_from_other_web_pages(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert buyer.press("pay", headers=headers).status_code == 403
    assert golomt.inquiry()["status"] == "PENDING"
    own = {"Origin": golomt.root, "Sec-Fetch-Site": "same-origin"}
    assert buyer.press("pay", headers=own).status_code == 302


def test_pages_offer_buttons_and_nothing_else(golomt: GolomtShop) -> None:
    buyer = Buyer(golomt, golomt.create()["invoice"])
    assert buyer.press("dance").status_code == 400
    assert golomt.inquiry()["status"] == "PENDING"
    assert not re.search(r'(src|href|url\()="?(https?:)?//', buyer.page.text)
    assert buyer.page.headers["Cache-Control"] == "no-store"
    assert "<script" not in buyer.page.text


def test_everything_is_escaped(golomt: GolomtShop) -> None:
    golomt.create(returnType="POST")
    nasty = '"><script>alert(1)</script>{{ 7 * 7 }}'
    golomt.set_status("ORD100045", "failed", errorCode="116", errorDesc=nasty)
    buyer = Buyer(golomt, golomt.control("GET", "golomt/payments/ORD100045")["simulator"]["invoice"])
    page = buyer.press("back").text
    assert posted_form(page)[1]["desc"] == nasty
    assert "alert(1)</script>" not in page
    panel = golomt.session.get(f"{golomt.root}/?provider=golomt", timeout=5).text
    assert "<script>alert" not in panel and "&lt;script&gt;alert" in panel
    assert EXPIRED_CARD not in panel
