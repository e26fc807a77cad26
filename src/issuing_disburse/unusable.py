"""
Which cards of an order could ever be used, and how does an order come back that has none?
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from attrs import evolve, frozen

from .books import pool_of
from .cards import card_outcome
from .disbursement import Reason, Status
from .facts import DisputeFacts
from .money import Money
from .ports import Clock, Transaction
from .records import DisbursementRecord, FundingRecord
from .restored_money import intended
from .salvage import SalvagedCard
from .snapshots import Fact

_FAILED_BEFORE = Reason(
    code="failed_before_rebuild",
    message="its card was never usable and its money went back; Stripe does not tell why",
    remedy="hand the order in again",
)


@frozen(kw_only=True)
class CardsOfOrder:
    """
    The cards of an order's last attempt, oldest first.

    Attributes:
        are_untouched: Whether no merchant has ever asked for one of them.
    """

    cards: tuple[SalvagedCard, ...]
    are_untouched: bool

    @classmethod
    def of(cls, cards: list[SalvagedCard], told: Iterable[Fact]) -> CardsOfOrder:
        """
        Leave out what earlier attempts have given up, unless money moved there.
        """
        touched = {fact.card_id for fact in told if not isinstance(fact, DisputeFacts)}
        kept = tuple(
            one for one in cards if one.attempt == cards[-1].attempt or one.body["id"] in touched
        )
        return cls(cards=kept, are_untouched=not any(one.body["id"] in touched for one in kept))

    @property
    def waiting(self) -> SalvagedCard | None:
        """
        The last card, if it was never usable and still waits for its sink.
        """
        return self.cards[-1] if self.cards[-1].waits_for_sink else None

    def have_failed(self, fundings: Iterable[FundingRecord]) -> bool:
        """
        Tell whether the attempt was given up: no card can be used, and all of its money went back.
        """
        brought = [one for one in fundings if one.direction == "in"]
        return (
            self.are_untouched
            and all(one.is_dead or one.waits_for_sink for one in self.cards)
            and bool(brought)
            and all(one.progress == "given_back" for one in brought)
        )


def step_done(tx: Transaction, record: DisbursementRecord, card: SalvagedCard, now: Clock) -> None:
    """
    Write down that *card* was issued, for whoever goes on with the order.
    """
    step = intended(f"order/{record.key}/{record.attempt}", f"card-{record.generation}", at=now())
    outcome = orjson.dumps(card_outcome(card.body))
    tx.put(evolve(step, progress="done", outcome=outcome, finished_at=now()))


def write_failed(tx: Transaction, record: DisbursementRecord) -> None:
    """
    Write an order that has failed; handed in again, it begins its next attempt.
    """
    tx.put(evolve(record, status=Status.FAILED, reason=_FAILED_BEFORE, cards=(), look_at=None))


def write_pending(
    tx: Transaction,
    record: DisbursementRecord,
    card: SalvagedCard,
    promised: Money,
    now: Clock,
) -> None:
    """
    Write an order whose card waits for its sink: its money is promised, and `resume` goes on.
    """
    pool = pool_of(tx, record.account, promised.currency)
    tx.put(evolve(pool, promised_minor=pool.promised_minor + promised.minor))
    tx.put(evolve(record, status=Status.PENDING, cards=(), promised=promised, look_at=now()))
    step_done(tx, record, card, now)
