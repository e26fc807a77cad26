"""
What can differ between our books and Stripe's, and what is to be done about it?
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import field, frozen

from issuing_disburse.money import Money

Kind: TypeAlias = Literal[
    "missing_here",
    "missing_there",
    "amount_differs",
    "status_differs",
    "unexplained",
    "stale_hold",
]

Severity: TypeAlias = Literal["critical", "warning", "notice"]
"""``critical``: money or spending power without a name; ``warning``: the books lag; ``notice``: look."""

Action: TypeAlias = Literal["book", "resume", "reclaim", "ask_stripe", "restore", "look"]
"""``book`` is the one that `Reconciliation.repair` takes: it writes to our ledger and moves no money."""

ObjectType: TypeAlias = Literal[
    "authorization",
    "transaction",
    "dispute",
    "card",
    "transfer",
    "transfer_reversal",
    "balance_transaction",
    "balance",
    "ledger",
]

_BOOKABLE = frozenset({"authorization", "transaction", "dispute", "card"})

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "notice")


@frozen(kw_only=True)
class Discrepancy:
    """
    One difference between our books and Stripe's, with both sides.

    Attributes:
        object_id: The Stripe object, or the place in our ledger, at which they differ.
        here: What our ledger says it did to the Issuing balance, in minor units.
        there: What Stripe says.
        age_seconds: Since its newest movement, at Stripe if it shows one, else here.
        action: What to do, as a word for programs.
        remedy: What to do, as a sentence for people.
        here_status: How it stands here, where that is what differs.
        there_status: How it stands at Stripe, likewise.
        order_id: Yours, if it belongs to an order.
    """

    kind: Kind
    object_id: str
    here: Money
    there: Money
    age_seconds: int
    remedy: str
    object_type: ObjectType = "balance_transaction"
    severity: Severity = "warning"
    action: Action = "look"
    here_status: str = ""
    there_status: str = ""
    order_id: str | None = None

    @property
    def is_repairable(self) -> bool:
        """
        Whether booking what Stripe has, and we lack, removes it.
        """
        return self.action == "book" and self.object_type in _BOOKABLE


@frozen(kw_only=True)
class Repair:
    """
    What became of one difference that was to be repaired.

    Attributes:
        outcome: ``booked``; ``unchanged``: Stripe's object says nothing new to the books; ``failed``:
            see *message*, nothing was booked.
    """

    object_id: str
    kind: Kind
    outcome: Literal["booked", "unchanged", "failed"]
    message: str = ""


Repairer: TypeAlias = Callable[["Reconciliation"], tuple[Repair, ...]]


def _nobody(_: Reconciliation) -> tuple[Repair, ...]:
    msg = "this reconciliation was not made by a disburser: use Disburser.repair"
    raise TypeError(msg)


@frozen(kw_only=True)
class Reconciliation:
    """
    Our books against Stripe's for one account and period.

    Attributes:
        matched: How many objects say the same on both sides.
        discrepancies: What differs, the gravest first; empty when there is nothing to explain.
        found: How many differences there are; more than are listed when there are very many.
        entries: How many ledger entries were read.
        reads: How many requests it took, all of them reads.
        foreign: What other programs did to the same balance, by currency, where `others` says that
            there are any.
        notes: What could not be compared, and why.
    """

    account: str | None
    at: datetime
    matched: int
    discrepancies: tuple[Discrepancy, ...]
    since: datetime | None = None
    until: datetime | None = None
    found: int = 0
    entries: int = 0
    reads: int = 0
    foreign: tuple[Money, ...] = ()
    notes: tuple[str, ...] = ()
    repairer: Repairer = field(default=_nobody, repr=False, eq=False)

    @property
    def is_clean(self) -> bool:
        """
        Whether there is nothing to explain.
        """
        return not self.discrepancies

    def repair(self) -> tuple[Repair, ...]:
        """
        Book what Stripe has and we lack; moves no money. See `issuing_disburse.Disburser.repair`.
        """
        return self.repairer(self)
