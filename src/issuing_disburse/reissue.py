"""
When may a dead card be followed by a fresh one, and for how much?
"""

from __future__ import annotations

from attrs import evolve, frozen

from .books import card_balance
from .disbursement import Disbursement, Status
from .exceptions import CardNotIssuedError, RefusedError, UnavailableError
from .issuance import Issuance, view
from .journal import Guard
from .leases import Leases
from .money import Money
from .ports import Clock, Store, Transaction
from .reclaim import Reclaimer
from .records import DisbursementRecord

CARDS_MAX = 4
"""The first card and at most three that follow it."""


@frozen(kw_only=True)
class Reissuer:
    """
    Issues the next card of an order, for what is neither spent, held nor still capturable.
    """

    store: Store
    clock: Clock
    leases: Leases
    issuance: Issuance
    reclaimer: Reclaimer

    def is_wanted(self, record: DisbursementRecord) -> bool:
        """
        Tell whether the terms ask for a new card, because the merchant gave the only use back.
        """
        facts = record.facts
        return (
            record.terms.on_void == "reissue"
            and record.status is Status.CLOSING
            and not record.is_reclaimed
            and self.clock() < record.expires_at
            and len(record.cards) < CARDS_MAX
            and facts is not None
            and not facts.is_open
            and any(one.approved for one in facts.authorizations)
            and self._free(record) > 0
        )

    def reissue(self, order_id: str) -> Disbursement:
        """
        Cancel what is there and issue the next card. See `issuing_disburse.Disburser.reissue`.
        """
        known = self.issuance.find(order_id)
        if known.facts is None:
            msg = f"order {order_id!r} never had a card; disburse or resume it"
            raise CardNotIssuedError(msg, order_id=order_id, disbursement=view(known))

        def begin(tx: Transaction) -> DisbursementRecord:
            current = tx.get(DisbursementRecord, known.key, lock=True) or known
            self._check(current)
            leased = self.leases.take(tx, current)
            if leased is None:
                msg = f"another worker is at order {order_id!r}"
                raise UnavailableError(msg, order_id=order_id, code="busy")
            self.reclaimer.close_cards(tx, leased)
            return tx.put(leased)

        record = self.store.transact(begin)
        guard = self.leases.guard(record)
        try:
            self.reclaimer.cancel(record, guard)
            self.reclaimer.catch_up(record)
            prepared = self._next_card(order_id, guard)
            return view(self.issuance.issue_card(prepared, guard))
        finally:
            self.leases.release(record)

    def _check(self, record: DisbursementRecord) -> None:
        order_id = record.order_id
        is_begun = record.generation > len(record.cards)
        if len(record.cards) >= CARDS_MAX and not is_begun:
            msg = f"order {order_id!r} had {len(record.cards)} cards; start a new order"
            raise RefusedError(msg, order_id=order_id, code="too_many_cards")
        if record.status in {Status.CLOSED, Status.FAILED, Status.PENDING}:
            msg = f"order {order_id!r} is {record.status.value}; there is nothing to reissue"
            raise RefusedError(msg, order_id=order_id, code="not_reissuable")
        if self.clock() >= record.expires_at:
            msg = f"order {order_id!r} has expired; reclaim it and start a new order"
            raise RefusedError(msg, order_id=order_id, code="expired")

    def _next_card(self, order_id: str, guard: Guard) -> DisbursementRecord:
        """
        Write down what the next card is for; a crash behind this leads to the same card.
        """
        record = self.issuance.find(order_id)

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            if current.generation > len(current.cards):
                return current  # begun before, and not issued yet
            free = self._free(current)
            if free <= 0:
                msg = (
                    f"order {order_id!r} has nothing to reissue: what is not spent is held, or may "
                    f"still be captured for {current.terms.reissue_after.days} days after its use"
                )
                raise RefusedError(msg, order_id=order_id, code="nothing_to_reissue")
            return tx.put(
                evolve(
                    current,
                    generation=current.generation + 1,
                    to_spend=Money(min(free, current.amount.minor), current.amount.currency),
                )
            )

        return self.store.transact(work)

    def _free(self, record: DisbursementRecord) -> int:
        """
        Return what a new card may be for: the balance less what may still be captured.
        """
        facts = record.facts
        if facts is None:
            return 0
        since = self.clock() - record.terms.reissue_after
        capturable = sum(
            one.amount_minor
            for one in facts.authorizations
            if one.approved
            and one.amount_minor > 0
            and not facts.held_minor(one)
            and not one.transactions
            and one.created > since
        )
        return card_balance(facts) - capturable
