"""
How long does an answer take: against the SDK, against the floor, with a durable claim, with many?

Prints one JSON object: medians in microseconds over interleaved rounds, and the ratios that count.

    python benchmarks/bench_authorize.py [--quick] [--postgresql URL]
"""

import argparse
import gc
import hmac
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import orjson
import sqlalchemy as sa
import stripe
from authorization_event import ACCOUNT, card_id, payloads
from cold_start import cold

from issuing_disburse import AuthorizationPolicy, Disburser, Money, Terms
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.records import CardRecord
from issuing_disburse.rules import AmountAtMost
from issuing_disburse.signatures import sign
from issuing_disburse.stores import open_store
from issuing_disburse.testing.policy_kit import NOW

SECRET = "whsec_benchmark"
ORDERED = Money(12_500, "usd")
BATCH = 100
PUT_AT_ONCE = 500
Call = Callable[[int], object]
Clock = Callable[[], int]


class Answering:
    """
    A disburser with cards that wait for their one purchase, one for each number.
    """

    def __init__(
        self,
        store: str | Store,
        count: int,
        policy: AuthorizationPolicy | None = None,
        *,
        keeps_bodies: bool = True,
    ) -> None:
        self.store = open_store(store, clock=lambda: NOW)
        self.disburser = Disburser.connect(
            api_key="sk_test_benchmark",
            account=ACCOUNT,
            webhook_secret=SECRET,
            store=self.store,
            policy=policy,
            clock=lambda: NOW,
        )
        for start in range(0, count, PUT_AT_ONCE):
            self._put(range(start, min(start + PUT_AT_ONCE, count)))
        self.bodies = list(payloads(range(count if keeps_bodies else 0)))
        self.headers = [sign(body, SECRET, NOW) for body in self.bodies]

    def _put(self, numbers: range) -> None:
        def work(tx: Transaction) -> None:
            for number in numbers:
                tx.put(waiting(number))

        self.store.transact(work)

    def __call__(self, number: int) -> object:
        """
        Answer the request for the card of that *number*; each is approved, once.
        """
        return self.answer(self.bodies[number], self.headers[number])

    def answer(self, body: bytes, header: str) -> object:
        """
        Answer one request, which must be approved.
        """
        reply = self.disburser.handle_webhook(body, header)
        assert reply.decision is not None
        assert reply.decision.approved, reply.decision
        return reply.body


def waiting(number: int) -> CardRecord:
    """
    Return an open single-use card with all its money.
    """
    return CardRecord(
        card_id=card_id(number),
        account=ACCOUNT,
        order_id=f"order-{number}",
        amount=ORDERED,
        remaining_minor=ORDERED.minor,
        terms=Terms(),
        expires_at=NOW + timedelta(days=30),
        is_open=True,
        card_status="active",
        is_livemode=False,
    )


