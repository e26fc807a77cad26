"""
Does a platform without connected accounts pay from its own Issuing balance?
"""

import pytest

from issuing_disburse import InsufficientIssuingBalanceError, Money, Status
from issuing_disburse.simulator import IssuingSimulator
from world import World, make_order


def test_platform_pays_from_its_own_balance() -> None:
    """Without an account, money moves within the platform, and comes back the same way."""
    with IssuingSimulator(seed=7, platform_funds=20_000) as simulator:
        world = World(simulator, None, "memory://")
        with world.opened:
            disburser = world.disburser
            paid = disburser.disburse(make_order())

            assert Status.ACTIVE is paid.status
            assert 0 == world.sent("POST /v1/transfers")
            assert 7_500 == simulator.payments_balance(None)
            authorization = simulator.authorize(paid.card.id, 12_500)
            assert authorization["approved"]
            simulator.reverse(authorization["id"])
            (done,) = disburser.reclaim_expired()

            assert Money(12_500, "usd") == done.reclaimed
            assert 20_000 == simulator.payments_balance(None)
            world.check_books("claim-8841")
            with pytest.raises(InsufficientIssuingBalanceError) as caught:
                disburser.disburse(make_order("b", "200.01"))

            assert Money(1, "usd") == caught.value.missing
        assert [] == world.client.problems
