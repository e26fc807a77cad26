"""
How is a payout list checked whole and then given out order by order, whatever its size?
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from os import fstat
from pathlib import Path
from typing import BinaryIO, TypeAlias

from attrs import define, field, frozen

from issuing_disburse.money import Money
from issuing_disburse.order import Order

from .columns import NEEDED
from .csv_rows import CSVRows
from .json_rows import JSONRows
from .known_ids import KnownIds
from .lines import Lines, UnreadableError
from .problems import PROBLEMS_MAX, OrdersFileError, Problem, of_file

_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_CALL_ROWS = 1_000

Progress: TypeAlias = Callable[[int], object]
"""Is called with how many rows were read so far, every thousand rows."""


@frozen(kw_only=True)
class Totals:
    """
    What a sound list asks for.

    Attributes:
        amounts: What all orders come to, in each currency, sorted by its name.
    """

    orders: int
    amounts: tuple[Money, ...]


@define(kw_only=True)
class OrdersList:
    """
    An open payout list. `check` it, then take its `orders`.
    """

    name: str
    today: date
    lines: Lines
    rows: CSVRows | JSONRows
    known_ids: Callable[[], KnownIds] = KnownIds
    totals: Totals | None = field(default=None, init=False)

    def check(self, progress: Progress | None = None) -> Totals:
        """
        Read the whole list, and say what it comes to; only ids are kept, on disk.

        Raises:
            OrdersFileError: With every problem of every row.
        """
        problems: list[Problem] = []
        minor: dict[str, int] = {}
        count = 0
        for number, one in enumerate(self.read(), 1):
            if isinstance(one, Problem):
                problems.append(one)
            else:
                count += 1
                minor[one.amount.currency] = minor.get(one.amount.currency, 0) + one.amount.minor
            if progress is not None and number % _CALL_ROWS == 0:
                progress(number)
        if problems:
            raise OrdersFileError(self.name, tuple(problems))
        amounts = tuple(Money(minor[currency], currency) for currency in sorted(minor))
        self.totals = Totals(orders=count, amounts=amounts)
        return self.totals

    def orders(self) -> Iterator[Order]:
        """
        Yield the orders that `check` has found sound, which are read again, one by one.

        Raises:
            OrdersFileError: Somebody has changed the file meanwhile. What was yielded before was
                checked, and stands.
        """
        if self.totals is None:
            self.check()
        try:
            for row in self.rows.read(self.lines.read_again()):
                order = row if isinstance(row, Problem) else row.order(self.today)
                if isinstance(order, Order):
                    yield order
                else:
                    raise OrdersFileError(
                        self.name, (order,) if isinstance(order, Problem) else order
                    )
        except UnreadableError as unreadable:
            raise OrdersFileError(self.name, (unreadable.problem,)) from None

    def read(self) -> Iterator[Order | Problem]:
        """
        Yield each row's order, or its problems, in the order of the file; once.
        """
        problems = orders = 0
        try:
            with self.known_ids() as known:
                for one in self._read(known):
                    yield one
                    problems += isinstance(one, Problem)
                    orders += isinstance(one, Order)
                    if problems >= PROBLEMS_MAX:
                        yield of_file(f"has {problems} problems or more", "is it the right file?")
                        return
        except sqlite3.Error as full:
            remedy = "make room in the folder for temporary files (TMPDIR)"
            yield of_file(f"has more ids than can be kept: {full}", remedy)
            return
        except UnreadableError as unreadable:
            problems += 1
            yield unreadable.problem
        if not problems and not orders:
            yield of_file("holds no orders", f"begin with a row {','.join(NEEDED)},...")

    def _read(self, known: KnownIds) -> Iterator[Order | Problem]:
        for row in self.rows.read(self.lines.read()):
            if isinstance(row, Problem):
                yield row
                continue
            order_id = row.cells.get("id", "")
            first = known.first_row(order_id, row.number) if order_id else row.number
            if first != row.number:
                row.blame("id", f"was used in row {first}", "give each order an id of its own")
            made = row.order(self.today)
            if isinstance(made, Order):
                yield made
            else:
                yield from made


def _listed(path: Path, file: BinaryIO, today: date | None) -> OrdersList:
    lines = Lines(file=file)
    is_json = path.suffix.lower() in _JSON_SUFFIXES
    rows = JSONRows(lines=lines) if is_json else CSVRows(lines=lines)
    day = today or datetime.now(UTC).date()
    return OrdersList(name=path.name or str(path), today=day, lines=lines, rows=rows)


@contextmanager
def open_orders(path: Path, *, today: date | None = None) -> Iterator[OrdersList]:
    """
    Open a list that is read twice: to be checked, and to be paid.

    Args:
        today: UTC date, for the minimum age; the system's when left out.

    Raises:
        OrdersFileError: It is no file, or cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as unreadable:
        raise OrdersFileError(path.name, (_not_read(unreadable),)) from None
    with file:
        if not stat.S_ISREG(fstat(file.fileno()).st_mode):
            problem = of_file("is no file that can be read twice", "save it to a file first")
            raise OrdersFileError(path.name, (problem,))
        yield _listed(path, file, today)


def read_orders(path: Path, *, today: date | None = None) -> tuple[Order, ...]:
    """
    Read the whole list, or none of it; once, so that a pipe will do.

    Args:
        today: UTC date, for the minimum age; the system's when left out.

    Raises:
        OrdersFileError: With every problem of every row. Nothing was paid.
    """
    rows = tuple(stream_rows(path, today=today))
    problems = tuple(one for one in rows if isinstance(one, Problem))
    if problems:
        raise OrdersFileError(path.name, problems)
    return tuple(one for one in rows if isinstance(one, Order))


def stream_orders(path: Path, *, today: date | None = None) -> Iterator[Order]:
    """
    Check the whole list, then yield its orders one by one: for lists that should not be held whole.

    The file is read twice (a pipe cannot be), and only ids are kept, on disk. If somebody changes it meanwhile,
    nothing that was not checked is yielded.

    Raises:
        OrdersFileError: Before the first order, with every problem of every row.
    """
    with open_orders(path, today=today) as listed:
        listed.check()
        yield from listed.orders()


def stream_rows(path: Path, *, today: date | None = None) -> Iterator[Order | Problem]:
    """
    Yield each row's order, or its problems, in the order of the file; keeps nothing but ids, on disk.

    An unreadable file is a problem, too: nothing is raised for what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            yield from _listed(path, file, today).read()
    except OSError as unreadable:
        yield _not_read(unreadable)


def _not_read(unreadable: OSError) -> Problem:
    return of_file(f"cannot be read: {unreadable.strerror}", "check its name and rights")
