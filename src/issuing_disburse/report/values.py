"""
What does a report say?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import frozen

from issuing_disburse.account_statements import PeriodFigures
from issuing_disburse.figures import FIGURES, Figure
from issuing_disburse.money import Money
from issuing_disburse.reconcile import Reconciliation

Band: TypeAlias = Literal["up to 7 days", "8 to 30", "31 to 60", "61 to 90", "over 90 days"]

BANDS: tuple[tuple[Band, int], ...] = (
    ("up to 7 days", 7),
    ("8 to 30", 30),
    ("31 to 60", 60),
    ("61 to 90", 90),
    ("over 90 days", 1_000_000),
)
"""The bands of age, each with the last day that belongs to it."""


@frozen(kw_only=True)
class AgeBand:
    """
    Open money of one age: what is held and what remains on cards, by the order's first booking.
    """

    band: Band
    held: Money
    remaining: Money
    orders: int


@frozen(kw_only=True)
class DeclineReason:
    """
    Declined authorizations with one reason in common.

    Attributes:
        reason: Our policy's code, or Stripe's reason if it was not the policy.
        decided_by: ``policy`` or ``stripe``.
        asked: What merchants asked for, in minor units.
    """

    reason: str
    decided_by: Literal["policy", "stripe"]
    count: int
    asked: Money


@frozen(kw_only=True)
class Exceptional:
    """
    Something that a person should look at: a difference, an alert, or an order that is stuck.

    Attributes:
        what: Its kind, such as ``missing_here``, ``over_capture`` or ``overdue``.
        subject: The object or order that it is about.
        remedy: What to do.
    """

    severity: Literal["critical", "warning", "notice"]
    what: str
    subject: str
    order_id: str | None
    amount: Money
    age_seconds: int
    remedy: str


@frozen(kw_only=True)
class OrderLine:
    """
    One order's figures at the end of the period.
    """

    order_id: str
    status: str
    amounts: dict[Figure, Money]
    first_at: datetime
    last_at: datetime
    last_object: str

    @property
    def is_open(self) -> bool:
        """
        Whether money is held, or remains on its cards.
        """
        return not (self.amounts["held"].is_zero and self.amounts["remaining"].is_zero)


@frozen(kw_only=True)
class Report:
    """
    The books of one account, and what stands out.

    Attributes:
        figures: The money of the period, per currency.
        orders: Orders, those with open money first, then the newest; at most as many as were asked for.
        orders_found: How many orders there are.
        notes: What could not be said, and why.
    """

    account: str | None
    at: datetime
    since: datetime | None
    until: datetime | None
    figures: tuple[PeriodFigures, ...]
    ageing: tuple[AgeBand, ...]
    declines: tuple[DeclineReason, ...]
    exceptions: tuple[Exceptional, ...]
    orders: tuple[OrderLine, ...]
    orders_found: int
    reconciliation: Reconciliation
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """
        Whether every identity holds and Stripe has nothing to add.
        """
        return self.reconciliation.is_clean and all(one.is_balanced for one in self.figures)

    def flows(self, currency: str) -> Iterator[tuple[str, Money]]:
        """
        Yield what came and what became of it, by name, zeros left out; opening figures first.
        """
        one = next(one for one in self.figures if one.currency == currency)
        for name in ("opening_held", "opening_remaining", *FIGURES):
            amount: Money = getattr(one, name)
            if not amount.is_zero:
                yield name, amount
