"""
How are works run on an SQLite database?

On a file, one connection writes for all threads of the process (`SQLiteWriter`) and others read what
was committed last, without waiting for it. In memory, one connection does everything.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from issuing_disburse.ports import Clock, Transaction

from .combiner import Job
from .driver_errors import store_error
from .sqlite_writer import SQLiteWriter, driver_connection
from .transactions import SQLTransaction, Statements

T = TypeVar("T")

_REST_SECONDS = 5.0


class SQLiteRunner:
    """
    Runs works on one SQLite database.

    Args:
        engine: In autocommit mode: transactions begin and end here, not in the driver.
        is_own: Whether nobody else uses *engine*.
        is_memory: Whether there is only one connection, for writing and reading.
    """

    def __init__(
        self, engine: Engine, statements: Statements, clock: Clock, *, is_own: bool, is_memory: bool
    ) -> None:
        self._engine = engine
        self._statements = statements
        self._clock = clock
        self._is_own = is_own
        self._is_memory = is_memory
        self._writer = SQLiteWriter(engine, statements, clock, is_memory=is_memory)
        self._gate = threading.Event()
        self._gate.set()
        self._is_resting = False

    def transact(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work* with others that wait, in one transaction of the database.
        """
        return self._writer.run(Job(work, deadline=deadline))

    def read(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work* on what was committed last.
        """
        if self._is_memory:
            return self._writer.run(Job(work, deadline=deadline, is_writing=False))
        with self._reading() as connection:
            transaction = SQLTransaction(
                connection, self._statements, self._clock, is_writable=False, deadline=deadline
            )
            try:
                result = work(transaction)
                transaction.check_outcome()
                return result
            finally:
                transaction.end()

    def close(self) -> None:
        """
        Close the writing connection, after the work that may be using it.
        """
        self._writer.close(_REST_SECONDS)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            connection = self._engine.connect()
            while not self._gate.is_set():  # the process is about to fork
                connection.close()
                self._gate.wait()
                connection = self._engine.connect()
        except SQLAlchemyError as exc:
            raise store_error(exc) from exc
        with connection:
            try:
                raw = driver_connection(connection)
                raw.execute("BEGIN")
            except (SQLAlchemyError, sqlite3.Error) as exc:
                raise store_error(exc) from exc
            try:
                yield connection
            finally:
                raw.rollback()

    # Around a fork: SQLite's connections must not be carried into a child, not even unused.

    def before_fork(self) -> None:
        """
        Come to rest, with every connection to a file closed.
        """
        self._is_resting = self._writer.rest(_REST_SECONDS)
        if self._is_memory or not self._is_own:
            return
        self._gate.clear()
        patience = monotonic() + _REST_SECONDS
        while _checked_out(self._engine) and monotonic() < patience:
            sleep(0.001)
        self._engine.dispose()

    def after_fork_in_parent(self) -> None:
        """
        Go on; connections are opened when they are needed.
        """
        self._gate.set()
        if self._is_resting:
            self._is_resting = False
            self._writer.go_on()

    def after_fork_in_child(self) -> None:
        """
        Go on with nothing of the parent's but the database in memory.
        """
        self._gate = threading.Event()
        self._gate.set()
        self._is_resting = False
        self._inherited = self._writer, self._engine.pool  # kept, so that they are not closed here
        self._writer = self._writer.after_fork()
        if not self._is_memory:
            self._engine.dispose(close=False)


def _checked_out(engine: Engine) -> int:
    count = getattr(engine.pool, "checkedout", None)
    return int(count()) if count is not None else 0
