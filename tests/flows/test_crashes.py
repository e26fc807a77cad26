"""
Does a process that dies anywhere lose or double anything?
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser, Money, Status
from world import World, make_order, open_world

LEASE = timedelta(seconds=121)
STORES = ["memory://", "sqlite://"]


def disburse(disburser: Disburser) -> None:
    """
    Pay one order.
    """
    disburser.disburse(make_order())


def reclaim(disburser: Disburser) -> None:
    """
    Take back what one order has left.
    """
    disburser.reclaim("claim-8841")


def crashing(world: World, countdown: Countdown) -> Disburser:
    """
    Connect a disburser whose process dies when *countdown* says so.
    """
    return world.connect(
        store=CrashingStore(world.disburser.store, countdown),
        http_client=CrashingClient(world.client, countdown),
    )


def points_of(
    store: str, prepare: Callable[[World], None], act: Callable[[Disburser], None]
) -> int:
    """
    Count the points at which the process could die.
    """
    with open_world(store) as world:
        prepare(world)
        countdown = Countdown()
        act(crashing(world, countdown))
        return countdown.passed


def die_at(world: World, point: int, act: Callable[[Disburser], None]) -> None:
    """
    Run *act* in a process that dies at *point*, and let its lease run out.
    """
    with pytest.raises(ProcessDiedError):
        act(crashing(world, Countdown(dies_at=point)))
    world.simulator.clock.advance(LEASE)


@pytest.mark.parametrize("store", STORES)
def test_dying_anywhere_in_a_disbursement_pays_once(
    store: str, record_property: Callable[[str, object], None]
) -> None:
    """At every store call and both sides of every Stripe call: one resume, one card, one funding."""
    points = points_of(store, lambda world: None, disburse)
    record_property("crash_points", points)
    for point in range(1, points + 1):
        with open_world(store) as world:
            die_at(world, point, disburse)
            resumed = world.disburser.disburse(make_order())

            assert Status.ACTIVE is resumed.status, point
            assert 1 == len(world.simulator.objects("card", world.account)), point
            assert 1 == len(world.simulator.objects("cardholder", world.account)), point
            assert 1 == len(world.simulator.objects("transfer")), point
            assert 12_500 == world.simulator.issuing_balance(world.account), point
            assert 987_500 == world.simulator.payments_balance(None), point
            world.check_books("claim-8841")
    assert points > 20


@pytest.mark.parametrize("store", STORES)
def test_dying_anywhere_in_a_reclaim_gives_back_once(
    store: str, record_property: Callable[[str, object], None]
) -> None:
    """At every store call and both sides of every Stripe call: one repeat brings back every cent."""
    points = points_of(store, lambda world: disburse(world.disburser), reclaim)
    record_property("crash_points", points)
    for point in range(1, points + 1):
        with open_world(store) as world:
            world.disburser.disburse(make_order())
            die_at(world, point, reclaim)
            done = world.disburser.reclaim("claim-8841")

            assert "closed" == done.outcome, (point, done)
            assert 0 == world.simulator.issuing_balance(world.account), point
            assert 1_000_000 == world.simulator.payments_balance(None), point
            assert Money(12_500, "usd") == world.disburser.statement("claim-8841").reclaimed, point
            world.check_books("claim-8841")
    assert points > 20
