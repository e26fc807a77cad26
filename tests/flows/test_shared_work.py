"""
Do workers that resume at the same time share the orders?
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from issuing_disburse import Status
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.simulator.faults import Fault, LoseConnection
from world import World, make_order, make_recipient, open_world

WORKERS = 4
ORDERS = 12


def leave_pending(world: World) -> None:
    """
    Leave orders behind that only lack a card.
    """
    lost = LoseConnection(after_commit=False)
    world.simulator.faults.add(Fault(endpoint="POST /v1/issuing/cards", action=lost, times=0))
    for number in range(ORDERS):
        order = make_order(f"claim-{number}", recipient=make_recipient(f"supplier-{number}"))
        with suppress(DisburseError):
            world.disburser.disburse(order)
    world.simulator.faults.clear()


@pytest.mark.parametrize("kind", ["memory", pytest.param("postgresql", marks=pytest.mark.long)])
def test_workers_share_what_is_pending(
    kind: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Each order is worked on by one worker, once, and none is left."""
    url = "memory://" if kind == "memory" else request.getfixturevalue("postgres_url")
    with open_world(url) as world:
        leave_pending(world)
        workers = [world.connect(store=world.disburser.store) for _ in range(WORKERS)]
        with ThreadPoolExecutor(WORKERS) as pool:
            done = list(pool.map(lambda worker: worker.resume_all(), workers))

        worked = [one.order_id for batch in done for one in batch]
        assert sorted(f"claim-{number}" for number in range(ORDERS)) == sorted(worked)
        assert {Status.ACTIVE} == {one.status for batch in done for one in batch}
        assert ORDERS == len(world.simulator.objects("card", world.account))
        record_property("orders shared by workers", len(worked))
        world.check_books(*worked)
