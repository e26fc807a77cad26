"""
How fast, and in how much memory, are our books held against Stripe's?

A ledger of closed orders in an SQLite file (each: money brought, set aside, held, captured: four entries)
against a Stripe that answers in process with pages of a hundred: four balance transactions and one
transfer an order. Each size runs in a process of its own, so that its peak memory is its own.

    python benchmarks/bench_reconcile.py [--entries 10000 100000 1000000]
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stripe

from issuing_disburse import Disburser, Money
from issuing_disburse.convert import encode, encode_lines
from issuing_disburse.ledger import GENESIS, Entry, Line
from issuing_disburse.records import FundingRecord, Moved, PoolRecord
from issuing_disburse.stores import open_store
from issuing_disburse.stores.schema import microseconds

ACCOUNT = "acct_1BooksOfABenchmark"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
CREATED = int(NOW.timestamp())
MINOR = 12_500
PAGE = 100
MIB = 1024


def chain(scope: str, *steps: tuple[str, tuple[Line, ...]]) -> Iterator[Entry]:
    """
    Seal some entries into one chain.
    """
    previous = GENESIS
    for seq, (cause, lines) in enumerate(steps, 1):
        entry = Entry(
            scope=scope, seq=seq, at=NOW, currency="usd", cause=cause, lines=lines,
            previous=previous,
        ).sealed()  # fmt: skip
        previous = entry.digest
        yield entry


def order_of(number: int) -> tuple[list[Entry], FundingRecord]:
    """
    Make the ledger and the funding of one order that was spent in full.
    """
    scope, card = f"{ACCOUNT}/claim-{number:09}", f"card:ic_1Bench{number:016}"
    hold, spent = f"hold:iauth_1Bench{number:016}", f"spent:ic_1Bench{number:016}"
    iauth, ipi = f"iauth_1Bench{number:016}", f"ipi_1Bench{number:016}"
    funding = f"idb_{number:048x}"
    entries = [
        *chain(
            scope,
            ("issued", (Line("allot", card[5:], "issuing:available", card, MINOR),)),
            (f"evt_1Bench{number:015}1", (Line("hold", iauth, card, hold, MINOR),)),
            (
                f"evt_1Bench{number:015}2",
                (Line("hold", iauth, hold, card, MINOR), Line("capture", ipi, card, spent, MINOR)),
            ),
        ),
        *chain(funding, ("funded", (Line("fund", funding, "world", "issuing:available", MINOR),))),
    ]
    moved = (
        Moved(object="transfer", id=f"tr_1Bench{number:016}", minor=MINOR),
        Moved(
            object="balance_transfer",
            id=f"bt_1Bench{number:016}",
            minor=MINOR,
            balance_transaction=f"txn_1Bench{number:016}m",
        ),
    )
    record = FundingRecord(
        id=funding, account=ACCOUNT, amount=Money(MINOR, "usd"), route="TransferRoute",
        members=(scope,), created_at=NOW, progress="moved", moved=moved, brought_minor=MINOR,
        has_arrived=True, entries=1, digest=entries[-1].digest, version=1,
    )  # fmt: skip
    return entries, record


def fill(path: Path, orders: int) -> None:
    """
    Write the books of *orders* orders straight into the tables of a store.
    """
    store = open_store(f"sqlite:///{path}", clock=lambda: NOW)
    store.transact(lambda tx: tx.put(PoolRecord(account=ACCOUNT, currency="usd")))
    store.close()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("pragma synchronous = off")
    database.execute("begin")
    for number in range(orders):
        entries, record = order_of(number)
        database.executemany(
            "insert into issuing_disburse_entry values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    one.scope, one.seq, microseconds(one.at), one.currency, one.cause,
                    encode_lines(one.lines).decode(), one.previous, one.digest,
                )
                for one in entries
            ],
        )  # fmt: skip
        database.execute(
            "insert into issuing_disburse_funding values (?, ?, ?, null, 1, ?)",
            (record.key, record.group, record.state, encode(record).decode()),
        )
    database.execute("commit")
    database.close()


def movement(number: int) -> str:
    """
    Write one of the four balance transactions of an order, as long as Stripe's are.
    """
    order, kind = divmod(number, 4)
    what, source, minor, suffix = (
        ("transfer", "null", MINOR, "m"),
        ("issuing_authorization_hold", f'"iauth_1Bench{order:016}"', -MINOR, "h"),
        ("issuing_authorization_release", f'"iauth_1Bench{order:016}"', MINOR, "r"),
        ("issuing_transaction", f'"ipi_1Bench{order:016}"', -MINOR, "t"),
    )[kind]
    return (
        f'{{"id":"txn_1Bench{order:016}{suffix}","object":"balance_transaction","amount":{minor},'
        f'"available_on":{CREATED},"balance_type":"issuing","created":{CREATED},"currency":"usd",'
        '"description":null,"exchange_rate":null,"fee":0,"fee_details":[],'
        f'"net":{minor},"reporting_category":"{what}","source":{source},"status":"available",'
        f'"type":"{what}"}}'
    )


def transfer(number: int) -> str:
    """
    Write the transfer of an order.
    """
    return (
        f'{{"id":"tr_1Bench{number:016}","object":"transfer","amount":{MINOR},"amount_reversed":0,'
        f'"balance_transaction":"txn_1Bench{number:016}p","created":{CREATED},"currency":"usd",'
        f'"description":null,"destination":"{ACCOUNT}","destination_payment":"py_1Bench{number:016}",'
        f'"livemode":false,"metadata":{{"issuing_disburse_funding":"idb_{number:048x}"}},'
        '"reversals":{"object":"list","data":[],"has_more":false,"url":"/v1/transfers"},'
        '"reversed":false,"source_transaction":null,"source_type":"card","transfer_group":null}'
    )


class PagedStripe(stripe.HTTPClient):
    """
    Answers lists of any length in pages, without keeping them.
    """

    name = "paged"

    def __init__(self, orders: int) -> None:
        super().__init__()
        self.own_seconds = 0.0
        self.lists: dict[str, tuple[int, Callable[[int], str], Callable[[str], int]]] = {
            "/v1/balance_transactions": (
                orders * 4, movement,
                lambda name: int(name[10:26]) * 4 + "mhrt".index(name[26]),
            ),
            "/v1/transfers": (orders, transfer, lambda name: int(name[9:25])),
        }  # fmt: skip

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer one read, and count what that costs this process.
        """
        began = time.process_time()
        try:
            return self._answered(url)
        finally:
            self.own_seconds += time.process_time() - began

    def _answered(self, url: str) -> tuple[bytes, int, dict[str, str]]:
        parts = urlsplit(url)
        if parts.path == "/v1/account":
            return b'{"id":"acct_1Platform","object":"account"}', 200, {}
        if parts.path == "/v1/balance":
            return (
                b'{"object":"balance","issuing":{"available":[{"amount":0,"currency":"usd"}]}}',
                200,
                {},
            )
        count, write, place = self.lists.get(parts.path, (0, movement, len))
        after = parse_qs(parts.query).get("starting_after")
        top = place(after[0]) if after else count
        low = max(0, top - PAGE)
        data = ",".join([write(number) for number in range(top - 1, low - 1, -1)])
        more = "true" if low else "false"
        text = f'{{"object":"list","data":[{data}],"has_more":{more},"url":"{parts.path}"}}'
        return text.encode(), 200, {}

    def close(self) -> None:
        """
        Hold nothing open.
        """


