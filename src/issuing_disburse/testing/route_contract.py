"""
Does a funding route keep what `issuing_disburse.ports.FundingRoute` promises?

Subclass `FundingRouteContract` in a test module of yours and override the fixture `make_route`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import ClassVar

import pytest

from issuing_disburse.ports import FundingRoute
from issuing_disburse.simulator import IssuingSimulator

from .funding_ground import FundingGround, RouteBench
from .route_promises import BringingPromises
from .route_returns import ReturningPromises

_PLATFORM_FUNDS_MINOR = 20_000_000


class FundingRouteContract(BringingPromises, ReturningPromises):
    """
    Every promise of a funding route, as a pytest class: override the fixture `make_route`.

    A simulated Stripe is the judge: money counts where it lies there, not where a receipt says. What
    `make_route` returns is called once for every new process: keep what outlives one outside of it.

    .. code-block:: text

        class TestTreasuryRoute(FundingRouteContract):
            @pytest.fixture
            def treasury(self, ground):
                return Treasury(ground.simulator)              # outlives a crash

            @pytest.fixture
            def make_route(self, treasury):
                return lambda: TreasuryRoute(treasury)         # does not

            @pytest.fixture
            def elsewhere(self, treasury):                     # optional
                return lambda: {"bank": treasury.balance}      # where else your money lies

    Attributes:
        currency: What is moved.
        country: Where the account is.
        is_platform: Whether the platform's own Issuing balance is filled (``account=None``).
        arrives_within: After so long everything that is under way has arrived.
    """

    currency: ClassVar[str] = "usd"
    country: ClassVar[str] = "US"
    is_platform: ClassVar[bool] = False
    arrives_within: ClassVar[timedelta] = timedelta(days=7)

    @pytest.fixture
    def simulator(self) -> Iterator[IssuingSimulator]:
        """
        Give a simulated Stripe whose platform has money. Override it to set its switches.
        """
        funds = {self.currency: _PLATFORM_FUNDS_MINOR}
        with IssuingSimulator(seed=7, country=self.country, platform_funds=funds) as simulator:
            yield simulator

    @pytest.fixture
    def ground(self, simulator: IssuingSimulator) -> Iterator[FundingGround]:
        """
        Give the account to fund, with foreign money on its balances.
        """
        account = None if self.is_platform else simulator.create_account(country=self.country)
        with FundingGround.opened(simulator, account, self.currency) as ground:
            yield ground

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Callable[[], FundingRoute]:
        """
        Return a function that makes the route of a new process. Override this.
        """
        pytest.fail("override the fixture 'make_route' in your subclass of FundingRouteContract")

    @pytest.fixture
    def elsewhere(self) -> Callable[[], Mapping[str, int]]:
        """
        Return a function that counts the money outside of Stripe: name of the place, minor units.
        """
        return dict

    @pytest.fixture
    def bench(
        self,
        ground: FundingGround,
        make_route: Callable[[], FundingRoute],
        elsewhere: Callable[[], Mapping[str, int]],
    ) -> RouteBench:
        """
        Return who uses the route as the library does.
        """
        return RouteBench(ground, make_route, elsewhere, self.arrives_within)
