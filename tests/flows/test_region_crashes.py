"""
Does a process that dies anywhere while a bank is involved lose or double anything?
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser, PushRoute, Status, TopUpRoute
from scenarios import LEASE
from world import World, make_order, open_world


@frozen
class Journey:
    """
    What was so before, what the process is doing, and by which route.
    """

    name: str
    route: Any
    prepare: Callable[[World], None]
    act: Callable[[Disburser], object]
    status: Status
    issuing: int
    topups: int = 0
    payouts: int = 0


def nothing(world: World) -> None:
    """
    Begin with an empty world.
    """


def bank_transfer(world: World) -> None:
    """
    Let the money for the order arrive.
    """
    world.simulator.fund_issuing(world.account or "", 12_500)


def pushed(world: World) -> None:
    """
    Pay an order from a bank transfer.
    """
    bank_transfer(world)
    world.disburser.disburse(make_order())


def topped_up(world: World) -> None:
    """
    Have the bank pay for an order that waits for it.
    """
    world.disburser.disburse(make_order())
    (topup,) = world.simulator.objects("topup", world.account)
    world.simulator.settle_topup(topup["id"])


JOURNEYS = [
    Journey("pays from a bank transfer", PushRoute(), bank_transfer,
            lambda disburser: disburser.disburse(make_order()), Status.ACTIVE, 12_500),
    Journey("reclaims by payout", PushRoute(), pushed,
            lambda disburser: disburser.reclaim("claim-8841"), Status.CLOSED, 0, payouts=1),
    Journey("starts a top-up", TopUpRoute(), nothing,
            lambda disburser: disburser.disburse(make_order()), Status.PENDING, 0, topups=1),
    Journey("goes on after a top-up", TopUpRoute(), topped_up,
            lambda disburser: disburser.resume("claim-8841"), Status.ACTIVE, 12_500, topups=1),
]  # fmt: skip


def crashing(world: World, countdown: Countdown) -> Disburser:
    """
    Connect a disburser whose process dies when *countdown* says so.
    """
    return world.connect(
        lease_seconds=LEASE.total_seconds() - 1,
        store=CrashingStore(world.disburser.store, countdown),
        http_client=CrashingClient(world.client, countdown),
    )


def begin(journey: Journey) -> Any:
    """
    Open the world of a journey.
    """
    return open_world(options={"route": journey.route}, platform_funds=0)


QUICK = {"reclaims by payout", "goes on after a top-up"}
CASES = [
    pytest.param(
        journey,
        id=journey.name.replace(" ", "-"),
        marks=[] if journey.name in QUICK else [pytest.mark.long],
    )
    for journey in JOURNEYS
]


@pytest.mark.parametrize("journey", CASES)
def test_dying_anywhere_moves_money_once(
    journey: Journey, record_property: Callable[[str, object], None]
) -> None:
    """At every store call and both sides of every Stripe call: done again, it is there once."""
    with begin(journey) as world:
        journey.prepare(world)
        countdown = Countdown()
        journey.act(crashing(world, countdown))
    record_property(f"crash points of a process that {journey.name}", countdown.passed)
    for point in range(1, countdown.passed + 1):
        with begin(journey) as world:
            journey.prepare(world)
            with pytest.raises(ProcessDiedError):
                journey.act(crashing(world, Countdown(dies_at=point)))
            world.simulator.clock.advance(LEASE)
            journey.act(world.disburser)
            if journey.payouts:
                world.simulator.clock.advance(timedelta(days=3))
                world.disburser.reclaim_expired()
            check(world, journey, point)


def check(world: World, journey: Journey, point: int) -> None:
    """
    Fail unless everything is there once.
    """
    found = world.disburser.get("claim-8841").status
    assert journey.status is found, point
    assert journey.issuing == world.simulator.issuing_balance(world.account), point
    for kind, count in (("topup", journey.topups), ("payout", journey.payouts)):
        assert count == len(world.simulator.objects(kind, world.account)), (point, kind)
    assert int(journey.status is not Status.PENDING) == len(world.simulator.objects("card")), point
    world.check_books("claim-8841")
