"""
Is each order paid once when many threads and processes issue the same ones?
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from attrs import evolve

from issuing_disburse import Disburser, Status
from issuing_disburse.exceptions import DisburseError, UnavailableError
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.faults import Fault, ServerError
from killed_worker import order, order_id
from killing import PATIENCE_SECONDS, check_money, open_site
from postgres import Server

ORDERS = 500
THREADS = 8
PROCESSES = 4
PENDING = 30
WORKERS = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The URL of an empty store.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite3"
    server: Server = request.getfixturevalue("postgres_server")
    return server.new_schema_url()


def connected(simulator: IssuingSimulator, account: str, store: str) -> Disburser:
    """
    Connect to a simulator in this process.
    """
    return Disburser.connect(
        api_key=simulator.api_key,
        account=account,
        webhook_secret=simulator.webhook_secret,
        store=store,
        http_client=simulator.http_client(),
        clock=simulator.clock.now,
        sleep=simulator.clock.sleep,
    )


def issued(disburser: Disburser, number: int) -> bool:
    """
    Issue one order; tell whether it was pending still, with somebody else.
    """
    try:
        return disburser.disburse(order(number)).status is not Status.ACTIVE
    except UnavailableError:
        return True


@pytest.mark.long
def test_each_order_is_paid_once_when_threads_issue_the_same_ones(
    store: str, record_property: Callable[[str, object], None]
) -> None:
    """Eight threads, each with all of the 500 orders in an order of its own: 500 cards."""
    with IssuingSimulator(seed=7, platform_funds=100_000_000) as simulator:
        account = simulator.create_account()
        with connected(simulator, account, store) as disburser:

            def issue(thread: int) -> int:
                numbers = list(range(ORDERS))
                random.Random(thread).shuffle(numbers)  # noqa: S311 - repeatable on purpose
                return sum(issued(disburser, number) for number in numbers)

            with ThreadPoolExecutor(THREADS) as threads:
                busy = sum(threads.map(issue, range(THREADS)))
            record_property("met_somebody_at_it", busy)

            assert () == disburser.resume_all()
            check_money(simulator, disburser, [order_id(number) for number in range(ORDERS)])


@pytest.mark.long
def test_each_order_is_paid_once_when_processes_issue_the_same_ones(store: str) -> None:
    """Four processes with the same 500 orders, at Stripe's door over HTTP: 500 cards."""
    pytest.importorskip("uvicorn", reason="the simulator extra is not installed")
    with open_site(store, seed=11, port=0) as site:
        task = evolve(site.task, last=ORDERS, issues_only=True, lease_seconds=120.0)
        with ExitStack() as started:
            workers = [started.enter_context(site.worker(task)) for _ in range(PROCESSES)]
            codes = [worker.wait(3 * PATIENCE_SECONDS) for worker in workers]
        assert [0] * PROCESSES == codes
        with task.connect() as disburser:
            disburser.resume_all()

            check_money(site.simulator, disburser, [order_id(number) for number in range(ORDERS)])


def test_each_order_is_finished_once_when_several_resume_all(store: str) -> None:
    """Six workers, each with its own connection: every pending order gets one card."""
    with (
        IssuingSimulator(seed=7, platform_funds=100_000_000) as simulator,
        ExitStack() as connections,
    ):
        account = simulator.create_account()
        with connected(simulator, account, store) as first:
            simulator.faults.add(
                Fault(action=ServerError(), endpoint="POST /v1/issuing/cards", times=0)
            )
            for number in range(PENDING):
                with pytest.raises(DisburseError):
                    first.disburse(order(number))
            simulator.faults.clear()
            workers = [
                connections.enter_context(connected(simulator, account, store))
                for _ in range(WORKERS)
            ]

            with ThreadPoolExecutor(WORKERS) as threads:
                seen = list(threads.map(lambda worker: worker.resume_all(), workers))

            assert () == first.resume_all()
            finished = [
                one.order_id for page in seen for one in page if one.status is Status.ACTIVE
            ]
            assert PENDING == len(set(finished))
            check_money(simulator, first, [order_id(number) for number in range(PENDING)])
