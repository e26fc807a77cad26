"""
How does Stripe answer a loop only after its other tasks have had their turn?
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

import pytest
import stripe
from attrs import define

from issuing_disburse import AsyncDisburser, Disburser
from issuing_disburse.simulator import IssuingSimulator

BEATS = 25
PATIENCE_SECONDS = 60


class Gate(stripe.HTTPClient):
    """
    A client whose requests wait, once the gate is shut, until it is opened.
    """

    name = "gate"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self.inner = inner
        self.open = Event()
        self.open.set()
        self.reached = Event()
        self.requests: list[str] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        self.requests.append(f"{method} {url}")
        self.reached.set()
        assert self.open.wait(PATIENCE_SECONDS), "nobody has opened the gate"
        return self.inner.request(method, url, headers, post_data, **options)

    def close(self) -> None:
        return


@define
class Scene:
    """
    A simulated Stripe behind a gate, and the disburser of asyncio before it.
    """

    simulator: IssuingSimulator
    gate: Gate
    disburser: AsyncDisburser

    async def until_beaten(self, verb: Coroutine[Any, Any, Any]) -> Any:
        """
        Run *verb* against a shut gate that only a beating heart opens.
        """
        self.gate.open.clear()
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while beats < BEATS or not self.gate.reached.is_set():
                await asyncio.sleep(0)
                beats += 1
            self.gate.open.set()

        heart = asyncio.create_task(beat())
        try:
            return await verb
        finally:
            self.gate.reached.set()
            await heart
            assert beats >= BEATS


def options_of(simulator: IssuingSimulator, **changes: Any) -> dict[str, Any]:
    return {
        "api_key": simulator.api_key,
        "account": simulator.create_account(),
        "webhook_secret": simulator.webhook_secret,
        "store": "memory://",
        "http_client": simulator.http_client(),
        "clock": simulator.clock.now,
        "sleep": simulator.clock.sleep,
        **changes,
    }


@pytest.fixture
def simulator() -> Iterator[IssuingSimulator]:
    with IssuingSimulator(seed=7, platform_funds=1_000_000) as made:
        yield made


@asynccontextmanager
async def open_scene(simulator: IssuingSimulator, *, workers: int = 2) -> AsyncIterator[Scene]:
    gate = Gate(simulator.http_client())
    connected = Disburser.connect(**options_of(simulator, http_client=gate))
    async with AsyncDisburser(connected, workers=workers) as disburser:
        try:
            yield Scene(simulator, gate, disburser)
        finally:
            gate.open.set()
