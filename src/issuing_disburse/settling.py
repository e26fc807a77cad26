"""
What became of the uses that were promised, and of which Stripe has said nothing since?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from attrs import frozen

from .alerts import AuthorizationAlert, keep_alert
from .bookkeeper import Bookkeeper
from .claims import settled
from .exceptions import DisburseError, PayloadInvalidError, RefusedError
from .facts import AuthorizationFacts
from .money import Money
from .paging import every
from .parking import forget_parked
from .ports import Clock, Store, Transaction
from .records import CardRecord, Claim
from .snapshots import Object, authorization_facts

SILENCE = timedelta(minutes=10)
"""How long a promised use may go unconfirmed before Stripe is asked about it."""

SettlementOutcome: TypeAlias = Literal["confirmed", "released", "waiting", "stuck"]


@frozen(kw_only=True)
class ClaimSettlement:
    """
    What became of one promised use.

    Attributes:
        outcome: ``confirmed``: Stripe has approved it; ``released``: it has not, or knows no such
            authorization, and the card may be used again; ``waiting``: Stripe is still deciding;
            ``stuck``: Stripe could not be asked, see *message*; ask again later.
    """

    authorization_id: str
    card_id: str
    order_id: str
    outcome: SettlementOutcome
    message: str = ""


@frozen(kw_only=True)
class ClaimSettler:
    """
    Asks Stripe about promised uses that it has said nothing about, of all accounts of the store.
    """

    bookkeeper: Bookkeeper
    store: Store
    clock: Clock

    def settle(self) -> tuple[ClaimSettlement, ...]:
        """
        Settle every claim that was made ten minutes ago or more and heard nothing since.

        Stripe: ``GET /v1/issuing/authorizations/:id``
        """
        forget_parked(self.store, now=self.clock())
        before = self.clock() - SILENCE
        return tuple([self._settled(card, claim) for card, claim in self._silent(before)])

    def _silent(self, before: datetime) -> Iterator[tuple[CardRecord, Claim]]:
        for card in every(self.store, CardRecord, due_before=before):
            for claim in card.claims:
                if claim.state == "provisional" and (claim.asked_at or claim.use.at) <= before:
                    yield card, claim

    def _settled(self, card: CardRecord, claim: Claim) -> ClaimSettlement:
        name = claim.use.authorization_id
        try:
            body = self.bookkeeper.fetch(f"/v1/issuing/authorizations/{name}", card.account)
            outcome = self._booked(card, claim, body)
        except RefusedError as refusal:
            if refusal.code != "resource_missing":
                return _settlement(card, claim, "stuck", str(refusal))
            self._release(card, claim)
            return _settlement(card, claim, "released", "Stripe knows no such authorization")
        except (DisburseError, PayloadInvalidError) as problem:
            return _settlement(card, claim, "stuck", str(problem))
        return _settlement(card, claim, outcome)

    def _booked(self, card: CardRecord, claim: Claim, body: Object) -> SettlementOutcome:
        fact = authorization_facts(body)
        if body.get("pending_request") is not None:
            return "waiting"
        self.bookkeeper.book_fact(fact, cause="settled", account=card.account, is_final=True)
        return "confirmed" if fact.approved else "released"

    def _release(self, card: CardRecord, claim: Claim) -> None:
        """
        Give the use back, and say so: somebody asked about what does not exist.
        """
        name, currency = claim.use.authorization_id, card.amount.currency
        unknown = AuthorizationFacts(
            id=name, card_id=card.card_id, created=claim.use.at, approved=False, status="closed",
            amount_minor=0,
        )  # fmt: skip
        alert = AuthorizationAlert(
            kind="unknown_claim",
            object_id=name,
            card_id=card.card_id,
            code="resource_missing",
            at=claim.use.at,
            approved=False,
            account=card.account,
            order_id=card.order_id,
            amount=Money(claim.pending_minor, currency),
            message="a use was promised to it; Stripe knows no such authorization",
        )

        def work(tx: Transaction) -> None:
            current = tx.get(CardRecord, card.card_id, lock=True)
            if current is not None:
                tx.put(settled(current, unknown))
            keep_alert(tx, alert)

        self.store.transact(work)


def _settlement(
    card: CardRecord, claim: Claim, outcome: SettlementOutcome, message: str = ""
) -> ClaimSettlement:
    return ClaimSettlement(
        authorization_id=claim.use.authorization_id,
        card_id=card.card_id,
        order_id=card.order_id,
        outcome=outcome,
        message=message,
    )
