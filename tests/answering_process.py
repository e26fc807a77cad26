"""
One process of many that answer for the same cards: ask it for a share of the questions.

    python answering_process.py STORE_URL FIRST STEP COUNT THREADS

It says "ready", waits for a line, answers every STEP-th question from FIRST on, and says how many were
approved.
"""

import sys
import threading
from datetime import UTC, datetime, timedelta

import orjson

from issuing_disburse import AuthorizationPolicy, Disburser, Money, Terms
from issuing_disburse.records import CardRecord
from issuing_disburse.signatures import sign

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = "whsec_simultaneous"
ACCOUNT = "acct_1"


def waiting_card(card_id: str) -> CardRecord:
    """
    Make a single-use card that waits for its one purchase.
    """
    return CardRecord(
        card_id=card_id,
        account=ACCOUNT,
        order_id="claim-8841",
        amount=Money(12_500, "usd"),
        remaining_minor=12_500,
        terms=Terms(),
        expires_at=NOW + timedelta(days=30),
        is_open=True,
        card_status="active",
        is_livemode=False,
    )


def payload(card_id: str, number: int) -> bytes:
    """
    Write the question of one merchant.
    """
    return orjson.dumps(
        {
            "id": f"evt_{number}",
            "type": "issuing_authorization.request",
            "account": ACCOUNT,
            "created": int(NOW.timestamp()),
            "livemode": False,
            "data": {
                "object": {
                    "id": f"iauth_{number}",
                    "card": card_id,
                    "currency": "usd",
                    "pending_request": {"amount": 12_500},
                }
            },
        }
    )


def answering(store: str) -> Disburser:
    """
    Make a disburser on *store* that has almost all of Stripe's two seconds.
    """
    return Disburser.connect(
        api_key="sk_test_simultaneous",
        account=ACCOUNT,
        webhook_secret=SECRET,
        store=store,
        policy=AuthorizationPolicy(rules=AuthorizationPolicy.default().rules, deadline_seconds=1.8),
        clock=lambda: NOW,
    )


def count_approved(disburser: Disburser, card_id: str, numbers: range, *, threads: int) -> int:
    """
    Ask all *numbers* at once, shared by *threads*, and count the approvals.
    """
    ready = threading.Barrier(threads)
    answers: list[bool] = []

    def work(share: range) -> None:
        bodies = [payload(card_id, number) for number in share]
        ready.wait()
        for body in bodies:
            reply = disburser.handle_webhook(body, sign(body, SECRET, NOW))
            answers.append(orjson.loads(reply.body)["approved"])

    shares = [numbers[first::threads] for first in range(threads)]
    workers = [threading.Thread(target=work, args=(share,)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == len(numbers)
    return answers.count(True)


def main() -> None:
    """
    Answer a share, as the command line says.
    """
    store, card_id, first, step, count, threads = sys.argv[1:]
    with answering(store) as disburser:
        print("ready", flush=True)  # noqa: T201 - to the test
        sys.stdin.readline()
        numbers = range(int(first), int(count), int(step))
        print(count_approved(disburser, card_id, numbers, threads=int(threads)))  # noqa: T201 - likewise


if __name__ == "__main__":
    main()
