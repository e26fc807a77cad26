"""
What is done when nobody can tell whether a call had its effect?
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from issuing_disburse import Disburser, Status
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.simulator.faults import (
    Action,
    Fault,
    Hang,
    LoseConnection,
    ServerError,
    conflict,
    lock_timeout,
    rate_limited,
)
from scenarios import LEASE, SCENARIOS, Scenario, check
from world import World, open_world

# A failure of Stripe's own after the commit is always on record under the key (the opposite would be
# a Stripe without idempotency). How it goes wrong, and how often one after the other: our own tries within a call are five.
MISFORTUNES: dict[str, tuple[Action, int]] = {
    "lost before": (LoseConnection(after_commit=False), 5),
    "lost after the commit, then answered": (LoseConnection(after_commit=True), 1),
    "lost after the commit, and again": (LoseConnection(after_commit=True), 5),
    "hangs after the commit": (Hang(after_commit=True), 5),
    "500 before, recorded": (ServerError(after_commit=False, recorded=True), 1),
    "500 after the commit, recorded": (ServerError(after_commit=True, recorded=True), 1),
    "500 after the commit, to be retried": (
        ServerError(after_commit=True, recorded=True, should_retry=True), 1,
    ),
    "503 before": (ServerError(after_commit=False, recorded=False, status=503), 5),
    "409 in progress": (conflict(), 5),
    "429": (rate_limited(), 5),
    "429 locked": (lock_timeout(), 5),
}  # fmt: skip
WAITS = {"at once": LEASE, "key forgotten": timedelta(hours=25)}
ACTS = {one.name: one for one in SCENARIOS if one.name in {"disburse", "reclaim", "reissue"}}


def calls_of(scenario: Scenario) -> int:
    """
    Count what is sent to Stripe in a run without misfortune.
    """
    with open_world() as world:
        scenario.prepare(world)
        before = len(world.client.requests)
        scenario.act(world.disburser)
        return len(world.client.requests) - before


def suffer(world: World, scenario: Scenario, call: int, misfortune: tuple[Action, int]) -> None:
    """
    Let the *call*th call go wrong; what is sent after it, in the same run, is sent in vain.
    """
    action, times = misfortune
    for again in range(times):
        world.simulator.faults.add(Fault(action=action, nth=call + again))
    with suppress(DisburseError):
        scenario.act(world.disburser)
    world.simulator.faults.clear()


@pytest.mark.long
@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("misfortune", MISFORTUNES)
@pytest.mark.parametrize("act", ACTS)
def test_no_answer_at_any_call_loses_and_doubles_nothing(
    act: str, misfortune: str, wait: str, record_property: Callable[[str, object], None]
) -> None:
    """Whichever call is left in doubt, and however long: done again, everything is there once."""
    scenario, calls = ACTS[act], calls_of(ACTS[act])
    for call in range(1, calls + 1):
        with open_world() as world:
            scenario.prepare(world)
            suffer(world, scenario, call, MISFORTUNES[misfortune])
            world.simulator.clock.advance(WAITS[wait])
            for _ in range(2):  # once more where Stripe had recorded a failure
                again(world.disburser, scenario)
            check(world, scenario, call)
    record_property("calls left in doubt", calls)


def again(disburser: Disburser, scenario: Scenario) -> None:
    """
    Do it again: what was begun with the order's content goes on without it.
    """
    if scenario.name == "disburse":
        (resumed,) = disburser.resume_all() or (None,)
        if resumed is not None and resumed.status is Status.ACTIVE:
            return
    scenario.act(disburser)


@pytest.mark.parametrize("call", [5, 6, 7])
def test_lost_answer_is_resumed_to_one_of_everything(world: World, call: int) -> None:
    """The short form of the long proof: an answer is lost for good, and the order goes on."""
    scenario = ACTS["disburse"]
    suffer(world, scenario, call, (LoseConnection(after_commit=True), 5))
    world.simulator.clock.advance(LEASE)

    scenario.act(world.disburser)

    check(world, scenario, call)
