"""
Where does one order stand, and which card carries it?

.. code-block:: text

    PENDING ──▶ ACTIVE ──▶ SPENT ──┐
       │           └──▶ CLOSING ◀──┤
       ▼                   │       │
    FAILED                 ▼       ▼
       └─(new attempt)   CLOSED ◀──┘      a late capture or refund reopens: CLOSED ──▶ CLOSING
                                          a new card after a void: CLOSING ──▶ ACTIVE
                                          a refund on a live card: SPENT ──▶ ACTIVE
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from .exceptions import CardNotIssuedError
from .money import Money


class Status(StrEnum):
    """
    Where a disbursement stands.

    ``PENDING``: no usable card yet; ``ACTIVE``: the card may be used; ``SPENT``: used up and
    captured; ``CLOSING``: cancelled, money may still move; ``CLOSED``: nothing held, nothing
    unexplained; ``FAILED``: refused before a card existed, money that moved is given back.
    """

    PENDING = "pending"
    ACTIVE = "active"
    SPENT = "spent"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"

    def can_become(self, other: Status) -> bool:
        """
        Tell whether a disbursement may go from this status to *other*.
        """
        return other is self or other in _NEXT[self]


_NEXT: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.ACTIVE, Status.FAILED}),
    Status.ACTIVE: frozenset({Status.SPENT, Status.CLOSING, Status.CLOSED}),
    Status.SPENT: frozenset({Status.ACTIVE, Status.CLOSING, Status.CLOSED}),
    Status.CLOSING: frozenset({Status.CLOSED, Status.ACTIVE}),
    Status.CLOSED: frozenset({Status.CLOSING}),
    Status.FAILED: frozenset({Status.PENDING}),
}


@frozen(kw_only=True)
class CardReference:
    """
    A card without its secrets: everything here may be logged.
    """

    id: str
    last4: str
    brand: str
    exp_month: int
    exp_year: int
    currency: str
    account: str | None = None


@frozen(kw_only=True)
class Reason:
    """
    Why a disbursement waits or failed, and what the caller can do.

    Attributes:
        code: Stripe's or our machine-readable reason.
        message: For a person.
        remedy: What to do; empty when waiting is all.
        param: The field or parameter at fault.
        stripe_request_id: Quote it to Stripe's support.
        retry_at: UTC; when looking again makes sense.
    """

    code: str
    message: str
    remedy: str = ""
    param: str | None = None
    stripe_request_id: str | None = None
    retry_at: datetime | None = None


@frozen(kw_only=True)
class Disbursement:
    """
    One order on its way, as stored. A snapshot: ask `Disburser.get` for a fresh one.

    Attributes:
        amount: What the order is for, in minor units.
        created_at: UTC.
        expires_at: UTC; after this the card is refused and the rest is reclaimed.
        attempt: 1 for the first try; a failed order that is tried again counts up.
    """

    order_id: str
    account: str | None
    status: Status
    amount: Money
    created_at: datetime
    expires_at: datetime
    attempt: int = 1
    cardholder_id: str | None = None
    card_or_none: CardReference | None = None
    earlier_cards: tuple[CardReference, ...] = ()
    reason: Reason | None = None

    @property
    def card(self) -> CardReference:
        """
        The card that may be used now, or was used last.

        Raises:
            CardNotIssuedError: There is none (yet); `reason` says why.
        """
        if self.card_or_none is None:
            why = f": {self.reason.message}" if self.reason else ""
            msg = f"order {self.order_id!r} has no card, it is {self.status.value}{why}"
            raise CardNotIssuedError(msg, order_id=self.order_id, disbursement=self)
        return self.card_or_none


def idempotency_key(*parts: str | int) -> str:
    """
    Derive an idempotency key from what it is for: never from time, chance or personal data.

    >>> idempotency_key("acct_1", "claim-8841", "card", 1) == idempotency_key("acct_1", "claim-8841", "card", 1)
    True
    """
    text = "\x1f".join(str(part) for part in parts)
    return "idb_" + hashlib.sha256(text.encode()).hexdigest()[:48]
