"""
Do all our routes keep the same promises?
"""

from collections.abc import Callable, Iterator

import pytest

from issuing_disburse import (
    BalanceTransferRoute,
    FundingRoute,
    PrefundedRoute,
    PushRoute,
    TopUpRoute,
    TransferRoute,
)
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.testing import FundingRouteContract
from issuing_disburse.testing.funding_ground import FundingGround

Make = Callable[[], FundingRoute]


class TestTransferRoute(FundingRouteContract):
    """
    The default with a connected account: two legs.
    """

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Make:
        return lambda: TransferRoute(
            api=ground.api, clock=ground.clock, attribution=ground.attribution
        )


class TestTransferRouteInGermany(TestTransferRoute):
    """
    The same where the second leg takes until the next business day.
    """

    country = "DE"
    currency = "eur"


class TestBalanceTransferRoute(FundingRouteContract):
    """
    A connected account that funds itself.
    """

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Make:
        return lambda: BalanceTransferRoute(
            api=ground.api, clock=ground.clock, attribution=ground.attribution
        )


class TestBalanceTransferRouteOfThePlatform(TestBalanceTransferRoute):
    """
    The default without a connected account.
    """

    is_platform = True


class TestTopUpRoute(FundingRouteContract):
    """
    A debit of the account's own bank, which takes days.
    """

    @pytest.fixture
    def simulator(self) -> Iterator[IssuingSimulator]:
        behaviour = Behaviour(top_up_seconds=3 * 24 * 3600)
        with IssuingSimulator(seed=7, platform_funds=20_000_000, behaviour=behaviour) as simulator:
            yield simulator

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Make:
        return lambda: TopUpRoute(source="btok_us_verified").connected(ground.api)


class TestPushRoute(FundingRouteContract):
    """
    Bank transfers that somebody sends, in the EU.
    """

    country = "DE"
    currency = "eur"

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Make:
        return lambda: PushRoute().connected(ground.api)


class TestPrefundedRoute(FundingRouteContract):
    """
    A treasury that fills the balance by hand.
    """

    @pytest.fixture
    def make_route(self) -> Make:
        return PrefundedRoute
