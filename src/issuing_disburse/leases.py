"""
Who works on an order just now, and may still write?
"""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from .exceptions import LeaseLostError
from .journal import Guard
from .ports import Store, Transaction
from .records import DisbursementRecord, Lease
from .revision import revised


@frozen(kw_only=True)
class Leases:
    """
    Leases on orders: one worker at a time, with a deadline on the clock that all workers share.

    A worker that lost its lease can no longer write: its fencing number is outdated.
    """

    store: Store
    owner: str
    seconds: float

    def take(self, tx: Transaction, record: DisbursementRecord) -> DisbursementRecord | None:
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

    def guard(self, record: DisbursementRecord) -> Guard:
        """
        Return the function that refuses to write once the lease of *record* is somebody else's.
        """
        mine = record.lease

        def check(tx: Transaction) -> None:
            current = tx.get(DisbursementRecord, record.key, lock=True)
            if current is None or mine is None or current.lease is None:
                still = False
            else:
                still = (current.lease.owner, current.lease.fence) == (mine.owner, mine.fence)
            if not still:
                msg = f"another worker has taken over order {record.order_id!r}"
                raise LeaseLostError(msg, order_id=record.order_id)

        return check

    def release(self, record: DisbursementRecord) -> None:
        """
        Let others work on the order, if the lease is still ours.
        """
        mine = record.lease

        def work(tx: Transaction) -> None:
            current = tx.get(DisbursementRecord, record.key, lock=True)
            if current is not None and mine is not None and _same(current.lease, mine):
                tx.put(revised(current, lease=revised(mine, owner="", until=tx.now())))

        self.store.transact(work)


def _same(held: Lease | None, mine: Lease) -> bool:
    return held is not None and (held.owner, held.fence) == (mine.owner, mine.fence)
