"""
How are all records of one kind read, without holding them all at once?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from .ports import R, Store, Transaction

_PAGE = 200


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
