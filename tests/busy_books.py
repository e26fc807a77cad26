"""
What does a busy account look like, with everything that can happen to an order in it?
"""

from datetime import timedelta
from typing import Any

from behind_our_back import Somebody
from issuing_disburse import AmountRule, Terms
from world import make_order

HOSTILE = '<script>alert("x")</script>&\'=1+1'
"""A merchant's name, and an order's id, that would like to be more than text."""

LONG = Terms(valid_for=timedelta(days=200))
LOOSE = Terms(valid_for=timedelta(days=200), amount=AmountRule.up_to())


def keep_busy(world: Somebody, *, orders: int = 12, currency: str = "usd") -> None:
    """
    Issue cards over four months, and let merchants spend, void, refund, dispute and surprise.
    """
    simulator, disburser = world.simulator, world.disburser
    if world.account:
        simulator.fund_issuing(world.account, 60_000)

    def pay(name: str, amount: str, terms: Terms = LONG) -> str:
        return disburser.disburse(make_order(name, amount, terms=terms, currency=currency)).card.id

    def ask(card: str, amount: int, merchant: str = "Ruby's Hardware", **more: Any) -> Any:
        return simulator.authorize(card, amount, merchant={"name": merchant}, **more)

    for number in range(orders):
        card = pay(f"claim-{7_000 + number}", f"{90 + 17 * number}.00", LOOSE)
        amount = (90 + 17 * number) * 100 - 300 * (number % 3)
        if number % 4 != 3:
            simulator.capture(ask(card, amount)["id"])
        simulator.clock.advance(timedelta(days=6))
    for number in range(4):
        ask(pay(f"visit-{number}", "40.00"), 9_900, merchant=HOSTILE)
    for number in range(3):
        card = pay(f"hotel-{number}", "310.00", LOOSE)
        ask(card, 31_000 - number * 2_500)
        simulator.clock.advance(timedelta(days=2))
    card = pay("refunded", "220.00")
    simulator.capture(ask(card, 22_000)["id"])
    simulator.unlinked_refund(card, 6_500)
    simulator.capture(ask(pay("taken-more", "180.00"), 18_000)["id"], 19_900)
    void = ask(pay("voided", "75.00"), 7_500)
    simulator.reverse(void["id"])
    late = ask(pay("late", "64.00"), 6_400)
    simulator.expire(late["id"])
    simulator.capture(late["id"])
    pay(HOSTILE[:60], "33.00")
    disburser.reclaim("claim-7003")
    disburser.reclaim("refunded")
    disburser.reclaim("voided")
