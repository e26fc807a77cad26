"""
Does a process that dies anywhere among many orders lose or double anything?
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser, Order, Status
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.simulator.faults import Fault, Refuse
from scenarios import LEASE
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500
FUNDS = 1_000_000
PEOPLE = 3
STEPS = {
    ("memory", True): 1,
    ("memory", False): 2,
    ("sqlite", True): 6,
    ("postgresql", True): 8,
    ("postgresql", False): 8,
}
"""Every which point it dies at: the points are the same on all stores, some stores are slower."""


def make_orders(how_many: int = 4) -> list[Order]:
    """
    Make orders, two of them for the same person.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(
                f"supplier-{number % PEOPLE}", email=f"jenny{number % PEOPLE}@example.com"
            ),
        )
        for number in range(how_many)
    ]


def names(how_many: int = 4) -> list[str]:
    """
    Return the ids of those orders.
    """
    return [f"order-{number}" for number in range(how_many)]


def crashing(world: World, countdown: Countdown) -> Disburser:
    """
    Connect a disburser whose process dies when *countdown* says so.
    """
    seconds = 0.001 if "postgresql" in world.store else LEASE.total_seconds() - 1
    return world.connect(
        lease_seconds=seconds,
        store=CrashingStore(world.disburser.store, countdown),
        http_client=CrashingClient(world.client, countdown),
    )


def pay(disburser: Disburser) -> None:
    """
    Pay all, one call at a time so that every run passes the same points.
    """
    list(disburser.disburse_many(make_orders(), workers=1))


def reclaim(disburser: Disburser) -> None:
    """
    Take back what two of the orders have left.
    """
    for name in names()[1:3]:
        disburser.reclaim(name)


def with_a_refused_card(world: World) -> None:
    """
    Have Stripe refuse the second card, and keep that under its key.
    """
    world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/issuing/cards", nth=2))


def with_a_refused_second_leg(world: World) -> None:
    """
    Have Stripe refuse to move the money on.
    """
    world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/balance_transfers"))


def check(world: World, point: int, *, closed: int = 0) -> None:
    """
    Fail unless each order is there once, and every cent has a name.
    """
    simulator, account = world.simulator, world.account
    statuses = [world.disburser.get(name).status for name in names()]
    live = [one for one in simulator.objects("card", account) if one["status"] != "canceled"]
    brought = sum(one["amount"] - one["amount_reversed"] for one in simulator.objects("transfer"))
    left = (len(names()) - closed) * AMOUNT

    assert closed == statuses.count(Status.CLOSED), (point, statuses)
    assert len(names()) - closed == statuses.count(Status.ACTIVE) == len(live), (point, statuses)
    assert PEOPLE == len(simulator.objects("cardholder", account)), point
    assert left == simulator.issuing_balance(account) == brought, point
    assert 0 == simulator.payments_balance(account), point
    assert FUNDS - left == simulator.payments_balance(None), point
    world.check_books(*names())
    world.disburser.verify_ledger()


@contextmanager
def fresh(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """
    Open a world on an empty store of one kind.
    """
    if kind == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.empty_schema_url()
    else:
        url = f"sqlite:///{folder}/books.sqlite3" if kind == "sqlite" else "memory://"
    try:
        with open_world(url) as world:
            yield world
    finally:
        if kind == "postgresql":
            server.empty(url)
        for name in folder.glob("books.sqlite3*"):
            name.unlink()


def die_at(world: World, point: int, act: Callable[[Disburser], None]) -> None:
    """
    Do it in a process that dies at *point*, and let its leases run out.
    """
    with pytest.raises(ProcessDiedError):
        act(crashing(world, Countdown(dies_at=point)))
    world.simulator.clock.advance(LEASE)
    time.sleep(0.002)  # the database's clock is a real one


def points_of(world: World, act: Callable[[Disburser], None]) -> int:
    """
    Count the points at which the process could die.
    """
    countdown = Countdown()
    act(crashing(world, countdown))
    return countdown.passed


LONG = pytest.mark.long
CASES = [
    pytest.param("memory", "plain", id="memory-plain"),
    pytest.param("sqlite", "plain", id="sqlite-plain", marks=LONG),
    pytest.param("postgresql", "plain", id="postgresql-plain", marks=LONG),
    pytest.param("memory", "refused card", id="memory-refused card", marks=LONG),
    pytest.param("memory", "refused leg", id="memory-refused leg", marks=LONG),
    pytest.param("memory", "reclaim", id="memory-reclaim", marks=LONG),
    pytest.param("postgresql", "reclaim", id="postgresql-reclaim", marks=LONG),
]
BEFORE: dict[str, Callable[[World], object]] = {
    "plain": lambda world: None,
    "refused card": with_a_refused_card,
    "refused leg": with_a_refused_second_leg,
    "reclaim": lambda world: pay(world.disburser),
}


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_dying_anywhere_among_many_orders_loses_and_doubles_nothing(
    kind: str,
    name: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """At every store call and both sides of every Stripe call: whoever goes on finds each order once."""
    act = reclaim if name == "reclaim" else pay
    with fresh(kind, tmp_path, request) as world:
        BEFORE[name](world)
        points = points_of(world, act)
    record_property(f"crash points of many orders, {name}", points)
    step = STEPS[kind, name == "plain"]
    for point in range(1 + points % step, points + 1, step):
        with fresh(kind, tmp_path, request) as world:
            BEFORE[name](world)
            die_at(world, point, act)
            if name == "reclaim":
                act(world.disburser)
            else:
                finish(world, alone=point % 2 == 0)
            check(world, point, closed=2 if name == "reclaim" else 0)
    assert points > 30


def finish(world: World, *, alone: bool) -> None:
    """
    Go on in another process: with all of them again, or first with one order alone and the others by
    `resume_all`. What Stripe refused is tried again.
    """
    if alone:
        with suppress(DisburseError):
            world.disburser.resume("order-1")
        world.disburser.resume_all()
    for _ in range(3):
        world.disburser.funding.clear(world.account)
        outcomes = list(world.disburser.disburse_many(make_orders(), workers=1))
        if all(one.is_paid for one in outcomes):
            return
