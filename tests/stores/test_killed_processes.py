"""
Is the money right when real processes are killed at any moment, or fork?
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from killed_worker import order, order_id
from killing import ORDERS_PER_ROUND, Site, check_money, open_site
from postgres import Server

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")

Say = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The URL of an empty store that outlives every process.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite3"
    server: Server = request.getfixturevalue("postgres_server")
    return server.new_schema_url()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """
    Show a line in the report of the run.
    """

    def show(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")  # noqa: T201 - how many there were is the point

    return show


def free_port() -> int:
    """
    Return a port that nobody listens on.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def kill_often(store: str, *, rounds: int, seed: int) -> Site:
    """
    Kill a worker *rounds* times, finish what it left, and check the money.
    """
    with open_site(store, seed=seed, port=free_port()) as site:
        for number in range(1, rounds + 1):
            site.kill_one(last=number * ORDERS_PER_ROUND)
        count = rounds * ORDERS_PER_ROUND
        with site.finish(count) as disburser:
            check_money(site.simulator, disburser, [order_id(number) for number in range(count)])
    return site


@pytest.mark.long
def test_money_is_right_when_workers_are_killed(store: str, say: Say) -> None:
    """SIGKILL at ten random moments: one card and one funding per order, and whole books."""
    site = kill_often(store, rounds=10, seed=41)

    say(f"{store.partition(':')[0]}: {site.counts}, {10 * ORDERS_PER_ROUND} orders, each paid once")
    assert 10 == sum(site.counts.values())
    assert site.counts["killed"] > 2


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_money_is_right_when_workers_are_killed_for_long(store: str, seed: int, say: Say) -> None:
    """The same two hundred times, ten seeds of twenty."""
    site = kill_often(store, rounds=20, seed=100 + seed)

    say(f"{store.partition(':')[0]}: {site.counts}, {20 * ORDERS_PER_ROUND} orders, each paid once")
    assert 20 == sum(site.counts.values())


def test_both_go_on_when_a_connected_process_forks(store: str) -> None:
    """Parent and child pay orders of their own and of each other, each of them once."""
    with open_site(store, seed=7, port=0) as site, site.task.connect() as disburser:
        disburser.disburse(order(0))
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for number in (0, 1, 2, 3):
                    disburser.disburse(order(number))
                status = 0
            finally:
                os._exit(status)
        for number in (4, 5, 0):
            disburser.disburse(order(number))
        _, status = os.waitpid(child, 0)
        disburser.disburse(order(1))

        assert 0 == os.waitstatus_to_exitcode(status)
        check_money(site.simulator, disburser, [order_id(number) for number in range(6)])
