"""
A day of purchases on the simulator, of every kind that a replay must get right.
"""

from datetime import timedelta

from issuing_disburse import AmountRule, Terms
from world import World, make_order, make_recipient

OPEN = Terms(uses=3, amount=AmountRule.up_to())


def play(world: World) -> None:
    """
    Let merchants buy: rightly, wrongly, in parts, more and more, and take it back.
    """
    simulator, disburser = world.simulator, world.disburser
    clock = simulator.clock

    def card(order_id: str, terms: Terms | None = None, recipient: str = "supplier-17") -> str:
        order = make_order(order_id, recipient=make_recipient(recipient), terms=terms)
        return disburser.disburse(order).card.id

    exact = card("exact")
    clock.advance(timedelta(minutes=1))
    simulator.authorize(exact, amount=12_499)  # not the order's amount
    simulator.authorize(exact, amount=99_900)  # Stripe's controls refuse it: nobody asks us
    clock.advance(timedelta(minutes=1))
    simulator.capture(simulator.authorize(exact, amount=12_500)["id"])

    several = card("several", OPEN)
    clock.advance(timedelta(minutes=1))
    simulator.authorize(several, amount=50)  # a probe
    first = simulator.authorize(several, amount=4_000)
    clock.advance(timedelta(minutes=1))
    simulator.increment(first["id"], 1_000)
    simulator.increment(first["id"], 50_000)  # more than is left
    clock.advance(timedelta(minutes=1))
    simulator.reverse(first["id"])
    clock.advance(timedelta(minutes=1))
    second = simulator.authorize(several, amount=12_000)  # fits only because the first was reversed
    clock.advance(timedelta(minutes=1))
    simulator.capture(second["id"], 2_000)
    clock.advance(timedelta(minutes=1))
    simulator.authorize(several, amount=10_400)  # fits only because less was captured
    simulator.authorize(several, amount=10)
    simulator.authorize(several, amount=5_000)  # no uses left

    other = card("other", OPEN, recipient="supplier-18")
    clock.advance(timedelta(minutes=1))
    simulator.authorize(other, amount=3_000, merchant={"country": "FR"})
    simulator.authorize(other, amount=20_000, is_amount_controllable=True)
