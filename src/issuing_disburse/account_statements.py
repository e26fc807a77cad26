"""
Where did the money of a whole account go in a period, to the cent?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby

from attrs import define, field, frozen

from .exceptions import InvalidInputError
from .figures import CAME, FIGURES, WENT, Figure, Source, part_of, sources_of
from .ledger import Entry, verify_chain
from .money import Money
from .ports import Store
from .records import account_key

_STOCKS: tuple[Figure, ...] = ("held", "remaining")


@frozen(kw_only=True)
class PeriodFigures:
    """
    All disbursements of an account and currency in a period: *opening held + opening remaining +
    funded + refunded + disputed + covered = spent + reclaimed + held + remaining*, in minor units.

    Attributes:
        opening_held: What merchants could capture when the period began.
        opening_remaining: What was on cards then.
        funded: Set aside for cards within the period; likewise everything but *held* and *remaining*.
        held: What merchants may capture at the end of the period.
        remaining: What is on cards then.
        orders: How many orders had money moving within the period.
        entries: How many ledger entries were booked within it.
    """

    currency: str
    opening_held: Money
    opening_remaining: Money
    funded: Money
    refunded: Money
    disputed: Money
    covered: Money
    spent: Money
    held: Money
    reclaimed: Money
    remaining: Money
    orders: int
    entries: int

    @property
    def is_balanced(self) -> bool:
        """
        Whether the identity holds.
        """
        came = self.opening_held + self.opening_remaining
        went = Money.zero(self.currency)
        for name in CAME:
            came += getattr(self, name)
        for name in WENT:
            went += getattr(self, name)
        return came == went


@frozen(kw_only=True)
class AccountStatement:
    """
    The money of all disbursements of an account in a period, by the time of booking.

    Attributes:
        currencies: The figures, one per currency, in the order of the currencies' names.
    """

    account: str | None
    since: datetime | None
    until: datetime | None
    currencies: tuple[PeriodFigures, ...]
    reread: Callable[[], Iterator[Entry]] = field(repr=False, eq=False)

    @property
    def is_balanced(self) -> bool:
        """
        Whether the identity holds in every currency.
        """
        return all(one.is_balanced for one in self.currencies)

    def figures(self, currency: str) -> PeriodFigures:
        """
        Return the figures of one currency; zeros if nothing ever moved in it.
        """
        for one in self.currencies:
            if one.currency == currency:
                return one
        return _Sums(currency=currency).figures()

    def sources(self, figure: Figure, currency: str) -> Iterator[Source]:
        """
        Yield what is behind *figure* within the period, read again from the ledger as a stream.

        For ``held`` and ``remaining`` these are the changes since the opening figure.
        """
        if figure not in FIGURES:
            raise InvalidInputError(
                "figure", f"{figure!r} is none", f"pass one of {', '.join(FIGURES)}"
            )
        for entry in self.reread():
            if entry.currency == currency and is_within(entry.at, self.since, self.until):
                yield from sources_of((entry,), figure)


@define(kw_only=True)
class _Sums:
    currency: str
    opening: dict[Figure, int] = field(factory=lambda: dict.fromkeys(_STOCKS, 0))
    moved: dict[Figure, int] = field(factory=lambda: dict.fromkeys(FIGURES, 0))
    orders: int = 0
    entries: int = 0

    def figures(self) -> PeriodFigures:
        amounts = {
            name: Money(minor + self.opening.get(name, 0), self.currency)
            for name, minor in self.moved.items()
        }
        return PeriodFigures(
            currency=self.currency,
            opening_held=Money(self.opening["held"], self.currency),
            opening_remaining=Money(self.opening["remaining"], self.currency),
            orders=self.orders,
            entries=self.entries,
            **amounts,
        )


def is_within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    """
    Tell whether *at* lies in the period: from *since* on, and before *until*.
    """
    return (since is None or at >= since) and (until is None or at < until)


def account_statement(
    store: Store, account: str | None, since: datetime | None, until: datetime | None
) -> AccountStatement:
    """
    Add up the ledger of *account*, one chain after the other, in memory that does not grow with it.

    Raises:
        ChainBrokenError: An entry was changed, removed or put in between; figures from it would lie.
    """

    def reread() -> Iterator[Entry]:
        return _entries(store, account)

    sums: dict[str, _Sums] = {}
    for _, chain in chains_of(store, account):
        _add(chain, sums, since, until)
    return AccountStatement(
        account=account,
        since=since,
        until=until,
        currencies=tuple(sums[name].figures() for name in sorted(sums)),
        reread=reread,
    )


def chains_of(store: Store, account: str | None) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """
    Yield the chain of every disbursement of *account*, by key, each verified.

    Raises:
        ChainBrokenError: An entry was changed, removed or put in between.
    """
    for scope, entries in groupby(_entries(store, account), key=lambda one: one.scope):
        chain = tuple(entries)
        verify_chain(chain)
        yield scope, chain


def _entries(store: Store, account: str | None) -> Iterator[Entry]:
    prefix = f"{account_key(account)}/"
    for entry in store.stream_entries(after=(prefix, 0)):
        if not entry.scope.startswith(prefix):
            return  # scopes are sorted: what follows is another account's, or no disbursement's
        yield entry


def _add(
    chain: tuple[Entry, ...], sums: dict[str, _Sums], since: datetime | None, until: datetime | None
) -> None:
    """
    Add one disbursement's chain.
    """
    touched: set[str] = set()
    for entry in chain:
        if until is not None and entry.at >= until:
            continue
        one = sums.setdefault(entry.currency, _Sums(currency=entry.currency))
        if since is not None and entry.at < since:
            for name in _STOCKS:
                one.opening[name] += sum(part_of(line, name) for line in entry.lines)
            continue
        one.entries += 1
        one.orders += entry.currency not in touched
        touched.add(entry.currency)
        for line in entry.lines:
            for name in FIGURES:
                one.moved[name] += part_of(line, name)
