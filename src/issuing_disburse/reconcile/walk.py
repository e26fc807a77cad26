"""
Do our books and Stripe's say the same, and if not, where exactly?

Both are streamed into a `Tally`, which needs little memory; only what differs is looked at closer, and
only what still differs then is reported: books that are written while they are read raise no alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import frozen

from issuing_disburse.exceptions import NotPermittedError
from issuing_disburse.money import Money
from issuing_disburse.paging import bodies, entry_rows, every
from issuing_disburse.ports import Clock, Store
from issuing_disburse.records import FundingRecord, PoolRecord, account_key
from issuing_disburse.routes import (
    FUNDING_METADATA,
    REVERSAL,
    TRANSFER,
)
from issuing_disburse.stripe_api import StripeAPI

from .balance import balance_differences
from .chains import Books, LedgerReader
from .examination import DeadlineOf, Examiner
from .fundings import funding_movements
from .opening import explain_openings
from .period import Period
from .reading import CountedReads
from .soundness import broken_chains
from .standing import Standing
from .tally import THERE, Movement, Sum, Tally
from .transfers import transfer_movements, transfers_now, transfers_to
from .values import SEVERITIES, Discrepancy, Reconciliation, Repairer

LISTED_MAX = 1_000
"""How many differences are looked at and listed; beyond that, something larger is wrong."""

IsExplained: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Tells of a Stripe object that is not in our books whether it is business of yours."""

Progress: TypeAlias = Callable[[str, int], None]
"""Is told what is being read (``ledger``, ``balance_transactions``, …) and how many so far."""

_FAMILIES = {
    "issuing_authorization_hold": "authorization",
    "issuing_authorization_release": "authorization",
    "issuing_transaction": "transaction",
    "issuing_dispute": "dispute",
    "issuing_dispute_provisional_credit": "dispute",
    "issuing_dispute_provisional_credit_reversal": "dispute",
}


