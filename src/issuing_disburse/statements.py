"""
Where did the money of one disbursement go, to the cent?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from .disbursement import Status
from .ledger import AVAILABLE, Entry, Line
from .money import Money


@frozen(kw_only=True)
class Statement:
    """
    The money of one disbursement: *funded + refunded + disputed + covered = spent + held + reclaimed
    + remaining*.

    Attributes:
        funded: Set aside for its cards.
        held: Promised to merchants, not captured yet.
        spent: Captured.
        refunded: Came back from merchants, less what they took again.
        disputed: Came back by disputes.
        covered: What the account had to add for captures that exceed what the card had.
        reclaimed: Taken back from the cards.
        remaining: Still on the cards.
        entries: The ledger entries behind the figures, oldest first.
    """

    order_id: str
    status: Status
    funded: Money
    held: Money
    spent: Money
    refunded: Money
    disputed: Money
    covered: Money
    reclaimed: Money
    remaining: Money
    entries: tuple[Entry, ...] = ()

    @property
    def is_balanced(self) -> bool:
        """
        Whether the identity holds.
        """
        came = self.funded + self.refunded + self.disputed + self.covered
        return came == self.spent + self.held + self.reclaimed + self.remaining


def statement_of(
    order_id: str, status: Status, currency: str, entries: Iterable[Entry]
) -> Statement:
    """
    Add up the ledger entries of one disbursement.
    """
    chain = tuple(entries)
    lines = [line for entry in chain for line in entry.lines]

    def net(effect: str, into: str) -> Money:
        return Money(sum(_into(line, into) for line in lines if line.effect == effect), currency)

    def balance(prefix: str) -> Money:
        return Money(sum(_into(line, prefix) for line in lines), currency)

    return Statement(
        order_id=order_id,
        status=status,
        funded=-net("allot", AVAILABLE),
        held=balance("hold:"),
        spent=balance("spent:"),
        refunded=-net("refund", "world"),
        disputed=-net("dispute", "world"),
        covered=balance("covered:"),
        reclaimed=net("reclaim", AVAILABLE),
        remaining=balance("card:"),
        entries=chain,
    )


def _into(line: Line, prefix: str) -> int:
    """
    Return what *line* adds to the accounts that begin with *prefix*, in minor units.
    """
    arrives = line.destination.startswith(prefix)
    leaves = line.source.startswith(prefix)
    return line.minor * (arrives - leaves)
