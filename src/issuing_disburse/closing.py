"""
How is a card ended for good, and what does Stripe know about it by then?
"""

from __future__ import annotations

from attrs import evolve, frozen

from .bookkeeper import Bookkeeper
from .cards import CardFactory
from .journal import Guard, StepJournal
from .ports import Clock, Store, Transaction
from .prepared import Answer
from .records import CardRecord, DisbursementRecord
from .snapshots import Fact, authorization_facts, transaction_facts
from .stripe_api import StripeAPI


@frozen(kw_only=True)
class CardCloser:
    """
    Declines, cancels and reads up the cards of an order.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    cards: CardFactory
    bookkeeper: Bookkeeper

    def close_cards(self, tx: Transaction, record: DisbursementRecord) -> None:
        """
        Have every further request for the order's cards declined.
        """
        for reference in record.cards:
            card = tx.get(CardRecord, reference.id, lock=True)
            if card is not None and card.is_open:
                tx.put(evolve(card, is_open=False))

    def cancel(self, record: DisbursementRecord, guard: Guard) -> None:
        """
        Cancel every card of the order that is not cancelled yet.

        Stripe: ``POST /v1/issuing/cards/:id``
        """
        journal = StepJournal(
            store=self.store, clock=self.clock, scope=f"close/{record.key}", guard=guard
        )
        for reference in record.cards:
            card = self.store.read(
                lambda tx, name=reference.id: tx.get(CardRecord, name)  # type: ignore[misc]  # bound early
            )
            if card is not None and card.card_status == "canceled":
                continue
            if self.cards.read(reference.id, account=record.account)["status"] != "canceled":
                self.cards.cancel(reference.id, account=record.account, journal=journal)
            self.bookkeeper.book_card(reference.id, "canceled")

    def catch_up(self, record: DisbursementRecord) -> None:
        """
        Book what Stripe knows about the cards, whatever webhooks were missed.

        Stripe: ``GET /v1/issuing/authorizations``, ``GET /v1/issuing/transactions``
        """
        account = record.account
        for reference in record.cards:
            card = {"card": reference.id}
            for one in self.api.pages("/v1/issuing/authorizations", card, account=account):
                fact: Fact = authorization_facts(one)
                self.bookkeeper.book_fact(fact, cause="reclaim", account=account)
            for one in self.api.pages("/v1/issuing/transactions", card, account=account):
                fact = transaction_facts(one)
                self.bookkeeper.book_fact(fact, cause="reclaim", account=account)
                if one.get("dispute"):
                    self._catch_up_dispute(one, account)

    def _catch_up_dispute(self, transaction: Answer, account: str | None) -> None:
        """
        Book what became of a contested capture.

        Stripe: ``GET /v1/issuing/disputes/:id``
        """
        named = transaction["dispute"]
        name = named["id"] if isinstance(named, dict) else named
        body = self.api.get(f"/v1/issuing/disputes/{name}", account=account)
        self.bookkeeper.book(
            {
                "id": "reclaim",
                "type": "issuing_dispute.updated",
                "account": account,
                "data": {"object": {**body, "transaction": transaction}},
            }
        )
