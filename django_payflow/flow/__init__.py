"""The story of a payment, in time order. Open the files in this order and read it from top to bottom.

   ``links``     a signed link starts the first chapter later
1. ``checkout``  the buyer presses "pay": intent, create, redirect
2. ``arrival``   the buyer comes back: a page that tells the truth
3. ``webhook``   the provider calls: store, answer, ask later
4. ``confirm``   ask the provider for the truth: claim, ask, settle
   ``asking``    which call that takes
   ``report``    what it says meets the books
   ``books``     the order follows its payments, the fulfilments follow the order
   ``policy``    late and second money: what the settings say
   ``stock``     what the shop had reserved follows the order
5. ``fulfil``    the shop delivers, once
6. ``money``     capture, void, refund
   ``intents``   the row that is committed first
   ``carrying``  at most once at the provider
   ``seen``      what reports show of them, and of what others did
7. ``ordering``  cancel, expire or complete an order
   ``judging``   what only a person can decide
   ``commands``  what else an operator may ask for
8. ``sweep``     nothing waits for luck

   ``figures``   how long the oldest of them has waited
   ``purging``   what is forgotten, and when

``gate`` makes every provider call, ``rows`` makes every write, ``inbox`` keeps deliveries, ``addresses`` makes
URLs, ``results`` are what the functions below return. Each returned result carries ``wakes``: hand it to
``django_payflow.tasks.wake`` to have the follow-up done now instead of at the next sweep.
"""

from .addresses import account_webhook_url, retry_url, success_url
from .arrival import handle_return, payment_standing
from .carrying import carry_out
from .checkout import AccountChoice, accounts_for, start_checkout
from .commands import ask_provider, look_at_move, replay_delivery, retry_fulfilment
from .confirm import confirm
from .figures import Figure, busy_accounts, figures
from .fulfil import fulfil
from .gate import outside_of_transactions
from .intents import as_asked, left_for
from .judging import (
    accept_payment,
    close_case_by_hand,
    deliver_late,
    record_chargeback,
    record_refund,
    record_win,
    write_off_payment,
)
from .links import Invitation, pay_link, read_pay_link
from .money import approve_move, capture, confirm_move, deny_move, left_to, refund, refute_move, void
from .ordering import cancel_order, cancel_payment, complete_order, expire_order, settle_order
from .probe import probe_account
from .purging import Purged, erase_customer, purge
from .report import apply_report
from .results import Arrival, Confirmed, Moved, Received, Result, Started, Swept, Wake
from .sweep import sweep
from .webhook import process_delivery, receive_webhook

__all__ = [
    "AccountChoice",
    "Arrival",
    "Confirmed",
    "Figure",
    "Invitation",
    "Moved",
    "Purged",
    "Received",
    "Result",
    "Started",
    "Swept",
    "Wake",
    "accept_payment",
    "account_webhook_url",
    "accounts_for",
    "apply_report",
    "approve_move",
    "as_asked",
    "ask_provider",
    "busy_accounts",
    "cancel_order",
    "cancel_payment",
    "capture",
    "carry_out",
    "close_case_by_hand",
    "complete_order",
    "confirm",
    "confirm_move",
    "deliver_late",
    "deny_move",
    "erase_customer",
    "expire_order",
    "figures",
    "fulfil",
    "handle_return",
    "left_for",
    "left_to",
    "look_at_move",
    "outside_of_transactions",
    "pay_link",
    "payment_standing",
    "probe_account",
    "process_delivery",
    "purge",
    "read_pay_link",
    "receive_webhook",
    "record_chargeback",
    "record_refund",
    "record_win",
    "refund",
    "refute_move",
    "replay_delivery",
    "retry_fulfilment",
    "retry_url",
    "settle_order",
    "start_checkout",
    "success_url",
    "sweep",
    "void",
    "write_off_payment",
]
