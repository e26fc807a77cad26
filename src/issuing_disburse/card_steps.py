"""
What lies between a funded order and a card that can be used, and how is each step taken once?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from .bookkeeper import Bookkeeper
from .books import lowered, pool_of, post_facts, remaining_minor
from .cards import CardFactory, card_reference
from .deliveries import Deliveries
from .disbursement import Status
from .exceptions import NeedsOrderError, SinkError
from .facts import Amounts, Facts
from .journal import Guard, StepJournal
from .ports import Clock, Outcome, Store, Transaction
from .records import CardRecord, DisbursementRecord
from .revision import revised
from .terms import PROBE_MAX_MINOR

if TYPE_CHECKING:
    from .pci import SecretSink


@frozen(kw_only=True)
class CardSteps:
    """
    Issues the card of an order, delivers its number where that is wanted, activates and books it.

    Attributes:
        sink: Gets the number of each new card before the card is activated; ``None`` asks for none.
    """

    store: Store
    clock: Clock
    cards: CardFactory
    bookkeeper: Bookkeeper
    deliveries: Deliveries
    sink: SecretSink | None
    probe_max_minor: int = PROBE_MAX_MINOR

    def issue(
        self, record: DisbursementRecord, guard: Guard, *, is_ending: bool = False
    ) -> DisbursementRecord:
        """
        Issue the card of the record's generation and book its allotment.

        With a sink the card is created inactive, delivered, then activated; it is booked when it is
        active. Without one it is active, and booked, in one transaction with the answer.

        Args:
            is_ending: The card is to be cancelled next: one that no sink has is booked as it is.

        Raises:
            SinkError: The number is not safe; the card stays inactive.
        """
        journal = self._journal(record, guard)

        booked: list[DisbursementRecord] = []

        def book(tx: Transaction, outcome: Outcome) -> None:
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            if all(outcome["id"] != one.id for one in current.cards):
                current = self._record_card(tx, current, outcome)
            booked[:] = [current]

        def end(tx: Transaction) -> None:
            guard(tx)
            book(tx, outcome)

        def then(tx: Transaction, outcome: Outcome) -> None:
            if is_ending or outcome["status"] != "inactive":
                book(tx, outcome)

        cardholder_id = record.cardholder_id
        if cardholder_id is None:
            msg = f"order {record.order_id!r} has no cardholder"
            raise NeedsOrderError(msg, order_id=record.order_id)
        outcome = self.cards.issue(
            record,
            cardholder_id,
            record.to_spend or record.amount,
            journal=journal,
            then=then,
            status="active" if self.sink is None else "inactive",
        )
        issued = booked[0] if booked else self._found(record)
        if any(outcome["id"] == one.id for one in issued.cards):
            return issued
        if is_ending:
            self.store.transact(end)
        else:
            self._deliver(issued, outcome)
            self.cards.activate(outcome["id"], account=record.account, journal=journal, then=book)
        return self._found(record)

    def _deliver(self, record: DisbursementRecord, outcome: Outcome) -> None:
        if self.sink is None:
            msg = (
                f"card {outcome['id']} of order {record.order_id!r} waits for a sink; "
                "connect with the sink it was begun with, and resume the order"
            )
            raise SinkError(msg, order_id=record.order_id, code="sink_missing")
        self.deliveries.deliver(
            self.sink,
            card=card_reference(outcome, record.account),
            order_id=record.order_id,
            consequence="the card stays inactive",
        )

    def _journal(self, record: DisbursementRecord, guard: Guard) -> StepJournal:
        return StepJournal(
            store=self.store,
            clock=self.clock,
            scope=f"order/{record.key}/{record.attempt}",
            guard=guard,
        )

    def is_there_none(self, record: DisbursementRecord, guard: Guard) -> bool:
        """
        Tell whether the card of the record's generation is certain not to exist.
        """
        journal, step = self._journal(record, guard), f"card-{record.generation}"
        return journal.begun(step) is None or journal.is_refused(step)

    def step_back(self, record: DisbursementRecord, guard: Guard) -> DisbursementRecord:
        """
        Forget that a next card was to be issued: there is none, and the order can be closed.
        """

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            if current.generation <= len(current.cards):
                return current
            return tx.put(revised(current, generation=len(current.cards)))

        return self.store.transact(work)

    def is_undelivered(self, record: DisbursementRecord, guard: Guard) -> bool:
        """
        Tell whether the order's card waits inactive for its sink, so that nobody can have used it.
        """
        journal = self._journal(record, guard)
        outcome = journal.peek(f"card-{record.generation}")
        return (
            outcome is not None
            and outcome["status"] == "inactive"
            and all(outcome["id"] != one.id for one in record.cards)
            and journal.begun(f"activate-{outcome['id']}") is None
        )

    def retire(self, record: DisbursementRecord, guard: Guard) -> None:
        """
        Cancel a card that was issued inactive, and never became usable.
        """
        journal = self._journal(record, guard)
        outcome = journal.peek(f"card-{record.generation}")
        if outcome is not None and all(outcome["id"] != one.id for one in record.cards):
            self.cards.cancel(outcome["id"], account=record.account, journal=journal)

    def _record_card(
        self, tx: Transaction, record: DisbursementRecord, outcome: Outcome
    ) -> DisbursementRecord:
        reference = card_reference(outcome, record.account)
        facts = record.facts
        if facts is None:
            promised = record.promised or record.terms.most(record.amount)
            pool = pool_of(tx, record.account, promised.currency)
            tx.put(revised(pool, promised_minor=pool.promised_minor - promised.minor))
            facts = Facts(
                scope=reference.id, allotted=(Amounts(id=reference.id, minor=promised.minor),)
            )
        else:
            facts = revised(facts, replaced=tuple(one.id for one in record.cards))
        card = CardRecord(
            card_id=reference.id,
            account=record.account,
            order_id=record.order_id,
            amount=record.to_spend or record.amount,
            remaining_minor=0,
            terms=record.terms,
            expires_at=record.expires_at,
            is_open=True,
            card_status=outcome["status"],
            is_livemode=outcome["livemode"],
            probe_max_minor=self.probe_max_minor,
        )
        active = revised(
            record.become(Status.ACTIVE),
            cards=(*record.cards, reference),
            promised=None,
            reason=None,
            look_at=record.expires_at,
        )
        now = self.clock()
        posted = post_facts(tx, active, facts, cause=reference.id, at=now)
        left = remaining_minor(posted, facts, now)
        posted, card = lowered(posted, revised(card, remaining_minor=left), facts, now)
        kept = tx.put(posted)
        stored = tx.put(card)
        self.bookkeeper.unpark(tx, stored)
        return tx.get(DisbursementRecord, kept.key) or kept

    def _found(self, record: DisbursementRecord) -> DisbursementRecord:
        return self.store.read(lambda tx: tx.get(DisbursementRecord, record.key)) or record
