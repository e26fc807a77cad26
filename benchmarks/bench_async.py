"""
What does awaiting a verb cost beside calling it, and how long is the loop held up meanwhile?

The other way to asyncio would be a shared flow of generators; what it could save at most is the hop to a
thread that is measured here. Prints one JSON object: medians in microseconds over interleaved rounds.

    python benchmarks/bench_async.py [--quick]
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

import stripe

from issuing_disburse import Address, AsyncDisburser, Disburser, Money, Order, Recipient
from issuing_disburse.simulator import IssuingSimulator

ADDRESS = Address(
    line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
)
RECIPIENT = Recipient.company(name="Blue Heron Signs", billing=ADDRESS, reference="payee-1")
NOT_STRIPES = (b"{}", "t=1,v1=00")
CALL_SECONDS = 0.12
"""How long a call to Stripe takes from many places."""

_numbers = count()


def order() -> Order:
    """
    Make another order for the same recipient.
    """
    return Order(f"order-{next(_numbers)}", RECIPIENT, Money(100, "usd"))


async def timed(call: Callable[[], Coroutine[Any, Any, object] | object], rounds: int) -> float:
    """
    Return the median of *rounds* in microseconds.
    """
    taken = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        called = call()
        if asyncio.iscoroutine(called):
            await called
        taken.append(time.perf_counter_ns() - began)
    return round(statistics.median(taken) / 1_000, 1)


async def longest_gap(rounds: int, disburser: AsyncDisburser) -> float:
    """
    Return the 99th percentile of how late a heart beats, in microseconds, while sixteen orders at a time are paid.
    """
    late: list[int] = []
    is_over = asyncio.Event()

    async def beat() -> None:
        while not is_over.is_set():
            began = time.perf_counter_ns()
            await asyncio.sleep(0.001)
            late.append(time.perf_counter_ns() - began - 1_000_000)

    heart = asyncio.create_task(beat())
    for _ in range(rounds // 16 + 1):
        await asyncio.gather(*[disburser.disburse(order()) for _ in range(16)])
    is_over.set()
    await heart
    return round(statistics.quantiles(late, n=100)[-1] / 1_000, 1)


class FarAway(stripe.HTTPClient):
    """
    A client whose answers take as long as Stripe's.
    """

    name = "far_away"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self._inner = inner

    def request(self, *args: Any, **options: Any) -> Any:
        """
        Wait, then ask the simulator.
        """
        time.sleep(CALL_SECONDS)
        return self._inner.request(*args, **options)

    def close(self) -> None:
        """
        Leave the simulator's client open.
        """


def connected(simulator: IssuingSimulator, client: stripe.HTTPClient) -> Disburser:
    """
    Connect to an account of its own, without a disk.
    """
    return Disburser.connect(
        api_key=simulator.api_key,
        account=simulator.create_account(),
        webhook_secret=simulator.webhook_secret,
        store="memory://",
        http_client=client,
        clock=simulator.clock.now,
        sleep=simulator.clock.sleep,
    )


async def measured(rounds: int) -> dict[str, float]:
    """
    Measure both ways of each verb, one after the other, on one simulated account.
    """
    with IssuingSimulator(platform_funds=10**11) as simulator:
        near, far = simulator.http_client(), FarAway(simulator.http_client())
        async with AsyncDisburser(connected(simulator, near)) as awaited:
            here = awaited.disburser
            await awaited.disburse(order())
            await awaited.handle_webhook(*NOT_STRIPES)
            figures = {
                "disburse_us": await timed(lambda: here.disburse(order()), rounds),
                "disburse_awaited_us": await timed(lambda: awaited.disburse(order()), rounds),
                "webhook_us": await timed(lambda: here.handle_webhook(*NOT_STRIPES), rounds),
                "webhook_awaited_us": await timed(
                    lambda: awaited.handle_webhook(*NOT_STRIPES), rounds
                ),
                "heart_late_all_busy_p99_us": await longest_gap(rounds // 4, awaited),
            }
        async with AsyncDisburser(connected(simulator, far)) as awaited:
            await awaited.disburse(order())
            figures["heart_late_p99_us"] = await longest_gap(rounds // 4, awaited)
    hop = figures["webhook_awaited_us"] - figures["webhook_us"]
    calls = 3  # of a known recipient: transfer, balance transfer, card
    figures["hop_us"] = round(hop, 1)
    figures["hop_in_disburse_percent"] = round(100 * hop / (calls * CALL_SECONDS * 1e6), 3)
    return figures


def main() -> int:
    """
    Measure, and print.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    rounds = 100 if parser.parse_args().quick else 1_000
    json.dump(asyncio.run(measured(rounds)), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
