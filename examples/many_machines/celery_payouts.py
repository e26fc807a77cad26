"""
How do tasks of Celery pay a list on many machines?

On each machine ``celery --app celery_payouts worker --pool threads --concurrency 8``; once, from anywhere,
``python celery_payouts.py``. What a dead worker held is given to another one, by then or later.
"""

import os
from typing import Any

from celery import Celery
from payouts import WAIT_SECONDS, disburser, orders

from issuing_disburse import RefusedError, Status, UnavailableError

app = Celery("payouts", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(
    task_acks_late=True,  # a task is done when it is done, not when it is begun
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # After so many seconds without an answer a task is given to another worker. More than an order
    # takes; if it is given out twice all the same, it is paid once.
    broker_transport_options={
        "visibility_timeout": float(os.environ.get("VISIBILITY_SECONDS", "600"))
    },
)


@app.task(bind=True, name="pay", max_retries=None)  # a worker knows it by the same name
def pay(task: Any, order_id: str) -> str:
    """
    Pay one order; what is unavailable, or waits, is tried again later.
    """
    try:
        status = disburser.disburse(orders[order_id]).status
    except RefusedError as refusal:
        return f"refused: {refusal.code}"
    except UnavailableError as later:
        raise task.retry(exc=later, countdown=WAIT_SECONDS) from None
    if status is Status.PENDING:
        raise task.retry(countdown=WAIT_SECONDS)
    return status.value


def main() -> None:
    """
    Send the list; sending it again is harmless.
    """
    for order_id in orders:
        app.send_task("pay", args=(order_id,))


if __name__ == "__main__":
    main()
