"""
How do threads read an SQLite file beside its writer, and how are they stopped before a fork?

Connections are kept for the next reader. They are taken out of SQLAlchemy's pool, whose book-keeping
costs several times what reading a record does.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from .driver_errors import store_error
from .sqlite_writer import driver_connection

_KEPT = 8


class SQLiteReaders:
    """
    The reading connections of a process; as many as threads that read at once.

    Args:
        engine: In autocommit mode: transactions begin and end here, not in the driver.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[tuple[Connection, sqlite3.Connection]] = []
        self._reading = 0
        self._is_resting = False
        self._is_closed = False
        self._change = threading.Condition()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """
        Give a connection on which a transaction sees what was committed last.

        Raises:
            StoreError: The database cannot be opened.
        """
        known = self._enter()
        is_fit = False
        try:
            connection, raw = known or self._opened()
            try:
                yield self._begun(raw)
                raw.rollback()
                is_fit = True
            finally:
                if not is_fit:
                    is_fit = _ended(raw)
                if not is_fit:
                    connection.close()
        finally:
            self._leave((connection, raw) if is_fit else None)

    def _opened(self) -> tuple[Connection, sqlite3.Connection]:
        try:
            connection = self._engine.connect()
            raw = driver_connection(connection)
            connection.detach()  # ours alone from here on, and no loss to anybody's pool
        except (SQLAlchemyError, sqlite3.Error) as exc:
            raise store_error(exc) from exc
        return connection, raw

    def _begun(self, raw: sqlite3.Connection) -> sqlite3.Connection:
        try:
            raw.execute("BEGIN")
        except sqlite3.Error as exc:
            raise store_error(exc) from exc
        return raw

    def _enter(self) -> tuple[Connection, sqlite3.Connection] | None:
        with self._change:
            while self._is_resting:  # the process is about to fork
                self._change.wait()
            self._reading += 1
            return self._idle.pop() if self._idle else None

    def _leave(self, fit: tuple[Connection, sqlite3.Connection] | None) -> None:
        with self._change:
            self._reading -= 1
            if fit is not None and len(self._idle) < _KEPT and not self._is_closed:
                self._idle.append(fit)
                fit = None
            if self._is_resting:
                self._change.notify_all()
        if fit is not None:
            fit[0].close()

    def rest(self, seconds: float) -> None:
        """
        Let nobody begin to read until `go_on`, wait for those who do, and close all connections.
        """
        patience = monotonic() + seconds
        with self._change:
            self._is_resting = True
            while self._reading and (left := patience - monotonic()) > 0:
                self._change.wait(left)
            self._close_idle()

    def go_on(self) -> None:
        """
        Let others read again; connections are opened when they are needed.
        """
        with self._change:
            self._is_resting = False
            self._change.notify_all()

    def close(self) -> None:
        """
        Close all connections, those in use when their readers are done.
        """
        with self._change:
            self._is_closed = True
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()


def _ended(raw: sqlite3.Connection) -> bool:
    """
    End what was being read; tell whether the connection is still good.
    """
    with suppress(sqlite3.Error):
        raw.rollback()
        return True
    return False
