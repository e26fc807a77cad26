"""
How does an event of Stripe's become an entry in our books, once, in whatever order it comes?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from .books import lowered, post_facts, remaining_minor, status_after
from .decision import Use
from .disbursement import Status
from .exceptions import PayloadInvalidError
from .facts import AuthorizationFacts, DisputeFacts, Facts
from .money import Money
from .ports import Clock, Store, Transaction
from .records import (
    CardRecord,
    Claim,
    DisbursementRecord,
    ParkedEvent,
    RecipientRecord,
    account_key,
)
from .snapshots import (
    Fact,
    Object,
    authorization_facts,
    dispute_facts,
    id_of,
    needed_id,
    transaction_facts,
)

Booked: TypeAlias = Literal["booked", "parked", "ignored"]
FetchObject: TypeAlias = Callable[[str, str | None], Object]


@frozen(kw_only=True)
class Bookkeeper:
    """
    Books events and objects of Stripe's, once each by (object, effect).

    Attributes:
        fetch: Reads one object again, for snapshots that cannot be ordered.
    """

    store: Store
    clock: Clock
    fetch: FetchObject

    def book(self, event: Object) -> Booked:
        """
        Book one event; doing it again, late or out of order changes nothing.

        Raises:
            PayloadInvalidError: A field that is needed is missing; nothing was booked.
            StoreError: Nothing was booked; Stripe should deliver again.
        """
        data = event.get("data")
        body = data.get("object") if isinstance(data, Mapping) else None
        if not isinstance(body, Mapping):
            raise PayloadInvalidError("data.object is missing", param="data.object")
        kind, cause = str(event.get("type")), str(event.get("id"))
        account = id_of(event.get("account"))
        if kind in {"issuing_authorization.created", "issuing_authorization.updated"}:
            return self.book_fact(authorization_facts(body), cause=cause, account=account)
        if kind in {"issuing_transaction.created", "issuing_transaction.updated"}:
            return self.book_fact(transaction_facts(body), cause=cause, account=account)
        if kind.startswith("issuing_dispute."):
            return self._book_dispute(body, cause=cause, account=account)
        if kind == "issuing_card.updated":
            return self.book_card(needed_id(body.get("id"), "id"), str(body.get("status")))
        if kind == "issuing_cardholder.updated":
            return self._book_cardholder(body, account)
        return "ignored"

    def book_fact(self, fact: Fact, *, cause: str, account: str | None) -> Booked:
        """
        Merge one snapshot into the facts of its disbursement and post what follows.
        """
        if isinstance(fact, DisputeFacts):
            raise TypeError("a dispute names a transaction, no card: use book()")
        card_id = fact.card_id
        if isinstance(fact, AuthorizationFacts):
            fact = self._ordered(fact, account)
        chosen: Fact = fact

        def work(tx: Transaction) -> Booked:
            card = tx.get(CardRecord, card_id)
            if card is None:
                return self._park(tx, chosen, cause, account)
            self.merge(tx, card, chosen, cause=cause)
            return "booked"

        return self.store.transact(work)

    def merge(self, tx: Transaction, card: CardRecord, fact: Fact, *, cause: str) -> None:
        """
        Merge *fact* about *card* inside *tx*.
        """
        record = tx.get(DisbursementRecord, card.group, lock=True)
        if record is None or record.facts is None:
            return
        if isinstance(fact, AuthorizationFacts) and not fact.approved:
            known = record.facts.authorization(fact.id)
            if known is None or not known.approved:
                tx.put(_settled(card, fact, released=True))
                return
        facts = record.facts.with_fact(fact)
        if isinstance(fact, AuthorizationFacts):
            card = _settled(card, fact, released=False)
        self.store_facts(tx, record, facts, card, cause=cause)

    def store_facts(
        self,
        tx: Transaction,
        record: DisbursementRecord,
        facts: Facts,
        card: CardRecord,
        *,
        cause: str,
    ) -> DisbursementRecord:
        """
        Post *facts*, and write the record and its current card as they stand after it.
        """
        now = self.clock()
        current = card
        if record.cards and record.cards[-1].id != card.card_id:
            tx.put(card)
            current = tx.get(CardRecord, record.cards[-1].id) or card
        after = status_after(record, facts, current)
        posted = post_facts(tx, record, facts, cause=cause, at=now)
        is_over = after in {Status.SPENT, Status.CLOSING} and not facts.is_open
        if is_over and (after, posted.entries) != (record.status, record.entries):
            posted = evolve(posted, look_at=now)
        if after is Status.CLOSED:
            posted = evolve(posted, look_at=None)
        left = remaining_minor(posted, facts, now)
        if after is Status.ACTIVE:
            posted, current = lowered(posted, current, facts, now)
        tx.put(evolve(current, remaining_minor=left, is_open=after is Status.ACTIVE))
        return tx.put(posted.become(after))

    def _ordered(self, fact: AuthorizationFacts, account: str | None) -> AuthorizationFacts:
        """
        Return *fact*, fetched again when it cannot be ordered against what is known.
        """
        known = self.store.read(lambda tx: _known_authorization(tx, fact))
        if known is None or fact.is_ordered_against(known):
            return fact
        return authorization_facts(self.fetch(f"/v1/issuing/authorizations/{fact.id}", account))

    def _book_dispute(self, body: Object, *, cause: str, account: str | None) -> Booked:
        fact = dispute_facts(body)
        transaction = body.get("transaction")
        if not isinstance(transaction, Mapping):
            transaction = self.fetch(f"/v1/issuing/transactions/{fact.transaction}", account)
        card_id = needed_id(transaction.get("card"), "transaction.card")

        def work(tx: Transaction) -> Booked:
            card = tx.get(CardRecord, card_id)
            if card is None:
                return "ignored"
            self.merge(tx, card, fact, cause=cause)
            return "booked"

        return self.store.transact(work)

    def book_card(self, card_id: str, status: str) -> Booked:
        """
        Book how a card stands at Stripe; ``canceled`` is for good.
        """

        def work(tx: Transaction) -> Booked:
            card = tx.get(CardRecord, card_id)
            if card is None:
                return "ignored"
            if card.card_status in {"canceled", status}:
                return "booked"
            changed = evolve(card, card_status=status)
            record = tx.get(DisbursementRecord, card.group, lock=True)
            if record is None or record.facts is None:
                tx.put(changed)
                return "booked"
            self.store_facts(tx, record, record.facts, changed, cause="issuing_card.updated")
            return "booked"

        return self.store.transact(work)

    def _book_cardholder(self, body: Object, account: str | None) -> Booked:
        cardholder_id = needed_id(body.get("id"), "id")
        requirements = body.get("requirements") or {}
        reason = requirements.get("disabled_reason")
        if reason is None and body.get("status") != "active":
            reason = str(body.get("status"))

        def work(tx: Transaction) -> Booked:
            known = tx.find(RecipientRecord, group=cardholder_id, limit=10)
            for one in known:
                tx.put(
                    evolve(
                        one,
                        disabled_reason=reason,
                        past_due=tuple(requirements.get("past_due") or ()),
                        checked_at=self.clock(),
                    )
                )
            return "booked" if known else "ignored"

        return self.store.transact(work)

    def _park(self, tx: Transaction, fact: Fact, cause: str, account: str | None) -> Booked:
        """
        Keep an event for a card that may be one of ours, still on its way into the store.
        """
        waiting = tx.find(
            DisbursementRecord,
            group=account_key(account),
            states=(Status.PENDING.value,),
            limit=1,
        )
        if not waiting or isinstance(fact, DisputeFacts):
            return "ignored"
        key = f"{cause}/{fact.id}"
        if tx.get(ParkedEvent, key) is None:
            tx.put(
                ParkedEvent(event_id=key, card_id=fact.card_id, fact=fact, received_at=self.clock())
            )
        return "parked"

    def unpark(self, tx: Transaction, card: CardRecord) -> None:
        """
        Book what came in for *card* before it was recorded.
        """
        for parked in tx.find(ParkedEvent, group=card.card_id, limit=1_000):
            current = tx.get(CardRecord, card.card_id) or card
            self.merge(tx, current, parked.fact, cause=parked.event_id)
            tx.delete(ParkedEvent, parked.key)


def _known_authorization(tx: Transaction, fact: AuthorizationFacts) -> AuthorizationFacts | None:
    card = tx.get(CardRecord, fact.card_id)
    record = tx.get(DisbursementRecord, card.group) if card else None
    return record.facts.authorization(fact.id) if record and record.facts else None


def confirmed_by(card: CardRecord, fact: AuthorizationFacts) -> CardRecord:
    """
    Return *card* with the use confirmed that Stripe has approved.
    """
    return _settled(card, fact, released=False)


def _settled(card: CardRecord, fact: AuthorizationFacts, *, released: bool) -> CardRecord:
    """
    Return *card* with the claim of one authorization confirmed, released, or made after the fact.
    """
    mine = [claim for claim in card.claims if claim.use.authorization_id == fact.id]
    claims = [claim for claim in card.claims if claim not in mine]
    claims += [
        claim.released() if released else claim.confirmed(fact.amount_minor) for claim in mine
    ]
    if not mine and not released:
        amount = Money(fact.amount_minor, card.amount.currency)
        use = Use(
            authorization_id=fact.id,
            at=fact.created,
            amount=amount,
            merchant_name=fact.merchant or None,
            is_probe=fact.amount_minor <= card.probe_max_minor,
        )
        claims.append(Claim(use=use, settled_minor=fact.amount_minor, state="confirmed"))
    return evolve(card, claims=tuple(claims))