def interleaved(
    calls: dict[str, Call], rounds: int, *, clock: Clock = time.perf_counter_ns
) -> dict[str, list[float]]:
    """
    Time each call alone, in microseconds, all kinds taking turns batch by batch.

    Args:
        clock: Nanoseconds: of the wall, or `time.thread_time_ns` of this thread's own work alone.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.freeze()  # the waiting cards are the benchmark's, not what a call makes the collector walk
    for start in range(0, rounds * BATCH, BATCH):
        for name, call in calls.items():
            for number in range(start, start + BATCH):
                started = clock()
                call(number)
                times[name].append((clock() - started) / 1_000)
    return times


def medians(times: dict[str, list[float]]) -> dict[str, float]:
    """
    Return each list's median, rounded to a tenth of a microsecond.
    """
    return {name: round(statistics.median(found), 1) for name, found in times.items()}


def quantile(times: Sequence[float], part: float) -> float:
    """
    Return the value below which *part* of *times* lie.
    """
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def tail(times: Sequence[float]) -> float:
    """
    Return how many medians the slowest thousandth takes at least.
    """
    return round(quantile(times, 0.999) / statistics.median(times), 1)


def in_memory(rounds: int) -> dict[str, object]:
    """
    Compare bytes in, bytes out with the SDK's parsing alone, and with the floor.
    """
    count = rounds * BATCH
    default = AuthorizationPolicy.default()
    answering = Answering("memory://", count)
    five = Answering("memory://", count, _of(5))
    thirty = Answering("memory://", count, _of(30))
    at = int(NOW.timestamp())
    headers = [
        stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, int(time.time()))
        for body in answering.bodies
    ]
    keyed = hmac.new(SECRET.encode(), digestmod="sha256")

    def floor(number: int) -> object:
        body = answering.bodies[number]
        digest = keyed.copy()
        digest.update(f"{at}.".encode() + body)
        assert hmac.compare_digest(digest.hexdigest(), answering.headers[number][-64:])
        return orjson.loads(body)

    def construct(number: int) -> object:
        return stripe.Webhook.construct_event(
            answering.bodies[number], headers[number], SECRET, tolerance=3_600
        )

    calls: dict[str, Call] = {
        "stripe_construct_event": construct,
        "floor_hmac_orjson": floor,
        "answer": answering,
        "answer_5_rules": five,
        "answer_30_rules": thirty,
    }
    times = interleaved(calls, rounds)
    median = medians(times)
    again = Answering("memory://", count)
    own = interleaved(
        {"floor_hmac_orjson": floor, "answer": again}, rounds, clock=time.thread_time_ns
    )
    own_median = medians(own)
    return {
        "payload_bytes": len(answering.bodies[0]),
        "rules_of_the_default": len(default.rules),
        "median_us": median,
        "answer_to_stripe": round(median["answer"] / median["stripe_construct_event"], 3),
        "answer_to_floor": round(median["answer"] / median["floor_hmac_orjson"], 2),
        "answer_p999_to_p50": tail(times["answer"]),
        # What the machine does to anybody, for comparison.
        "floor_p999_to_p50": tail(times["floor_hmac_orjson"]),
        "rules_30_to_5": round(median["answer_30_rules"] / median["answer_5_rules"], 2),
        # The same in the thread's own processor time, which other processes disturb less.
        "processor_median_us": own_median,
        "processor_answer_to_floor": round(
            own_median["answer"] / own_median["floor_hmac_orjson"], 2
        ),
        "processor_answer_p999_to_p50": tail(own["answer"]),
        "processor_floor_p999_to_p50": tail(own["floor_hmac_orjson"]),
    }


def _of(count: int) -> AuthorizationPolicy:
    return AuthorizationPolicy(rules=tuple(AmountAtMost(12_500 + n) for n in range(count)))


def durable(url: str, rounds: int) -> dict[str, object]:
    """
    Compare an answer whose claim is on the disk with one bare insert and commit.
    """
    answering = Answering(url, rounds * BATCH)
    plain = url if "postgres" in url else url.removesuffix(".db") + "_bare.db"
    engine = sa.create_engine(plain.replace("postgresql:", "postgresql+psycopg:"))
    table = sa.Table(
        "bench_authorize_bare",
        sa.MetaData(),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary),
    )
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
        table.drop(connection, checkfirst=True)
        table.create(connection)
        connection.commit()
        insert = sa.insert(table)

        def bare(number: int) -> object:
            connection.execute(insert, {"number": number, "body": b"x" * 800})
            return connection.commit()

        times = interleaved({"bare_insert_commit": bare, "durable_answer": answering}, rounds)
        table.drop(connection)
        connection.commit()
    answering.disburser.close()
    answering.store.close()
    median = medians(times)
    return {
        "median_us": median,
        "answer_to_insert": round(median["durable_answer"] / median["bare_insert_commit"], 2),
    }


def crowded(url: str, requests: int, threads: int = 8) -> dict[str, object]:
    """
    Let threads answer on one store at once, and find the answer that took longest.
    """
    answering = Answering(url, requests, keeps_bodies=False)
    slowest = [0.0] * threads
    start = threading.Barrier(threads)

    def answer(worker: int) -> None:
        start.wait()
        for body in payloads(range(worker, requests, threads)):
            header = sign(body, SECRET, NOW)
            started = time.perf_counter()
            answering.answer(body, header)
            slowest[worker] = max(slowest[worker], time.perf_counter() - started)

    workers = [threading.Thread(target=answer, args=(worker,)) for worker in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    answering.disburser.close()
    answering.store.close()
    return {
        "threads": threads,
        "requests": requests,
        "per_second": round(requests / seconds),
        "slowest_ms": round(max(slowest) * 1_000, 1),
    }


GOALS = {
    ("in_memory", "answer_to_stripe"): 0.06,
    ("in_memory", "answer_to_floor"): 3.5,
    ("in_memory", "answer_p999_to_p50"): 5.0,
    ("in_memory", "rules_30_to_5"): 1.5,
    ("sqlite_file", "answer_to_insert"): 2.0,
    ("postgresql", "answer_to_insert"): 2.0,
    ("sqlite_file_8_threads", "slowest_ms"): 250.0,
    ("cold_start", "ours_to_stripe"): 0.5,
}
"""The most that each figure may be."""


def judged(found: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    """
    Hold each figure that was measured against its goal.
    """
    return [
        {
            "figure": f"{part}.{name}",
            "measured": found[part][name],
            "goal_at_most": most,
            "is_reached": float(str(found[part][name])) <= most,
        }
        for (part, name), most in GOALS.items()
        if part in found
    ]


def main() -> None:
    """
    Measure everything once and print it.
    """
    parser = argparse.ArgumentParser(description="How long does an answer take?")
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    parser.add_argument("--postgresql", metavar="URL", help="measure this database, too")
    chosen = parser.parse_args()
    scale = 1 if chosen.quick else 10
    with tempfile.TemporaryDirectory() as directory:

        def file(name: str) -> str:
            return f"sqlite:///{Path(directory) / name}.db"

        found: dict[str, dict[str, object]] = {
            "in_memory": in_memory(10 * scale),
            "sqlite_file": durable(file("durable"), 2 * scale),
            "sqlite_file_8_threads": crowded(file("crowded"), 10_000 * scale),
            "cold_start": cold(3 if chosen.quick else 9, secret=SECRET),
        }
        if chosen.postgresql:
            found["postgresql"] = durable(chosen.postgresql, 2 * scale)
    print(json.dumps({"python": sys.version.split()[0], **found, "goals": judged(found)}, indent=2))


if __name__ == "__main__":
    main()
