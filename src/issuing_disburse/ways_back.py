"""
How does money leave the Issuing balance again, once, and by the way it came?
"""

from __future__ import annotations

from attrs import frozen

from .books import given_back_line, post_funding
from .exceptions import StoreError, UnavailableError
from .journal import Guard, StepJournal
from .money import Money
from .ports import Clock, FundingReceipt, FundingRoute, Store, Transaction
from .records import DisbursementRecord, FundingRecord
from .revision import revised

KEPT = "kept"
"""Stands for the route where a rest stays on the Issuing balance."""


def is_under_way(way: FundingRecord) -> bool:
    """
    Tell whether money has left the Issuing balance and its bank has not taken it yet.
    """
    return way.available_at is not None and not way.has_arrived


def funding_journal(store: Store, clock: Clock, funding_id: str, guard: Guard) -> StepJournal:
    """
    Return the journal of one movement of money.
    """
    return StepJournal(store=store, clock=clock, scope=f"funding/{funding_id}", guard=guard)


@frozen(kw_only=True)
class WaysBack:
    """
    Takes money back: written down first, moved by the route, booked once.
    """

    store: Store
    clock: Clock
    route: FundingRoute

    def begin(
        self,
        tx: Transaction,
        key: str,
        amount: Money,
        *,
        account: str | None,
        members: tuple[str, ...],
        stays: bool = False,
    ) -> None:
        """
        Write down inside *tx* that *amount* is to go back, before anything moves.

        Args:
            stays: It only leaves the card, not the Issuing balance.
        """
        if tx.get(FundingRecord, key) is None:
            tx.put(
                FundingRecord(
                    id=key,
                    account=account,
                    amount=amount,
                    route=KEPT if stays else type(self.route).__name__,
                    members=members,
                    created_at=self.clock(),
                    direction="out",
                )
            )

    def undo_key(self, record: DisbursementRecord) -> str:
        """
        Name the way back of an order's share, if its card is refused: one that was begun, or the next.
        """

        def work(tx: Transaction) -> str:
            number = 1
            while True:
                key = f"undo/{record.key}/{number}"
                known = tx.get(FundingRecord, key)
                if known is None or known.progress == "moving":
                    return key
                number += 1

        return self.store.read(work)

    def finish(self, tx: Transaction, key: str, receipt: FundingReceipt, *, cause: str) -> bool:
        """
        Book inside *tx* what left the Issuing balance, once; tell whether it was not booked before.
        """
        back = tx.get(FundingRecord, key, lock=True)
        if back is None or back.progress != "moving":
            return False
        lines = (given_back_line(key, receipt.amount),) if receipt.amount.is_positive else ()
        moved = revised(
            back,
            progress="given_back",
            returned=receipt.moved,
            available_at=receipt.available_at,
            has_arrived=receipt.available_at is None,
        )
        tx.put(post_funding(tx, moved, lines, cause=cause, at=self.clock()))
        return True

    def send(
        self,
        key: str,
        *,
        record: DisbursementRecord,
        fundings: tuple[FundingRecord, ...],
        guard: Guard,
    ) -> FundingReceipt:
        """
        Have the route give back what `begin` wrote down, by what *fundings* of its own moved for the
        order of *record*: of a shared one, no more than the order's share.

        What another route brought is not this one's to send: it stays on the Issuing balance.

        Raises:
            UnavailableError: Another route has begun this, and may have moved money already.
        """
        back = self.store.read(lambda tx: tx.get(FundingRecord, key))
        if back is None:
            msg = f"nothing is written down to go back under {key}"
            raise StoreError(msg)
        if back.route == KEPT:
            return FundingReceipt(amount=Money.zero(back.amount.currency))
        name = type(self.route).__name__
        if back.route != name:
            msg = f"{back.route} has begun to give this money back, not {name}: connect with that route"
            raise UnavailableError(msg, code="another_route")
        own = [one for one in fundings if one.route == name]
        if not own:
            return FundingReceipt(amount=Money.zero(back.amount.currency))
        receipts = self.store.read(lambda tx: [_left_of(tx, one, record) for one in own])
        return self.route.give_back(
            back.account,
            back.amount,
            key=key,
            receipts=receipts,
            journal=funding_journal(self.store, self.clock, key, guard),
        )


def receipt_left(
    funding: FundingRecord, record: DisbursementRecord | None = None
) -> FundingReceipt:
    """
    Return the receipt of *funding*, less what already went back.

    Of a shared one each object says what is left for the order of *record*; the amount is about all.
    """
    back = funding.given_back_minor
    whole = Money(max(0, funding.amount.minor - back), funding.amount.currency)
    if not funding.is_shared or record is None:
        moved = tuple(revised(one, minor=max(0, one.minor - back)) for one in funding.moved)
        return FundingReceipt(amount=whole, moved=moved)
    is_its = record.share is not None and record.share.funding == funding.id
    share = record.share.minor if record.share is not None and is_its else 0
    left = max(0, share - funding.gone.get(record.key, 0))
    return FundingReceipt(
        amount=whole, moved=tuple(revised(one, minor=left) for one in funding.moved)
    )


def _left_of(tx: Transaction, funding: FundingRecord, record: DisbursementRecord) -> FundingReceipt:
    return receipt_left(tx.get(FundingRecord, funding.key) or funding, record)
