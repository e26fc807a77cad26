"""
When may a dead card be followed by a fresh one, and for how much?
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from .books import capturable_minor, card_balance
from .cards import spending_controls
from .closing import CardCloser
from .disbursement import Disbursement, Status
from .exceptions import CardNotIssuedError, DisburseError, RefusedError, UnavailableError
from .intake import view
from .issuance import Issuance
from .journal import Guard, StepJournal
from .leases import Leases
from .money import Money
from .paging import every
from .ports import Clock, Store, Transaction
from .records import DisbursementRecord, account_key

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
    closer: CardCloser

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
            self.closer.close_cards(tx, leased)
            return tx.put(leased)

        record = self.store.transact(begin)
        guard = self.leases.guard(record)
        try:
            self.closer.cancel(record, guard)
            self.closer.catch_up(record)
            prepared = self._next_card(order_id, guard)
            return view(self.issuance.issue_card(prepared, guard))
        finally:
            self.leases.release(record)

    def lower(self, order_id: str) -> DisbursementRecord:
        """
        Have Stripe's limits say what our rules say since a replaced card has taken money.

        A card that has nothing left is cancelled instead.

        Raises:
            DisburseError: Not done yet; `resume_all` and `reclaim_expired` try again.

        Stripe: ``POST /v1/issuing/cards/:id``
        """
        known = self.issuance.find(order_id)

        def begin(tx: Transaction) -> DisbursementRecord | None:
            current = tx.get(DisbursementRecord, known.key, lock=True) or known
            if not current.is_to_lower or current.status is not Status.ACTIVE:
                return None
            leased = self.leases.take(tx, current)
            return tx.put(leased) if leased is not None else None

        record = self.store.transact(begin)
        if record is None:
            return known
        guard = self.leases.guard(record)
        try:
            if record.to_spend is None or not record.to_spend.is_positive:
                self.closer.cancel(record, guard)
            else:
                self._send_limits(record, guard)
            return self._lowered(record, guard)
        finally:
            self.leases.release(record)

    def lower_all(self) -> Iterator[DisbursementRecord]:
        """
        Lower every card of this account that waits for it; one that fails stops no other.
        """
        for record in every(
            self.store,
            DisbursementRecord,
            group=account_key(self.issuance.account),
            states=(Status.ACTIVE.value,),
            due_before=self.clock(),
        ):
            if record.is_to_lower:
                try:
                    yield self.lower(record.order_id)
                except DisburseError:
                    continue  # it is still due

    def _send_limits(self, record: DisbursementRecord, guard: Guard) -> None:
        card = record.cards[-1]
        if self.closer.cards.read(card.id, account=record.account)["status"] == "canceled":
            return
        amount = record.to_spend or record.amount
        controls = spending_controls(record.terms, amount, most_minor=amount.minor)
        journal = StepJournal(
            store=self.store, clock=self.clock, scope=f"lower/{record.key}", guard=guard
        )
        self.closer.cards.lower(card.id, account=record.account, controls=controls, journal=journal)

    def _lowered(self, record: DisbursementRecord, guard: Guard) -> DisbursementRecord:
        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            if current.to_spend != record.to_spend:
                return current  # lowered once more meanwhile
            due = current.expires_at if current.status is Status.ACTIVE else current.look_at
            return tx.put(evolve(current, is_to_lower=False, look_at=due))

        return self.store.transact(work)

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
        return card_balance(facts) - capturable_minor(record, facts, self.clock())
