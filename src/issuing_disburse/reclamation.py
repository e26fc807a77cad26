"""
What became of the rest of one disbursement, and what happens next?
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from attrs import frozen

from .books import card_balance
from .disbursement import Status
from .ledger import balances, lines_for
from .money import Money
from .records import DisbursementRecord

ReclaimOutcome: TypeAlias = Literal["closed", "waiting", "reissued", "busy", "not_over", "stuck"]
NextStep: TypeAlias = Literal["nothing", "look_again", "use_card", "act"]

_NEXT: dict[ReclaimOutcome, NextStep] = {
    "closed": "nothing",
    "waiting": "look_again",
    "reissued": "use_card",
    "busy": "look_again",
    "not_over": "nothing",
    "stuck": "act",
}


@frozen(kw_only=True)
class Reclamation:
    """
    What became of one disbursement's rest.

    Attributes:
        outcome: ``closed``: nothing is held or left; ``waiting``: an authorization is still open, or
            a bank has not taken the money yet; ``reissued``: the merchant gave the use back, and a
            new card was issued as the terms want; ``busy``: another worker is at it; ``not_over``:
            there is nothing to reclaim (yet); ``stuck``: a call was refused or unanswered, see
            *message*; run it again later.
        reclaimed: What was taken off the card by this call, in minor units.
        held: What merchants may still capture.
        look_again_at: UTC; when to look again.
        kept: Of *reclaimed*, what stayed on the Issuing balance, free for other orders.
        on_its_way: What has left the Issuing balance and its bank has not taken yet.
        spent: What merchants have captured in all.
        covered: Of *spent*, what the cards did not have, so that the account paid.
        remaining: What is still on the card.
        reclaimed_in_all: What was taken off the card, by this call and before.
        next_step: ``nothing``; ``look_again``: `Disburser.reclaim_expired` does, from
            *look_again_at* on; ``use_card``: the recipient may spend; ``act``: *message* says what a
            person has to mend, the walks try again meanwhile.
    """

    order_id: str
    outcome: ReclaimOutcome
    status: Status
    reclaimed: Money
    held: Money
    look_again_at: datetime | None = None
    message: str = ""
    kept: Money
    on_its_way: Money
    spent: Money
    covered: Money
    remaining: Money
    reclaimed_in_all: Money
    next_step: NextStep


def reclaimed_minor(record: DisbursementRecord) -> int:
    """
    Return what was taken off the cards of an order so far, in minor units.
    """
    return sum(one.minor for one in record.facts.reclaimed) if record.facts else 0


def reclamation(
    record: DisbursementRecord,
    outcome: ReclaimOutcome,
    *,
    reclaimed: int = 0,
    kept: int = 0,
    on_its_way: int = 0,
    message: str = "",
) -> Reclamation:
    """
    Report how *record* stands now.
    """
    facts, currency = record.facts, record.amount.currency
    held = sum(facts.held_minor(one) for one in facts.authorizations) if facts else 0
    sums = balances(lines_for(facts)) if facts else {}
    scope = facts.scope if facts else ""
    return Reclamation(
        order_id=record.order_id,
        outcome=outcome,
        status=record.status,
        reclaimed=Money(reclaimed, currency),
        held=Money(held, currency),
        look_again_at=record.look_at,
        message=message,
        kept=Money(kept, currency),
        on_its_way=Money(on_its_way, currency),
        spent=Money(sums.get(f"spent:{scope}", 0), currency),
        covered=Money(sums.get(f"covered:{scope}", 0), currency),
        remaining=Money(card_balance(facts) if facts else 0, currency),
        reclaimed_in_all=Money(reclaimed_minor(record), currency),
        next_step=_NEXT[outcome],
    )
