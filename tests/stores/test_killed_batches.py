"""
Is each order of one list paid once when several processes work on it, and one of them is killed?
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from attrs import evolve

from issuing_disburse import Status
from issuing_disburse.records import DisbursementRecord
from issuing_disburse.simulator import IssuingSimulator
from killed_worker import AMOUNT, Task, order, order_id
from killing import PATIENCE_SECONDS, open_site

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")

ORDERS = 2_000
PROCESSES = 4
LEASE_SECONDS = 6.0


def check_cards(simulator: IssuingSimulator, account: str, count: int) -> int:
    """
    Fail unless each order has one card and every cent is where it belongs; return how many transfers.
    """
    cards = [
        card["metadata"]["issuing_disburse_order"] for card in simulator.objects("card", account)
    ]
    transfers = simulator.objects("transfer")
    assert sorted(map(order_id, range(count))) == sorted(cards)
    assert count * AMOUNT == sum(one["amount"] - one["amount_reversed"] for one in transfers)
    assert count * AMOUNT == simulator.issuing_balance(account)
    assert 0 == simulator.payments_balance(account)
    return len(transfers)


def pending(task: Task) -> int:
    """
    Count the orders that somebody has begun and not finished.
    """
    with task.connect() as disburser:
        states = (Status.PENDING.value,)
        found = disburser.store.read(
            lambda tx: tx.find(DisbursementRecord, states=states, limit=ORDERS)
        )
    return len(found)


@pytest.mark.long
def test_a_list_is_paid_once_by_four_processes_of_which_one_is_killed(
    postgres_url: str, record_property: Callable[[str, object], None]
) -> None:
    """Each of 2,000 orders is on the lists of two of them; SIGKILL hits one in the middle of its list."""
    with open_site(postgres_url, seed=23, port=0) as site:
        task = evolve(site.task, last=ORDERS, in_bulk=True, lease_seconds=LEASE_SECONDS)
        account = task.account
        patience = time.monotonic() + 3 * PATIENCE_SECONDS
        with ExitStack() as started:
            workers = [
                started.enter_context(site.worker(evolve(task, first=number * ORDERS // PROCESSES)))
                for number in range(PROCESSES)
            ]
            while len(site.simulator.objects("card", account)) < ORDERS // 3:
                assert time.monotonic() < patience, "nobody issues cards"
                time.sleep(0.05)
            assert workers[1].poll() is None, "it has come to its end before"
            workers[1].kill()
            record_property("orders under way when one was killed", pending(task))
            codes = [one.wait(patience - time.monotonic()) for one in workers]
        assert [0, -9, 0, 0] == codes
        with task.connect() as disburser:
            time.sleep(LEASE_SECONDS)  # the database's clock is a real one

            outcomes = list(disburser.disburse_many(map(order, range(ORDERS))))

            assert all(one.is_paid for one in outcomes)
            assert () == disburser.resume_all()
            transfers = check_cards(site.simulator, account, ORDERS)
            record_property("transfers for 2,000 orders", transfers)
            assert () == disburser.reconcile().discrepancies
            disburser.verify_ledger()
