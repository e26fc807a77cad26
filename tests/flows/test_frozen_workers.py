"""
What if a worker is frozen in the midst of a call, for longer than its lease or its key lives?
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import stripe

from issuing_disburse.exceptions import DisburseError
from scenarios import LEASE, SCENARIOS, Scenario, check
from world import World, open_world

ACTS = {one.name: one for one in SCENARIOS if one.name in {"disburse", "reclaim", "refused card"}}


class FreezingClient(stripe.HTTPClient):
    """
    Loses one connection, and lets a long time pass before the next try.
    """

    name = "freezing"

    def __init__(self, inner: stripe.HTTPClient, at: int, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._inner = inner
        self._at = at
        self._meanwhile = meanwhile
        self.count = 0

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
        self.count += 1
        if self.count == self._at:
            self._meanwhile()
            raise stripe.APIConnectionError("the connection did not survive the pause")
        return self._inner.request(method, url, headers, post_data, **options)

    def close(self) -> None:
        """
        Leave the inner client open.
        """


def freeze(world: World, scenario: Scenario, call: int, pause: timedelta) -> bool:
    """
    Freeze one worker at one call, while another one does it all; tell whether there was such a call.
    """

    def meanwhile() -> None:
        world.simulator.clock.advance(pause)
        with suppress(DisburseError):
            scenario.act(world.disburser)

    client = FreezingClient(world.simulator.http_client(), call, meanwhile)
    frozen = world.connect(http_client=client, store=world.disburser.store)
    with suppress(DisburseError):
        scenario.act(frozen)
    return client.count >= call


@pytest.mark.parametrize("pause", [LEASE, timedelta(hours=25)], ids=["lease", "key"])
@pytest.mark.parametrize("act", ACTS)
def test_frozen_worker_does_nothing_twice(act: str, pause: timedelta) -> None:
    """Its lease is another's by then, and a key that may be forgotten is never sent again."""
    scenario, call, goes_on = ACTS[act], 1, True
    while goes_on:
        with open_world() as world:
            scenario.prepare(world)
            goes_on = freeze(world, scenario, call, pause)
            world.simulator.clock.advance(LEASE)
            for _ in range(scenario.repeats):
                scenario.act(world.disburser)
            check(world, scenario, call)
        call += 1
    assert call > 5