@frozen(kw_only=True)
class Reconciler:
    """
    Holds the ledger against Stripe's lists and balance, for one account.

    Attributes:
        expects_others: Whether other programs use the same balance by agreement.
        repairer: What `Reconciliation.repair` does.
        deadline_of: Until when an open authorization may be captured in the ordinary way.
    """

    account: str | None
    api: StripeAPI
    store: Store
    clock: Clock
    expects_others: bool
    repairer: Repairer
    deadline_of: DeadlineOf
    is_explained: IsExplained | None = None
    progress: Progress | None = None

    def reconcile(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Reconciliation:
        """
        Compare object by object what moved. See `issuing_disburse.Disburser.reconcile`.
        """
        period = Period(since=since, until=until)
        reads = CountedReads(api=self.api, account=self.account)
        books = Books()
        notes: list[str] = []
        with Tally() as tally:
            pools = self._pools()
            self._read_ledger(tally, books)
            is_still = pools == self._pools()
            if not is_still:
                notes.append("the ledger was written while it was read: no totals were compared")
            self._read_movements(tally, reads, period)
            self._read_transfers(tally, reads, period, notes)
            self._read_fundings(tally, books)
            tally.compare()
            self._explain_known(tally, books, period)
            examiner = self._examiner(reads, books, period)
            found, listed = self._examined(tally, period, examiner, notes)
            listed += broken_chains(
                self.store,
                self.account,
                books.broken,
                books.totals if is_still else None,
                pools,
                self.clock(),
            )
            if until is None:
                listed += self._standing(reads).compare()
            if not period.is_bounded:
                listed += balance_differences(
                    self.store, self.account, reads, listed, examiner.foreign
                )
            matched = tally.matched
        listed.sort(key=lambda one: (SEVERITIES.index(one.severity), one.kind, one.object_id))
        return Reconciliation(
            account=self.account,
            at=self.clock(),
            since=since,
            until=until,
            matched=matched,
            discrepancies=tuple(listed),
            found=max(found, len(listed)),
            entries=books.entries,
            reads=reads.reads,
            foreign=tuple(Money(minor, name) for name, minor in sorted(examiner.foreign.items())),
            notes=tuple(notes),
            repairer=self.repairer,
        )

    def _tell(self, what: str, count: int) -> None:
        if self.progress is not None:
            self.progress(what, count)

    def _pools(self) -> tuple[PoolRecord, ...]:
        return tuple(every(self.store, PoolRecord))

    def _read_ledger(self, tally: Tally, books: Books) -> None:
        """
        Add up what each object did to the Issuing balance, by our books, chain by chain.
        """
        reader = LedgerReader(account_key(self.account), tally, books)
        for page in entry_rows(self.store):
            reader.read(page)
            self._tell("ledger", books.entries)
        reader.finish()

    def _read_movements(self, tally: Tally, reads: CountedReads, period: Period) -> None:
        """
        Add up what each object did to the Issuing balance, by Stripe's.

        Stripe: ``GET /v1/balance_transactions``
        """
        count = 0
        for page in reads.whole_pages("/v1/balance_transactions", period.filters):
            batch: list[Movement] = []
            for one in page:
                if one.get("balance_type") != "issuing":
                    continue
                name, family, currency = one["id"], "balance_transaction", one["currency"]
                source = one.get("source")
                if source is not None and one["type"] in _FAMILIES:
                    name = source["id"] if isinstance(source, dict) else source
                    family = _FAMILIES[one["type"]]
                    reads.transactions += family == "transaction"
                mark, delta = hash((name, currency)), -one["net"]
                batch.append((mark, delta, THERE, one["created"], name, currency, family, ""))
            tally.add(batch)
            count += len(page)
            self._tell("balance_transactions", count)

    def _read_transfers(
        self, tally: Tally, reads: CountedReads, period: Period, notes: list[str]
    ) -> None:
        """
        Add the platform's transfers to the account, and their reversals.
        """
        if self.account is None:
            return
        try:
            count = 0
            for page in transfers_to(self.account, reads, period):
                batch: list[Movement] = []
                for one in page:
                    is_marked = FUNDING_METADATA in (one.get("metadata") or {})
                    if not is_marked and self.is_explained is not None and self.is_explained(one):
                        continue
                    batch += transfer_movements(one, reads)
                tally.add(batch)
                count += len(page)
                self._tell("transfers", count)
        except NotPermittedError as forbidden:
            notes.append(f"transfers were not compared: the key may not list them ({forbidden})")

    def _read_fundings(self, tally: Tally, books: Books) -> None:
        """
        Add what our fundings moved; those that Stripe named no balance transaction for wait for one.
        """
        count = 0
        for page in bodies(self.store, FundingRecord, group=account_key(self.account)):
            batch: list[Movement] = []
            for body in page:
                batch += funding_movements(body, books)
            tally.add(batch)
            count += len(page)
            self._tell("fundings", count)

    def _fundings(self) -> Iterator[FundingRecord]:
        return every(self.store, FundingRecord, group=account_key(self.account))

    def _explain_known(self, tally: Tally, books: Books, period: Period) -> None:
        """
        Explain balance transfers that arrived without a name, and what moved before our books.

        What moved before is only explained if it adds up to what the balance held then; a period
        that leaves something out cannot tell, and takes it as it is.
        """
        for currency, minor in books.unnamed:
            arrived = tally.unknown_here(currency, minor)
            if arrived is not None:
                tally.explain(arrived)
        explain_openings(tally, books.openings, is_bounded=period.is_bounded)

    def _examiner(self, reads: CountedReads, books: Books, period: Period) -> Examiner:
        return Examiner(
            account=self.account,
            store=self.store,
            reads=reads,
            now=self.clock(),
            opened_at=books.opened_at,
            moving=tuple(books.moving),
            broken=books.broken,
            expects_others=self.expects_others,
            is_explained=self.is_explained or (lambda _: False),
            is_bounded=period.is_bounded,
            claimed=lambda: {
                moved.balance_transaction or moved.id
                for funding in self._fundings()
                for moved in (*funding.moved, *funding.returned)
            },
            transfers_now=lambda: transfers_now(self.account, reads, period),
            deadline_of=self.deadline_of,
        )

    def _examined(
        self, tally: Tally, period: Period, examiner: Examiner, notes: list[str]
    ) -> tuple[int, list[Discrepancy]]:
        """
        Look at what differs, once more and closer; list what still does.
        """
        listed: list[Discrepancy] = []
        found = 0
        for one in tally.differing():
            if period.is_bounded and not one.there_count and not _is_within(period, one):
                continue
            is_full = len(listed) >= LISTED_MAX
            if is_full or not examiner.reads.may_look_closer:
                found += 1
                continue
            difference = examiner.examine(one)
            if difference is None:
                tally.explain(one)
            else:
                listed.append(difference)
        if found:
            notes.append(
                f"{found} more differences were not looked at: settle these, then reconcile again"
            )
        return found + len(listed), listed

    def _standing(self, reads: CountedReads) -> Standing:
        return Standing(
            account=self.account,
            store=self.store,
            reads=reads,
            now=self.clock(),
            expects_others=self.expects_others,
            is_explained=self.is_explained or (lambda _: False),
            deadline_of=self.deadline_of,
        )


def _is_within(period: Period, one: Sum) -> bool:
    """
    Tell whether something that only we have was booked in that period.
    """
    is_money = one.type not in {TRANSFER, REVERSAL, "balance_transaction"}
    return is_money and one.first_here is not None and period.holds(one.first_here)
