"""
Which orders are there, by state, how much are they for, and how old are they?
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import orjson
from attrs import define, field, frozen

from issuing_disburse.demo_report import disbursement_document, statement_document, when
from issuing_disburse.demo_screen import Column, Row, make_console, show_table
from issuing_disburse.disbursement import Disbursement, Status
from issuing_disburse.disburser import Disburser
from issuing_disburse.money import Money
from issuing_disburse.paging import bodies
from issuing_disburse.records import DisbursementRecord, account_key
from issuing_disburse.report.page import age
from issuing_disburse.statements import Statement

ORDERS_MAX = 1_000
"""How many orders one list may have."""

URGENCY = (
    Status.FAILED, Status.PENDING, Status.CLOSING, Status.ACTIVE, Status.SPENT, Status.CLOSED,
)  # fmt: skip
"""The states as they are listed: first those that a person may have to look at."""


@define
class StateSum:
    """
    All orders of one state and currency.
    """

    status: Status
    currency: str
    oldest_at: datetime
    orders: int = 0
    minor: int = 0


@frozen(kw_only=True)
class Listing:
    """
    What there is.

    Attributes:
        sums: By state and currency, over every order of the account.
        orders: The listed ones with where their money is: by urgency, then the oldest first.
        found: How many orders are in the states that were asked for.
    """

    at: datetime
    sums: tuple[StateSum, ...]
    orders: tuple[tuple[Disbursement, Statement], ...]
    found: int


@define
class _Counted:
    sums: dict[tuple[int, str], StateSum] = field(factory=dict)
    found: int = 0


def list_orders(
    disburser: Disburser,
    *,
    states: Sequence[Status],
    limit: int,
    at: datetime,
    progress: Callable[[str, int], None],
) -> Listing:
    """
    List up to *limit* orders of those *states* (all when there are none); asks the store only.

    Memory does not grow with the number of orders.

    Raises:
        ChainBrokenError: A ledger entry of a listed order was changed or removed.
    """
    counted = _Counted()
    passing = _passing(disburser, frozenset(states or URGENCY), counted, progress)
    names = [order_id for _, _, order_id in heapq.nsmallest(limit, passing)]
    return Listing(
        at=at,
        sums=tuple([one for _, one in sorted(counted.sums.items())]),
        orders=tuple([(disburser.get(name), disburser.statement(name)) for name in names]),
        found=counted.found,
    )


def _passing(
    disburser: Disburser,
    states: frozenset[Status],
    counted: _Counted,
    progress: Callable[[str, int], None],
) -> Iterator[tuple[int, datetime, str]]:
    """
    Count every order, and yield urgency, time and id of those that are asked for.
    """
    count = 0
    for page in bodies(disburser.store, DisbursementRecord, group=account_key(disburser.account)):
        for body in page:
            order = orjson.loads(body)
            status, amount = Status(order["status"]), order["amount"]
            created_at = datetime.fromisoformat(order["created_at"])
            place = URGENCY.index(status)
            key = place, amount["currency"]
            one = counted.sums.setdefault(key, StateSum(status, amount["currency"], created_at))
            one.orders += 1
            one.minor += amount["minor"]
            one.oldest_at = min(one.oldest_at, created_at)
            if status in states:
                counted.found += 1
                yield place, created_at, order["order_id"]
        count += len(page)
        progress("orders", count)


def listing_document(listing: Listing) -> dict[str, object]:
    """
    Write it for JSON: amounts in minor units, ages in seconds.
    """
    return {
        "at": when(listing.at),
        "states": [
            {
                "status": one.status.value,
                "orders": one.orders,
                "amount": {"minor": one.minor, "currency": one.currency},
                "oldest_at": when(one.oldest_at),
                "oldest_age_seconds": _seconds(listing.at, one.oldest_at),
            }
            for one in listing.sums
        ],
        "orders": [
            {
                **disbursement_document(one),
                "age_seconds": _seconds(listing.at, one.created_at),
                "statement": statement_document(statement),
            }
            for one, statement in listing.orders
        ],
        "orders_found": listing.found,
    }


def show_listing(listing: Listing) -> None:
    """
    Print the states, then the orders.
    """
    console = make_console()
    if not listing.sums:
        console.print("no orders yet")
        return
    names = ("state", "orders", "amount", "oldest")
    show_table(
        console,
        "Orders by state",
        [Column(name=name, is_money=name != "state") for name in names],
        [
            Row(
                cells=(
                    one.status.value,
                    f"{one.orders:,}",
                    _written(one.minor, one.currency),
                    age(_seconds(listing.at, one.oldest_at)),
                )
            )
            for one in listing.sums
        ],
    )
    columns = ("order", "state", "amount", "spent", "held", "on card", "age", "reason")
    show_table(
        console,
        f"{len(listing.orders)} of {listing.found:,} orders, by urgency, the oldest first",
        [
            Column(name=name, is_money=name in {"amount", "spent", "held", "on card", "age"})
            for name in columns
        ],
        [
            Row(
                cells=(
                    one.order_id,
                    one.status.value,
                    str(one.amount),
                    str(statement.spent),
                    str(statement.held),
                    str(statement.remaining),
                    age(_seconds(listing.at, one.created_at)),
                    one.reason.code if one.reason else "",
                ),
                style="red" if one.status is Status.FAILED else "",
            )
            for one, statement in listing.orders
        ],
    )


def _seconds(now: datetime, at: datetime) -> int:
    return max(0, int((now - at).total_seconds()))


def _written(minor: int, currency: str) -> str:
    return str(Money(minor, currency)) if abs(minor) <= 10**15 else f"{minor} minor {currency}"
