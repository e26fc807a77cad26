"""
How do durable workflows of DBOS pay a list on many machines, on the same PostgreSQL?

On each machine, with a name of its own in ``DBOS__VMID``: ``python dbos_payouts.py``; on one of them once
``python dbos_payouts.py send``. A machine that died is started again under its name, and its workflows go on.
"""

import os
import sys
from threading import Event

from dbos import DBOS, SetWorkflowID
from payouts import WAIT_SECONDS, disburser, orders

from issuing_disburse import RefusedError, Status

QUEUE = "payouts"


@DBOS.step(retries_allowed=True, max_attempts=1_000, interval_seconds=1, backoff_rate=1.1)
def pay(order_id: str) -> str:
    """
    Pay one order. What is unavailable raises, and DBOS tries again; what was refused is told.
    """
    try:
        return disburser.disburse(orders[order_id]).status.value
    except RefusedError as refusal:
        return f"refused: {refusal.code}"


@DBOS.workflow()
def payout(order_id: str) -> str:
    """
    Pay one order, however long it has to wait in between.
    """
    while (status := pay(order_id)) == Status.PENDING.value:
        DBOS.sleep(WAIT_SECONDS)
    return status


def main() -> None:
    """
    Work until stopped; first send the list if told so.
    """
    DBOS(
        config={
            "name": "payouts",
            "system_database_url": os.environ["DBOS_SYSTEM_DATABASE_URL"],
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=8)
    if sys.argv[1:] == ["send"]:
        for order_id in orders:
            with SetWorkflowID(order_id):  # one workflow, however often it is sent
                DBOS.enqueue_workflow(QUEUE, payout, order_id)
    Event().wait()


if __name__ == "__main__":
    main()
