"""
Do our books and Stripe's say the same, and if not, where exactly?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from attrs import frozen

from .funding import BalanceFunder
from .ledger import Line
from .money import Money
from .ports import Clock, Store
from .records import FundingRecord, PoolRecord, account_key
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
        here = self._ledger()
        there, newest = self._stripe(since, until)
        bounded = since is not None or until is not None
        found: list[Discrepancy] = []
        matched = 0
        for key in sorted({*here, *there}):
            ours, theirs = here.get(key), there.get(key)
            if ours == theirs:
                matched += 1
            elif theirs is not None or not bounded:
                found.append(self._difference(key, ours, theirs, newest.get(key[0])))
        if not bounded:
            found.extend(self._balances())
        return Reconciliation(
            account=self.account, at=self.clock(), matched=matched, discrepancies=tuple(found)
        )

    def _ledger(self) -> dict[tuple[str, str], int]:
        """
        Sum up what each Stripe object did to the Issuing balance, by our books.
        """
        sums: dict[tuple[str, str], int] = defaultdict(int)
        prefix = f"{account_key(self.account)}/"
        for entry in self.store.stream_entries():
            if entry.scope.startswith(prefix):
                for line in entry.lines:
                    if line.effect in _OBJECT_EFFECTS:
                        sums[line.object_id, entry.currency] += _on_balance(line)
        for funding in self._fundings():
            for moved, sign in ((funding.moved, 1), (funding.returned, -1)):
                for one in moved:
                    if one.balance_transaction is not None:
                        key = (one.balance_transaction, funding.amount.currency)
                        sums[key] += sign * one.minor
        return {key: minor for key, minor in sums.items() if minor}

    def _fundings(self) -> Iterator[FundingRecord]:
        after = ""
        while page := self.store.read(
            lambda tx, start=after: tx.find(  # type: ignore[misc]  # bound early on purpose
                FundingRecord, group=account_key(self.account), after=start, limit=500
            )
        ):
            after = page[-1].key
            yield from page

    def _stripe(
        self, since: datetime | None, until: datetime | None
    ) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
        sums: dict[tuple[str, str], int] = defaultdict(int)
        newest: dict[str, int] = {}
        window = {"gte": since, "lt": until}
        filters = {"created": window} if since or until else {}
        for one in self.api.pages("/v1/balance_transactions", filters, account=self.account):
            if one.get("balance_type") != "issuing":
                continue
            name = _name(one)
            sums[name, one["currency"]] += one["net"]
            newest[name] = max(newest.get(name, 0), one["created"])
        return {key: minor for key, minor in sums.items() if minor}, newest

    def _difference(
        self, key: tuple[str, str], ours: int | None, theirs: int | None, newest: int | None
    ) -> Discrepancy:
        name, currency = key
        if ours is None:
            kind: Kind = "missing_here"
            remedy = "book it if the card is ours (reclaim or repair), else it is another program's"
        elif theirs is None:
            kind, remedy = "missing_there", "ask Stripe about the object before closing the books"
        else:
            kind, remedy = "amount_differs", "fetch the object and book its latest state"
        age = int(self.clock().timestamp()) - newest if newest is not None else 0
        return Discrepancy(
            kind=kind,
            object_id=name,
            here=Money(ours or 0, currency),
            there=Money(theirs or 0, currency),
            age_seconds=age,
            remedy=remedy,
        )

    def _balances(self) -> Iterator[Discrepancy]:
        group = account_key(self.account)
        for pool in self.store.read(lambda tx: tx.find(PoolRecord, group=group)):
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
