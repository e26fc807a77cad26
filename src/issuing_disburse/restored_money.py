"""
How is money that moved written down again, and what if it was for an order without a card?
"""

from __future__ import annotations

from datetime import datetime

import orjson
from attrs import evolve, frozen

from .attributing import Attributor
from .books import funded_line, given_back_line, post_funding
from .disbursement import idempotency_key
from .money import Money
from .ports import Clock, Store, Transaction
from .records import FundingRecord, StepRecord
from .routes import BALANCE_TRANSFER
from .salvaged_transfers import SalvagedTransfer


def intended(scope: str, name: str, *, at: datetime) -> StepRecord:
    """
    Return the step that was begun, in the lost store, under its first key.
    """
    return StepRecord(
        scope=scope,
        name=name,
        generation=1,
        idempotency_key=idempotency_key(scope, name, 1),
        started_at=at,
    )


def write_funding(tx: Transaction, funding: FundingRecord, *, at: datetime) -> None:
    """
    Write *funding* and book what it brought to the Issuing balance, or took from it.
    """
    line = None
    if funding.direction == "out" and _leaves(funding):
        line = given_back_line(funding.id, funding.amount)
    elif funding.brought_minor:
        line = funded_line(funding.id, Money(funding.brought_minor, funding.amount.currency))
    lines = () if line is None else (line,)
    tx.put(post_funding(tx, funding, lines, cause="rebuild", at=at))


def write_share(
    tx: Transaction, whole: FundingRecord, part: FundingRecord, *, at: datetime
) -> None:
    """
    Add the member of *part* to the shared funding that *whole* is, which is written with its first.
    """
    known = _written(tx, whole, at=at)
    member = part.members[0]
    if part.progress == "given_back":
        return  # its share went back, as what was not anybody's in the end
    tx.put(
        evolve(
            known,
            members=(*known.members, member),
            free_minor=max(0, known.free_minor - part.amount.minor),
            given_back_minor=known.given_back_minor + part.given_back_minor,
            gone={**known.gone, member: part.given_back_minor}
            if part.given_back_minor
            else known.gone,
        )
    )


def _written(tx: Transaction, whole: FundingRecord, *, at: datetime) -> FundingRecord:
    known = tx.get(FundingRecord, whole.key, lock=True)
    if known is None:
        write_funding(tx, evolve(whole, version=0), at=at)
        known = tx.get(FundingRecord, whole.key, lock=True)
    return known or whole


def _leaves(funding: FundingRecord) -> bool:
    return any(moved.object == BALANCE_TRANSFER for moved in funding.returned)


@frozen(kw_only=True)
class StrayKeeper:
    """
    Keeps money without a card, so that its order takes it over when it is handed in again.
    """

    store: Store
    clock: Clock
    money: Attributor

    def keep(self, transfer: SalvagedTransfer) -> tuple[SalvagedTransfer, Money, bool]:
        """
        Keep a transfer without a card, unless an interrupted rebuild has.

        Returns:
            The transfer, what of it has not gone back, and whether that is on the Issuing balance.
        """
        known = self.store.read(lambda tx: tx.get(FundingRecord, transfer.funding_id))
        gone = sum(transfer.reversed_minor.values())
        unreversed = Money(transfer.amount.minor - gone, transfer.amount.currency)
        if known is not None:
            return transfer, unreversed, known.has_arrived
        funding = self.money.funding(transfer)
        trip: FundingRecord | None = None
        if not transfer.has_failed and funding.has_arrived:
            trip = self.money.round_trip(transfer, funding)
        if trip is not None:
            funding = evolve(funding, moved=(), brought_minor=0, has_arrived=False)
        step = intended(f"funding/{funding.id}", "transfer", at=self.clock())
        outcome = orjson.dumps({"id": transfer.id, "minor": transfer.amount.minor})
        onward = intended(f"funding/{funding.id}", "balance-transfer-to-issuing", at=self.clock())

        def work(tx: Transaction) -> None:
            kept = funding
            if gone and not transfer.has_failed:  # taken back in part, by hand: of no use any more
                kept = evolve(funding, progress="given_back", given_back_minor=gone)
            elif not transfer.has_failed and not funding.has_arrived:
                kept = evolve(funding, progress="moving")
                tx.put(evolve(step, progress="done", outcome=outcome, finished_at=self.clock()))
            if trip is not None:  # its key was spent on the first way there
                tx.put(evolve(onward, progress="refused", finished_at=self.clock()))
                tx.put(trip)
            write_funding(tx, kept, at=self.clock())

        self.store.transact(work)
        return transfer, unreversed, funding.has_arrived

    def keep_shared(self, transfer: SalvagedTransfer) -> Money:
        """
        Keep what a transfer for many orders brought and none of their cards is for.

        Returns:
            What is left of it: the next orders of this account take it over.
        """
        whole = self.money.whole(transfer)
        known = self.store.read(lambda tx: tx.get(FundingRecord, whole.key))
        backs = [
            self.money.given_back(key, transfer, (key.split("/", 1)[1].rpartition("/")[0],))
            for key in sorted(transfer.reversed_minor)
            if key.startswith("undo/") and not self._has(key)
        ]
        step = intended(f"funding/{whole.id}", "transfer", at=self.clock())
        outcome = orjson.dumps({"id": transfer.id, "minor": transfer.amount.minor})

        def work(tx: Transaction) -> FundingRecord:
            kept = whole
            if known is None and whole.progress == "moved" and not whole.has_arrived:
                kept = evolve(whole, progress="moving")
                tx.put(evolve(step, progress="done", outcome=outcome, finished_at=self.clock()))
            kept = _written(tx, kept, at=self.clock())
            for back in backs:
                write_funding(tx, back, at=self.clock())
                minor, (member,) = transfer.reversed_minor[back.id], back.members
                kept = evolve(
                    kept.with_given_back(member, minor), free_minor=max(0, kept.free_minor - minor)
                )
            return tx.put(kept)

        return Money(self.store.transact(work).free_minor, transfer.amount.currency)

    def _has(self, key: str) -> bool:
        return self.store.read(lambda tx: tx.get(FundingRecord, key)) is not None
