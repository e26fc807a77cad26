"""
What does the store cost an order, beside as many bare commits on the same engine?

All that `Disburser.disburse` asks of its store is timed, order by order, while another disburser pays the
same orders from memory and makes one bare insert and commit, through SQLAlchemy and with the same
settings, wherever the first one commits. Prints one JSON object: medians, and the ratios that count.
PostgreSQL is measured on a scratch server of the tests', or where you say.

    python benchmarks/bench_store.py [--quick] [--orders 100000] [--postgresql URL]
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from timed_store import BareBeside, Timed

from issuing_disburse import Address, Disburser, Money, Order, Recipient, Terms, UserTerms
from issuing_disburse.ports import Store
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.stores import open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from postgres import NoServerError, Server

THREADS = 8
WARM_UP = 20
SIGNIFICANT_MIB = 8
ADDRESS = Address(
    line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
)
ACCEPTED = UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7")


def make_order(number: int) -> Order:
    """
    Make an order for somebody new.
    """
    recipient = Recipient.individual(
        reference=f"supplier-{number}", first_name="Jenny", last_name="Rosen",
        email=f"jenny{number}@example.com", phone_number="+18008675309",
        date_of_birth=date(1985, 3, 14), user_terms=ACCEPTED, billing=ADDRESS,
    )  # fmt: skip
    return Order(
        id=f"claim-{number}", recipient=recipient, amount=Money(12_500, "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )  # fmt: skip


def bare_commits(engine: sa.Engine) -> Callable[[], None]:
    """
    Return one insert and commit through SQLAlchemy: seven columns, 300 bytes, one index.
    """
    metadata = sa.MetaData()
    table = sa.Table(
        "bare", metadata,
        sa.Column("key", sa.String, primary_key=True), sa.Column("grp", sa.String, index=True),
        sa.Column("state", sa.String), sa.Column("due_at", sa.BigInteger),
        sa.Column("version", sa.Integer), sa.Column("kind", sa.String), sa.Column("body", sa.Text),
    )  # fmt: skip
    metadata.create_all(engine)
    statement, numbers, body = sa.insert(table), count(), "x" * 240
    mine = time.monotonic_ns()

    def insert() -> None:
        key = f"step-{mine}-{next(numbers):010}"
        with engine.begin() as connection:
            connection.execute(
                statement,
                {
                    "key": key, "grp": key, "state": "done", "due_at": None, "version": 1,
                    "kind": "step", "body": body,
                },
            )  # fmt: skip

    return insert


def sqlite_engine(path: Path) -> sa.Engine:
    """
    Make an engine with the settings of our store, and nothing else of it.
    """
    # Naive connections starve each other: they wait here, or the default of 5 seconds would end the run.
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 120})

    @sa.event.listens_for(engine, "connect")
    def set_up(raw: Any, _: object) -> None:
        raw.isolation_level = None
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def connected(simulator: IssuingSimulator, store: Store) -> Disburser:
    """
    Connect to an account of its own.
    """
    return Disburser.connect(
        api_key=simulator.api_key,
        account=simulator.create_account(),
        webhook_secret=simulator.webhook_secret,
        store=store,
        http_client=simulator.http_client(),
        clock=simulator.clock.now,
        sleep=simulator.clock.sleep,
    )


def beside_bare_commits(url: str, engine: sa.Engine, *, orders: int) -> dict[str, object]:
    """
    Pay *orders* twice in turns: with our store, and with bare commits in its place.
    """
    with IssuingSimulator(seed=7, platform_funds=10**11) as simulator:
        clock = simulator.clock.now
        ours = Timed(open_store(url, clock=clock))
        bare = BareBeside(open_store("memory://", clock=clock), commit=bare_commits(engine))
        taken: dict[str, list[float]] = {"ours": [], "bare": []}
        pairs = (("ours", ours), ("bare", bare))
        disbursers = {name: connected(simulator, store) for name, store in pairs}
        for number in range(orders + WARM_UP):
            for name, store in pairs[:: 1 if number % 2 else -1]:
                store.seconds, store.commits = 0.0, 0
                disbursers[name].disburse(make_order(number))
                if number >= WARM_UP:
                    taken[name].append(store.seconds)
        assert ours.commits == bare.commits
        ours.close()
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    return {
        "orders": orders,
        "commits_per_order": ours.commits,
        "ours_us": round(medians["ours"] * 1e6),
        "bare_commits_us": round(medians["bare"] * 1e6),
        "times_bare": round(medians["ours"] / medians["bare"], 2),
    }


def resident_mib() -> float:
    """
    Return how much memory this process has, in MiB.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1_024


