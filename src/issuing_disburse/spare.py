"""
Who gets money of a shared funding whose orders were lost with their store?
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from .books import pool_of
from .disbursement import Status
from .leases import is_same
from .money import Money
from .ports import Store, Transaction
from .records import AccountRecord, DisbursementRecord, FundingRecord, Share
from .revision import revised


def free_record(tx: Transaction, record: DisbursementRecord) -> DisbursementRecord | None:
    """
    Return the order of *record* as it stands, if its lease is still that one and it has no money.
    """
    current = tx.get(DisbursementRecord, record.key, lock=True)
    if current is None or record.lease is None or not is_same(current.lease, record.lease):
        return None
    if current.status is not Status.PENDING or current.failing is not None:
        return None
    if current.promised is None:
        return current
    last = tx.get(FundingRecord, current.fundings[-1])
    is_apart = last is not None and last.is_shared and last.progress == "failed"
    return current if is_apart else None


@frozen(kw_only=True)
class SpareMoney:
    """
    Gives out, order by order, what a rebuild found and no card is for.
    """

    store: Store

    def take(self, records: Sequence[DisbursementRecord]) -> list[DisbursementRecord]:
        """
        Give shares of what a rebuild found to those of *records*, which are leased, that it suffices for,
        in their order.

        Returns:
            Who has a share now; whoever moves it sees to the money.
        """
        blank = AccountRecord(account=records[0].account)
        known = self.store.read(lambda tx: tx.get(AccountRecord, blank.key))
        if known is None or not known.spare:
            return []

        def work(tx: Transaction) -> list[DisbursementRecord]:
            locked = sorted(records, key=lambda one: one.key)
            free = {one.key: free_record(tx, one) for one in locked}
            found = [free[one.key] for one in records]
            account = tx.get(AccountRecord, blank.key) or blank
            taken: list[DisbursementRecord] = []
            for name in account.spare:
                waiting = [one for one in found if one is not None and one.key not in _keys(taken)]
                taken += self._taken(tx, name, waiting)
            left = tuple(name for name in account.spare if _free_minor(tx, name))
            if left != account.spare:
                tx.put(revised(account, spare=left))
            return taken

        return self.store.transact(work)

    def _taken(
        self, tx: Transaction, name: str, waiting: Sequence[DisbursementRecord]
    ) -> list[DisbursementRecord]:
        funding = tx.get(FundingRecord, name, lock=True)
        if funding is None:
            return []
        currency = funding.amount.currency
        taken = []
        for one in waiting:
            minor = one.terms.most(one.amount).minor
            if one.amount.currency != currency or minor > funding.free_minor:
                continue
            share = Share(funding=name, minor=minor, of_minor=funding.amount.minor)
            gone = {key: back for key, back in funding.gone.items() if key != one.key}
            members = (*(key for key in funding.members if key != one.key), one.key)
            funding = revised(
                funding, free_minor=funding.free_minor - minor, members=members, gone=gone
            )
            own = one.promised.minor if one.promised is not None else 0
            pool = pool_of(tx, one.account, currency)
            tx.put(revised(pool, promised_minor=pool.promised_minor + minor - own))
            fundings = (*one.fundings, name)
            promised = Money(minor, currency)
            taken.append(tx.put(revised(one, promised=promised, share=share, fundings=fundings)))
        tx.put(funding)
        return taken


def _keys(records: Sequence[DisbursementRecord]) -> set[str]:
    return {one.key for one in records}


def _free_minor(tx: Transaction, name: str) -> int:
    funding = tx.get(FundingRecord, name)
    return funding.free_minor if funding is not None else 0
