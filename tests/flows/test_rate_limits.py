"""
Does a disburser stay under the limits that the simulator enforces, and are merchants answered meanwhile?
"""

from collections.abc import Iterator
from typing import Any

import pytest

from asking import deliver, is_approved, request_event
from issuing_disburse import InvalidInputError, RateLimits
from issuing_disburse.simulator.faults import Fault, rate_limited
from world import World, make_order, make_recipient, open_world


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world whose Stripe takes 25 requests in a second, as a sandbox does.
    """
    with open_world(simulator={"rate_limit": 25}) as opened:
        yield opened


def refused(world: World) -> int:
    """
    Count the 429.
    """
    return world.client.statuses.count(429)


def test_run_of_payments_meets_no_429(world: World) -> None:
    """A hundred requests take four seconds of the simulator's time, and none of them is refused."""
    began = world.simulator.clock.now()
    for number in range(20):
        world.disburser.disburse(
            make_order(f"claim-{number}", recipient=make_recipient(f"supplier-{number}"))
        )
    sent = len(world.client.requests)
    took = (world.simulator.clock.now() - began).total_seconds()

    assert 0 == refused(world)
    assert 0.9 * 25 <= sent / (took + 1) <= 25


def test_limit_can_be_switched_off_and_429_are_tried_again() -> None:
    """Without a limiter the requests are refused, and are sent again until they are taken."""
    with open_world(simulator={"rate_limit": 25}, options={"rate_limits": None}) as world:
        for number in range(20):
            world.disburser.disburse(
                make_order(f"claim-{number}", recipient=make_recipient(f"supplier-{number}"))
            )

        assert 0 < refused(world)
        assert 20 == len(world.simulator.objects("card", world.account))


def test_limit_that_stripe_has_lowered_is_learnt() -> None:
    """A disburser that believes in 100 a second finds 25 by its 429, and then meets few of them."""
    options = {"rate_limits": RateLimits(per_account=100, per_endpoint=100)}
    with open_world(simulator={"rate_limit": 25}, options=options) as world:
        for number in range(60):
            world.disburser.disburse(make_order(f"claim-{number}"))

        assert 0 < refused(world) < len(world.client.requests) / 10


@pytest.mark.parametrize("answer_by", ["webhook", "api"])
def test_merchant_waits_for_no_line(answer_by: str) -> None:
    """While requests wait, a merchant is answered, and nobody sleeps for that."""
    naps: list[float] = []
    options: dict[str, Any] = {
        "answer_by": answer_by,
        "sleep": naps.append,
        "rate_limits": RateLimits(per_account=1, per_endpoint=1),
    }
    with open_world(options=options) as world:
        card = world.disburser.disburse(make_order()).card
        naps.clear()

        assert is_approved(deliver(world, request_event(world, card.id, 1)))
        assert [] == naps
        world.disburser.disburse(make_order("claim-2"))
        assert naps


def test_one_429_is_waited_out(world: World) -> None:
    """Somebody else's requests count, too: what they crowd out is sent again."""
    world.simulator.faults.add(Fault(action=rate_limited("global-rate")))

    assert "active" == world.disburser.disburse(make_order()).status.value
    assert 1 == refused(world)


@pytest.mark.parametrize("limits", [25, "by mode", {"per_account": 25}, RateLimits])
def test_limits_of_another_kind_are_refused(limits: Any) -> None:
    """The argument is named before anything is sent."""
    with pytest.raises(InvalidInputError) as caught, open_world(options={"rate_limits": limits}):
        pass

    assert "rate_limits" == caught.value.field
