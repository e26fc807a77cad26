"""
What surrounds a policy at work: the history of more than one card, and shadows that look on?
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from attrs import evolve, frozen

from .decision import Allotment, AuthorizationRequest, Decision, Use
from .exceptions import StoreError
from .onlookers import Onlookers
from .policy import AuthorizationPolicy
from .ports import Store, Transaction
from .recording_records import UsedCard, account_key, moment_key
from .records import CardRecord, DisbursementRecord

HISTORY_MAX = 1_000
"""Of more uses than these nobody makes a history: the rule objects instead of judging half of them."""

_UNNOTED = Decision(
    approved=False,
    code="history_unknown",
    message="the use could not be noted, so that later ones would not count it",
    source="error",
)


def surrounded(policy: AuthorizationPolicy, store: Store) -> AuthorizationPolicy:
    """
    Return what asks *policy* with all that it needs; itself, when it needs nothing beside the card.
    """
    needed: dict[str, timedelta] = {
        scope: per for scope, per in policy.history_needed.items() if scope != "card"
    }
    if not needed and not policy.shadows:
        return policy
    onlookers = Onlookers(policy, store) if policy.shadows else None
    made = Surroundings(policy=policy, store=store, needed=needed, onlookers=onlookers)
    return cast("AuthorizationPolicy", made)  # by shape: it hands everything else on


@frozen(kw_only=True, eq=False)
class Surroundings:
    """
    Stands before a policy: looks up what it needs beside the card, and lets its shadows look on.

    The history of a recipient or an account is made of the claims on every card that may have been used.
    Two purchases on two cards in the same instant do not see each other.

    Attributes:
        needed: How far back velocity rules look, by scope other than the card.
    """

    policy: AuthorizationPolicy
    store: Store
    needed: Mapping[str, timedelta]
    onlookers: Onlookers | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.policy, name)

    def answer(
        self, request: AuthorizationRequest, allotment: Allotment, **limits: Any
    ) -> Decision:
        """
        Let the policy answer; see `AuthorizationPolicy.answer`.
        """
        seen = self._looked_up(request, allotment)
        return self._noted(request, seen, self.policy.answer(request, seen, **limits))

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        """
        Let the policy decide; see `AuthorizationPolicy.decide`.
        """
        seen = self._looked_up(request, allotment)
        return self._noted(request, seen, self.policy.decide(request, seen))

    def look_at(self, event: Mapping[str, Any]) -> None:
        """
        Note a purchase that Stripe or the network approved without asking.

        Raises:
            StoreError: It was not noted; Stripe should deliver again.

        Stripe: ``issuing_authorization.created``
        """
        data = event.get("data")
        body = data.get("object") if isinstance(data, Mapping) else None
        if not self.needed or not isinstance(body, Mapping) or body.get("approved") is not True:
            return
        card, created = body.get("card"), body.get("created")
        card_id = card.get("id") if isinstance(card, Mapping) else card
        if isinstance(card_id, str) and isinstance(created, int | float):
            at = datetime.fromtimestamp(created, UTC)
            self.store.transact(lambda tx: self._note(tx, card_id, at))

    def _looked_up(self, request: AuthorizationRequest, allotment: Allotment) -> Allotment:
        if not self.needed:
            return allotment
        try:
            found = self.store.read(
                lambda tx: {scope: self._history(tx, scope, request) for scope in self.needed},
                timeout_seconds=self.policy.deadline_seconds / 2,
            )
        except StoreError:
            return allotment  # the rules object to a history that nobody knows
        return evolve(
            allotment,
            recipient_history=found.get("recipient"),
            account_history=found.get("account"),
        )

    def _history(
        self, tx: Transaction, scope: str, request: AuthorizationRequest
    ) -> tuple[Use, ...] | None:
        group = _group(tx, scope, request.card_id)
        if group is None:
            return None
        start = request.created - self.needed[scope]
        rows = tx.find(UsedCard, group=group, after=moment_key(group, start), limit=HISTORY_MAX)
        if len(rows) == HISTORY_MAX:
            return None
        cards = [tx.get(CardRecord, card_id) for card_id in sorted({row.card_id for row in rows})]
        uses = [
            claim.use
            for card in cards
            if card is not None
            for claim in card.claims
            if claim.state != "released" and claim.use.at > start
        ]
        return tuple(sorted(uses, key=lambda use: (use.at, use.authorization_id)))

    def _noted(
        self, request: AuthorizationRequest, seen: Allotment, decision: Decision
    ) -> Decision:
        if self.needed and isinstance(decision, Decision) and decision.approved:
            try:
                self.store.transact(
                    lambda tx: self._note(tx, request.card_id, request.created),
                    timeout_seconds=self.policy.deadline_seconds / 2,
                )
            except StoreError:
                decision = _UNNOTED
        if self.onlookers is not None:
            self.onlookers.show(request, seen, decision)
        return decision

    def _note(self, tx: Transaction, card_id: str, at: datetime) -> None:
        """
        Write down, before the use is promised, where it will be found.
        """
        for scope in self.needed:
            group = _group(tx, scope, card_id)
            if group is not None:
                new = UsedCard(scope=group, at=at, card_id=card_id)
                if tx.get(UsedCard, new.key) is None:
                    tx.put(new)


def _group(tx: Transaction, scope: str, card_id: str) -> str | None:
    card = tx.get(CardRecord, card_id)
    if card is None:
        return None
    if scope == "account":
        return f"account/{account_key(card.account)}"
    order = tx.get(DisbursementRecord, card.group)
    return f"recipient/{order.cardholder_id}" if order and order.cardholder_id else None
