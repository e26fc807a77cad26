"""
How are real processes killed at random moments, and what must be true of the money afterwards?
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import asdict, define, evolve, field

import killed_worker
from issuing_disburse import Disburser, Status
from issuing_disburse.simulator import IssuingSimulator
from killed_worker import Task, open_door, order, order_id

ORDERS_PER_ROUND = 4
PATIENCE_SECONDS = 120
WORST_SECONDS = 0.7
RETRIES_OVER = timedelta(hours=5)
WORKER = Path(killed_worker.__file__)


@define
class Site:
    """
    A simulated Stripe over HTTP, and the processes that work on it.

    Attributes:
        counts: How many were killed while working, and how many had come to the end before.
    """

    simulator: IssuingSimulator
    task: Task
    chance: random.Random
    counts: dict[str, int] = field(factory=lambda: {"killed": 0, "finished": 0})

    @contextmanager
    def worker(self, task: Task) -> Iterator[subprocess.Popen[bytes]]:
        """
        Start a worker that has connected when the block begins, and kill it when the block ends.
        """
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, str(WORKER), json.dumps(asdict(task))],
            stdout=subprocess.PIPE,
            env={"PYTHONWARNINGS": "error"},
        )
        assert process.stdout is not None
        with process.stdout:
            try:
                assert b"ready" in process.stdout.readline()
                yield process
            finally:
                process.kill()
                process.wait(PATIENCE_SECONDS)

    def kill_one(self, last: int) -> None:
        """
        Start a worker and kill it at some moment after it has connected.
        """
        with self.worker(evolve(self.task, last=last)) as process:
            time.sleep(self.chance.uniform(0, WORST_SECONDS))
            is_working = process.poll() is None
        self.counts["killed" if is_working else "finished"] += 1

    def finish(self, last: int) -> Disburser:
        """
        Do what is left in this process, and let Stripe deliver again what nobody had taken.
        """
        task = evolve(self.task, last=last)
        disburser = task.connect()
        server = open_door(disburser, task.port)
        patience = time.monotonic() + PATIENCE_SECONDS
        while not self._is_finished(disburser, task):
            assert time.monotonic() < patience, "there is always something left to do"
            killed_worker.work(task, disburser)
        self.simulator.clock.advance(RETRIES_OVER)
        for number in range(0, last, killed_worker.RECLAIM_EVERY):
            disburser.reclaim(order_id(number))
        server.shutdown()
        server.server_close()
        return disburser

    def _is_finished(self, disburser: Disburser, task: Task) -> bool:
        numbers = range(task.first, task.last)
        return all(
            Status.PENDING is not disburser.disburse(order(number)).status for number in numbers
        )


@contextmanager
def open_site(store: str, *, seed: int, port: int) -> Iterator[Site]:
    """
    Serve a simulator whose webhooks go to whoever answers on *port*.
    """
    start = datetime.now(UTC)
    with (
        IssuingSimulator(seed=seed, platform_funds=100_000_000, start=start) as simulator,
        simulator.serve() as address,
    ):
        account = simulator.create_account()
        task = Task(
            base_url=address.base_url,
            api_key=simulator.api_key,
            secret=simulator.webhook_secret,
            account=account,
            store=store,
            port=port,
            first=0,
            last=0,
        )
        site = Site(simulator, task, random.Random(seed))  # noqa: S311 - repeatable on purpose
        if port:
            killed_worker.ask(task, "webhooks", url=f"http://127.0.0.1:{port}/")
        yield site


def check_money(simulator: IssuingSimulator, disburser: Disburser, ids: list[str]) -> None:
    """
    Fail unless every order has one card and one funding, and the books add up and are Stripe's.
    """
    account = disburser.account
    cards = simulator.objects("card", account)
    assert sorted(ids) == sorted(card["metadata"]["issuing_disburse_order"] for card in cards)
    assert len(ids) == len(simulator.objects("transfer"))
    assert len(ids) == len([one for one in moves(simulator, disburser) if one > 0])
    for one in ids:
        statement = disburser.statement(one)
        assert statement.is_balanced, statement
    assert () == disburser.reconcile().discrepancies


def moves(simulator: IssuingSimulator, disburser: Disburser) -> list[int]:
    """
    Return what balance transfers brought to the Issuing balance, minor units; negative what left it.
    """
    return [
        one["amount"] if one["destination_balance"]["type"] == "issuing" else -one["amount"]
        for one in simulator.objects("balance_transfer", disburser.account)
    ]
