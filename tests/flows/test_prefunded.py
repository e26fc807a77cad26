"""
Is money that is on the balance promised once, whatever happens while it is looked at?
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import stripe

from issuing_disburse import InsufficientIssuingBalanceError, PrefundedRoute
from world import World, make_order, open_world


class InterruptedClient(stripe.HTTPClient):
    """
    Lets something happen right after the Issuing balance was read, once.
    """

    name = "interrupted"

    def __init__(self, inner: stripe.HTTPClient, happen: Callable[[], object]) -> None:
        super().__init__()
        self._inner = inner
        self._happen: list[Callable[[], object]] = [happen]

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Send one request; see `stripe.HTTPClient`.
        """
        answer = self._inner.request(method, url, headers, post_data, **options)
        if url.endswith("/v1/balance") and self._happen:
            self._happen.pop()()
        return answer

    def close(self) -> None:
        """
        Leave the inner client open.
        """


def interrupted(world: World, happen: Callable[[], object]) -> None:
    """
    Let *happen* come between reading the balance and the promise.
    """
    world.disburser = world.connect(
        http_client=InterruptedClient(world.client, happen), store=world.disburser.store
    )


def test_purchase_while_the_balance_is_read_is_not_promised_again() -> None:
    """What a merchant took in between lies on one of the two sides at least."""
    with open_world(options={"route": PrefundedRoute()}, issuing_funds=25_000) as world:
        card = world.disburser.disburse(make_order("a", "125.00")).card
        interrupted(world, lambda: world.simulator.authorize(card.id, 12_500))

        with pytest.raises(InsufficientIssuingBalanceError) as caught:
            world.disburser.disburse(make_order("b", "250.00"))

        assert caught.value.missing is not None
        assert 12_500 == caught.value.missing.minor
        assert 12_500 == world.simulator.issuing_balance(world.account)
        world.check_books("a", "b")


@pytest.mark.parametrize("is_platform", [False, True])
def test_a_treasurys_float_stays_when_another_route_takes_the_rest_back(is_platform: bool) -> None:
    """A command line with the default route sends nothing out of a balance that it did not fill."""
    options = {"route": PrefundedRoute()}
    with open_world(options=options, issuing_funds=25_000) as world:
        if is_platform:
            world.account = None
            world.simulator.fund_issuing(world.simulator.platform_account, 25_000)
            world.disburser = world.connect()
        world.disburser.disburse(make_order())
        world.disburser = world.connect(route=None, store=world.disburser.store)
        world.simulator.clock.advance(timedelta(days=40))

        (done,) = world.disburser.reclaim_expired()

        assert "closed" == done.outcome
        assert 25_000 == world.simulator.issuing_balance(world.account)
        assert 0 == world.sent("POST /v1/balance_transfers")
        world.check_books("claim-8841")
