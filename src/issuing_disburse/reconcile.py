"""
Do our books and Stripe's say the same, and if not, where exactly?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from attrs import define, field, frozen

from .funding import BalanceFunder
from .ledger import Line
from .money import Money
from .paging import every
from .ports import Clock, Store
from .records import FundingRecord, Moved, PoolRecord, account_key
from .routes import BALANCE_TRANSFER
from .stripe_api import Answer, StripeAPI

Kind = Literal["missing_here", "missing_there", "amount_differs", "balance_differs"]

_OUR_TYPES = frozenset(
    {
        "issuing_authorization_hold",
        "issuing_authorization_release",
        "issuing_transaction",
        "issuing_dispute",
        "issuing_dispute_provisional_credit",
        "issuing_dispute_provisional_credit_reversal",
    }
)
_OBJECT_EFFECTS = frozenset({"hold", "capture", "refund", "dispute"})


@frozen(kw_only=True)
class Discrepancy:
    """
    One difference between our books and Stripe's, in minor units, with both sides.

    Attributes:
        object_id: The Stripe object, balance transaction or balance at which they differ.
        here: What our ledger says it did to the Issuing balance.
        there: What Stripe says.
        age_seconds: Since the newest movement Stripe shows for it; 0 if it shows none.
        remedy: What to do about it.
    """

    kind: Kind
    object_id: str
    here: Money
    there: Money
    age_seconds: int
    remedy: str


@frozen(kw_only=True)
class Reconciliation:
    """
    Our books against Stripe's for one account and period.

    Attributes:
        matched: How many objects say the same on both sides.
        discrepancies: What differs; empty when there is nothing to explain.
    """

    account: str | None
    at: datetime
    matched: int
    discrepancies: tuple[Discrepancy, ...]


class _Movement(NamedTuple):
    """
    What one object did to the Issuing balance by Stripe's account: minor units, Unix seconds.
    """

    minor: int
    newest: int


@define
class _Books:
    """
    What each object did to the Issuing balance by our books, in minor units.
    """

    sums: defaultdict[tuple[str, str], int] = field(factory=lambda: defaultdict(int))
    openings: dict[str, tuple[int, datetime]] = field(factory=dict)
    unnamed: list[tuple[str, str, int]] = field(factory=list)

    def add_movement(self, moved: Moved, minor: int, funding: FundingRecord) -> None:
        """
        Add a balance transfer; one still on its way has no balance transaction to name it by.
        """
        currency = funding.amount.currency
        if moved.balance_transaction is not None:
            self.sums[moved.balance_transaction, currency] += minor
        else:
            self.unnamed.append((moved.id, currency, minor))

    def name_unnamed(self, there: dict[tuple[str, str], _Movement]) -> None:
        """
        Give balance transfers that have arrived since the name of their balance transaction.
        """
        free: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for (name, currency), movement in there.items():
            if (name, currency) not in self.sums:
                free[currency, movement.minor].append(name)
        for _, currency, minor in self.unnamed:
            if names := free[currency, minor]:
                self.sums[names.pop(), currency] += minor

    def take_openings_from(self, there: dict[tuple[str, str], _Movement]) -> None:
        """
        Count what moved before we opened the books, and is not ours, as the opening balance.
        """
        for currency, (opening, at) in self.openings.items():
            earlier = [
                key
                for key, movement in there.items()
                if key[1] == currency and key not in self.sums and movement.newest <= at.timestamp()
            ]
            total = sum(there[key].minor for key in earlier)
            if total == opening:
                for key in earlier:
                    self.sums[key] += there[key].minor


@frozen(kw_only=True)
class Reconciler:
    """
    Holds the ledger against Stripe's balance transactions and balance.
    """

    account: str | None
    api: StripeAPI
    store: Store
    clock: Clock
    funder: BalanceFunder

    def reconcile(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Reconciliation:
        """
        Compare object by object what moved on the Issuing balance. See `Disburser.reconcile`.
        """
        books = self._books()
        there = self._stripe(since, until)
        bounded = since is not None or until is not None
        books.name_unnamed(there)
        if not bounded:
            books.take_openings_from(there)
        found: list[Discrepancy] = []
        matched = 0
        for key in sorted({*books.sums, *there}):
            ours, theirs = books.sums.get(key, 0), there.get(key)
            if ours == (theirs.minor if theirs else 0):
                matched += 1
            elif theirs is not None or not bounded:
                found.append(self._difference(key, ours, theirs))
        if not bounded:
            found.extend(self._balances())
        return Reconciliation(
            account=self.account, at=self.clock(), matched=matched, discrepancies=tuple(found)
        )

    def _books(self) -> _Books:
        """
        Sum up what each Stripe object did to the Issuing balance, by our books.
        """
        books = _Books()
        account = account_key(self.account)
        for entry in self.store.stream_entries():
            if entry.scope.startswith(f"{account}/"):
                for line in entry.lines:
                    if line.effect in _OBJECT_EFFECTS:
                        books.sums[line.object_id, entry.currency] += _on_balance(line)
            elif entry.scope.startswith(f"opening/{account}/"):
                minor = sum(_on_balance(line) for line in entry.lines)
                books.openings[entry.currency] = (minor, entry.at)
        for funding in every(self.store, FundingRecord, group=account):
            for moved, sign in ((funding.moved, 1), (funding.returned, -1)):
                for one in moved:
                    if one.object == BALANCE_TRANSFER:
                        books.add_movement(one, sign * one.minor, funding)
        return books

    def _stripe(
        self, since: datetime | None, until: datetime | None
    ) -> dict[tuple[str, str], _Movement]:
        """
        Sum up what each object did to the Issuing balance, by Stripe's.
        """
        sums: dict[tuple[str, str], _Movement] = {}
        window = {"gte": since, "lt": until}
        filters = {"created": window} if since or until else {}
        for one in self.api.pages("/v1/balance_transactions", filters, account=self.account):
            if one.get("balance_type") == "issuing":
                key = (_name(one), one["currency"])
                before = sums.get(key, _Movement(0, one["created"]))
                sums[key] = _Movement(before.minor + one["net"], max(before.newest, one["created"]))
        return sums

    def _difference(self, key: tuple[str, str], ours: int, theirs: _Movement | None) -> Discrepancy:
        name, currency = key
        if theirs is None:
            kind: Kind = "missing_there"
            remedy = "ask Stripe about the object before closing the books"
        elif ours:
            kind, remedy = "amount_differs", "fetch the object and book its latest state"
        else:
            kind = "missing_here"
            remedy = "reclaim the order if the card is ours, else it is another program's"
        age = int(self.clock().timestamp()) - theirs.newest if theirs is not None else 0
        return Discrepancy(
            kind=kind,
            object_id=name,
            here=Money(ours, currency),
            there=Money(theirs.minor if theirs else 0, currency),
            age_seconds=age,
            remedy=remedy,
        )

    def _balances(self) -> Iterator[Discrepancy]:
        group = account_key(self.account)
        for pool in every(self.store, PoolRecord, group=group):
            here = Money(pool.available_minor + pool.cards_minor, pool.currency)
            there = self.funder.balance(self.account, pool.currency)
            if here != there:
                yield Discrepancy(
                    kind="balance_differs",
                    object_id=f"issuing balance of {group}",
                    here=here,
                    there=there,
                    age_seconds=0,
                    remedy="the differences above explain it, or money was moved outside of the books",
                )


def _name(transaction: Answer) -> str:
    """
    Return the object a balance transaction belongs to, or its own id.
    """
    source = transaction.get("source")
    if transaction["type"] in _OUR_TYPES and source is not None:
        return str(source["id"] if isinstance(source, dict) else source)
    return str(transaction["id"])


def _on_balance(line: Line) -> int:
    """
    Return what *line* did to Stripe's available Issuing balance, in minor units.
    """
    inside = ("issuing:", "card:", "covered:", "late:")
    arrives = line.destination.startswith(inside)
    leaves = line.source.startswith(inside)
    return line.minor * (arrives - leaves)
