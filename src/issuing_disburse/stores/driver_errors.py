"""
What does a database's error mean for the caller?
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import sqlalchemy.exc

from issuing_disburse.exceptions import StoreError, StoreTimeoutError

_REMEDIES = (
    ("readonly", "read_only", "the database is read-only; give this process write access"),
    ("read-only", "read_only", "the database is read-only; give this process write access"),
    ("is full", "full", "the disk or the database is full; make room, then run it again"),
    ("no space", "full", "the disk is full; make room, then run it again"),
    ("is locked", "locked", "another process holds the database; with several, use PostgreSQL"),
    ("malformed", "corrupt", "the database file is damaged; restore it from a backup"),
    ("not a database", "corrupt", "the file is no SQLite database; check the store's URL"),
    ("unable to open", "not_opened", "the file cannot be opened; check path and permissions"),
    ("no such table", "schema", "a table is missing; open the store with this version again"),
    ("does not exist", "schema", "a table or database is missing; check the store's URL"),
)  # fmt: skip

_TIMED_OUT = ("statement timeout", "lock timeout", "interrupted")
_RERUN_STATES = frozenset({"40001", "40P01", "55P03"})


def is_worth_rerunning(error: sa.exc.DBAPIError) -> bool:
    """
    Tell whether the database gave up only because of another transaction.
    """
    return getattr(error.orig, "sqlstate", None) in _RERUN_STATES


def store_error(error: sa.exc.SQLAlchemyError) -> StoreError:
    """
    Return our error for the driver's; parameters are never part of it.
    """
    text = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).lower()
    if any(word in text for word in _TIMED_OUT):
        return StoreTimeoutError("the database did not answer in the time that was left")
    for word, code, remedy in _REMEDIES:
        if word in text:
            return StoreError(f"nothing was kept: {remedy}", code=code)
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return StoreError(
            "the connection to the database was lost; if that was during a commit, it may have been "
            "kept: run the same call again",
            code="gone",
        )
    return StoreError(
        f"the database failed ({type(error).__name__}); run the same call again", code="database"
    )


@contextmanager
def translated() -> Iterator[None]:
    """
    Raise the driver's errors as ours.
    """
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise store_error(error) from error
