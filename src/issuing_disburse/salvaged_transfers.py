"""
What did the platform transfer for orders that our store has lost, and what went back of it?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from attrs import field, frozen

from .money import Money
from .prepared import Answer
from .records import Moved
from .routes import BALANCE_TRANSFER, FUNDING_METADATA, REVERSAL, TRANSFER
from .salvage import moment
from .sharing import is_shared_id


@frozen(kw_only=True)
class SalvagedTransfer:
    """
    One transfer of ours, and what went back of it, by the key under which it did.
    """

    id: str
    funding_id: str
    amount: Money
    created_at: datetime
    reversed_minor: dict[str, int] = field(factory=dict)
    reversals: dict[str, list[tuple[str, int]]] = field(factory=dict)
    reversed_at: dict[str, datetime] = field(factory=dict)

    @classmethod
    def from_stripe(cls, transfer: Answer, reversals: Iterable[Answer]) -> SalvagedTransfer:
        """
        Read a transfer and its reversals.
        """
        sums: defaultdict[str, int] = defaultdict(int)
        names: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        latest: dict[str, datetime] = {}
        for one in reversals:
            key = str((one.get("metadata") or {}).get(FUNDING_METADATA) or "")
            sums[key] += one["amount"]
            names[key].append((one["id"], one["amount"]))
            at = moment(one["created"])
            latest[key] = max(latest.get(key, at), at)
        return cls(
            id=transfer["id"],
            funding_id=str(transfer["metadata"][FUNDING_METADATA]),
            amount=Money(transfer["amount"], transfer["currency"]),
            created_at=moment(transfer["created"]),
            reversed_minor=dict(sums),
            reversals=dict(names),
            reversed_at=latest,
        )

    @property
    def is_shared(self) -> bool:
        """
        Whether it was made for many orders.
        """
        return is_shared_id(self.funding_id)

    @property
    def has_failed(self) -> bool:
        """
        Whether all of it went back because its order failed, not because a card was reclaimed.
        """
        back = sum(
            minor for key, minor in self.reversed_minor.items() if not key.startswith("reclaim/")
        )
        return back >= self.amount.minor

    def reversed_for_others(self) -> tuple[Moved, ...]:
        """
        Return the reversals that no reclaim has made.
        """
        return tuple(
            Moved(object=REVERSAL, id=name, minor=minor)
            for key, made in sorted(self.reversals.items())
            if not key.startswith("reclaim/")
            for name, minor in made
        )

    def moved(self, arrived: str | None, left: str | None) -> tuple[Moved, ...]:
        """
        Return the transfer, and the balance transfer that took it to the Issuing balance.
        """
        transfer = Moved(object=TRANSFER, id=self.id, minor=self.amount.minor)
        if arrived is None and left is None:
            return (transfer,)
        onward = Moved(
            object=BALANCE_TRANSFER,
            id=str(arrived or left),
            minor=self.amount.minor,
            balance_transaction=arrived,
            counterpart=left,
        )
        return (transfer, onward)
