"""
What became of money that takes days, and may fail on the way or come back?
"""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, frozen

from .books import card_balance, funded_line, given_back_line, post_facts, post_funding
from .disbursement import Status
from .exceptions import FundingRouteUnavailableError
from .money import Money
from .ports import Clock, FundingRoute, Store, Transaction
from .records import CardRecord, DisbursementRecord, FundingRecord, Moved
from .routes import PAYOUT, PAYOUT_RETURN, TOPUP, TOPUP_REVERSAL, Fate, FollowedRoute

PAY_OUT_AGAIN_AFTER = timedelta(days=1)
"""How long a walk waits before it pays out again what a bank has sent back."""


@frozen(kw_only=True)
class Follower:
    """
    Asks about top-ups and payouts of ours and books what became of them, once.
    """

    store: Store
    clock: Clock
    route: FundingRoute

    def follow(self, key: str) -> tuple[FundingRecord | None, Fate | None]:
        """
        Ask about one funding, book what is new, and return it with its fate.

        ``None`` for a fate: its money moves at once, or it was settled before.
        """
        funding = self.store.read(lambda tx: tx.get(FundingRecord, key))
        if funding is None or not isinstance(self.route, FollowedRoute):
            return funding, None
        kind, listed = (
            (TOPUP, funding.moved) if funding.direction == "in" else (PAYOUT, funding.returned)
        )
        moved = next((one for one in listed if one.object == kind), None)
        if moved is None:
            return funding, None
        fate = self.route.follow(funding.account, moved)
        if fate is None:
            return funding, None

        def work(tx: Transaction) -> FundingRecord:
            known = tx.get(FundingRecord, key, lock=True) or funding
            if known.direction == "in":
                return self._book_topup(tx, known, fate)
            return self._book_payout(tx, known, fate)

        return self.store.transact(work), fate

    def _book_topup(self, tx: Transaction, funding: FundingRecord, fate: Fate) -> FundingRecord:
        at, amount = self.clock(), funding.amount
        if fate.outcome == "failed":
            is_waiting = funding.progress == "moved" and not funding.has_arrived
            return tx.put(evolve(funding, progress="failed")) if is_waiting else funding
        if fate.outcome in {"done", "undone"} and not funding.has_arrived:
            lines = (funded_line(funding.id, Money(funding.brought_minor, amount.currency)),)
            named = tuple(
                evolve(one, balance_transaction=fate.done_by) if one.object == TOPUP else one
                for one in funding.moved
            )
            arrived = evolve(funding, has_arrived=True, moved=named)
            funding = tx.put(post_funding(tx, arrived, lines, cause="topup", at=at))
        is_taken = any(one.object == TOPUP_REVERSAL for one in funding.returned)
        if fate.outcome == "undone" and not is_taken:
            taken = Moved(
                object=TOPUP_REVERSAL,
                id=funding.moved[0].id,
                minor=funding.brought_minor,
                balance_transaction=fate.undone_by,
            )
            lines = (
                given_back_line(
                    f"{funding.id}-reversed", Money(funding.brought_minor, amount.currency)
                ),
            )
            back = evolve(
                funding,
                progress="given_back",
                given_back_minor=funding.brought_minor,
                returned=(*funding.returned, taken),
            )
            funding = tx.put(post_funding(tx, back, lines, cause="topup reversed", at=at))
        return funding

    def _book_payout(self, tx: Transaction, funding: FundingRecord, fate: Fate) -> FundingRecord:
        if fate.outcome == "done" and not funding.has_arrived:
            return tx.put(evolve(funding, has_arrived=True))
        came_back = any(one.object == PAYOUT_RETURN for one in funding.moved)
        if fate.outcome != "undone" or came_back or funding.progress != "given_back":
            return funding
        (paid,) = (one for one in funding.returned if one.object == PAYOUT)
        back = Moved(
            object=PAYOUT_RETURN,
            id=paid.id,
            minor=paid.minor,
            balance_transaction=fate.undone_by,
        )
        lines = (funded_line(f"{funding.id}-returned", Money(paid.minor, funding.amount.currency)),)
        known = evolve(funding, moved=(*funding.moved, back), has_arrived=True)
        funding = tx.put(post_funding(tx, known, lines, cause="payout came back", at=self.clock()))
        for member in funding.members:
            self._put_back_on_the_card(tx, member, funding)
        return funding

    def _put_back_on_the_card(self, tx: Transaction, member: str, funding: FundingRecord) -> None:
        """
        Reopen the order whose rest came back, so that the next reclaim sends it again.
        """
        record = tx.get(DisbursementRecord, member, lock=True)
        if record is None or record.facts is None:
            return
        facts = record.facts
        left = tuple(one for one in facts.reclaimed if one.id != funding.id)
        if left == facts.reclaimed:
            return
        changed = evolve(facts, reclaimed=left)
        posted = post_facts(tx, record, changed, cause="payout came back", at=self.clock())
        self._count_as_not_returned(tx, record, sum(one.minor for one in funding.returned))
        if posted.status is Status.CLOSED:
            posted = posted.become(Status.CLOSING)
        for reference in posted.cards[-1:]:
            card = tx.get(CardRecord, reference.id, lock=True)
            if card is not None:
                tx.put(evolve(card, remaining_minor=card_balance(changed)))
        tx.put(evolve(posted, look_at=self.clock() + PAY_OUT_AGAIN_AFTER))

    def _count_as_not_returned(
        self, tx: Transaction, record: DisbursementRecord, minor: int
    ) -> None:
        """
        Let what came back be sent again: it counts as brought, and not as given back.
        """
        for name in reversed(record.fundings):
            brought = tx.get(FundingRecord, name, lock=True)
            if brought is not None and brought.progress == "moved":
                gone = brought.gone.get(record.key, 0) if brought.is_shared else minor
                back = min(minor, gone, brought.given_back_minor)
                tx.put(brought.with_given_back(record.key, -back))
                return

    def refusal(self, funding: FundingRecord, fate: Fate | None) -> FundingRouteUnavailableError:
        """
        Build the error for an order whose money did not come.
        """
        why = (
            fate.message
            if fate is not None
            else f"the money for it ({funding.amount}) did not come"
        )
        msg = f"{why}. Nothing stays moved; mend it and disburse the same order again"
        return FundingRouteUnavailableError(msg, code=(fate.code if fate else "") or "topup_failed")
