"""
What is it that differs about one object, and whose business is it?

The object is read again, and so are our entries about it: what was only under way a moment ago is no
difference. Whose card it was decides whether it may be booked or has to be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import define, field

from issuing_disburse.cards import ORDER_METADATA
from issuing_disburse.facts import AuthorizationFacts
from issuing_disburse.money import Money
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.prepared import Answer
from issuing_disburse.records import CardRecord, DisbursementRecord, FundingRecord
from issuing_disburse.routes import FUNDING_METADATA
from issuing_disburse.snapshots import authorization_facts

from .ours import EFFECTS, PATHS, Ours, moved_there, order_of
from .reading import CountedReads
from .tally import Sum
from .values import Discrepancy

DeadlineOf: TypeAlias = Callable[[AuthorizationFacts], datetime]
"""Tells until when an open authorization may be captured in the ordinary way (UTC)."""


@define(kw_only=True)
class Examiner:
    """
    Looks at single objects that seem to differ.

    Attributes:
        moving: Fundings whose outcome is not known yet.
        claimed: Reads anew which movements belong to fundings of ours; called at most once.
        transfers_now: Reads anew what was transferred and reversed; called at most once.
        foreign: What cards of other programs did, in minor units by currency.
    """

    account: str | None
    store: Store
    reads: CountedReads
    now: datetime
    opened_at: datetime | None
    moving: tuple[FundingRecord, ...]
    broken: Mapping[str, str]
    expects_others: bool
    is_explained: Callable[[Mapping[str, Any]], bool]
    is_bounded: bool
    claimed: Callable[[], set[str]]
    transfers_now: Callable[[], dict[str, int]]
    deadline_of: DeadlineOf
    foreign: dict[str, int] = field(factory=dict)
    _transfers_now: dict[str, int] | None = field(default=None, init=False)
    _known_claims: set[str] | None = field(default=None, init=False)
    _cards: dict[str, Answer | None] = field(factory=dict, init=False)

    def examine(self, one: Sum) -> Discrepancy | None:
        """
        Return how *one* differs, ``None`` if it does not when it is looked at again.
        """
        if one.type in EFFECTS:
            return self._examine_purchase(one)
        if one.type == "transfer":
            return self._examine_transfer(one)
        if one.type == "transfer_reversal":
            return self._examine_reversal(one)
        return self._examine_movement(one)

    def _difference(self, one: Sum, **details: Any) -> Discrepancy:
        at = one.newest or one.first_here or int(self.now.timestamp())
        whole: dict[str, Any] = {
            "object_id": one.name,
            "object_type": one.type,
            "here": Money(one.here, one.currency),
            "there": Money(one.there, one.currency),
            "age_seconds": max(0, int(self.now.timestamp()) - at),
            **details,
        }
        return Discrepancy(**whole)

    def _examine_purchase(self, one: Sum) -> Discrepancy | None:
        """
        Look at an authorization, a transaction or a dispute.
        """
        body = self.reads.find(f"{PATHS[one.type]}/{one.name}")
        card_id = None if body is None else self._card_of(body, one.type)
        ours = self._ours(card_id)
        if body is not None and ours is not None:
            return self._compared(one, body, ours)
        if one.here_count:
            return self._missing_there(one, order_of(one.scope, self.account))
        return self._not_ours(one, card_id)

    def _compared(self, one: Sum, body: Answer, ours: Ours) -> Discrepancy | None:
        here = ours.moved(one.name, one.type)
        there = moved_there(body, one)
        if (here or 0) == there:
            return None
        shown = one._replace(here=here or 0, there=there)
        order_id = ours.record.order_id
        if not ours.is_whole:
            return self._difference(
                shown,
                kind="missing_here" if here is None else "amount_differs",
                order_id=order_id,
                severity="critical",
                action="restore",
                remedy="the ledger of this order has lost or gained an entry, so nothing is booked "
                "into it: restore the store from a backup, or run rebuild()",
            )
        if here is not None and not there and not one.there_count and one.type != "authorization":
            return self._missing_there(shown, order_id)
        return self._behind(shown, body, order_id, is_known=here is not None)

    def _behind(self, one: Sum, body: Answer, order_id: str, *, is_known: bool) -> Discrepancy:
        """
        Name a difference that booking Stripe's latest state removes.
        """
        details: dict[str, Any] = {"order_id": order_id, "action": "book"}
        if not is_known:
            details["kind"] = "missing_here"
            details["remedy"] = "an event did not reach us: repair() books what Stripe has"
            return self._difference(one, **details)
        details["kind"] = "amount_differs"
        details["remedy"] = "a later event did not reach us: repair() books the latest state"
        if one.type == "authorization":
            fact = authorization_facts(body)
            details["there_status"] = fact.status
            details["here_status"] = "held" if one.here else "not held"
            if not one.there and self.now > self.deadline_of(fact):
                details["kind"] = "stale_hold"
                details["remedy"] = (
                    "Stripe has released it long ago: repair() releases it here, too"
                )
        return self._difference(one, **details)

    def _missing_there(self, one: Sum, order_id: str | None) -> Discrepancy:
        return self._difference(
            one,
            kind="missing_there",
            order_id=order_id,
            severity="critical",
            action="ask_stripe",
            remedy="our books have it and Stripe shows no trace of it: is this store another "
            "account's, or was it changed by hand? Ask Stripe about the object",
        )

    def _not_ours(self, one: Sum, card_id: str | None) -> Discrepancy | None:
        """
        Name what a card did that this store does not know.
        """
        card = self._card(card_id) if card_id else None
        mark = ((card or {}).get("metadata") or {}).get(ORDER_METADATA)
        if mark is None and self.expects_others:
            self.foreign[one.currency] = self.foreign.get(one.currency, 0) + one.there
            return None
        if mark is None and card is not None and self.is_explained(card):
            self.foreign[one.currency] = self.foreign.get(one.currency, 0) + one.there
            return None
        if mark is not None:
            return self._difference(
                one,
                kind="missing_here",
                order_id=str(mark),
                severity="critical",
                action="resume",
                remedy=f"card {card_id} carries our mark, but this store does not know it: resume "
                "the order, or restore the store from a backup",
            )
        return self._difference(
            one,
            kind="unexplained",
            severity="critical",
            remedy=f"card {card_id or 'unknown'} was not issued by this library: find out who made "
            "it; name other programs on this account by others=",
        )

    def _examine_transfer(self, one: Sum) -> Discrepancy | None:
        before = self.opened_at is None or one.newest < int(self.opened_at.timestamp())
        if one.there_count and not one.here_count:
            if before or one.name in self._claims():
                return None
            body = self.reads.api.get(f"/v1/transfers/{one.name}", account=None)
            self.reads.reads += 1
            mark = (body.get("metadata") or {}).get(FUNDING_METADATA)
            if mark is not None:
                return self._marked_transfer(one, body, str(mark))
            return self._difference(
                one,
                kind="unexplained",
                severity="notice",
                remedy="a transfer to this account that no order asked for: if it is other business "
                "of yours, say so by is_explained=, else reverse it",
            )
        if not one.there_count:
            if self.is_bounded or self._is_there_now(one):
                return None
            return self._missing_there(one, None)
        return self._difference(
            one, kind="amount_differs", severity="critical", action="ask_stripe",
            remedy="Stripe transferred another amount than we asked for: ask Stripe",
        )  # fmt: skip

    def _marked_transfer(self, one: Sum, body: Answer, mark: str) -> Discrepancy | None:
        """
        Name a transfer that carries our mark, and that its funding does not list.
        """
        funding = self.store.read(lambda tx: tx.get(FundingRecord, mark))
        if funding is None:
            return self._difference(
                one,
                kind="missing_here",
                severity="critical",
                action="restore",
                remedy=f"it names funding {mark}, which this store does not know: restore the store "
                "from a backup, or look for a second store that uses this account",
            )
        if funding.progress != "moving" and body.get("amount_reversed") == body["amount"]:
            return None  # it was taken back at once, because the second leg was refused
        return self._ours_by_mark(one)

    def _is_there_now(self, one: Sum) -> bool:
        """
        Tell whether Stripe has a transfer or reversal that came after its list was read.
        """
        if self._transfers_now is None:
            self._transfers_now = self.transfers_now()
        return self._transfers_now.get(one.name) == one.here

    def _examine_reversal(self, one: Sum) -> Discrepancy | None:
        if not one.there_count:
            if self.is_bounded or self._is_there_now(one):
                return None
            return self._missing_there(one, None)
        transfer = one.scope.removeprefix("of ")
        if one.name in self._claims() or transfer not in self._claims():
            return None  # a reversal of what was never ours is told with its transfer, if at all
        if self._is_moving("out", -one.there, one.currency):
            return self._ours_by_mark(one)
        return self._difference(
            one,
            kind="unexplained",
            severity="critical",
            remedy=f"somebody reversed {transfer}, which brought money for an order: bring it back, "
            "or cancel that order's card",
        )

    def _examine_movement(self, one: Sum) -> Discrepancy | None:
        """
        Look at a movement between balances.
        """
        if not one.there_count:
            if self.is_bounded or self.reads.find(f"/v1/balance_transactions/{one.name}"):
                return None
            return self._missing_there(one, None)
        if one.here_count:
            return self._difference(
                one, kind="amount_differs", severity="critical", action="ask_stripe",
                remedy="Stripe moved another amount than we asked for: ask Stripe",
            )  # fmt: skip
        if one.name in self._claims():
            return None
        direction = "in" if one.there > 0 else "out"
        if self._is_moving(direction, abs(one.there), one.currency):
            return self._ours_by_mark(one)
        return self._unasked(one)

    def _unasked(self, one: Sum) -> Discrepancy | None:
        """
        Name a movement that no order asked for.
        """
        body = self.reads.find(f"/v1/balance_transactions/{one.name}")
        if body is not None and self.is_explained(body):
            self.foreign[one.currency] = self.foreign.get(one.currency, 0) + one.there
            return None
        if one.there > 0:
            remedy = (
                "money reached the Issuing balance that no order asked for: find out who sent it"
            )
        else:
            remedy = "money left the Issuing balance without an order: find out who moved it"
        return self._difference(
            one,
            kind="unexplained",
            severity="notice" if one.there > 0 else "critical",
            remedy=remedy,
        )

    def _ours_by_mark(self, one: Sum) -> Discrepancy:
        return self._difference(
            one,
            kind="missing_here",
            action="resume",
            remedy="it looks like a movement of ours whose answer was lost: resume_all() or "
            "reclaim_expired() finishes it",
        )

    def _is_moving(self, direction: str, minor: int, currency: str) -> bool:
        return any(
            one.direction == direction and one.amount == Money(minor, currency)
            for one in self.moving
        )

    def _claims(self) -> set[str]:
        if self._known_claims is None:
            self._known_claims = self.claimed()
        return self._known_claims

    def _card(self, card_id: str) -> Answer | None:
        if card_id not in self._cards:
            self._cards[card_id] = self.reads.find(f"{PATHS['card']}/{card_id}")
        return self._cards[card_id]

    def _card_of(self, body: Answer, family: str) -> str | None:
        if family == "dispute":
            transaction = body.get("transaction")
            if not isinstance(transaction, dict):
                transaction = self.reads.find(f"{PATHS['transaction']}/{transaction}") or {}
            body = transaction
        card = body.get("card")
        return str(card["id"]) if isinstance(card, dict) else card

    def _ours(self, card_id: str | None) -> Ours | None:
        if card_id is None:
            return None

        def work(tx: Transaction) -> Ours | None:
            card = tx.get(CardRecord, card_id)
            if card is None or card.account != self.account:
                return None
            record = tx.get(DisbursementRecord, card.group)
            return None if record is None else Ours(record=record, entries=tx.entries(record.key))

        return self.store.read(work)
