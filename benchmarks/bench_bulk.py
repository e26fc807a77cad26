"""
How near to Stripe's rate limit does a payout run come, and how many calls does an order cost?

A simulator refuses what is beyond 100 requests a second, or 25 for one endpoint, and every call takes 120 ms on
the wire. `disburse_many` pays a list for new recipients, then one for the same recipients again; the same
is done by hand with the bare SDK for a few orders, to count its calls. What the limit allows is the time
that the calls which were made need at least. One order is paid before. Prints one JSON object.

    python benchmarks/bench_bulk.py [--quick] [--orders N] [--workers N] [--store URL]
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from canned_stripe import order

from issuing_disburse import Disburser, RateLimits
from issuing_disburse.disburser import WORKERS
from issuing_disburse.simulator import IssuingSimulator

GOALS = {"new": 2.05, "known": 1.05, "throughput": 0.9}
LATENCY_SECONDS = 0.12
PER_SECOND, PER_ENDPOINT = 100, 25
_START = datetime(2026, 11, 2, 9, tzinfo=UTC)
_PREVIEW = "2026-10-14.preview"


class Wire(stripe.HTTPClient):
    """
    Carries requests to the simulator, each way half of the latency, and counts them.
    """

    name = "wire"

    def __init__(self, simulator: IssuingSimulator) -> None:
        super().__init__()
        self._simulator = simulator
        self._inner = simulator.http_client()
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.calls: Counter[str] = Counter()
        self.refused = 0

    def now(self) -> datetime:
        """
        Return the real time that has passed, on the simulator's calendar.
        """
        return _START + timedelta(seconds=time.monotonic() - self._began)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Send one request and wait as long as the wire takes.
        """
        time.sleep(LATENCY_SECONDS / 2)
        with self._lock:  # the simulator's second is the real one
            behind = self.now() - self._simulator.clock.now()
            if behind > timedelta(0):
                self._simulator.clock.advance(behind)
            path = url.partition("?")[0].partition("/v1/")[2]
            self.calls[f"{method} {path}"] += 1
        answer = self._inner.request(method, url, headers, post_data, **options)
        with self._lock:
            self.refused += answer[1] == 429
        time.sleep(LATENCY_SECONDS / 2)
        return answer

    def close(self) -> None:
        """
        Hold nothing.
        """


def pay_by_hand(wire: Wire, key: str, account: str, number: int, holder: str | None) -> str:
    """
    Pay one order as one does with the bare SDK; return the cardholder.
    """
    client = stripe.StripeClient(key, http_client=wire)
    mine: Any = {"stripe_account": account}
    name = f"by-hand-{number}-{holder}"
    if holder is None:
        person: Any = {
            "type": "individual", "name": "Jenny Rosen", "email": f"hand{number}@example.com",
            "billing": {"address": {"line1": "123 Main St", "city": "Columbus", "state": "OH",
                                    "postal_code": "43004", "country": "US"}},
            "phone_number": "+18008675309",
            "individual": {"first_name": "Jenny", "last_name": "Rosen",
                           "dob": {"day": 14, "month": 3, "year": 1985},
                           "card_issuing": {"user_terms_acceptance": {
                               "date": 1_793_491_200, "ip": "203.0.113.7"}}},
        }  # fmt: skip
        options: Any = {**mine, "idempotency_key": f"{name}-cardholder"}
        holder = client.v1.issuing.cardholders.create(person, options).id
    client.v1.balance.retrieve({}, mine)
    amount: Any = {"amount": 12_500, "currency": "usd"}
    client.v1.transfers.create(
        {**amount, "destination": account}, {"idempotency_key": f"{name}-transfer"}
    )
    client.raw_request(
        "post", "/v1/balance_transfers", **amount, stripe_account=account,
        source_balance={"type": "payments"}, destination_balance={"type": "issuing"},
        idempotency_key=f"{name}-move", stripe_version=_PREVIEW,
    )  # fmt: skip
    client.v1.issuing.cards.create(
        {"cardholder": holder, "currency": "usd", "type": "virtual", "status": "active"},
        {**mine, "idempotency_key": f"{name}-card"},
    )
    return holder


def least_seconds(calls: Counter[str]) -> float:
    """
    Return how long Stripe's limit makes these calls take at least.
    """
    return max(calls.total() / PER_SECOND, max(calls.values()) / PER_ENDPOINT)


def pay(disburser: Disburser, wire: Wire, orders: Any, many: int, workers: int) -> dict[str, Any]:
    """
    Pay a list, and say what it took.
    """
    before, refused, began = Counter(wire.calls), wire.refused, time.perf_counter()
    cpu = time.process_time()
    paid = sum(one.is_paid for one in disburser.disburse_many(orders, workers=workers))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    calls = wire.calls - before
    return {
        "paid": paid,
        "calls_per_order": round(calls.total() / many, 4),
        "seconds": round(seconds, 2),
        "orders_per_second": round(many / seconds, 2),
        "limit_allows_seconds": round(least_seconds(calls), 2),
        "of_what_the_limit_allows": round(least_seconds(calls) / seconds, 3),
        "errors_429": wire.refused - refused,
        "processor_ms_per_order_with_the_simulator": round(1000 * cpu / many, 2),
    }


def main() -> int:
    """
    Measure, and print what was measured beside its goals.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--orders", type=int, default=0)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--store", default="")
    given = parser.parse_args()
    many = given.orders or (100 if given.quick else 1_000)
    few = 5 if given.quick else 20
    with (
        tempfile.TemporaryDirectory() as folder,
        IssuingSimulator(
            seed=7, platform_funds=1_000_000_000, start=_START, rate_limit=PER_SECOND
        ) as simulator,
    ):
        account = simulator.create_account()
        wire = Wire(simulator)
        hand: dict[str, float] = {}
        holders: list[str | None] = [None] * few
        for kind in ("new", "known"):
            before = Counter(wire.calls)
            holders = [
                pay_by_hand(wire, simulator.api_key, account, number, holder)
                for number, holder in enumerate(holders)
            ]
            hand[kind] = (wire.calls - before).total() / few
        with Disburser.connect(
            api_key=simulator.api_key,
            account=account,
            webhook_secret=simulator.webhook_secret,
            store=given.store or f"sqlite:///{folder}/bulk.sqlite3",
            http_client=wire,
            clock=wire.now,
            rate_limits=RateLimits(per_account=PER_SECOND, per_endpoint=PER_ENDPOINT),
        ) as disburser:
            disburser.disburse(order(-1))  # as in a service: the account is known, the SDK loaded
            found = {
                kind: pay(
                    disburser,
                    wire,
                    (order(base + one, person=one) for one in range(many)),
                    many,
                    given.workers,
                )
                for kind, base in (("new", 0), ("known", 10_000_000))
            }
    reached = all(
        run["paid"] == many
        and run["calls_per_order"] <= GOALS[kind]
        and run["of_what_the_limit_allows"] >= GOALS["throughput"]
        and run["errors_429"] == 0
        for kind, run in found.items()
    )
    print(
        json.dumps(
            {
                "orders": many,
                "workers": given.workers,
                "latency_ms": LATENCY_SECONDS * 1000,
                "calls_by_hand": hand,
                **found,
                "goals": {**GOALS, "errors_429": 0},
                "goals_reached": reached,
            },
            indent=2,
        )
    )
    return 0 if reached or given.quick else 1


if __name__ == "__main__":
    sys.exit(main())
