"""
What has and what has not happened when a task of asyncio is cancelled?
"""

import asyncio
from contextlib import suppress

import pytest

from gated import PATIENCE_SECONDS, open_scene, simulator
from issuing_disburse import Status
from issuing_disburse.simulator import IssuingSimulator
from world import make_order

__all__ = ["simulator"]


def test_what_has_begun_is_finished_when_its_task_is_cancelled(simulator: IssuingSimulator) -> None:
    """The task hears at once; the order is paid once, and asking for it tells so."""

    async def main() -> None:
        async with open_scene(simulator) as scene:
            await scene.disburser.disburse(make_order("claim-1"))
            scene.gate.open.clear()
            scene.gate.reached.clear()
            task = asyncio.create_task(scene.disburser.disburse(make_order()))
            await asyncio.to_thread(scene.gate.reached.wait, PATIENCE_SECONDS)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert Status.PENDING is (await scene.disburser.get("claim-8841")).status
            scene.gate.open.set()

            await scene.disburser.close()

            assert 2 == len(simulator.objects("card", scene.disburser.account))

    asyncio.run(main())


def test_what_has_not_begun_does_not_happen_when_its_task_is_cancelled(
    simulator: IssuingSimulator,
) -> None:
    """A verb that waits for a worker leaves no trace."""

    async def main() -> None:
        async with open_scene(simulator, workers=1) as scene:
            scene.gate.open.clear()
            scene.gate.reached.clear()
            first = asyncio.create_task(scene.disburser.disburse(make_order("claim-1")))
            await asyncio.to_thread(scene.gate.reached.wait, PATIENCE_SECONDS)
            second = asyncio.create_task(scene.disburser.disburse(make_order("claim-2")))
            await asyncio.sleep(0)
            second.cancel()
            with suppress(asyncio.CancelledError):
                await second
            scene.gate.open.set()

            await first

            with pytest.raises(LookupError):
                await scene.disburser.get("claim-2")

    asyncio.run(main())
