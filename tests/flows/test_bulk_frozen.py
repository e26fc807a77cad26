"""
What if a worker is frozen in the midst of a list for longer than its leases live, and goes on then?
"""

from datetime import timedelta

import pytest

from flows.test_frozen_workers import FreezingClient
from issuing_disburse import Order
from issuing_disburse.records import PoolRecord
from scenarios import LEASE
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500
FUNDS = 1_000_000
PAUSE = timedelta(minutes=3)


def make_orders() -> list[Order]:
    """
    Make two orders, each for a person of its own.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(f"supplier-{number}", email=f"jenny{number}@example.com"),
        )
        for number in range(2)
    ]


def freeze(world: World, call: int, *, hands_in: bool) -> bool:
    """
    Freeze a worker at one call of a list, which another one pays meanwhile; tell whether there was such a call.
    """

    def meanwhile() -> None:
        world.simulator.clock.advance(PAUSE)
        if hands_in:
            list(world.disburser.disburse_many(make_orders(), workers=1))
        else:
            world.disburser.resume_all()

    client = FreezingClient(world.simulator.http_client(), call, meanwhile)
    frozen = world.connect(http_client=client, store=world.disburser.store)
    outcomes = list(frozen.disburse_many(make_orders(), workers=1))
    assert [] == [one for one in outcomes if one.error is not None]
    return client.count >= call


@pytest.mark.parametrize("hands_in", [True, False], ids=["hands in", "resumes"])
def test_a_worker_frozen_in_a_list_does_nothing_twice_and_reports_no_error(hands_in: bool) -> None:
    """At whichever call, from the first look on: the other one's orders are there, and no cent is double."""
    call, goes_on = 1, True
    while goes_on:
        with open_world() as world:
            goes_on = freeze(world, call, hands_in=hands_in)
            world.simulator.clock.advance(LEASE)
            world.disburser.resume_all()

            outcomes = list(world.disburser.disburse_many(make_orders(), workers=1))

            assert all(one.is_paid for one in outcomes), call
            assert 2 == len(world.simulator.objects("card", world.account)), call
            assert 2 * AMOUNT == world.simulator.issuing_balance(world.account), call
            assert FUNDS - 2 * AMOUNT == world.simulator.payments_balance(None), call
            (pool,) = world.disburser.store.read(lambda tx: tx.find(PoolRecord))
            assert 0 == pool.promised_minor, call
            world.check_books("order-0", "order-1")
            world.disburser.verify_ledger()
        call += 1
    assert call > 8
