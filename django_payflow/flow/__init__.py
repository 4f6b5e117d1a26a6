"""The story of a payment, in time order. Open the files in this order and read it from top to bottom.

   ``links``     a signed link starts the first chapter later
1. ``checkout``  the buyer presses "pay": intent, create, redirect
2. ``arrival``   the buyer comes back: a page that tells the truth
3. ``webhook``   the provider calls: store, answer, ask later
4. ``confirm``   ask the provider for the truth: claim, ask, settle
   ``asking``    which call that takes
   ``report``    what it says meets the books
   ``books``     the order follows its payments, the fulfilments follow the order
5. ``fulfil``    the shop delivers, once
6. ``sweep``     nothing waits for luck
   ``commands``  what an operator may ask for

``gate`` makes every provider call, ``rows`` makes every write, ``inbox`` keeps deliveries, ``addresses`` makes
URLs, ``results`` are what the functions below return. Each returned result carries ``wakes``: hand it to
``django_payflow.tasks.wake`` to have the follow-up done now instead of at the next sweep.
"""

from .addresses import account_webhook_url, retry_url, success_url
from .arrival import handle_return, payment_standing
from .checkout import AccountChoice, accounts_for, start_checkout
from .commands import ask_provider, replay_delivery, retry_fulfilment
from .confirm import confirm
from .fulfil import fulfil
from .gate import outside_of_transactions
from .links import Invitation, pay_link, read_pay_link
from .probe import probe_account
from .report import apply_report
from .results import Arrival, Confirmed, Received, Result, Started, Swept, Wake
from .sweep import sweep
from .webhook import process_delivery, receive_webhook

__all__ = [
    "AccountChoice",
    "Arrival",
    "Confirmed",
    "Invitation",
    "Received",
    "Result",
    "Started",
    "Swept",
    "Wake",
    "account_webhook_url",
    "accounts_for",
    "apply_report",
    "ask_provider",
    "confirm",
    "fulfil",
    "handle_return",
    "outside_of_transactions",
    "pay_link",
    "payment_standing",
    "probe_account",
    "process_delivery",
    "read_pay_link",
    "receive_webhook",
    "replay_delivery",
    "retry_fulfilment",
    "retry_url",
    "start_checkout",
    "success_url",
    "sweep",
]
