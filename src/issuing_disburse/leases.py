"""
Who works on an order just now, and may still write?
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from attrs import frozen

from .exceptions import LeaseLostError
from .journal import Guard
from .ports import Store, Transaction
from .records import DisbursementRecord, FundingRecord, Lease
from .revision import revised

R = TypeVar("R", DisbursementRecord, FundingRecord)


@frozen(kw_only=True)
class Leases:
    """
    Leases on orders and shared fundings: one worker at a time, with a deadline on the clock that all
    workers share.

    A worker that lost its lease can no longer write: its fencing number is outdated.
    """

    store: Store
    owner: str
    seconds: float

    def take(self, tx: Transaction, record: R) -> R | None:
        """
        Return *record* with a lease of ours, to be put by the caller; ``None`` if another works.
        """
        now = tx.now()
        held = record.lease
        if held is not None and held.owner and held.until > now:
            return None
        fence = held.fence + 1 if held is not None else 1
        until = now + timedelta(seconds=self.seconds)
        return revised(record, lease=Lease(owner=self.owner, until=until, fence=fence))

    def renewed(self, tx: Transaction, record: R) -> R:
        """
        Return *record* with its lease prolonged, to be put by the caller.
        """
        if record.lease is None:
            return record
        until = tx.now() + timedelta(seconds=self.seconds)
        return revised(record, lease=revised(record.lease, until=until))

    def guard(self, record: R) -> Guard:
        """
        Return the function that refuses to write once the lease of *record* is somebody else's.
        """
        kind, mine = type(record), record.lease

        def check(tx: Transaction) -> None:
            current = tx.get(kind, record.key, lock=True)
            if current is None or mine is None or not is_same(current.lease, mine):
                raise LeaseLostError(_lost(record), order_id=getattr(record, "order_id", None))

        return check

    def release(self, record: R) -> None:
        """
        Let others work on it, if the lease is still ours.
        """
        kind, mine = type(record), record.lease

        def work(tx: Transaction) -> None:
            current = tx.get(kind, record.key, lock=True)
            if current is not None and mine is not None and is_same(current.lease, mine):
                tx.put(revised(current, lease=revised(mine, owner="", until=tx.now())))

        self.store.transact(work)


def _lost(record: DisbursementRecord | FundingRecord) -> str:
    if isinstance(record, DisbursementRecord):
        return f"another worker has taken over order {record.order_id!r}"
    return f"another worker has taken over funding {record.id}"


def is_same(held: Lease | None, mine: Lease) -> bool:
    """
    Tell whether *held* is still the lease that was taken as *mine*, however old it is.
    """
    return held is not None and (held.owner, held.fence) == (mine.owner, mine.fence)
