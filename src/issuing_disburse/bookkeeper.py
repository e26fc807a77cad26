"""
How does an event of Stripe's become an entry in our books, once, in whatever order it comes?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from attrs import evolve, frozen

from .alerts import AuthorizationAlert, decided_without_us, keep_alert, taken_outside_terms
from .books import lowered, post_facts, spendable_minor, status_after
from .claims import settled
from .disbursement import Status
from .exceptions import PayloadInvalidError
from .facts import AuthorizationFacts, DisputeFacts, Facts, TransactionFacts
from .parking import Booked, park
from .ports import Clock, Store, Transaction
from .records import (
    CardRecord,
    DisbursementRecord,
    FundingRecord,
    ParkedEvent,
    RecipientRecord,
)
from .snapshots import (
    Fact,
    Object,
    authorization_facts,
    dispute_facts,
    id_of,
    needed_id,
    text_of,
    transaction_facts,
)
from .waking import mark_of, wake_account, wake_members

FetchObject: TypeAlias = Callable[[str, str | None], Object]

_OURS = ("issuing_authorization.", "issuing_transaction.", "issuing_dispute.", "issuing_card")
_MONEY = ("balance.", "payout.", "topup.", "transfer.")
_FOLLOWED = ("payout.", "topup.")
_WORD_MAX = 100

FollowMoney: TypeAlias = Callable[[str], object]
"""Asks what became of one funding, by its key, and books it."""


@frozen(kw_only=True)
class Bookkeeper:
    """
    Books events and objects of Stripe's, once each by (object, effect).

    Attributes:
        fetch: Reads one object again, for snapshots that cannot be ordered.
        follow: Is called when Stripe tells of a top-up or payout that carries our mark.
    """

    store: Store
    clock: Clock
    fetch: FetchObject
    follow: FollowMoney | None = None

    def book(self, event: Object) -> Booked:
        """
        Book one event; doing it again, late or out of order changes nothing.

        Raises:
            PayloadInvalidError: A field that is needed is missing; nothing was booked.
            StoreError: Nothing was booked; Stripe should deliver again.
        """
        kind = event.get("type")
        if not isinstance(kind, str) or not kind.startswith((*_OURS, *_MONEY)):
            return "ignored"
        data = event.get("data")
        body = data.get("object") if isinstance(data, Mapping) else None
        if not isinstance(body, Mapping):
            if kind.startswith(_MONEY):
                return "ignored"  # it would only have said that it is time to look
            raise PayloadInvalidError("data.object is missing", param="data.object")
        cause = id_of(event.get("id")) or kind
        account = id_of(event.get("account"))
        if kind.startswith(_MONEY):
            return self._book_money(kind, body, account)
        if kind.startswith("issuing_dispute."):
            return self._book_dispute(body, cause=cause, account=account)
        match kind:
            case "issuing_authorization.created" | "issuing_authorization.updated":
                found = self.book_fact(authorization_facts(body), cause=cause, account=account)
            case "issuing_transaction.created" | "issuing_transaction.updated":
                found = self.book_fact(transaction_facts(body), cause=cause, account=account)
            case "issuing_card.updated":
                status = text_of(body, "status")[:_WORD_MAX]
                found = self.book_card(needed_id(body.get("id"), "id"), status)
            case "issuing_cardholder.updated":
                found = self._book_cardholder(body, account)
            case _:
                found = "ignored"
        return found

    def _book_money(self, kind: str, body: Object, account: str | None) -> Booked:
        """
        Let no order wait any longer than it must for money that has moved, and have it followed.

        The event only says that it is time to look.
        """
        now = self.clock()
        if kind.startswith("balance."):
            return "booked" if wake_account(self.store, account, now=now) else "ignored"
        mark = mark_of(body)
        if mark is None:
            return "ignored"
        funding = self.store.read(lambda tx: tx.get(FundingRecord, mark))
        if funding is None or account not in {None, funding.account}:
            return "ignored"
        woken = wake_members(self.store, funding, now=now)
        if self.follow is None or not kind.startswith(_FOLLOWED):
            return "booked" if woken else "ignored"
        self.follow(mark)
        return "booked"

    def book_fact(
        self, fact: Fact, *, cause: str, account: str | None, is_final: bool = False
    ) -> Booked:
        """
        Merge one snapshot into the facts of its disbursement and post what follows.

        Args:
            is_final: Whether Stripe has decided about everything that we approved before it.
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
                return park(tx, chosen, cause=cause, account=account, now=self.clock())
            if account not in {None, card.account}:
                return "ignored"
            self.merge(tx, card, chosen, cause=cause, is_final=is_final)
            return "booked"

        return self.store.transact(work)

    def merge(
        self, tx: Transaction, card: CardRecord, fact: Fact, *, cause: str, is_final: bool = False
    ) -> None:
        """
        Merge *fact* about *card* inside *tx*.
        """
        record = tx.get(DisbursementRecord, card.group, lock=True)
        if record is None or record.facts is None:
            return
        if isinstance(fact, AuthorizationFacts):
            _tell(tx, card, decided_without_us(fact, card.amount.currency))
            known = record.facts.authorization(fact.id)
            is_approved = fact.approved or (known is not None and known.approved)
            after = settled(card, evolve(fact, approved=is_approved), is_final=is_final)
            if not is_approved:
                if after != card:
                    tx.put(after)
                return
            card = after
        facts = record.facts.with_fact(fact)
        for capture in _captures_told_by(fact, facts):
            found = taken_outside_terms(capture, facts, card.terms, card.amount)
            _tell(tx, card, found)
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
        left = spendable_minor(posted, facts, current, now)
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
            if not status or card.card_status in {"canceled", status}:
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
        found = body.get("requirements")
        requirements = found if isinstance(found, Mapping) else {}
        reason = text_of(requirements, "disabled_reason")[:_WORD_MAX] or None
        if reason is None and body.get("status") != "active":
            reason = text_of(body, "status")[:_WORD_MAX] or "unknown"
        past_due = requirements.get("past_due")
        past_due = past_due if isinstance(past_due, list) else []

        def work(tx: Transaction) -> Booked:
            known = tx.find(RecipientRecord, group=cardholder_id, limit=10)
            for one in known:
                tx.put(
                    evolve(
                        one,
                        disabled_reason=reason,
                        past_due=tuple([one for one in past_due if isinstance(one, str)]),
                        checked_at=self.clock(),
                    )
                )
            return "booked" if known else "ignored"

        return self.store.transact(work)

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


def _captures_told_by(fact: Fact, facts: Facts) -> tuple[TransactionFacts, ...]:
    """
    Return the captures to be judged again: the one that came, or the last of a closed authorization.
    """
    if isinstance(fact, TransactionFacts):
        return (fact,)
    if not isinstance(fact, AuthorizationFacts) or fact.status != "closed":
        return ()
    return tuple(one for one in facts.captures() if one.authorization == fact.id)[-1:]


def _tell(tx: Transaction, card: CardRecord, alerts: Iterable[AuthorizationAlert]) -> None:
    """
    Keep *alerts* about *card*, each once.
    """
    for alert in alerts:
        keep_alert(tx, evolve(alert, account=card.account, order_id=card.order_id))
