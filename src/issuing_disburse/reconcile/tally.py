"""
How are two endless lists of movements added up side by side in little memory?

Each object has a mark of 64 bits. A temporary SQLite database, which keeps to a fixed cache and sorts
on disk, adds up by mark what both sides differ by; everything else waits in a temporary file, and is
only read again where that is not nothing. Both are scratch paper: they have no name, hold ids and
amounts only, and are gone when they are closed.

Two objects that share a mark are told apart then. To stay unseen they would have to cancel each other
out to the cent; and marks are others in every process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple, Self, TypeAlias

import orjson

_CACHE_KIB = 16_384
_BATCH = 10_000
ODD_MAX = 100_000
"""How many marks are kept in memory to find their names again; beyond that, all names are sorted."""

HERE, THERE = 0, 1

Movement: TypeAlias = tuple[int, int, int, int, str, str, str, str]
"""
What one object moved, by one side: its mark, minor units (of Stripe's side below zero: what agrees adds
up to nothing), side, Unix seconds, name, currency, type, and scope of our ledger.
"""


def movement(
    name: str, currency: str, side: int, minor: int, at: int, type_: str, scope: str = ""
) -> Movement:
    """
    Return what one object moved, *minor* units, by that side.
    """
    delta = -minor if side else minor
    return hash((name, currency)), delta, side, at, name, currency, type_, scope


_MARK_AND_DELTA = itemgetter(0, 1)

_SUMS = """
select name, currency,
       sum(delta * (1 - side)), -sum(delta * side), sum(1 - side), sum(side),
       max(case side when 1 then at else 0 end), min(case side when 0 then at end),
       max(type), max(scope)
from movement group by name, currency
"""

_EARLIER = "here_count = 0 and currency = ? and newest < ? and type not like 'transfer%'"


class Sum(NamedTuple):
    """
    What one object did, by both sides.

    Attributes:
        here: Minor units, by our books.
        there: By Stripe's.
        here_count: How many movements we have; 0 tells that the object is unknown here.
        newest: Unix seconds of Stripe's newest movement, 0 if there is none.
        first_here: When we first booked it.
        type: Stripe's type of its movements, or ours.
        scope: Whose chain of our ledger it is in.
    """

    name: str
    currency: str
    here: int
    there: int
    here_count: int
    there_count: int
    newest: int
    first_here: int | None
    type: str
    scope: str


class Tally:
    """
    Adds up movements by object. A context manager; not shared between threads.
    """

    def __init__(self, *, odd_max: int = ODD_MAX) -> None:
        import sqlite3  # noqa: PLC0415  # only who reconciles pays for it

        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("pragma journal_mode = off")
        self._db.execute("pragma synchronous = off")
        self._db.execute("pragma temp_store = file")
        self._db.execute(f"pragma cache_size = -{_CACHE_KIB}")
        self._db.execute(
            "create table movement (mark int, delta int, side int, at int,"
            " name text, currency text, type text, scope text)"
        )
        self._db.execute("create table delta (mark int, minor int)")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        columns = ", ".join(Sum._fields)
        self._db.execute(f"create table differing ({columns}, primary key (name, currency))")
        self._waiting: list[Movement] = []
        self._odd_max = odd_max
        self.matched = 0

    def add(self, movements: Iterable[Movement]) -> None:
        """
        Add some movements, of either side.
        """
        self._waiting.extend(movements)
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._db.execute("begin")
        self._db.executemany("insert into delta values (?, ?)", map(_MARK_AND_DELTA, self._waiting))
        self._db.execute("commit")
        self._file.write(orjson.dumps(self._waiting) + b"\n")
        self._waiting.clear()

    def compare(self) -> None:
        """
        Add up, count what agrees in `matched`, and keep what differs.
        """
        self._flush()
        sums = self._db.execute("select mark, sum(minor) from delta group by mark")
        odd: set[int] = set()
        while page := sums.fetchmany(_BATCH):
            found = [mark for mark, minor in page if minor]
            self.matched += len(page) - len(found)
            if len(odd) < self._odd_max:
                odd.update(found)
        self._db.execute("drop table delta")
        if not odd:
            return
        has_all = len(odd) < self._odd_max
        if not has_all:
            self.matched = 0  # counted below, with everything else
        self._file.seek(0)
        for line in self._file:
            again = [one for one in orjson.loads(line) if not has_all or one[0] in odd]
            self._db.executemany("insert into movement values (?, ?, ?, ?, ?, ?, ?, ?)", again)
        rows = self._db.execute(_SUMS)
        marks = ", ".join("?" * len(Sum._fields))
        put = f"insert into differing values ({marks})"  # noqa: S608 - question marks only
        while page := rows.fetchmany(_BATCH):
            differing = [row for row in page if row[2] != row[3]]
            self.matched += len(page) - len(differing)
            self._db.executemany(put, differing)

    def explain(self, one: Sum) -> None:
        """
        Count a difference as explained.
        """
        self._db.execute(
            "delete from differing where name = ? and currency = ?", (one.name, one.currency)
        )
        self.matched += 1

    def differing(self) -> Iterator[Sum]:
        """
        Yield what differs, by name; explaining what was yielded is fine.
        """
        after = ("", "")
        while page := self._page(
            "where (name, currency) > (?, ?) order by name, currency limit 500", after
        ):
            yield from page
            after = (page[-1].name, page[-1].currency)

    def unknown_here(self, currency: str, minor: int) -> Sum | None:
        """
        Return one movement of that amount that only Stripe has.
        """
        found = self._page(
            "where here_count = 0 and currency = ? and there = ? and type = 'balance_transaction'"
            " order by newest limit 1",
            (currency, minor),
        )
        return found[0] if found else None

    def earlier(self, currency: str, until: int) -> int:
        """
        Return the sum of what only Stripe has and what ended before *until* (Unix seconds).
        """
        (minor,) = self._db.execute(
            f"select coalesce(sum(there), 0) from differing where {_EARLIER}",  # noqa: S608 - ours
            (currency, until),
        ).fetchone()
        return int(minor)

    def explain_earlier(self, currency: str, until: int) -> None:
        """
        Count these as explained.
        """
        gone = self._db.execute(
            f"delete from differing where {_EARLIER}",  # noqa: S608 - ours
            (currency, until),
        )
        self.matched += gone.rowcount

    def within_second(self, currency: str, second: int) -> list[Sum]:
        """
        Return what only Stripe has and what ended within that second, a few at most.
        """
        return self._page(
            "where here_count = 0 and currency = ? and newest = ? and type not like 'transfer%'"
            " order by name limit 12",
            (currency, second),
        )

    def _page(self, where: str, values: tuple[str | int, ...]) -> list[Sum]:
        rows = self._db.execute(f"select * from differing {where}", values)  # noqa: S608 - ours
        return [Sum(*row) for row in rows.fetchall()]

    def close(self) -> None:
        """
        Throw the scratch paper away.
        """
        self._db.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
