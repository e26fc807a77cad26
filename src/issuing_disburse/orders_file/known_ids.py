"""
In which row was an order id used before, however far above?
"""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

_MEMORY_KIB = 8_192
PAGES_MAX = 1_073_741_823  # SQLite's own limit
_LONGEST = 200


class KnownIds:
    """
    Remembers every id of a list in a file that has no name and is gone at the end; memory does not grow.

    Args:
        pages_max: How large the file may become, in pages of 4 KiB.

    Raises:
        sqlite3.Error: There is no room for temporary files.
    """

    def __init__(self, pages_max: int = PAGES_MAX) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            for pragma in (
                "journal_mode=off",
                "synchronous=off",
                f"cache_size=-{_MEMORY_KIB}",
                f"max_page_count={pages_max}",
            ):
                self._database.execute(f"pragma {pragma}")
            self._database.execute(
                "create table known (id text primary key, row integer not null) without rowid"
            )
            self._database.execute("begin")
        except sqlite3.Error:
            self._database.close()
            raise

    def first_row(self, order_id: str, row: int) -> int:
        """
        Return the row in which *order_id* was used first; *row* itself if that is now.
        """
        if not order_id.isascii() or len(order_id) > _LONGEST:
            return row  # no order has such an id
        known = "insert or ignore into known values (?, ?)"
        if self._database.execute(known, (order_id, row)).rowcount:
            return row
        found = self._database.execute("select row from known where id = ?", (order_id,))
        first: int = found.fetchone()[0]
        return first

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()
