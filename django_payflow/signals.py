"""Signals for the shop. They are sent after the commit, at most once per change and without a guarantee: a crash
between commit and signal loses it. What must happen exactly once belongs into ``PAYFLOW["FULFILMENT"]``.

``payment_changed``  sender=Payment class, payment_id, old, new
``order_changed``    sender=order model, order_id, old, new
``move_changed``     sender=Move class, move_id, payment_id, kind (capture, void, refund, dispute), old, new
``case_opened``      sender=Case class, case_id, kind

We never listen to our own signals.
"""

from django.dispatch import Signal

payment_changed = Signal()
order_changed = Signal()
move_changed = Signal()
case_opened = Signal()
