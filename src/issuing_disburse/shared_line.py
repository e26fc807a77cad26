"""
How do the processes that share a store stand in one line before Stripe?
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from .exceptions import StoreError
from .line_records import LineRecord
from .ports import Store, Transaction
from .revision import revised

_LONGEST = timedelta(seconds=60)
"""No line is as long as this: if one seems to be, somebody has set the database's clock back."""


@frozen(kw_only=True)
class SharedLine:
    """
    Gives out places in lines whose ends are in the store, by the clock that all its users share.
    """

    store: Store

    def __call__(self, name: str, seconds: float) -> float:
        """
        Take the next place in the line *name*, and return how many seconds to wait for it.

        A store that fails holds up nobody: then each process counts for itself.

        Args:
            seconds: How far the places are apart.
        """

        def work(tx: Transaction) -> float:
            now = tx.now()
            known = tx.get(LineRecord, name, lock=True)
            at = _place(known, now)
            free_at = at + timedelta(seconds=seconds)
            if known is None:
                tx.put(LineRecord(name=name, free_at=free_at))
            else:
                tx.put(revised(known, free_at=free_at))
            return (at - now).total_seconds()

        try:
            return self.store.transact(work)
        except StoreError:
            return 0.0


def _place(known: LineRecord | None, now: datetime) -> datetime:
    if known is None or not now <= known.free_at < now + _LONGEST:
        return now
    return known.free_at
