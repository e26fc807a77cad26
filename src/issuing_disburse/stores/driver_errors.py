"""
What does a driver's error mean, and what can be done about it?

The message never repeats the driver's text, which may quote what was being written.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from issuing_disburse.exceptions import StoreError, StoreMismatchError, StoreTimeoutError


class _Trouble(NamedTuple):
    code: str
    message: str
    kind: type[StoreError] = StoreError


_LOCKED = _Trouble(
    "locked",
    "another process kept the database locked; end it, or use PostgreSQL for several processes",
    StoreTimeoutError,
)
_READ_ONLY = _Trouble(
    "read_only",
    "the database is read-only; give this process the right to write to the file and its folder, "
    "or connect to the primary server as a role that may write",
)
_FULL = _Trouble("full", "the database's disk is full; make room, then repeat")
_CORRUPT = _Trouble(
    "corrupt", "the file is damaged or no SQLite database; restore it from a backup"
)
_SCHEMA = _Trouble(
    "schema",
    "tables or columns are missing; run `issuing-disburse store upgrade`, or look at the search path",
    StoreMismatchError,
)
_NO_ACCESS = _Trouble(
    "not_opened", "the database cannot be opened; look at address, path, user and rights"
)
_LOST = _Trouble("gone", "the connection to the database was lost; repeat when it is back")
_TIME_UP = _Trouble("timeout", "the database did not answer in time", StoreTimeoutError)
_TOO_MANY = _Trouble(
    "too_many", "the database takes no more connections; allow more, or use fewer processes"
)
_DISK = _Trouble("disk", "the database's disk failed to read or write; look at the disk")
_CONTENT = _Trouble("content", "the database cannot keep such a text; remove what is unprintable")
_UNKNOWN = _Trouble("database", "the database failed; its own error is the cause")

_SQLITE: dict[int, _Trouble] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
    sqlite3.SQLITE_CANTOPEN: _NO_ACCESS,
    sqlite3.SQLITE_PERM: _NO_ACCESS,
    sqlite3.SQLITE_AUTH: _NO_ACCESS,
    sqlite3.SQLITE_IOERR: _DISK,
}

# By SQLSTATE, the longest known beginning counts.
_POSTGRESQL: dict[str, _Trouble] = {
    "08": _LOST,
    "22": _CONTENT,
    "25006": _READ_ONLY,
    "28": _NO_ACCESS,
    "3D": _NO_ACCESS,
    "42501": _NO_ACCESS,
    "42P01": _SCHEMA,
    "42703": _SCHEMA,
    "3F": _SCHEMA,
    "53100": _FULL,
    "53300": _TOO_MANY,
    "55P03": _TIME_UP,
    "57014": _TIME_UP,
    "57P": _LOST,
    "58": _DISK,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
}

_RERUN = {"40001", "40P01"}


def store_error(error: Exception, *, is_committing: bool = False) -> StoreError:
    """
    Return our error for a driver's, with the driver's own as its cause.

    Args:
        is_committing: Whether it came from the commit, so that a lost answer says nothing.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    _strip(error)
    code, message, kind = _judge(error, cause)
    if is_committing and code in {"gone", "disk"}:
        code, kind = "commit_unknown", StoreError
        message += (
            "; whether the last transaction was kept is unknown: repeat the same call, it is safe"
        )
    else:
        message += "; nothing of this transaction was kept"
    translation = kind(message, code=code)
    translation.__cause__ = cause
    return translation


def _strip(error: BaseException) -> None:
    """
    Take the driver's frames, and its connection, from *error*: the database's password is in them.
    """
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        one.__traceback__ = None
        for name in {"pgconn", "_pgconn"} & vars(one).keys():
            setattr(one, name, None)
        waiting += [one.__cause__, one.__context__, getattr(one, "orig", None)]


def is_worth_rerunning(error: StoreError) -> bool:
    """
    Tell whether the database gave up this transaction in favour of another one.
    """
    return _sqlstate(error.__cause__) in _RERUN


def is_connection_lost(error: Exception) -> bool:
    """
    Tell whether the database could not be reached any more.
    """
    return store_error(error).code == "gone"


def is_busy(error: sqlite3.Error) -> bool:
    """
    Tell whether another process holds SQLite's lock.
    """
    return _primary(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _judge(error: Exception, cause: BaseException) -> _Trouble:
    if isinstance(error, PoolTimeoutError):
        return _TIME_UP
    if isinstance(cause, sqlite3.Error):
        if "no such table" in str(cause) or "no such column" in str(cause):
            return _SCHEMA
        return _SQLITE.get(_primary(cause), _UNKNOWN)
    return _judge_by_state(_sqlstate(cause) or "", error, cause)


def _judge_by_state(state: str, error: Exception, cause: BaseException) -> _Trouble:
    for length in (5, 3, 2):
        if state[:length] in _POSTGRESQL:
            return _POSTGRESQL[state[:length]]
    if type(cause).__name__ == "DataError":
        return _CONTENT
    # No answer from a server, no state.
    has_no_answer = not state and type(cause).__name__ in {"OperationalError", "ConnectionTimeout"}
    is_gone = isinstance(error, DBAPIError) and error.connection_invalidated
    return _LOST if has_no_answer or is_gone else _UNKNOWN


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _sqlstate(error: BaseException | None) -> str | None:
    state: str | None = getattr(error, "sqlstate", None)
    return state
