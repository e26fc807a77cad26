"""
Does every failure of a database name its remedy, and never its content?
"""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from issuing_disburse.exceptions import StoreError, StoreMismatchError, StoreTimeoutError
from issuing_disburse.stores.driver_errors import is_connection_lost, store_error


def from_sqlite(code: int, message: str = "secret-7") -> sqlite3.Error:
    """
    Make an error as SQLite's driver raises it.
    """
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error


def wrapped(error: Exception, *, is_lost: bool = False) -> DBAPIError:
    """
    Make an error as SQLAlchemy raises it, statement and parameters included.
    """
    return OperationalError(
        "INSERT INTO x VALUES (?)", ("secret-7",), error, connection_invalidated=is_lost
    )


@pytest.mark.parametrize(
    ("cause", "code", "kind"),
    [
        (from_sqlite(sqlite3.SQLITE_BUSY), "locked", StoreTimeoutError),
        (from_sqlite(sqlite3.SQLITE_LOCKED), "locked", StoreTimeoutError),
        (from_sqlite(sqlite3.SQLITE_READONLY), "read_only", StoreError),
        (from_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), "read_only", StoreError),
        (from_sqlite(sqlite3.SQLITE_FULL), "full", StoreError),
        (from_sqlite(sqlite3.SQLITE_CORRUPT), "corrupt", StoreError),
        (from_sqlite(sqlite3.SQLITE_NOTADB), "corrupt", StoreError),
        (from_sqlite(sqlite3.SQLITE_CANTOPEN), "not_opened", StoreError),
        (from_sqlite(sqlite3.SQLITE_IOERR_FSYNC), "disk", StoreError),
        (from_sqlite(sqlite3.SQLITE_ERROR, "no such table: x"), "schema", StoreMismatchError),
        (from_sqlite(sqlite3.SQLITE_ERROR, "no such column: x"), "schema", StoreMismatchError),
        (from_sqlite(sqlite3.SQLITE_ERROR), "database", StoreError),
        (sqlite3.OperationalError("secret-7"), "database", StoreError),
        (psycopg.errors.ReadOnlySqlTransaction("secret-7"), "read_only", StoreError),
        (psycopg.errors.DiskFull("secret-7"), "full", StoreError),
        (psycopg.errors.TooManyConnections("secret-7"), "too_many", StoreError),
        (psycopg.errors.InvalidPassword("secret-7"), "not_opened", StoreError),
        (psycopg.errors.InvalidCatalogName("secret-7"), "not_opened", StoreError),
        (psycopg.errors.InsufficientPrivilege("secret-7"), "not_opened", StoreError),
        (psycopg.errors.UndefinedTable("secret-7"), "schema", StoreMismatchError),
        (psycopg.errors.LockNotAvailable("secret-7"), "timeout", StoreTimeoutError),
        (psycopg.errors.QueryCanceled("secret-7"), "timeout", StoreTimeoutError),
        (psycopg.errors.AdminShutdown("secret-7"), "gone", StoreError),
        (psycopg.errors.CannotConnectNow("secret-7"), "gone", StoreError),
        (psycopg.errors.DataCorrupted("secret-7"), "corrupt", StoreError),
        (psycopg.errors.IoError("secret-7"), "disk", StoreError),
        (psycopg.errors.CharacterNotInRepertoire("secret-7"), "content", StoreError),
        (psycopg.DataError("secret-7"), "content", StoreError),
        (psycopg.OperationalError("secret-7"), "gone", StoreError),
        (psycopg.InternalError("secret-7"), "database", StoreError),
        (psycopg.errors.SyntaxError("secret-7"), "database", StoreError),
    ],
)
def test_failure_is_named_when_the_driver_tells(
    cause: Exception, code: str, kind: type[StoreError]
) -> None:
    """Each has a code, a class, the driver's own error as its cause, and quotes nothing."""
    for error in (cause, wrapped(cause)):
        failure = store_error(error)

        assert (code, kind) == (failure.code, type(failure))
        assert cause is failure.__cause__
        assert "secret-7" not in str(failure)
        assert "nothing of this transaction was kept" in str(failure)


def test_connection_counts_as_lost_when_the_pool_has_dropped_it() -> None:
    """SQLAlchemy knows drivers that say nothing."""
    silent = psycopg.InterfaceError("secret-7")

    assert is_connection_lost(wrapped(silent, is_lost=True))
    assert not is_connection_lost(wrapped(silent))


def test_waiting_is_over_when_the_users_pool_is_exhausted() -> None:
    """No connection in time is a timeout like any other."""
    assert isinstance(store_error(PoolTimeoutError("secret-7")), StoreTimeoutError)


@pytest.mark.parametrize(
    "cause", [psycopg.OperationalError("lost"), from_sqlite(sqlite3.SQLITE_IOERR_FSYNC)]
)
def test_outcome_is_unknown_when_the_answer_to_a_commit_is_lost(cause: Exception) -> None:
    """Then nobody can say that nothing was kept, and the message does not."""
    failure = store_error(cause, is_committing=True)

    assert "commit_unknown" == failure.code
    assert "nothing of this transaction was kept" not in str(failure)


def test_outcome_is_known_when_a_commit_was_refused() -> None:
    """A full disk at the commit means that nothing was kept."""
    failure = store_error(from_sqlite(sqlite3.SQLITE_FULL), is_committing=True)

    assert "full" == failure.code
