"""
Is every ledger entry still what was once booked, and do the totals agree with them?
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from attrs import define, field, frozen

from .exceptions import ChainBrokenError, LedgerError
from .ledger import AVAILABLE, Entry, balances, verify_chain
from .paging import every
from .ports import Store
from .records import DisbursementRecord, FundingRecord, PoolRecord


@frozen(kw_only=True)
class LedgerProof:
    """
    What was verified: keep *head* elsewhere, and nobody can rewrite what is behind it unseen.

    Attributes:
        chains: How many chains there are: one per disbursement, funding and opening balance.
        entries: How many entries they have in all.
        head: A hash over the last entry of every chain.
    """

    chains: int
    entries: int
    head: str


@define
class _Sums:
    """
    What the entries of one account and currency add up to, in minor units.
    """

    available: int = 0
    cards: int = 0
    held: int = 0
    all: int = 0

    def add(self, entries: Iterable[Entry]) -> None:
        """
        Add all lines of *entries*.
        """
        for name, minor in balances(line for one in entries for line in one.lines).items():
            self.all += minor
            if name == AVAILABLE:
                self.available += minor
            elif name.startswith("card:"):
                self.cards += minor
            elif name.startswith("hold:"):
                self.held += minor


@define
class _Walk:
    """
    One pass over all chains; memory does not grow with the number of entries.
    """

    store: Store
    chains: int = 0
    entries: int = 0
    with_record: int = 0
    head: str = ""
    sums: defaultdict[tuple[str, str], _Sums] = field(factory=lambda: defaultdict(_Sums))

    def take(self, scope: str, chain: tuple[Entry, ...]) -> None:
        """
        Verify one chain, and that its record ends where it ends.
        """
        digest = verify_chain(chain)
        account, is_kept = self._owner(scope, len(chain), digest)
        self.chains += 1
        self.entries += len(chain)
        self.with_record += is_kept
        self.head = hashlib.sha256(f"{self.head}{scope}{digest}".encode()).hexdigest()
        self.sums[account, chain[0].currency].add(chain)

    def _owner(self, scope: str, count: int, digest: str) -> tuple[str, bool]:
        """
        Return the account of a chain, and whether a record keeps its head.
        """
        if scope.startswith("opening/"):
            return scope.split("/")[1], False
        record: DisbursementRecord | FundingRecord | None = self.store.read(
            lambda tx: tx.get(DisbursementRecord, scope) or tx.get(FundingRecord, scope)
        )
        if record is None or (record.entries, record.digest) != (count, digest):
            msg = (
                f"the ledger of {scope} ends after entry {count}, not where its record says; entries "
                "were removed or added: restore the store from a backup"
            )
            raise ChainBrokenError(msg, code="chain_broken")
        return record.group, True


def verify_ledger(store: Store) -> LedgerProof:
    """
    Verify every chain, every record's head of chain and every total. See `Disburser.verify_ledger`.

    Raises:
        ChainBrokenError: Naming the first entry, or the record, that does not fit.
        LedgerError: The totals of an account are not the sum of its entries.
    """
    walk = _Walk(store)
    for scope, chain in groupby(store.stream_entries(), key=lambda entry: entry.scope):
        walk.take(scope, tuple(chain))
    _check_none_is_missing(store, walk.with_record)
    for pool in every(store, PoolRecord):
        account, currency = pool.group, pool.currency
        found = walk.sums.pop((account, currency), _Sums())
        kept = (pool.available_minor, pool.cards_minor, pool.held_minor, 0)
        if kept != (found.available, found.cards, found.held, found.all):
            msg = (
                f"the {currency} totals of {account} are {kept[:3]} (available, cards, held), its "
                f"entries add up to {(found.available, found.cards, found.held)}"
            )
            raise LedgerError(msg, code="totals_differ")
    if any(one.available or one.cards or one.held for one in walk.sums.values()):
        raise LedgerError("there are entries for which no totals are kept", code="totals_differ")
    return LedgerProof(chains=walk.chains, entries=walk.entries, head=walk.head)


def _check_none_is_missing(store: Store, seen: int) -> None:
    """
    Find a record whose whole chain was removed.
    """
    if seen == sum(has_entries for _, has_entries in _kept(store)):
        return
    for key in [key for key, has_entries in _kept(store) if has_entries]:
        if not store.read(lambda tx, scope=key: tx.entries(scope)):  # type: ignore[misc]  # bound early on purpose
            msg = f"all entries of {key} are gone: restore the store from a backup"
            raise ChainBrokenError(msg, code="chain_broken")


def _kept(store: Store) -> Iterator[tuple[str, bool]]:
    for order in every(store, DisbursementRecord):
        yield order.key, order.entries > 0
    for funding in every(store, FundingRecord):
        yield funding.key, funding.entries > 0
