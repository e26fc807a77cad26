"""
How many recorded requests are replayed in a second, from memory and from a file?

Prints one JSON object: medians over rounds, and the goal.

    python benchmarks/bench_backtest.py [--quick]
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from issuing_disburse import AmountRule, AuthorizationPolicy, Money, Terms
from issuing_disburse.backtest import Backtest, backtest
from issuing_disburse.recordings import (
    Recorded,
    RecordedCard,
    RecordedRequest,
    read_lines,
    to_line,
)
from issuing_disburse.rules import AmountAtMost, Velocity
from issuing_disburse.testing.policy_kit import NOW, make_request

GOAL_PER_SECOND = 20_000
USES = 3


def recorded(count: int) -> list[Recorded]:
    """
    Make requests: each card is used three times, one request in eight was declined.
    """
    terms = Terms(uses=USES, amount=AmountRule.up_to())
    found: list[Recorded] = []
    for number in range(count):
        card_id = f"ic_{number // USES:024d}"
        if number % USES == 0:
            found.append(
                RecordedCard(
                    card_id=card_id,
                    order_id=f"order-{number // USES}",
                    account="acct_1",
                    amount=Money(12_500, "usd"),
                    terms=terms,
                    expires_at=NOW + timedelta(days=3_650),
                    recipient=f"ich_{number % 97}",
                )
            )
        is_approved = number % 8 != 0
        amount = 1_000 + number % 3_000 if is_approved else 13_000
        found.append(
            RecordedRequest(
                request=make_request(
                    amount,
                    event_id=f"iauth_{number:024d}/0",
                    authorization_id=f"iauth_{number:024d}",
                    card_id=card_id,
                    created=NOW + timedelta(seconds=number),
                ),
                was_asked=True,
                approved=is_approved,
                approved_minor=amount if is_approved else 0,
                code="approved" if is_approved else "wrong_amount",
            )
        )
    return found


POLICIES = {
    "default": AuthorizationPolicy.default(),
    "stricter": AuthorizationPolicy.default().with_rules(
        AmountAtMost(3_500), Velocity(count_max=2, per=timedelta(days=1))
    ),
    "recipient_velocity": AuthorizationPolicy.default().with_rules(
        Velocity(count_max=20, per=timedelta(hours=1), scope="recipient")
    ),
}


def per_second(count: int, rounds: int, replay: Callable[[], Backtest]) -> float:
    """
    Return the median of requests per second of processor time: a replay waits for nothing.
    """
    found = []
    for _ in range(rounds):
        gc.collect()
        started = time.process_time()
        result = replay()
        found.append(count / (time.process_time() - started))
        assert result.requests == count
    return round(statistics.median(found))


def main() -> None:
    """
    Measure everything once and print it.
    """
    parser = argparse.ArgumentParser(description="How fast is a replay?")
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    count = 10_000 if parser.parse_args().quick else 100_000
    everything = recorded(count)
    gc.collect()
    gc.freeze()  # the requests are the benchmark's, not what a replay makes the collector walk
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "requests.jsonl"
        file.write_bytes(b"".join(to_line(one) + b"\n" for one in everything))

        def from_file() -> Iterable[Recorded]:
            with file.open("rb") as lines:
                yield from read_lines(lines)

        speeds = {
            name: per_second(count, 3, lambda policy=policy: backtest(policy, everything))
            for name, policy in POLICIES.items()
        }
        speeds["default_from_jsonl"] = per_second(
            count, 3, lambda: backtest(POLICIES["default"], from_file())
        )
        size = file.stat().st_size
    print(
        json.dumps(
            {
                "python": sys.version.split()[0],
                "requests": count,
                "jsonl_bytes_per_request": round(size / count),
                "requests_per_second": speeds,
                "goal_per_second": GOAL_PER_SECOND,
                "is_reached": speeds["default"] >= GOAL_PER_SECOND,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
