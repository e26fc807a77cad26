"""
What processor time does one order cost, beside the same calls by hand with the SDK?

By hand are five calls: cardholder, balance, transfer, balance transfer (which the SDK does not type) and card,
each with an idempotency key. `disburse` looks at the balance less often, so it is also held against the four that
it makes itself. Both ask the same canned answers, without a socket; ours keeps its books in memory besides.
Cases take turns; medians of processor time, and of the ratios of each round. Prints one JSON object.

    python benchmarks/bench_disburse.py [--quick]
"""

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import stripe
from canned_stripe import CannedStripe, connected, order

from issuing_disburse import Disburser

GOAL = 0.6
_PREVIEW = "2026-10-14.preview"
_PERSON: dict[str, Any] = {
    "type": "individual", "name": "Jenny Rosen", "email": "jenny@example.com",
    "phone_number": "+18008675309",
    "billing": {
        "address": {
            "line1": "123 Main St", "city": "Columbus", "state": "OH", "postal_code": "43004",
            "country": "US",
        }
    },
    "individual": {
        "first_name": "Jenny", "last_name": "Rosen", "dob": {"day": 14, "month": 3, "year": 1985},
        "card_issuing": {"user_terms_acceptance": {"date": 1_793_491_200, "ip": "203.0.113.7"}},
    },
    "metadata": {"recipient": "supplier-17"},
}  # fmt: skip


def by_hand(
    fake: CannedStripe, *, is_balance_read: bool, is_typed: bool = True
) -> Callable[[int], None]:
    """
    Return what pays one order by the bare SDK.
    """
    client = stripe.StripeClient("sk_live_benchmark", http_client=fake)
    account = fake.account

    def post(path: str, params: dict[str, Any], key: str, **options: Any) -> Any:
        return client.raw_request("post", path, idempotency_key=key, **params, **options)

    def pay(number: int) -> None:
        def options(step: str, **more: str) -> Any:
            return {"idempotency_key": f"claim-{number}-{step}", **more}

        mine: Any = {"stripe_account": account}
        if is_typed:
            holder = client.v1.issuing.cardholders.create(
                _PERSON, options("cardholder", stripe_account=account)
            ).id
        else:
            holder = post(
                "/v1/issuing/cardholders", _PERSON, f"{number}-h", stripe_account=account
            ).data["id"]
        if is_balance_read:
            if is_typed:
                client.v1.balance.retrieve({}, mine)
            else:
                client.raw_request("get", "/v1/balance", **mine)
        moved: Any = {"amount": 12_500, "currency": "usd", "destination": account}
        group = {"transfer_group": f"claim-{number}", "metadata": {"order": f"claim-{number}"}}
        if is_typed:
            client.v1.transfers.create({**moved, **group}, options("transfer"))
        else:
            post("/v1/transfers", {**moved, **group}, f"{number}-t")
        client.raw_request(
            "post", "/v1/balance_transfers", amount=12_500, currency="usd",
            source_balance={"type": "payments"}, destination_balance={"type": "issuing"},
            stripe_version=_PREVIEW, **options("balance-transfer", stripe_account=account),
        )  # fmt: skip
        card: Any = {
            "cardholder": holder, "currency": "usd", "type": "virtual", "status": "active",
            "exp_month": 12, "exp_year": 2026,
            "lifecycle_controls": {"cancel_after": {"payment_count": 1}},
            "spending_controls": {
                "spending_limits": [
                    {"amount": 12_500, "interval": "per_authorization"},
                    {"amount": 12_600, "interval": "all_time"},
                ]
            },
            "metadata": {"order": f"claim-{number}", "amount": "12500", "attempt": "1"},
        }  # fmt: skip
        if is_typed:
            client.v1.issuing.cards.create(card, options("card", stripe_account=account))
        else:
            post("/v1/issuing/cards", card, f"{number}-c", stripe_account=account)

    return pay


def five_calls(disburser: Disburser, fake: CannedStripe, number: int) -> None:
    """
    Pay one order, and look at the balance as often as by hand.
    """
    disburser.disburse(order(number))
    disburser._connection.api.get("/v1/balance", account=fake.account)  # noqa: SLF001 - the fifth


def measured(rounds: int, orders: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """
    Return the processor milliseconds of one order in each round, and the calls of one order.
    """
    fake = CannedStripe()
    numbers = count(1)
    with (
        connected(fake, "memory://") as ours,
        connected(fake, "memory://", rate_limits="by_mode", sleep=lambda seconds: None) as paced,
    ):
        cases: dict[str, Callable[[int], object]] = {
            "ours": lambda number: ours.disburse(order(number)),
            "ours_limited": lambda number: paced.disburse(order(number)),
            "ours_five_calls": lambda number: five_calls(ours, fake, number),
            "ours_known_recipient": lambda number: ours.disburse(order(number, person=0)),
            "by_hand_five_calls": by_hand(fake, is_balance_read=True),
            "by_hand_four_calls": by_hand(fake, is_balance_read=False),
            "raw_request_four_calls": by_hand(fake, is_balance_read=False, is_typed=False),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        calls: dict[str, float] = {}
        for round_number in range(rounds + 1):
            for name, pay in cases.items():
                gc.collect()
                before, began = fake.calls, time.process_time()
                for _ in range(orders):
                    pay(next(numbers))
                spent = (time.process_time() - began) / orders * 1e3
                if round_number:  # the first one warms up
                    times[name].append(spent)
                    calls[name] = (fake.calls - before) / orders
    return times, calls


def ratio(ours: list[float], theirs: list[float]) -> float:
    """
    Return the median of what each round found: a busy machine is as busy for both.
    """
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def main() -> None:
    """
    Measure everything and print it.
    """
    parser = argparse.ArgumentParser(description="What does one order cost?")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    is_quick = parser.parse_args().quick
    times, calls = measured(5 if is_quick else 21, 50 if is_quick else 100)
    hand = times["by_hand_five_calls"]
    ratios = {
        "disburse_to_five_calls": ratio(times["ours"], hand),
        "limited_disburse_to_five_calls": ratio(times["ours_limited"], hand),
        "five_calls_to_five_calls": ratio(times["ours_five_calls"], hand),
    }
    print(
        json.dumps(
            {
                "python": sys.version.split()[0],
                "stripe": stripe.VERSION,
                "processor_ms_min_median_max": {
                    name: [round(pick(each), 3) for pick in (min, statistics.median, max)]
                    for name, each in times.items()
                },
                "calls": calls,
                "disburse_to_its_own_four_calls": round(
                    ratio(times["ours"], times["by_hand_four_calls"]), 3
                ),
                "goals": [
                    {
                        "figure": name,
                        "measured": round(found, 3),
                        "goal_at_most": GOAL,
                        "is_reached": found <= GOAL,
                    }
                    for name, found in ratios.items()
                ],
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
