"""
Does memory stay flat however many orders are paid, and what does an order leave in the store?

Orders come from a generator, answers are canned and remembered nowhere, books are kept in an SQLite file: what
grows is ours. One process for each way to pay. Resident memory in MiB after so many orders, rows and bytes for
each order; with ``--store postgresql://…`` the rows and bytes of that database. Prints one JSON object.

    python benchmarks/bench_memory.py [--quick] [--orders 100000] [--store URL]
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from canned_stripe import CannedStripe, connected, order

from issuing_disburse import Disburser

FIRST = 1_000
MIB_MOST = 8.0
"""How much more may be resident after the last order than after the first thousand."""


def resident_mib() -> float:
    """
    Return how much of this process is in memory.
    """
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no /proc: Linux tells how much memory a process has")


def paid(disburser: Disburser, way: str, orders: int) -> Iterator[int]:
    """
    Pay *orders*, and yield how many have been paid.
    """
    every = (order(number) for number in range(1, orders + 1))
    if way == "disburse":
        for number, one in enumerate(every, 1):
            disburser.disburse(one)
            yield number
    else:
        for number, outcome in enumerate(disburser.disburse_many(every), 1):
            assert outcome.error is None, outcome
            yield number


def measured(way: str, orders: int, url: str) -> dict[str, Any]:
    """
    Pay all orders in this process.
    """
    marks = {mark for mark in (FIRST, 3_000, 10_000, 30_000, 100_000, orders) if mark <= orders}
    fake = CannedStripe()
    found: dict[int, float] = {}
    with connected(fake, url) as disburser:
        began, working = time.perf_counter(), time.process_time()
        before = fake.calls
        for number in paid(disburser, way, orders):
            if number in marks:
                found[number] = round(resident_mib(), 1)
        seconds, cpu = time.perf_counter() - began, time.process_time() - working
    return {
        "resident_mib": found,
        "grown_mib": round(found[orders] - found[FIRST], 1),
        "orders_per_second": round(orders / seconds, 1),
        "processor_ms_per_order": round(cpu / orders * 1e3, 2),
        "calls_per_order": round((fake.calls - before) / orders, 3),
        "per_order": kept(url, orders),
    }


def kept(url: str, orders: int) -> dict[str, Any]:
    """
    Return the rows of each table, and the bytes of all of them, for each order.
    """
    if url.startswith("postgresql:"):
        url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        tables = sa.inspect(connection).get_table_names()
        rows = {
            name.removeprefix("issuing_disburse_"): connection.scalar(
                sa.select(sa.func.count()).select_from(sa.table(name))
            )
            for name in tables
        }
        if engine.dialect.name == "postgresql":
            sizes = (sa.func.pg_total_relation_size(name) for name in tables)
            size = sum(connection.scalar(sa.select(one)) for one in sizes)
        else:
            pages, page = (
                connection.exec_driver_sql(f"pragma {name}").scalar()
                for name in ("page_count", "page_size")
            )
            size = pages * page
    engine.dispose()
    return {
        "rows": {
            name: round(count / orders, 3) for name, count in rows.items() if count >= orders / 100
        },
        "all_rows": round(sum(rows.values()) / orders, 2),
        "bytes": round(size / orders),
    }


def main() -> None:
    """
    Measure everything and print it.
    """
    parser = argparse.ArgumentParser(description="Does memory stay flat?")
    parser.add_argument("--quick", action="store_true", help="a tenth of the orders")
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--store", help="an empty database for each way, or nothing for files")
    parser.add_argument("--way", choices=("disburse", "disburse_many"), help="only this one")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    orders = max(FIRST, options.orders // 10 if options.quick else options.orders)
    if options.here:
        print(json.dumps(measured(options.way, orders, options.store)))
        return
    ways = (options.way,) if options.way else ("disburse", "disburse_many")
    found: dict[str, Any] = {}
    for way in ways:
        with tempfile.TemporaryDirectory() as folder:
            url = options.store or f"sqlite:///{folder}/store.sqlite3"
            command = [sys.executable, __file__, "--here", "--way", way, "--store", url]
            done = subprocess.run(  # noqa: S603 - this very file
                [*command, "--orders", str(orders)], check=True, capture_output=True, text=True
            )
        found[way] = json.loads(done.stdout)
    goals = [
        {
            "figure": f"{way}_grown_mib",
            "measured": one["grown_mib"],
            "goal_at_most": MIB_MOST,
            "is_reached": one["grown_mib"] <= MIB_MOST,
        }
        for way, one in found.items()
    ]
    print(
        json.dumps(
            {"python": sys.version.split()[0], "orders": orders, **found, "goals": goals}, indent=2
        )
    )


if __name__ == "__main__":
    main()
