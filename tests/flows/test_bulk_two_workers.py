"""
What does one worker make of money for many that another one loses, or leaves half-way?
"""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from gated import PATIENCE_SECONDS, Gate
from issuing_disburse import Disburser, Order, Status
from issuing_disburse.exceptions import InsufficientIssuingBalanceError
from issuing_disburse.simulator.faults import Fault, ServerError
from scenarios import LEASE
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500


def make_orders(how_many: int = 3) -> list[Order]:
    """
    Make orders, each for a person of its own.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(f"supplier-{number}", email=f"jenny{number}@example.com"),
        )
        for number in range(how_many)
    ]


def test_no_card_comes_from_money_that_came_to_nothing_at_another_worker() -> None:
    """Two resume two orders of one funding at once, and it suffices for one: the other is refused."""
    with open_world("memory://", platform_funds=AMOUNT) as world, ThreadPoolExecutor(1) as threads:
        fault = Fault(action=ServerError(), endpoint="POST /v1/transfers", times=0)
        world.simulator.faults.add(fault)
        pending = list(world.disburser.disburse_many(make_orders()))
        world.simulator.faults.clear()
        gate, store = Gate(world.client), world.disburser.store
        first = world.connect(store=store, http_client=gate)
        assert "not_over" == first.reclaim("order-2").outcome  # from here on it knows who it is
        gate.open.clear()
        gate.reached.clear()
        one = threads.submit(first.resume, "order-0")
        assert gate.reached.wait(PATIENCE_SECONDS)

        def sleep(seconds: float) -> None:
            """Wait for the other worker, which has the lease of the funding."""
            gate.open.set()
            wait([one], PATIENCE_SECONDS)

        with pytest.raises(InsufficientIssuingBalanceError):
            world.connect(store=store, sleep=sleep).resume("order-1")

        assert all(outcome.is_pending for outcome in pending)
        assert Status.ACTIVE is one.result().status
        assert Status.FAILED is world.disburser.get("order-1").status
        assert 1 == len(world.simulator.objects("card", world.account))
        assert AMOUNT == world.simulator.issuing_balance(world.account)
        world.check_books("order-0")


def crashing(world: World, countdown: Countdown) -> Disburser:
    """
    Connect a disburser whose process dies when *countdown* says so.
    """
    return world.connect(
        lease_seconds=LEASE.total_seconds() - 1,
        store=CrashingStore(world.disburser.store, countdown),
        http_client=CrashingClient(world.client, countdown),
    )


def test_the_next_walk_finishes_what_a_dying_process_began_to_take_back() -> None:
    """A share that has left the Issuing balance does not lie on the way until its order would be over."""
    with open_world("memory://") as world:
        list(world.disburser.disburse_many(make_orders(12)))
        counted = Countdown()
        crashing(world, counted).reclaim("order-0")
        closed = 1
        step = 1 + counted.passed // 10

        for number, point in enumerate(range(1, counted.passed, step), 1):
            with pytest.raises(ProcessDiedError):
                crashing(world, Countdown(dies_at=point)).reclaim(f"order-{number}")
            world.simulator.clock.advance(LEASE)
            world.disburser.reclaim_expired()

            status = world.disburser.get(f"order-{number}").status
            assert status in {Status.ACTIVE, Status.CLOSED}, point
            closed += status is Status.CLOSED
            assert 0 == world.simulator.payments_balance(world.account), point
            left = (12 - closed) * AMOUNT
            assert left == world.simulator.issuing_balance(world.account), point
            assert () == world.disburser.reconcile().discrepancies, point

        assert closed > 5


@pytest.mark.parametrize("by_hand", [7_500, 20_000, 30_000])
def test_a_reversal_by_hand_of_any_size_is_counted_once_among_shares(by_hand: int) -> None:
    """Whether it is more than a share or less: all come home, and the account keeps what is its own."""
    with open_world("memory://") as world:
        list(world.disburser.disburse_many(make_orders()))
        (transfer,) = world.simulator.objects("transfer")
        world.simulator._move(  # noqa: SLF001  # its other business, from which the reversal is paid
            world.account or "", by_hand, "usd", "payments", "adjustment", "Other business"
        )
        api = world.disburser._connection.api  # noqa: SLF001  # the connection that is there anyway
        path = f"/v1/transfers/{transfer['id']}/reversals"
        api.prepare(path, {"amount": by_hand}, account=None, keep=lambda answer: answer)("by-hand")

        ended = [world.disburser.reclaim(f"order-{one}").outcome for one in range(3)]

        assert ["closed"] * 3 == ended
        (transfer,) = world.simulator.objects("transfer")
        assert 3 * AMOUNT == transfer["amount_reversed"]
        assert by_hand == world.simulator.payments_balance(world.account)
        world.check_books("order-0", "order-1", "order-2")
