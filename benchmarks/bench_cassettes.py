"""
What does a replay cost: for one interaction, and beside the same calls on the simulator?

Prints one JSON object: medians in milliseconds of processor time over interleaved rounds. "An interaction" is
everything between the SDK's request and its answer: reading, scrubbing, matching, and the file's loading on its own.

    python benchmarks/bench_cassettes.py [--quick]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from issuing_disburse import Address, Disburser, Money, Order, Recipient, UserTerms
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.testing.cassettes import Recorded, recorded
from issuing_disburse.testing.cassettes.checking import checked
from issuing_disburse.testing.cassettes.tape import load

FUNDS = 100_000_000


def order(number: int) -> Order:
    """
    Make an order for a person of its own.
    """
    return Order(
        id=f"order-{number}",
        recipient=Recipient.individual(
            reference=f"supplier-{number}",
            first_name="Jenny",
            last_name="Rosen",
            email=f"jenny-{number}@example.org",
            phone_number="+18008675309",
            date_of_birth=date(1985, 3, 14),
            user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
            billing=Address(
                line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
            ),
        ),
        amount=Money.of("125.00", "usd"),
    )


def pay(account: str, key: str, client: Any, secret: str, clock: Any, orders: int) -> Any:
    """
    Pay so many orders, and return who paid them.
    """
    with Disburser.connect(
        api_key=key,
        account=account,
        webhook_secret=secret,
        store="memory://",
        http_client=client,
        clock=clock.now,
        sleep=clock.sleep,
    ) as disburser:
        for number in range(orders):
            disburser.disburse(order(number))


def record(path: Path, orders: int) -> str:
    """
    Record a cassette, and return its account.
    """
    with IssuingSimulator(seed=7, platform_funds=FUNDS) as simulator:
        account = simulator.create_account()
        with recorded(
            path, mode="record", http_client=simulator.http_client(), clock=simulator.clock
        ) as tape:
            pay(account, simulator.api_key, tape.http_client, "whsec_x", simulator.clock, orders)
    return account


def play_through_library(path: Path, account: str, orders: int) -> Recorded:
    """
    Play it through the library.
    """
    with recorded(path) as tape:
        pay(account, "sk_test_x", tape.http_client, "whsec_x", tape.clock, orders)
    return tape


def play_alone(path: Path) -> None:
    """
    Play it without the library: the same requests, one by one, with the data of the test.
    """
    exchanges = load(path).exchanges
    with recorded(path) as tape:
        for one in exchanges:
            tape.http_client.request(
                one.sent.method.lower(), one.sent.uri, one.sent.headers, one.sent.body.decode()
            )


def on_simulator(orders: int) -> None:
    """
    Do the same on a simulator in this process.
    """
    with IssuingSimulator(seed=7, platform_funds=FUNDS) as simulator:
        account = simulator.create_account()
        pay(
            account,
            simulator.api_key,
            simulator.http_client(),
            simulator.webhook_secret,
            simulator.clock,
            orders,
        )


def medians(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """
    Run the cases in turns, and return the median milliseconds of processor time of each.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            began = time.process_time()
            case()
            taken[name].append(time.process_time() - began)
    return {name: statistics.median(each) * 1_000 for name, each in taken.items()}


def main() -> None:
    """
    Measure, and print.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    orders, rounds = (10, 3) if quick else (100, 9)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        account = record(path, orders)
        count = len(load(path).exchanges)
        found = medians(
            {
                "load": lambda: load(path),
                "load and play": lambda: play_alone(path),
                "load, play and pay": lambda: play_through_library(path, account, orders),
                "pay on the simulator": lambda: on_simulator(orders),
                "check the file": lambda: checked(path),
            },
            rounds,
        )
        size = path.stat().st_size
    # `play_alone` reads the file twice, once to know what to ask.
    alone = found["load and play"] - 2 * found["load"]
    report = {
        "python": sys.version.split()[0],
        "interactions": count,
        "bytes": size,
        "ms_an_interaction": {
            "replay": round(alone / count, 3),
            "replay_with_load": round((alone + found["load"]) / count, 3),
            "through_the_library": round(found["load, play and pay"] / count, 3),
            "on_the_simulator": round(found["pay on the simulator"] / count, 3),
            "check": round(found["check the file"] / count, 3),
        },
        "goal": {"replay_with_load": 1.0},
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
