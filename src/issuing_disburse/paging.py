"""
How is everything of one kind read, without holding it all at once?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from .convert import encode, encode_lines
from .ports import EntryRow, R, Store, StreamsAsKept, Transaction
from .rows import Row

_PAGE = 200
_ROWS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def every(
    store: Store,
    kind: type[R],
    *,
    group: str | None = None,
    states: Sequence[str] | None = None,
    due_before: datetime | None = None,
) -> Iterator[R]:
    """
    Yield the records that `Transaction.find` would find, page by page, each page a read of its own.
    """
    after = ""

    def read(tx: Transaction) -> tuple[R, ...]:
        return tx.find(
            kind, group=group, states=states, due_before=due_before, after=after, limit=_PAGE
        )

    while page := store.read(read):
        after = page[-1].key
        yield from page


def every_in(
    tx: Transaction,
    kind: type[R],
    *,
    group: str | None = None,
    states: Sequence[str] | None = None,
    after: str = "",
) -> Iterator[R]:
    """
    Yield the records that `Transaction.find` would find behind the key *after*, inside one transaction.
    """
    while page := tx.find(kind, group=group, states=states, after=after, limit=_PAGE):
        after = page[-1].key
        yield from page


def entry_rows(store: Store) -> Iterator[Sequence[EntryRow]]:
    """
    Yield all ledger entries by scope and seq as they are kept, many at a time.
    """
    if isinstance(store, StreamsAsKept):
        yield from store.entry_rows()
        return
    entries = store.stream_entries()
    while page := list(islice(entries, _ROWS)):
        yield [
            (
                one.scope, one.seq, (one.at - _EPOCH) // _MICROSECOND, one.currency, one.cause,
                encode_lines(one.lines), one.previous, one.digest,
            )
            for one in page
        ]  # fmt: skip


def bodies(store: Store, kind: type[Row], *, group: str) -> Iterator[Sequence[str | bytes]]:
    """
    Yield the records of one kind and group as JSON, by key, many at a time.
    """
    if isinstance(store, StreamsAsKept):
        yield from store.bodies(kind, group=group)
        return
    records = every(store, kind, group=group)
    while page := list(islice(records, _ROWS)):
        yield [encode(one) for one in page]
