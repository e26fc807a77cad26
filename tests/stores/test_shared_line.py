"""
Do processes that share a store stand in one line before Stripe, and none of them for ever?
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from issuing_disburse import RateLimits
from issuing_disburse.exceptions import StoreTimeoutError
from issuing_disburse.pacing import Pacer
from issuing_disburse.ports import Store
from issuing_disburse.records import LineRecord
from issuing_disburse.shared_line import SharedLine
from issuing_disburse.stores import open_store
from issuing_disburse.stores.memory import MemoryStore
from napping import Nap, asked, most_in_a_second
from postgres import Server
from sqlite_files import now
from world import make_order, make_recipient, open_world

Stores = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """
    Open the same store again and again, as several processes do.
    """
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/store.sqlite3"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        url = server.new_schema_url()
    with ExitStack() as opened:

        def opening() -> Store:
            store = open_store(url, clock=now)
            opened.callback(store.close)
            return store

        yield opening


def free_at(store: Store, name: str) -> Any:
    """
    Return the end of a line, and the time now.
    """
    return store.read(lambda tx: (tx.get(LineRecord, name), tx.now()))


def test_no_place_is_given_twice_when_processes_ask_together(stores: Stores) -> None:
    """Forty requests of two processes, from many threads, take forty places."""
    lines = [SharedLine(store=stores()) for _ in range(2)]
    _, began = free_at(lines[0].store, "acct_1")
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda turn: lines[turn % 2]("acct_1", 0.25), range(40)))
    record, _ = free_at(lines[0].store, "acct_1")

    assert began + timedelta(seconds=10) <= record.free_at
    assert 40 == len(set(waits))


def test_line_of_another_name_is_another_line(stores: Stores) -> None:
    """One account's crowd holds up nobody else."""
    line = SharedLine(store=stores())
    for _ in range(5):
        line("acct_1", 1.0)

    assert 0.0 == line("acct_2", 1.0)
    assert 0.0 == line("acct_1 POST /v1/issuing/cards", 1.0)
    assert line("acct_1", 1.0) > 0.0


def test_line_that_reaches_into_next_hour_is_none() -> None:
    """After the database's clock was set back, nobody waits for the hour that comes twice."""
    nap = Nap(seconds=7_200)
    line = SharedLine(store=MemoryStore(clock=nap.now))
    for _ in range(3):
        line("acct_1", 1.0)
    nap.seconds = 0

    assert [0.0, 1.0, 2.0] == [line("acct_1", 1.0) for _ in range(3)]


def test_store_that_fails_holds_up_nobody() -> None:
    """Without the line each process counts for itself."""

    class Sick(MemoryStore):
        def transact(self, work: Any, *, timeout_seconds: float | None = None) -> Any:
            raise StoreTimeoutError("no answer")

    assert 0.0 == SharedLine(store=Sick(clock=now))("acct_1", 1.0)


def test_two_processes_together_stay_under_the_limit() -> None:
    """Each alone would use all of it; with one store they share it, and leave nothing unused."""
    nap = Nap()
    store = MemoryStore(clock=nap.now)
    limits = RateLimits(per_account=100, per_endpoint=25, shared=True)
    pacers = [
        Pacer(limits, clock=nap.now, sleep=nap.sleep, share=SharedLine(store=store))
        for _ in range(2)
    ]
    times = []
    for turn in range(200):
        pacers[turn % 2].wait(asked())
        times.append(nap.seconds)

    assert 25 == most_in_a_second(times)
    assert times[-1] < 200 / 25 / 0.9


def test_disbursers_of_two_processes_meet_no_429_when_they_share() -> None:
    """Two that know nothing of each other but a store pay in turn, and none is refused."""
    options = {"rate_limits": RateLimits(per_account=25, shared=True)}
    with open_world("sqlite://", simulator={"rate_limit": 25}, options=options) as world:
        other = world.connect(store=world.disburser.store)
        for number in range(16):
            paying = other if number % 2 else world.disburser
            paying.disburse(
                make_order(f"claim-{number}", recipient=make_recipient(f"supplier-{number}"))
            )

        assert 0 == world.client.statuses.count(429)
        assert 16 == world.sent("POST /v1/issuing/cards")
