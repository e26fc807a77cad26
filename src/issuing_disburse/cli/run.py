"""
How is a checked list paid, and what is known of it when it ends, or is stopped?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from attrs import define, field

from issuing_disburse.cli.stopping import Stop
from issuing_disburse.disbursement import Disbursement
from issuing_disburse.disburser import Disburser
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.money import Money
from issuing_disburse.orders_file import OrdersList, Totals
from issuing_disburse.outcome import Outcome

UNPAID_SHOWN = 50


@define(kw_only=True)
class Tally:
    """
    What became of the orders of a list so far; memory does not grow with it.

    Attributes:
        paid, pending, refused: How many orders.
        paid_minor: By currency.
        unpaid: The first of those that have no card.
        resumed: Orders that were pending and are none of the list, as they stand now.
        ended_by: Why the rest was not begun: somebody has changed the list, for one; ``None`` if it was.
    """

    totals: Totals
    paid: int = 0
    pending: int = 0
    refused: int = 0
    paid_minor: Counter[str] = field(factory=Counter)
    unpaid: list[Outcome] = field(factory=list)
    resumed: tuple[Disbursement, ...] = ()
    ended_by: DisburseError | None = None

    @property
    def done(self) -> int:
        """
        How many orders there is an outcome for.
        """
        return self.paid + self.pending + self.refused

    @property
    def amounts(self) -> tuple[Money, ...]:
        """
        What was paid, in each currency.
        """
        return tuple(Money(self.paid_minor[one], one) for one in sorted(self.paid_minor))

    @property
    def is_clean(self) -> bool:
        """
        Whether every order of the list has its card.
        """
        return self.paid == self.totals.orders

    def add(self, outcome: Outcome) -> None:
        """
        Count one.
        """
        if outcome.is_paid and outcome.disbursement is not None:
            amount = outcome.disbursement.amount
            self.paid += 1
            self.paid_minor[amount.currency] += amount.minor
            return
        if outcome.is_pending:
            self.pending += 1
        else:
            self.refused += 1
        if len(self.unpaid) < UNPAID_SHOWN:
            self.unpaid.append(outcome)


def pay(
    disburser: Disburser,
    listed: OrdersList,
    tally: Tally,
    stop: Stop,
    tell: Callable[[Outcome], object],
) -> None:
    """
    Pay every order of a checked list, and *tell* each outcome; ends early when *stop* is heard.

    An order that was begun by then is left pending between two of its calls, for ``resume``.

    Raises:
        DisburseError: Nothing was begun.
    """
    outcomes = disburser.disburse_many(listed.orders())

    def take() -> Outcome | None:
        stop.is_waiting = True
        try:
            if stop.number:
                raise KeyboardInterrupt
            return next(outcomes, None)
        finally:
            stop.is_waiting = False

    def add(outcome: Outcome) -> None:
        tally.add(outcome)
        tell(outcome)

    try:
        with outcomes:
            while (outcome := take()) is not None:
                add(outcome)
    except KeyboardInterrupt:
        for outcome in outcomes:  # what was finished while the others were let go
            add(outcome)
    except DisburseError as problem:
        tally.ended_by = problem


def resume_others(disburser: Disburser, tally: Tally, stop: Stop) -> None:
    """
    Finish what else is pending, unless *stop* was heard, or is.
    """
    if stop.number or tally.ended_by is not None:
        return
    stop.is_waiting = True
    try:
        tally.resumed = disburser.resume_all()
    except KeyboardInterrupt:
        return  # it stays pending
    finally:
        stop.is_waiting = False
