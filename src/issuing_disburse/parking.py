"""
What is kept of events for cards that are not recorded yet, and for how long?
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from .disbursement import Status
from .facts import DisputeFacts
from .ports import Store, Transaction
from .records import DisbursementRecord, ParkedEvent, StepRecord, account_key
from .snapshots import Fact

Booked: TypeAlias = Literal["booked", "parked", "ignored"]
"""What became of an event."""

PARKED_MAX = 200
"""How many events are parked for one account at most; the oldest gives way."""

PARKED_FOR = timedelta(days=7)
"""How long an event is parked. What is missed then is read from Stripe when the card is closed."""


def park(tx: Transaction, fact: Fact, *, cause: str, account: str | None, now: datetime) -> Booked:
    """
    Keep an event for a card that may be one of ours, still on its way into the store.
    """
    if isinstance(fact, DisputeFacts) or not _is_issuing(tx, account):
        return "ignored"
    key = f"{cause}/{fact.id}"
    if tx.get(ParkedEvent, key) is None:
        _make_room(tx, account)
        tx.put(
            ParkedEvent(
                event_id=key, card_id=fact.card_id, fact=fact, received_at=now, account=account
            )
        )
    return "parked"


def forget_parked(store: Store, *, now: datetime) -> int:
    """
    Forget events that were parked too long for a card that never came; return how many.
    """
    before = now - PARKED_FOR

    def work(tx: Transaction) -> int:
        expired = tx.find(ParkedEvent, due_before=before, limit=1_000)
        for one in expired:
            tx.delete(ParkedEvent, one.key)
        return len(expired)

    return store.transact(work)


def _make_room(tx: Transaction, account: str | None) -> None:
    waiting = tx.find(ParkedEvent, states=(account_key(account),), limit=PARKED_MAX)
    if len(waiting) == PARKED_MAX:
        oldest = min(waiting, key=lambda one: one.received_at)
        tx.delete(ParkedEvent, oldest.key)


def _is_issuing(tx: Transaction, account: str | None) -> bool:
    """
    Tell whether a card of the account may be on its way: an order is pending, or a step was begun.
    """
    group = account_key(account)
    pending = (Status.PENDING.value,)
    if tx.find(DisbursementRecord, group=group, states=pending, limit=1):
        return True
    prefix = f"order/{group}/"  # a reissue, too, whose order is not pending
    begun = tx.find(StepRecord, states=("intended",), after=prefix, limit=1)
    return bool(begun) and begun[0].key.startswith(prefix)