def memory_over_orders(url: str, *, orders: int) -> dict[str, object]:
    """
    Do the store's work of *orders*, a new Stripe for each thousand, and see what stays in memory.
    """
    readings = []
    with closing(open_store(url, clock=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC))) as store:
        for start in range(0, orders, 1_000):
            with IssuingSimulator(seed=start, platform_funds=10**11) as simulator:
                # The simulator keeps everything, so it is thrown away; the platform stays the same.
                disburser = connected(simulator, store)
                disburser._workers.admission.is_known = True  # noqa: SLF001 - or the next platform would be refused
                for number in range(start, min(start + 1_000, orders)):
                    disburser.disburse(make_order(number))
            del simulator, disburser
            gc.collect()
            readings.append(resident_mib())
    settled = readings[len(readings) // 10]
    grown = readings[-1] - settled
    return {
        "orders": orders,
        "mib_at_a_tenth": round(settled, 1),
        "mib_at_the_end": round(readings[-1], 1),
        "is_flat": grown < SIGNIFICANT_MIB,
    }


def in_threads(call: Callable[[], object], *, operations: int) -> dict[str, float]:
    """
    Let eight threads do *call*, and return what they waited, in milliseconds.
    """
    waits: list[list[float]] = [[] for _ in range(THREADS)]
    start = threading.Barrier(THREADS)

    def run(mine: list[float]) -> None:
        start.wait()
        for _ in range(operations // THREADS):
            started = time.perf_counter()
            call()
            mine.append(time.perf_counter() - started)

    threads = [threading.Thread(target=run, args=(mine,)) for mine in waits]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    taken = sorted(wait * 1e3 for mine in waits for wait in mine)
    return {
        "operations": len(taken),
        "per_second": round(len(taken) / seconds),
        "p50_ms": round(taken[len(taken) // 2], 2),
        "p99_ms": round(taken[len(taken) * 99 // 100], 2),
        "max_ms": round(taken[-1], 2),
    }


def one_write(store: Store) -> Callable[[], None]:
    """
    Return the smallest work there is: a new step, written down.
    """
    from issuing_disburse.testing.store_builders import make_step, putting  # noqa: PLC0415 - only here

    numbers = count()
    return lambda: store.transact(putting(make_step(f"step-{next(numbers)}")))


@contextmanager
def postgresql(url: str | None) -> Iterator[str | None]:
    """
    Give the URL of a server: the one that was named, or a scratch one of our own.
    """
    if url is not None:
        yield url
        return
    try:
        server = Server.started()
    except NoServerError as exc:
        print(f"without PostgreSQL: {exc}", file=sys.stderr)
        yield None
        return
    try:
        yield server.new_schema_url()
    finally:
        server.remove()


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of the work")
    parser.add_argument("--orders", type=int, help="how many for the memory (10,000)")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database to use")
    asked = parser.parse_args()
    orders, operations = (60, 4_000) if asked.quick else (400, 100_000)
    report: dict[str, object] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/a.sqlite3"
        engine = sqlite_engine(folder / "a.sqlite3")
        report["sqlite"] = beside_bare_commits(url, engine, orders=orders)
        store = stack.enter_context(closing(open_store(url, clock=lambda: datetime.now(UTC))))
        report["sqlite_8_threads"] = {
            "ours": in_threads(one_write(store), operations=operations),
            "connections_of_sqlalchemy": in_threads(
                bare_commits(engine), operations=operations // 10
            ),
        }
        engine.dispose()
        server = stack.enter_context(postgresql(asked.postgresql))
        if server is not None:
            engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:", 1))
            report["postgresql"] = beside_bare_commits(server, engine, orders=orders)
            engine.dispose()
        many = asked.orders or (2_000 if asked.quick else 10_000)
        report["memory"] = memory_over_orders(f"sqlite:///{folder}/m.sqlite3", orders=many)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
