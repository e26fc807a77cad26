"""
How is one order that Stripe still knows written into a store again?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import orjson
from attrs import define, evolve, field, frozen

from .bookkeeper import Bookkeeper
from .books import card_balance, funded_line, given_back_line, post_funding
from .cards import card_outcome, card_reference
from .claims import settled
from .disbursement import Reason, Status, idempotency_key
from .facts import Amounts, AuthorizationFacts, Facts
from .money import Money
from .ports import Clock, Store, Transaction
from .records import (
    CardRecord,
    DisbursementRecord,
    FundingRecord,
    Moved,
    StepRecord,
    account_key,
)
from .routes import BALANCE_TRANSFER, REVERSAL
from .salvage import Movements, SalvagedCard, SalvagedTransfer
from .snapshots import Fact

_ATTEMPTS_MAX = 32
"""How many fundings of one order are looked for."""

_UNDECIDED = "rebuild_undecided"

_WAY_BACK = timedelta(hours=1)
"""How long before its reversal the balance transfer of a reclaim may have been made."""


@frozen(kw_only=True)
class Restored:
    """
    One order, ready to be written.

    Attributes:
        fundings: What paid for it, and what went back of that.
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
    route: str
    bookkeeper: Bookkeeper
    movements: Movements
    transfers: dict[str, SalvagedTransfer]
    _used: set[str] = field(factory=set)

    def plan(self, order_id: str, cards: list[SalvagedCard], told: list[Fact]) -> Restored:
        """
        Attribute what is certain: fundings by their keys, what went back by its reversals.
        """
        first, last = cards[0], cards[-1]
        known = self._known(order_id)
        if known is not None and known.facts is not None:
            self._used |= set(known.fundings)
            facts = known.facts
            for fact in told:
                facts = facts.with_fact(fact)
            return Restored(
                order_id=order_id, record=known, cards=tuple(cards), facts=facts, is_there=True
            )
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
            generation=max(last.generation, len(cards)),
            cardholder_id=_id(first.body["cardholder"]),
            cards=tuple(card_reference(card_outcome(one.body), self.account) for one in cards),
            to_spend=last.amount if len(cards) > 1 else None,
            look_at=first.expires_at,
            is_rebuilt=True,
        )
        fundings, reclaimed = self._fundings(record, first)
        paid = [one for one in fundings if one.direction == "in" and one.progress == "moved"]
        allotted = paid[-1].amount.minor if paid else first.most_minor
        scope = record.cards[0].id
        facts = Facts(
            scope=scope,
            allotted=(Amounts(id=scope, minor=allotted),),
            reclaimed=reclaimed,
            replaced=tuple(one.id for one in record.cards[:-1]),
        )
        for fact in told:
            facts = facts.with_fact(fact)
        record = evolve(
            record,
            fundings=tuple(one.id for one in fundings if one.direction == "in"),
            is_reclaimed=bool(reclaimed),
        )
        return Restored(
            order_id=order_id, record=record, cards=tuple(cards), facts=facts,
            fundings=tuple(fundings),
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
        way = self.movements.claim("issuing", Money(-left, currency), since=since, like=arrived)
        if way is not None:
            return evolve(plan, begun_way_back=way)
        return evolve(
            plan, is_undecided=bool(self.movements.leaving(currency, since=since, like=arrived))
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
                self._write_funding(tx, funding)
            for card in plan.cards[:-1]:
                tx.put(self._card(plan, card))
            record = self.bookkeeper.store_facts(
                tx, plan.record, plan.facts, self._card(plan, plan.cards[-1]), cause="rebuild"
            )
            tx.put(self._settled(tx, record, plan))

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
                route=self.route,
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
        step = self._step(f"funding/{key}", "balance-transfer-to-payments")
        tx.put(evolve(step, progress="done", outcome=orjson.dumps(outcome), finished_at=now))
        status = record.status
        if status in {Status.ACTIVE, Status.SPENT}:
            record = record.become(Status.CLOSING)
        return evolve(record, giving_back=key, is_reclaimed=True, look_at=now)

    def _step(self, scope: str, name: str) -> StepRecord:
        return StepRecord(
            scope=scope,
            name=name,
            generation=1,
            idempotency_key=idempotency_key(scope, name, 1),
            started_at=self.clock(),
        )

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

    # Fundings.

    def _fundings(
        self, record: DisbursementRecord, first: SalvagedCard
    ) -> tuple[list[FundingRecord], tuple[Amounts, ...]]:
        found: list[FundingRecord] = []
        reclaimed: list[Amounts] = []
        for number in range(1, _ATTEMPTS_MAX + 1):
            transfer = self.transfers.get(idempotency_key(record.key, "funding", number))
            if transfer is None:
                continue
            self._used.add(transfer.funding_id)
            funding = evolve(self._funding(transfer), members=(record.key,))
            for key in sorted(transfer.reversed_minor):
                if key.startswith(f"reclaim/{record.key}/"):
                    back = self._given_back(key, transfer, record)
                    reclaimed.append(Amounts(id=key, minor=back.amount.minor))
                    spent = funding.given_back_minor + back.amount.minor
                    funding = evolve(funding, given_back_minor=spent)
                    found.append(back)
            found.append(funding)
        if not found:
            found += self._own_movement(record, first)
        return found, tuple(reclaimed)

    def _funding(self, transfer: SalvagedTransfer) -> FundingRecord:
        since, amount = transfer.created_at, transfer.amount
        arrived = self.movements.claim("issuing", amount, since=since)
        left = self.movements.claim("payments", -amount, since=since)
        if transfer.has_failed and arrived is not None:
            return self._there_and_back(transfer, transfer.funding_id, arrived, left)
        return FundingRecord(
            id=transfer.funding_id,
            account=self.account,
            amount=transfer.amount,
            route=self.route,
            members=(),
            created_at=transfer.created_at,
            progress="given_back" if transfer.has_failed else "moved",
            moved=transfer.moved(arrived, left),
            brought_minor=transfer.amount.minor if arrived is not None else 0,
            has_arrived=arrived is not None,
            given_back_minor=transfer.amount.minor if transfer.has_failed else 0,
            returned=transfer.reversed_for_others(),
        )

    def _there_and_back(
        self, transfer: SalvagedTransfer, name: str, arrived: str, left: str | None
    ) -> FundingRecord:
        """
        Return what came to the Issuing balance and left it again for one and the same order.
        """
        amount = transfer.amount
        back = self.movements.claim("issuing", -amount, since=transfer.created_at)
        away = Moved(
            object=BALANCE_TRANSFER, id=back or name, minor=amount.minor, balance_transaction=back
        )
        return FundingRecord(
            id=name,
            account=self.account,
            amount=amount,
            route=self.route,
            members=(),
            created_at=transfer.created_at,
            progress="given_back",
            moved=transfer.moved(arrived, left),
            brought_minor=0 if back is not None else amount.minor,
            has_arrived=True,
            given_back_minor=amount.minor,
            returned=(*([away] if back else []), *transfer.reversed_for_others()),
        )

    def _own_movement(self, record: DisbursementRecord, first: SalvagedCard) -> list[FundingRecord]:
        """
        Find the balance transfer that brought the money of an order without a transfer.
        """
        amount = Money(first.most_minor, record.amount.currency)
        until = first.created_at
        arrived = self.movements.claim("issuing", amount, until=until, newest=True)
        if arrived is None:
            return []
        left = self.movements.claim("payments", -amount, until=until, newest=True)
        return [
            FundingRecord(
                id=idempotency_key(record.key, "funding", 1),
                account=self.account,
                amount=amount,
                route=self.route,
                members=(record.key,),
                created_at=until,
                progress="moved",
                moved=(
                    Moved(
                        object=BALANCE_TRANSFER,
                        id=arrived,
                        minor=amount.minor,
                        balance_transaction=arrived,
                        counterpart=left,
                    ),
                ),
                brought_minor=amount.minor,
                has_arrived=True,
            )
        ]

    def _given_back(
        self, key: str, transfer: SalvagedTransfer, record: DisbursementRecord
    ) -> FundingRecord:
        """
        Return what a reclaim took back, by the reversals that bear its key.
        """
        amount = Money(transfer.reversed_minor[key], record.amount.currency)
        until = transfer.last_reversal_at
        since = until - _WAY_BACK if until is not None else None
        left = self.movements.claim("issuing", -amount, since=transfer.created_at, until=until)
        if left is None:  # more than the transfer went off the balance, as after a refund
            left, amount = self.movements.claim_beyond(-amount, since=since, until=until)
        reversals = [
            Moved(object=REVERSAL, id=name, minor=minor) for name, minor in transfer.reversals[key]
        ]
        onward = Moved(
            object=BALANCE_TRANSFER, id=left or key, minor=amount.minor, balance_transaction=left
        )
        return FundingRecord(
            id=key,
            account=self.account,
            amount=amount,
            route=self.route,
            members=(record.key,),
            created_at=until or self.clock(),
            direction="out",
            progress="given_back",
            returned=(onward, *reversals) if left is not None else tuple(reversals),
        )

    def _write_funding(self, tx: Transaction, funding: FundingRecord) -> None:
        line = None
        if funding.direction == "out" and _leaves(funding):
            line = given_back_line(funding.id, funding.amount)
        elif funding.brought_minor:
            line = funded_line(funding.id, Money(funding.brought_minor, funding.amount.currency))
        lines = () if line is None else (line,)
        tx.put(post_funding(tx, funding, lines, cause="rebuild", at=self.clock()))

    # Money without a card.

    def _round_trip(
        self, transfer: SalvagedTransfer, funding: FundingRecord
    ) -> FundingRecord | None:
        """
        See whether the money of a failed order has left the Issuing balance again, but not gone home.
        """
        since, like = transfer.created_at, funding.moved[-1].balance_transaction
        back = self.movements.claim("issuing", -transfer.amount, since=since, like=like)
        if back is None:
            return None
        away = Moved(
            object=BALANCE_TRANSFER,
            id=back,
            minor=transfer.amount.minor,
            balance_transaction=back,
        )
        return evolve(
            funding,
            id=f"{funding.id}-round-trip",
            progress="given_back",
            moved=funding.moved[1:],
            brought_minor=0,
            given_back_minor=transfer.amount.minor,
            returned=(away,),
        )

    def unused(self) -> Iterator[SalvagedTransfer]:
        """
        Yield the transfers that belong to no order with a card.
        """
        for name in sorted(self.transfers):
            if name not in self._used:
                yield self.transfers[name]

    def keep_stray(self, transfer: SalvagedTransfer) -> tuple[SalvagedTransfer, Money, bool]:
        """
        Keep a transfer without a card, so that its order takes it over when it is handed in again.

        Returns:
            The transfer, what of it has not gone back, and whether that is on the Issuing balance.
        """
        known = self.store.read(lambda tx: tx.get(FundingRecord, transfer.funding_id))
        gone = sum(transfer.reversed_minor.values())
        unreversed = Money(transfer.amount.minor - gone, transfer.amount.currency)
        if known is not None:
            return transfer, unreversed, known.has_arrived
        funding = self._funding(transfer)
        trip: FundingRecord | None = None
        if not transfer.has_failed and funding.has_arrived:
            trip = self._round_trip(transfer, funding)
        if trip is not None:
            funding = evolve(funding, moved=(), brought_minor=0, has_arrived=False)
        step = self._step(f"funding/{funding.id}", "transfer")
        outcome = orjson.dumps({"id": transfer.id, "minor": transfer.amount.minor})
        onward = self._step(f"funding/{funding.id}", "balance-transfer-to-issuing")

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
            self._write_funding(tx, kept)

        self.store.transact(work)
        return transfer, unreversed, funding.has_arrived


def _waits_for_a_person(record: DisbursementRecord) -> bool:
    return record.reason is not None and record.reason.code == _UNDECIDED


def _leaves(funding: FundingRecord) -> bool:
    return any(moved.object == BALANCE_TRANSFER for moved in funding.returned)


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
