"""
Are many orders paid from a loop as they are from a thread, and what becomes of them when it stops early?
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from gated import PATIENCE_SECONDS, Scene, open_scene, simulator
from issuing_disburse import Order, Outcome, Status
from issuing_disburse.simulator import IssuingSimulator
from world import make_order, make_recipient

__all__ = ["simulator"]


def order(number: int) -> Order:
    return make_order(f"claim-{number}", "10.00", recipient=make_recipient(f"payee-{number}"))


class Source:
    """
    Orders that come on the loop, one by one; knows how many were taken.
    """

    def __init__(self, last: int) -> None:
        self.last, self.given = last, 0

    async def __aiter__(self) -> AsyncIterator[Order]:
        for number in range(self.last):
            await asyncio.sleep(0)
            self.given += 1
            yield order(number)


async def statuses(scene: Scene, count: int) -> set[Status]:
    return {(await scene.disburser.get(f"claim-{number}")).status for number in range(count)}


@pytest.mark.parametrize("make", [Source, lambda last: [order(n) for n in range(last)]])
def test_all_are_paid_when_orders_come_in_either_way(
    simulator: IssuingSimulator, make: Callable[[int], Any]
) -> None:
    """A list and an asynchronous source lead to the same outcomes; the loop goes on meanwhile."""

    async def main() -> None:
        async with open_scene(simulator) as scene:
            told: list[object] = []

            async def pay() -> set[str | None]:
                found = scene.disburser.disburse_many(make(8), progress=told.append)
                return {one.order_id async for one in found if one.is_paid}

            assert {f"claim-{n}" for n in range(8)} == await scene.until_beaten(pay())
            assert 8 == len(told) == len(simulator.objects("card", scene.disburser.account))

    asyncio.run(main())


def test_what_is_begun_is_finished_when_somebody_stops_early(simulator: IssuingSimulator) -> None:
    """Of what the source gave out nothing is left half done, and it is asked for nothing more."""

    async def main() -> None:
        async with open_scene(simulator) as scene:
            source = Source(30)
            async with aclosing(scene.disburser.disburse_many(source)) as outcomes:
                async for _ in outcomes:
                    break
            taken = source.given
            assert {Status.ACTIVE} == await statuses(scene, taken)
            await asyncio.sleep(0)
            assert taken == source.given

    asyncio.run(main())


def test_what_is_begun_is_finished_when_the_task_is_cancelled(simulator: IssuingSimulator) -> None:
    """The cancelled task ends when calls under way have been answered, and not before."""

    async def main() -> None:
        async with open_scene(simulator) as scene:
            await scene.disburser.disburse(order(99))
            scene.gate.open.clear()
            scene.gate.reached.clear()
            source = Source(5)

            async def pay() -> None:
                async for _ in scene.disburser.disburse_many(source):
                    pass

            task = asyncio.create_task(pay())
            await asyncio.to_thread(scene.gate.reached.wait, PATIENCE_SECONDS)
            task.cancel()
            for _ in range(25):
                await asyncio.sleep(0)
            assert not task.done()
            scene.gate.open.set()
            with pytest.raises(asyncio.CancelledError):
                await task

            paid = len(simulator.objects("card", scene.disburser.account)) - 1
            assert source.given >= paid
            assert [] == list((await scene.disburser.reconcile()).discrepancies)
            assert Status.PENDING not in {one.status for one in await scene.disburser.resume_all()}

    asyncio.run(main())


def test_an_error_of_the_source_is_raised_when_all_before_are_told(
    simulator: IssuingSimulator,
) -> None:
    """Orders that came before are paid and told; then the error comes to whoever iterates."""

    async def broken() -> AsyncIterator[Order]:
        yield order(0)
        yield order(1)
        raise OSError("the table is gone")

    async def main() -> None:
        async with open_scene(simulator) as scene:
            told: list[Outcome] = []

            async def pay() -> None:
                async for _ in scene.disburser.disburse_many(broken(), progress=told.append):
                    pass

            with pytest.raises(OSError, match="the table is gone"):
                await pay()
            assert {"claim-0", "claim-1"} == {one.order_id for one in told}

    asyncio.run(main())
