"""Money that moves after the approval: capture, refund, cancel, and lines added to the order.

Lines are never matched with earlier ones; the only bound is the money. Every movement is one entry of the log.
"""

from __future__ import annotations

from django_payflow.simulators.host import Json
from django_payflow.simulators.resurs import books
from django_payflow.simulators.resurs.answers import ApiError
from django_payflow.simulators.resurs.ledger import OPEN, Ledger
from django_payflow.simulators.resurs.lines import total_of


class Movements:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def capture(self, payment: Json, lines: list[Json] | None, facts: Json, *, webhook: bool = True) -> Json:
        """No lines: everything not yet captured."""
        left = books.sums_of(payment).authorized
        if payment["status"] != "ACCEPTED" or left <= 0:
            raise self._refusal("There is nothing to capture")
        return self._do(payment, books.CAPTURE, lines or self._ordered(payment, left), left, facts, webhook)

    def refund(self, payment: Json, lines: list[Json] | None, facts: Json, *, webhook: bool = True) -> Json:
        """No lines: everything captured and not refunded.

        The amounts of lines are positive; that this leaves no room for a discount among them is a GUESS.
        """
        left = books.sums_of(payment).refundable
        if left <= 0:
            raise self._refusal("There is nothing to refund")
        if any(line["total"] <= 0 for line in lines or ()):
            raise self._refusal("The lines of a refund must have positive amounts")
        wanted = lines or books.left_over(payment, left, books.CAPTURE)
        return self._do(payment, books.REFUND, wanted, left, facts, webhook)

    def cancel(self, payment: Json, lines: list[Json] | None, facts: Json, *, webhook: bool = True) -> Json:
        """No lines: everything not yet captured. What was cancelled can be replaced by adding lines."""
        sums = books.sums_of(payment)
        if payment["status"] in ("FROZEN", OPEN):
            return self._cancel_undecided(payment, lines, facts, webhook)
        if payment["status"] != "ACCEPTED" or sums.authorized <= 0:
            raise self._refusal("There is nothing to cancel")
        wanted = lines or self._ordered(payment, sums.authorized)
        return self._do(payment, books.CANCEL, wanted, sums.authorized, facts, webhook)

    def _cancel_undecided(self, payment: Json, lines: list[Json] | None, facts: Json, webhook: bool) -> Json:
        """A frozen payment can be cancelled, as a whole. What follows, and all of it before signing, is a GUESS."""
        if payment["status"] == OPEN and self.ledger.settings["cancel_before_signing"] == "refused":
            raise self._refusal("The payment is not signed yet")
        sums = books.sums_of(payment)
        left = sums.total - sums.canceled - sums.captured
        wanted = lines or self._ordered(payment, left)
        if total_of(wanted) != left:
            raise self._refusal("The payment can only be cancelled as a whole")
        entry = self._do(payment, books.CANCEL, wanted, left, facts, webhook)
        self.ledger.move(payment, "REJECTED", reason="CANCELED", webhook=webhook)
        return entry

    def modify(self, payment: Json, lines: list[Json], *, webhook: bool = True) -> Json:
        """Adds lines; cancelling everything first makes it a replacement."""
        sums = books.sums_of(payment)
        if payment["status"] != "ACCEPTED" or payment["undecided"]:
            raise self._refusal("The order cannot be changed now")
        agreed = total_of(books.lines_of(payment, books.CREATE))
        bound = payment["application"]["approved"] * 100
        if self.ledger.settings["modify_bound"] == "agreed" or not payment["method"]["credit"]:
            bound = agreed
        after = sums.total - sums.canceled + total_of(lines)
        if after > bound or after < sums.captured:
            raise self._refusal("The new total is not within what may be charged")
        return self._write(payment, books.MODIFY, lines, {}, webhook)

    # -- shared -----------------------------------------------------------------------------------------

    def _refusal(self, message: str) -> ApiError:
        return ApiError(int(self.ledger.settings["refusal_status"]), message)

    def _do(self, payment: Json, action: str, lines: list[Json], left: int, facts: Json, webhook: bool) -> Json:
        wanted = total_of(lines)
        if not 0 < wanted <= left:
            raise self._refusal(f"The amount is not within what is left to {action.lower()}")
        if wanted < left and not payment["method"]["partial"]:
            raise self._refusal(f"This payment method does not allow a partial {action.lower()}")
        self._refuse_known_transaction(payment, facts)
        return self._write(payment, action, lines, facts, webhook)

    def _refuse_known_transaction(self, payment: Json, facts: Json) -> None:
        if self.ledger.settings["duplicate_transaction_id"] == "accepted" or "transactionId" not in facts:
            return
        if any(entry.get("transactionId") == facts["transactionId"] for entry in payment["log"]):
            raise ApiError(409, "The transactionId was used before")

    def _write(self, payment: Json, action: str, lines: list[Json], facts: Json, webhook: bool) -> Json:
        now = self.ledger.services.clock.timestamp()
        entry = self.ledger.write_log(payment, action, lines, now, facts)
        self.ledger.save(payment)
        if webhook:
            self.ledger.callbacks.management(payment, action, entry["actionId"], now)
        return entry

    def _ordered(self, payment: Json, left: int) -> list[Json]:
        return books.left_over(payment, left, books.CREATE, books.MODIFY)
