"""
Does a process that dies anywhere lose or double anything?
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser
from postgres import Server
from scenarios import LEASE, SCENARIOS, Scenario, check
from world import World, open_world


@frozen
class Stores:
    """
    Makes an empty store of one kind after the other.
    """

    kind: str
    folder: Path
    server: Server | None

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """
        Open an empty store for a while.
        """
        if self.server is not None:
            url = self.server.empty_schema_url()
            yield url
            self.server.empty(url)
        elif self.kind == "sqlite":
            file = self.folder / "books.sqlite3"
            yield f"sqlite:///{file}"
            for name in self.folder.glob("books.sqlite3*"):
                name.unlink()
        else:
            yield "memory://"


KINDS = ("memory", "sqlite", "postgresql")
QUICK = {("memory", "disburse"), ("memory", "reclaim"), ("memory", "refused reversal")}
CASES = [
    pytest.param(
        kind,
        scenario,
        id=f"{kind}-{scenario}",
        marks=[] if (kind, scenario.name) in QUICK else [pytest.mark.long],
    )
    for kind in KINDS
    for scenario in SCENARIOS
]


@pytest.fixture
def stores(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Stores:
    """
    Every kind of store there is.
    """
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    return Stores(kind, tmp_path, server)


def crashing(world: World, countdown: Countdown) -> Disburser:
    """
    Connect a disburser whose process dies when *countdown* says so.

    Its leases end at once by the clock of a database, and after a moment by the simulated one.
    """
    seconds = 0.001 if "postgresql" in world.store else LEASE.total_seconds() - 1
    return world.connect(
        lease_seconds=seconds,
        store=CrashingStore(world.disburser.store, countdown),
        http_client=CrashingClient(world.client, countdown),
    )


def points_of(stores: Stores, scenario: Scenario) -> int:
    """
    Count the points at which the process could die.
    """
    with stores.fresh() as url, open_world(url) as world:
        scenario.prepare(world)
        countdown = Countdown()
        scenario.act(crashing(world, countdown))
        return countdown.passed


def die_at(world: World, point: int, scenario: Scenario) -> None:
    """
    Do it in a process that dies at *point*, and let its lease run out.
    """
    with pytest.raises(ProcessDiedError):
        scenario.act(crashing(world, Countdown(dies_at=point)))
    world.simulator.clock.advance(LEASE)
    time.sleep(0.002)  # the database's clock is a real one


@pytest.mark.parametrize(("kind", "scenario"), CASES)
def test_dying_anywhere_loses_and_doubles_nothing(
    scenario: Scenario, stores: Stores, record_property: Callable[[str, object], None]
) -> None:
    """At every store call and both sides of every Stripe call: done again, everything is there once."""
    points = points_of(stores, scenario)
    record_property(f"crash points of {scenario}", points)
    for point in range(1, points + 1):
        with stores.fresh() as url, open_world(url) as world:
            scenario.prepare(world)
            die_at(world, point, scenario)
            for _ in range(scenario.repeats):
                scenario.act(world.disburser)
            check(world, scenario, point)
    assert points > 10
