"""
Does a reconciliation stay silent while nothing is wrong, however much happens?
"""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest

from behind_our_back import Somebody, open_accident
from issuing_disburse import AmountRule, Terms
from world import make_order

pytestmark = pytest.mark.long


def hold(world: Somebody, card: str) -> str:
    """
    Let a merchant hold all of it.
    """
    return world.simulator.authorize(card, 12_500)["id"]


def buy_and_refund(world: Somebody, card: str) -> None:
    """
    Let a merchant collect, and give a part back.
    """
    world.simulator.capture(hold(world, card))
    world.simulator.unlinked_refund(card, 2_000)


def lapse(world: Somebody, card: str) -> str:
    """
    Let a hold expire.
    """
    return world.simulator.expire(hold(world, card))["id"]


FATES: dict[str, Callable[[Somebody, str], object]] = {
    "unused": lambda world, card: None,
    "bought": lambda world, card: world.simulator.capture(hold(world, card)),
    "partly": lambda world, card: world.simulator.capture(hold(world, card), 9_000),
    "more": lambda world, card: world.simulator.capture(hold(world, card), 13_100),
    "voided": lambda world, card: world.simulator.reverse(hold(world, card)),
    "expired": lapse,
    "late": lambda world, card: world.simulator.capture(lapse(world, card)),
    "refunded": buy_and_refund,
    "forced": lambda world, card: world.simulator.force_capture(card, 700),
    "held": hold,
}
RECLAIMED = {"partly", "voided", "refunded"}


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_two_thousand_clean_disbursements_raise_no_alarm(seed: int) -> None:
    """Four times 500 orders: bought, voided, expired, refunded, late, forced, reclaimed: silence."""
    random = Random(seed)  # noqa: S311 - a story, no secret
    with open_accident() as world:
        simulator, disburser = world.simulator, world.disburser
        simulator.fund_platform(50_000_000)
        simulator.fund_issuing(world.account, 2_000_000)
        for number in range(500):
            terms = Terms(amount=AmountRule.up_to()) if random.random() < 0.5 else None
            card = disburser.disburse(make_order(f"claim-{number}", "125.00", terms=terms)).card
            fate = random.choice(list(FATES))
            FATES[fate](world, card.id)
            if fate in RECLAIMED:
                disburser.reclaim(f"claim-{number}")
            if number % 20 == 0:
                simulator.clock.advance(timedelta(hours=random.randint(1, 60)))
        disburser.reclaim_expired(limit=50)

        found = disburser.reconcile()
        bounded = disburser.reconcile(since=simulator.clock.now() - timedelta(days=9))

        assert () == found.discrepancies
        assert () == bounded.discrepancies
        assert disburser.account_statement().is_balanced
        assert found.reads < 100
