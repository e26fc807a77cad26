"""
Do our open cards and holds stand as they do at Stripe?

Only what is open is compared: active cards and pending authorizations are few, whatever the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from attrs import frozen

from issuing_disburse.cards import ORDER_METADATA
from issuing_disburse.disbursement import Status
from issuing_disburse.money import Money
from issuing_disburse.paging import every
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.prepared import Answer
from issuing_disburse.records import CardRecord, DisbursementRecord
from issuing_disburse.snapshots import authorization_facts

from .examination import DeadlineOf
from .ours import PATHS
from .reading import CountedReads
from .values import Discrepancy

_PAGE = 100
_OVER = frozenset({Status.CLOSED, Status.FAILED})
_GRACE_SECONDS = 86_400  # Stripe expires an authorization some time during the day it is due


@frozen(kw_only=True)
class Standing:
    """
    Compares what is open, here and at Stripe.
    """

    account: str | None
    store: Store
    reads: CountedReads
    now: datetime
    expects_others: bool
    is_explained: Callable[[Mapping[str, Any]], bool]
    deadline_of: DeadlineOf

    def compare(self) -> list[Discrepancy]:
        """
        Return what stands differently, and what has stood too long.

        Stripe: ``GET /v1/issuing/cards``, ``GET /v1/issuing/authorizations``
        """
        active: set[str] = set()
        found = list(self._active_there(active))
        found += self._open_here(active)
        found += self._pending_there()
        return found

    def _active_there(self, active: set[str]) -> Iterator[Discrepancy]:
        """
        Look at every card that can be used at Stripe: is it ours, and should it be usable?
        """
        cards = iter(self.reads.pages(PATHS["card"], {"status": "active"}))
        while page := list(islice(cards, _PAGE)):
            for card, known, record in self._with_ours(page):
                active.add(card["id"])
                if known is None:
                    yield from self._unknown(card)
                elif known.card_status == "canceled" or (
                    record is not None and record.status in _OVER
                ):
                    yield self._card(
                        card["id"],
                        known,
                        here="canceled" if known.card_status == "canceled" else "closed",
                        there="active",
                        severity="critical",
                        action="reclaim",
                        remedy="it can still be used although its order is over: cancel it at once",
                    )

    def _with_ours(
        self, page: list[Answer]
    ) -> list[tuple[Answer, CardRecord | None, DisbursementRecord | None]]:
        def work(
            tx: Transaction,
        ) -> list[tuple[Answer, CardRecord | None, DisbursementRecord | None]]:
            result = []
            for card in page:
                known = tx.get(CardRecord, card["id"])
                if known is not None and known.account != self.account:
                    known = None
                record = None
                if known is not None and not known.is_open:
                    record = tx.get(DisbursementRecord, known.group)
                result.append((card, known, record))
            return result

        return self.store.read(work)

    def _unknown(self, card: Answer) -> Iterator[Discrepancy]:
        mark = (card.get("metadata") or {}).get(ORDER_METADATA)
        if mark is None and (self.expects_others or self.is_explained(card)):
            return
        nothing = Money.zero(card["currency"])
        yield Discrepancy(
            kind="unexplained" if mark is None else "missing_here",
            object_id=card["id"],
            object_type="card",
            here=nothing,
            there=nothing,
            here_status="unknown",
            there_status="active",
            age_seconds=max(0, int(self.now.timestamp()) - card["created"]),
            severity="critical",
            order_id=None if mark is None else str(mark),
            action="look" if mark is None else "resume",
            remedy="a card that this library did not issue can spend the same balance: find out who "
            "made it; name other programs on this account by others="
            if mark is None
            else "it carries our mark, but this store does not know it: resume the order, or "
            "restore the store from a backup",
        )

    def _open_here(self, active: set[str]) -> Iterator[Discrepancy]:
        """
        Look at every card that is open here and not active there.
        """
        for known in every(self.store, CardRecord, states=("open",)):
            if known.account != self.account or known.card_id in active:
                continue
            card = self.reads.find(f"{PATHS['card']}/{known.card_id}")
            there = str(card["status"]) if card else "missing"
            if there == known.card_status:
                continue  # inactive on both sides, or activated while we looked
            if self._status_now(known) == there:
                continue
            if card is None:
                yield self._card(
                    known.card_id, known, here=known.card_status, there=there,
                    severity="critical", action="ask_stripe", kind="missing_there",
                    remedy="Stripe does not know this card: is this store another account's?",
                )  # fmt: skip
            else:
                is_canceled = there == "canceled"
                yield self._card(
                    known.card_id,
                    known,
                    here=known.card_status,
                    there=there,
                    action="book" if is_canceled else "look",
                    remedy="an event did not reach us: repair() books that it was cancelled"
                    if is_canceled
                    else "somebody changed the card at Stripe: activate it there, or reclaim the order",
                )

    def _status_now(self, known: CardRecord) -> str:
        current = self.store.read(lambda tx: tx.get(CardRecord, known.card_id))
        return current.card_status if current else ""

    def _pending_there(self) -> Iterator[Discrepancy]:
        """
        Look at every authorization that is open at Stripe: may it still be?
        """
        pages = self.reads.pages(PATHS["authorization"], {"status": "pending"})
        for body in pages:
            if not body.get("approved"):
                continue
            fact = authorization_facts(body)
            late = (self.now - self.deadline_of(fact)).total_seconds()
            if late <= _GRACE_SECONDS:
                continue
            card = self.store.read(lambda tx, name=fact.card_id: tx.get(CardRecord, name))  # type: ignore[misc]  # bound early
            if card is None or card.account != self.account:
                continue
            held = Money(-fact.held_minor, card.amount.currency)
            yield Discrepancy(
                kind="stale_hold",
                object_id=fact.id,
                object_type="authorization",
                here=held,
                there=held,
                here_status="held",
                there_status=fact.status,
                age_seconds=max(0, int((self.now - fact.created).total_seconds())),
                severity="notice",
                order_id=card.order_id,
                action="ask_stripe",
                remedy="held longer than merchants may take: ask the merchant to collect or to let "
                "go, or ask Stripe why it has not expired",
            )

    def _card(
        self, card_id: str, known: CardRecord, *, here: str, there: str, **details: Any
    ) -> Discrepancy:
        nothing = Money.zero(known.amount.currency)
        whole: dict[str, Any] = {
            "kind": "status_differs",
            "object_id": card_id,
            "object_type": "card",
            "here": nothing,
            "there": nothing,
            "here_status": here,
            "there_status": there,
            "age_seconds": 0,
            "order_id": known.order_id,
            **details,
        }
        return Discrepancy(**whole)
