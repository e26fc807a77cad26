"""
Where did the money of one disbursement go, to the cent?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from .disbursement import Status
from .exceptions import InvalidInputError
from .facts import Facts
from .figures import FIGURES, Figure, Source, part_of, sources_of
from .late import REMEDIES, Alert, AlertKind, is_unlinked, late_captures
from .ledger import Entry, Line, verify_chain
from .money import Money


@frozen(kw_only=True)
class Statement:
    """
    The money of one disbursement: *funded + refunded + disputed + covered = spent + held + reclaimed
    + remaining*. All amounts are in minor units of the order's currency.

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
        alerts: What came late, forced, beyond what was approved, or without a link; and disputes.
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
    alerts: tuple[Alert, ...] = ()

    @property
    def is_balanced(self) -> bool:
        """
        Whether the identity holds.
        """
        came = self.funded + self.refunded + self.disputed + self.covered
        return came == self.spent + self.held + self.reclaimed + self.remaining

    def __str__(self) -> str:
        """
        Return order, status and figures on one line; `entries` and `alerts` have the rest.
        """
        names = [
            "funded",
            "held",
            "spent",
            "refunded",
            "disputed",
            "covered",
            "reclaimed",
            "remaining",
        ]
        figures = ", ".join(f"{name} {getattr(self, name)}" for name in names)
        alerts = f"; {len(self.alerts)} to look at" if self.alerts else ""
        return f"{self.order_id} is {self.status}: {figures}{alerts}"

    def sources(self, figure: Figure) -> tuple[Source, ...]:
        """
        Return what is behind *figure*: Stripe ids, minor units, ledger entries; their sum is the figure.
        """
        if figure not in FIGURES:
            raise InvalidInputError(
                "figure", f"{figure!r} is none", f"pass one of {', '.join(FIGURES)}"
            )
        return tuple(sources_of(self.entries, figure))


def statement_of(
    order_id: str,
    status: Status,
    currency: str,
    entries: Iterable[Entry],
    facts: Facts | None = None,
) -> Statement:
    """
    Add up the ledger entries of one disbursement.

    Args:
        facts: What the alerts follow from.

    Raises:
        ChainBrokenError: An entry was changed, removed or put in between; figures from it would lie.
    """
    chain = tuple(entries)
    verify_chain(chain)
    lines = [line for entry in chain for line in entry.lines]
    figures = {
        name: Money(sum(part_of(line, name) for line in lines), currency) for name in FIGURES
    }
    return Statement(
        order_id=order_id,
        status=status,
        entries=chain,
        alerts=alerts_of(facts, lines) if facts is not None else (),
        **figures,
    )


def alerts_of(facts: Facts, lines: Iterable[Line]) -> tuple[Alert, ...]:
    """
    Return what a person should look at: late, forced and excessive captures, refunds without a link,
    disputes, and whatever the account had to cover.
    """
    covered: dict[str, int] = {}
    for line in lines:
        if line.effect == "cover":
            covered[line.object_id] = covered.get(line.object_id, 0) + _into(line, "covered:")
    moved: dict[str, tuple[AlertKind, int]] = {}
    taken = {one.id: one.minor for one in facts.transactions}
    for name, late in late_captures(facts).items():
        moved[name] = (late.kind, taken[name])
    for refund in facts.refunds():
        if is_unlinked(refund):
            moved[refund.id] = ("unlinked_refund", refund.minor)
    for dispute in facts.disputes:
        kind: AlertKind = "provisional_credit" if dispute.provisional else "dispute"
        moved[dispute.id] = (kind, dispute.credited_minor)
    return tuple(
        Alert(
            kind=kind,
            object_id=name,
            minor=minor,
            covered_minor=covered.get(name, 0),
            remedy=REMEDIES[kind],
        )
        for name, (kind, minor) in sorted(moved.items())
    )


def _into(line: Line, prefix: str) -> int:
    """
    Return what *line* adds to the accounts that begin with *prefix*, in minor units.
    """
    arrives = line.destination.startswith(prefix)
    leaves = line.source.startswith(prefix)
    return line.minor * (arrives - leaves)
