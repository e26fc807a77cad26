"""
Which rules do all stores share, and in which words do they refuse?
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from issuing_disburse.exceptions import StaleRecordError, StoreError, StoreTimeoutError
from issuing_disburse.rows import Row

if TYPE_CHECKING:
    from issuing_disburse.ledger import Entry

TRIES = 10
"""How often a work is run at most when others write first."""


def stale(kind: type[Row | Entry]) -> StaleRecordError:
    """
    Say that somebody else wrote first.
    """
    return StaleRecordError(
        f"a {kind.__name__} was written by somebody else; read it inside the work, then write",
        code="stale",
    )


def nested() -> StoreError:
    """
    Say that a work must not call its store.
    """
    return StoreError(
        "a work must not use the store itself; use the transaction it was given", code="nested"
    )


def ended() -> StoreError:
    """
    Say that a transaction was used after its work.
    """
    return StoreError("this transaction is over; do everything inside the work", code="ended")


def read_only() -> StoreError:
    """
    Say that a reading work must not write or lock.
    """
    return StoreError("a reading work cannot write or lock; use transact", code="reading")


def closed() -> StoreError:
    """
    Say that the store was closed.
    """
    return StoreError("the store is closed; open it again", code="closed")


def check_find(*, states: Sequence[str] | None, due_before: datetime | None, limit: int) -> None:
    """
    Refuse a question that is surely a mistake.
    """
    if isinstance(states, str):
        raise TypeError(f"states={states!r} is one text; pass a list: [{states!r}]")
    if due_before is not None and due_before.utcoffset() is None:
        raise ValueError("due_before has no time zone: pass an aware datetime")
    if limit < 0:
        raise ValueError(f"limit={limit} is below zero")


def time_is_up() -> StoreTimeoutError:
    """
    Say that the time was up.
    """
    return StoreTimeoutError("the time was up; nothing of this is kept", code="timeout")


def locked_by_others() -> StoreTimeoutError:
    """
    Say that another process had the database.
    """
    return StoreTimeoutError(
        "another process kept the database locked until the time was up; nothing of this is kept: "
        "repeat it, and with several processes use PostgreSQL",
        code="locked",
    )


def unknown_outcome() -> StoreError:
    """
    Say that a commit may or may not have happened.
    """
    return StoreError(
        "the commit was interrupted, or does not end; whether this was kept is unknown: repeat the "
        "same call, it is safe",
        code="commit_unknown",
    )
