"""
How is one order that Stripe still knows written into a store again?
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from attrs import define, evolve, frozen

from .attributing import Attributor
from .bookkeeper import Bookkeeper
from .books import card_balance
from .cards import card_outcome, card_reference
from .claims import settled
from .disbursement import Reason, Status
from .facts import Amounts, AuthorizationFacts, Facts
from .money import Money
from .ports import Clock, Store, Transaction
from .records import (
    CardRecord,
    DisbursementRecord,
    FundingRecord,
    account_key,
)
from .restored_money import intended, write_funding, write_share
from .routes import BALANCE_TRANSFER
from .salvage import SalvagedCard
from .snapshots import Fact
from .unusable import CardsOfOrder, step_done, write_failed, write_pending

_UNDECIDED = "rebuild_undecided"


@frozen(kw_only=True)
class Restored:
    """
    One order, ready to be written.

    Attributes:
        fundings: What paid for it, and what went back of that.
        waiting: A card that was never usable; it waits for its sink, and is none of *cards*.
        has_failed: Whether its last attempt was given up, and everything went back.
        begun_way_back: The movement that has taken its rest off the Issuing balance, if what follows
            it is still to be done.
        is_there: Whether an interrupted rebuild has written it already.
        is_undecided: Whether its rest may have been given back, which nothing tells for certain.
    """

    order_id: str
    record: DisbursementRecord
    cards: tuple[SalvagedCard, ...]
    facts: Facts
    fundings: tuple[FundingRecord, ...] = ()
    waiting: SalvagedCard | None = None
    has_failed: bool = False
    begun_way_back: str | None = None
    is_there: bool = False
    is_undecided: bool = False


@define(kw_only=True)
class Restorer:
    """
    Attributes what moved to orders, and writes them, each in one transaction.
    """

    account: str | None
    store: Store
    clock: Clock
    bookkeeper: Bookkeeper
    money: Attributor

    def plan(self, order_id: str, cards: list[SalvagedCard], told: list[Fact]) -> Restored:
        """
        Attribute what is certain: fundings by their keys, what went back by its reversals.
        """
        known = self._known(order_id)
        if known is not None:
            self.money.used |= set(known.fundings)
            facts = known.facts or Facts(scope=cards[0].body["id"])
            for fact in told:
                facts = facts.with_fact(fact)
            return Restored(
                order_id=order_id, record=known, cards=tuple(cards), facts=facts, is_there=True
            )
        ours = CardsOfOrder.of(cards, told)
        first, last = ours.cards[0], ours.cards[-1]
        record = DisbursementRecord(
            account=self.account,
            order_id=order_id,
            fingerprint=first.fingerprint,
            status=Status.ACTIVE,
            amount=first.amount,
            terms=first.terms,
            created_at=first.created_at,
            updated_at=self.clock(),
            expires_at=first.expires_at,
            attempt=last.attempt,
            generation=max(last.generation, len(ours.cards)),
            cardholder_id=_id(first.body["cardholder"]),
            to_spend=last.amount if len(ours.cards) > 1 else None,
            look_at=first.expires_at,
            is_rebuilt=True,
        )
        fundings, reclaimed = self.money.fundings(record, first)
        paid = [one for one in fundings if one.direction == "in" and one.progress == "moved"]
        waiting = ours.waiting if paid else None
        usable = ours.cards[:-1] if waiting is not None else ours.cards
        names = [one.body["id"] for one in usable]
        allotted = paid[-1].amount.minor if paid else first.most_minor
        scope = first.body["id"]
        facts = Facts(
            scope=scope,
            allotted=(Amounts(id=scope, minor=allotted),),
            reclaimed=reclaimed,
            replaced=tuple(names[:-1]),
        )
        for fact in told:
            facts = facts.with_fact(fact)
        record = evolve(
            record,
            cards=tuple(card_reference(card_outcome(one.body), self.account) for one in usable),
            fundings=tuple(one.id for one in fundings if one.direction == "in"),
            is_reclaimed=bool(reclaimed),
            share=first.share if any(one.is_shared for one in paid) else None,
        )
        return Restored(
            order_id=order_id, record=record, cards=tuple(usable), facts=facts, waiting=waiting,
            has_failed=ours.have_failed(fundings), fundings=tuple(fundings),
        )  # fmt: skip

    def _known(self, order_id: str) -> DisbursementRecord | None:
        key = f"{account_key(self.account)}/{order_id}"
        return self.store.read(lambda tx: tx.get(DisbursementRecord, key))

    def decide(self, plan: Restored) -> Restored:
        """
        See whether the rest of a dead card's order has left the Issuing balance already.
        """
        if plan.is_there:
            return evolve(plan, is_undecided=_waits_for_a_person(plan.record))
        if plan.has_failed or plan.waiting is not None:
            return plan  # only a card that could be used is reclaimed
        left = card_balance(plan.facts)
        if left <= 0 or plan.facts.is_open or not plan.cards[-1].is_dead:
            return plan
        currency, since = plan.record.amount.currency, plan.cards[-1].created_at
        arrived = next(
            (
                moved.balance_transaction
                for one in plan.fundings
                for moved in one.moved
                if moved.object == BALANCE_TRANSFER
            ),
            None,
        )
        if arrived is None:
            return plan  # nothing of ours brought it, so nothing of ours takes it back
        way = self.money.movements.claim(
            "issuing", Money(-left, currency), since=since, like=arrived
        )
        if way is not None:
            return evolve(plan, begun_way_back=way)
        return evolve(
            plan,
            is_undecided=bool(self.money.movements.leaving(currency, since=since, like=arrived)),
        )

    def write(self, plan: Restored) -> None:
        """
        Write one order with its cards, fundings and ledger entries; again changes nothing.
        """

        def work(tx: Transaction) -> None:
            if plan.is_there:
                self._catch_up(tx, plan)
                return
            for funding in plan.fundings:
                if funding.is_shared:
                    write_share(tx, self.money.shared[funding.id], funding, at=self.clock())
                else:
                    write_funding(tx, funding, at=self.clock())
            if plan.has_failed:
                write_failed(tx, plan.record)
                return
            if plan.waiting is not None and not plan.cards:
                promised = Money(plan.facts.allotted[0].minor, plan.record.amount.currency)
                write_pending(tx, plan.record, plan.waiting, promised, self.clock)
                return
            for card in plan.cards[:-1]:
                tx.put(self._card(plan, card))
            record = self.bookkeeper.store_facts(
                tx, plan.record, plan.facts, self._card(plan, plan.cards[-1]), cause="rebuild"
            )
            tx.put(self._settled(tx, record, plan))
            if plan.waiting is not None:
                step_done(tx, plan.record, plan.waiting, self.clock)

        self.store.transact(work)

    def _catch_up(self, tx: Transaction, plan: Restored) -> None:
        """
        Merge what Stripe knows into an order that an interrupted rebuild has written.
        """
        for card in plan.cards:
            for fact in _facts_of(plan.facts, card.body["id"]):
                known = tx.get(CardRecord, card.body["id"])
                if known is not None:
                    self.bookkeeper.merge(tx, known, fact, cause="rebuild")

    def _settled(
        self, tx: Transaction, record: DisbursementRecord, plan: Restored
    ) -> DisbursementRecord:
        """
        Return the record as it stands: closed, closing, or on its way there.
        """
        facts, dead = plan.facts, plan.cards[-1].is_dead
        if plan.begun_way_back is not None:
            return self._with_way_back(tx, record, plan, plan.begun_way_back)
        if dead and facts.reclaimed and not facts.is_open and card_balance(facts) <= 0:
            return evolve(record.become(Status.CLOSED), look_at=None)
        if record.status is Status.ACTIVE and (_was_cancelled(plan) or _is_unused(plan)):
            # Stripe cancels a card that is used up; this one had uses left, so somebody cancelled it.
            record = evolve(record.become(Status.CLOSING), look_at=self.clock())
        if plan.is_undecided:
            why = "part of its money may have been given back; look, then call reclaim()"
            return evolve(record, look_at=None, reason=Reason(code=_UNDECIDED, message=why))
        return record

    def _with_way_back(
        self, tx: Transaction, record: DisbursementRecord, plan: Restored, movement: str
    ) -> DisbursementRecord:
        """
        Leave behind what a crash in the midst of a reclaim leaves: the next reclaim finishes it.
        """
        key = f"reclaim/{record.key}/{len(plan.facts.reclaimed) + 1}"
        left, now = card_balance(plan.facts), self.clock()
        tx.put(
            FundingRecord(
                id=key,
                account=self.account,
                amount=Money(left, record.amount.currency),
                route=self.money.route,
                members=(record.key,),
                created_at=now,
                direction="out",
            )
        )
        outcome = {
            "id": movement,
            "minor": left,
            "source_transaction": movement,
            "destination_transaction": None,
        }
        step = intended(f"funding/{key}", "balance-transfer-to-payments", at=now)
        tx.put(evolve(step, progress="done", outcome=orjson.dumps(outcome), finished_at=now))
        status = record.status
        if status in {Status.ACTIVE, Status.SPENT}:
            record = record.become(Status.CLOSING)
        return evolve(record, giving_back=key, is_reclaimed=True, look_at=now)

    def _card(self, plan: Restored, card: SalvagedCard) -> CardRecord:
        made = CardRecord(
            card_id=card.body["id"],
            account=self.account,
            order_id=plan.order_id,
            amount=card.amount,
            remaining_minor=0,
            terms=plan.record.terms,
            expires_at=plan.record.expires_at,
            is_open=False,
            card_status=card.body["status"],
            is_livemode=card.body["livemode"],
        )
        for fact in _facts_of(plan.facts, card.body["id"]):
            if isinstance(fact, AuthorizationFacts):
                made = settled(made, fact)
        return made


def _waits_for_a_person(record: DisbursementRecord) -> bool:
    return record.reason is not None and record.reason.code == _UNDECIDED


def _id(value: object) -> str:
    return str(value["id"] if isinstance(value, dict) else value)


def _facts_of(facts: Facts, card_id: str) -> Iterator[Fact]:
    mine = {one.id for one in facts.transactions if one.card_id == card_id}
    yield from (one for one in facts.authorizations if one.card_id == card_id)
    yield from (one for one in facts.transactions if one.id in mine)
    yield from (one for one in facts.disputes if one.transaction in mine)


def _was_cancelled(plan: Restored) -> bool:
    card = plan.cards[-1]
    counted = sum(
        one.approved and one.card_id == card.body["id"] for one in plan.facts.authorizations
    )
    return card.is_dead and counted < card.terms.uses


def _is_unused(plan: Restored) -> bool:
    return bool(plan.cards[-1].body["status"] == "inactive")