def measure(path: Path, orders: int) -> dict[str, float]:
    """
    Reconcile once, in this process; return seconds and peak memory.
    """
    paged = PagedStripe(orders)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    with Disburser.connect(
        api_key="sk_test_benchmark", account=ACCOUNT, webhook_secret="whsec_benchmark",
        store=f"sqlite:///{path}", http_client=paged, clock=lambda: NOW,
        rate_limits=None,  # what Stripe would let through in a second is not measured here
    ) as disburser:  # fmt: skip
        started, working = time.perf_counter(), time.process_time()
        found = disburser.reconcile()
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - working
    assert found.discrepancies == (), found.discrepancies[:3]
    assert found.entries == orders * 4
    assert found.matched == orders * 4, found.matched
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    return {
        "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mib": peak, "before_mib": before,
        "reads": found.reads, "fake_seconds": paged.own_seconds,
    }  # fmt: skip


def run(entries: int) -> dict[str, float]:
    """
    Measure one size in a process of its own.
    """
    orders = entries // 4
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "books.sqlite3"
        fill(path, orders)
        done = subprocess.run(  # noqa: S603 - this file, again
            [sys.executable, __file__, "--measure", str(path), "--entries", str(entries)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """
    Print a line for each size.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--measure", type=Path)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.entries[0] // 4)))
        return
    print("of an order: 4 ledger entries, 1 funding, 4 balance transactions, 1 transfer")
    print(
        "CPU seconds tell on a machine that others use, too; writing the made-up pages takes some"
    )
    print("of them, which are counted out in the second rate (a real Stripe takes none)")
    print("   entries  seconds  CPU seconds  entries/CPU s  without pages  peak MiB    reads")
    for entries in given.entries:
        one = run(entries)
        rate = entries / one["cpu_seconds"]
        own = entries / (one["cpu_seconds"] - one["fake_seconds"])
        print(
            f"{entries:>10,} {one['seconds']:>8.2f} {one['cpu_seconds']:>12.2f} {rate:>14,.0f}"
            f" {own:>14,.0f} {one['peak_mib']:>9.0f} {one['reads']:>8,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
