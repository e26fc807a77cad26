"""
Is a ledger that is read as it is kept, for speed, the same as one that is read as values?
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from attrs import define

from behind_our_back import Somebody, open_accident
from issuing_disburse.exceptions import ChainBrokenError
from issuing_disburse.ledger import Entry
from issuing_disburse.paging import bodies, entry_rows
from issuing_disburse.ports import Store, StreamsAsKept, Transaction
from issuing_disburse.records import DisbursementRecord, FundingRecord
from world import make_order

T = TypeVar("T")


@define
class PlainStore:
    """
    A store that can do no more than every store has to.
    """

    inner: Store

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Pass on.
        """
        return self.inner.transact(work, timeout_seconds=timeout_seconds)

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Pass on.
        """
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Pass on.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Pass on.
        """
        self.inner.close()


def buy(world: Somebody) -> None:
    """
    Disburse an order, and let a merchant collect all of it.
    """
    card = world.disburser.disburse(make_order()).card
    world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])


@pytest.mark.parametrize("kind", [FundingRecord, DisbursementRecord])
def test_what_is_kept_is_what_its_values_say(
    tmp_path: Path, kind: type[FundingRecord | DisbursementRecord]
) -> None:
    """Row by row and record by record, a store's short cut gives what the long way gives."""
    with open_accident(f"sqlite:///{tmp_path / 'books.sqlite3'}") as accident:
        buy(accident)
        store = accident.disburser.store
        plain = PlainStore(store)
        rows = [row for page in entry_rows(store) for row in page]
        kept = [one for page in bodies(store, kind, group=accident.account) for one in page]

        assert (True, False) == (isinstance(store, StreamsAsKept), isinstance(plain, StreamsAsKept))
        assert len(rows) > 3
        assert [(*row[:5], row[5].encode(), *row[6:]) for row in rows] == [
            row for page in entry_rows(plain) for row in page
        ]
        assert kept
        assert [orjson.loads(one) for one in kept] == [
            orjson.loads(one)
            for page in bodies(plain, kind, group=accident.account)
            for one in page
        ]


@pytest.mark.parametrize("lines", ['[["hold", 3]]', "[", "7", '[["a","b","c","d","many"]]'])
def test_lines_that_cannot_be_read_are_refused(tmp_path: Path, lines: str) -> None:
    """A damaged entry stops a reconciliation and is named; it is not skipped."""
    path = tmp_path / "books.sqlite3"
    with open_accident(f"sqlite:///{path}") as accident:
        buy(accident)
        with closing(sqlite3.connect(path)) as damaged, damaged:
            damaged.execute(
                "update issuing_disburse_entry set lines = ? where scope like 'acct%' and seq = 2",
                (lines,),
            )

        with pytest.raises(ChainBrokenError, match=r"entry 2 of .* cannot be read"):
            accident.disburser.reconcile()
