"""
What is paid and what is told, where money is taken back?
"""

from datetime import timedelta

from issuing_disburse import AmountRule, Money, Reclamation, Terms
from world import World, make_order

PART = Terms(valid_for=timedelta(days=30), amount=AmountRule.up_to())
ORDER = "claim-8841"


def usd(minor: int) -> Money:
    """
    Return minor units of US dollars.
    """
    return Money(minor, "usd")


def paid(world: World, terms: Terms = PART) -> str:
    """
    Pay one order and return its card.
    """
    return world.disburser.disburse(make_order(terms=terms)).card.id


def told(done: Reclamation) -> tuple[str, str, int, int, int]:
    """
    Return outcome and next step, and what was spent, taken back in all, and remains, minor units.
    """
    return (
        done.outcome,
        done.next_step,
        done.spent.minor,
        done.reclaimed_in_all.minor,
        done.remaining.minor,
    )
