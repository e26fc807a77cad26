"""
What is kept of money on its way to the Issuing balance and back, and of the totals there?
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from attrs import field, frozen

from .ledger import GENESIS
from .money import Money
from .revision import revised
from .rows import Lease, Row, account_key


@frozen(kw_only=True)
class PoolRecord(Row):
    """
    The ledger's totals for one account and currency, in minor units.

    Attributes:
        available_minor: Balance of ``issuing:available``.
        cards_minor: Sum of all ``card:`` accounts: what cards may still spend.
        held_minor: Sum of all ``hold:`` accounts.
        promised_minor: Promised to orders that have no card yet.
        deposits_seen_at: UTC; when the newest bank transfer that is booked arrived.
        opened_at: UTC; bank transfers until then are part of the opening, ``None`` if none are.
    """

    KIND: ClassVar[str] = "pool"

    account: str | None
    currency: str
    available_minor: int = 0
    cards_minor: int = 0
    held_minor: int = 0
    promised_minor: int = 0
    deposits_seen_at: datetime | None = None
    opened_at: datetime | None = None

    @property
    def key(self) -> str:
        """Account and currency."""
        return f"{account_key(self.account)}/{self.currency}"

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)


@frozen(kw_only=True)
class Moved:
    """
    One Stripe object that moved money: ``transfer``, ``balance_transfer``, ``transfer_reversal``, …

    Attributes:
        balance_transaction: The movement on the Issuing balance, if Stripe named it.
        counterpart: The movement on the other balance, likewise.
    """

    object: str
    id: str
    minor: int
    balance_transaction: str | None = None
    counterpart: str | None = None


@frozen(kw_only=True)
class Share:
    """
    What of a shared funding belongs to one order: *minor* of *of_minor*, minor units.
    """

    funding: str
    minor: int
    of_minor: int


@frozen(kw_only=True)
class FundingRecord(Row):
    """
    Money moved for orders, once, whole, or given back.

    A *shared* one pays for many: each member has its share in its own record, and each share goes back
    by itself. Only who holds its lease moves its money.

    Attributes:
        members: Keys of the disbursements it pays for.
        direction: ``out`` when it takes back what another one brought.
        moved: What moved it, in order.
        brought_minor: What they bring to the Issuing balance; 0 for a route that moves nothing.
        available_at: UTC; when the money is expected; ``None`` when it arrived at once.
        has_arrived: Whether it is on the Issuing balance, and in the ledger; for one that takes money
            back, whether the bank has it, or has sent it back.
        given_back_minor: Of *amount*, how much went back by the same route, minor units.
        returned: What moved it back, in order.
        is_shared: Whether each member has a share of it.
        gone: Of a shared one, what went back of whose share, minor units.
        free_minor: Of a shared one, what is nobody's share: its orders were lost with their store.
    """

    KIND: ClassVar[str] = "funding"

    id: str
    account: str | None
    amount: Money
    route: str
    members: tuple[str, ...]
    created_at: datetime
    direction: Literal["in", "out"] = "in"
    progress: Literal["moving", "moved", "failed", "given_back"] = "moving"
    moved: tuple[Moved, ...] = ()
    brought_minor: int = 0
    available_at: datetime | None = None
    has_arrived: bool = False
    given_back_minor: int = 0
    returned: tuple[Moved, ...] = ()
    is_shared: bool = False
    gone: dict[str, int] = field(factory=dict)
    free_minor: int = 0
    lease: Lease | None = None
    entries: int = 0
    digest: str = GENESIS

    @property
    def key(self) -> str:
        """The funding's id."""
        return self.id

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)

    @property
    def state(self) -> str:
        """How far it got."""
        return self.progress

    @property
    def due_at(self) -> datetime | None:
        """When it was made, while money moves."""
        return self.created_at if self.progress == "moving" else None

    def with_given_back(self, member: str, minor: int) -> FundingRecord:
        """
        Return the record after *minor* units more went back for one *member*.
        """
        back = revised(self, given_back_minor=self.given_back_minor + minor)
        if not self.is_shared:
            return back
        return revised(back, gone={**self.gone, member: self.gone.get(member, 0) + minor})
