"""
How are works run on PostgreSQL, by many processes at once?
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from issuing_disburse.exceptions import StaleRecordError, StoreError
from issuing_disburse.ports import Clock, Transaction

from .driver_errors import is_connection_lost, is_worth_rerunning, store_error
from .promises import TRIES, time_is_up
from .transactions import SQLTransaction, Statements

T = TypeVar("T")

_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PAUSE_SECONDS = 0.002
_TRIES_BEFORE_TABLE_LOCK = 4


class PostgresRunner:
    """
    Runs works on one PostgreSQL database.

    Args:
        engine: In autocommit mode: transactions begin and end here, not in the driver.
        clock: ``None`` asks the database for the time.
        connections: How many works run at once at most.
    """

    def __init__(
        self, engine: Engine, statements: Statements, clock: Clock | None, *, connections: int
    ) -> None:
        self._engine = engine
        self._statements = statements
        self._clock = clock
        self._connections = connections
        self._slots = threading.BoundedSemaphore(connections)

    def transact(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work*; again when others wrote first, then with its records locked as it reads them.

        Who loses again and again (there is nothing to lock in a chain that others append to) at
        last keeps all others from writing to that table, for as long as the work takes.
        """
        contended: str | None = None
        number = 0
        while True:
            lock = ""
            if contended is not None and number >= _TRIES_BEFORE_TABLE_LOCK:
                lock = f"; LOCK TABLE {contended} IN SHARE ROW EXCLUSIVE MODE"
            with self._begun(_WRITING, deadline, lock) as connection:
                transaction = self._transaction(
                    connection, deadline, is_writable=True, locks_always=number > 0
                )
                try:
                    result = work(transaction)
                    transaction.check_outcome()
                except Exception as exc:
                    self._roll_back(connection)
                    if number + 1 == TRIES or not _is_overtaken(exc, transaction):
                        raise
                    contended = transaction.contended
                except BaseException:
                    self._roll_back(connection)
                    raise
                else:
                    self._commit(connection)
                    return result
                finally:
                    transaction.end()
            number += 1
            sleep(random.uniform(0, _PAUSE_SECONDS * number))  # noqa: S311 - spreads waiters

    def read(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work* on one snapshot.
        """
        with self._begun(_READING, deadline) as connection:
            transaction = self._transaction(connection, deadline, is_writable=False)
            try:
                result = work(transaction)
                transaction.check_outcome()
                return result
            finally:
                transaction.end()
                self._roll_back(connection)

    def close(self) -> None:
        """
        Nothing is held between works.
        """

    def _transaction(
        self,
        connection: Connection,
        deadline: float,
        *,
        is_writable: bool,
        locks_always: bool = False,
    ) -> SQLTransaction:
        return SQLTransaction(
            connection,
            self._statements,
            self._clock,
            is_writable=is_writable,
            deadline=deadline,
            locks_always=locks_always,
        )

    @contextmanager
    def _begun(self, begin: str, deadline: float, lock: str = "") -> Iterator[Connection]:
        if not self._slots.acquire(timeout=max(0.0, deadline - monotonic())):
            raise time_is_up()
        try:
            with self._connected(begin, deadline, lock) as connection:
                yield connection
        finally:
            self._slots.release()

    def _connected(self, begin: str, deadline: float, lock: str) -> Connection:
        """
        Return a connection in a new transaction, bounded by *deadline* at the server, too.

        A pooled connection may have died since it was used last; nothing was done on it yet, so a
        new one is tried.
        """
        is_retry = False
        while True:
            milliseconds = max(1, int((deadline - monotonic()) * 1_000))
            try:
                connection = self._engine.connect()
            except SQLAlchemyError as exc:
                raise store_error(exc) from exc
            try:
                # One message, one answer: the timeout costs no more than none.
                connection.exec_driver_sql(
                    f"{begin}; SET LOCAL statement_timeout = {milliseconds}{lock}"
                )
            except SQLAlchemyError as exc:
                connection.invalidate()
                connection.close()
                if is_retry or not is_connection_lost(exc):
                    raise store_error(exc) from exc
                is_retry = True
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            else:
                return connection

    def _commit(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql("COMMIT")
        except SQLAlchemyError as exc:
            connection.invalidate()
            raise store_error(exc, is_committing=True) from exc
        except BaseException:
            connection.invalidate()
            raise

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql("ROLLBACK")
        except SQLAlchemyError:
            connection.invalidate()  # closing it rolls back just as well

    def before_fork(self) -> None:
        """
        Nothing needs to rest: a child leaves the connections to its parent.
        """

    def after_fork_in_parent(self) -> None:
        """
        Nothing has changed.
        """

    def after_fork_in_child(self) -> None:
        """
        Go on with connections of the child's own.
        """
        self._slots = threading.BoundedSemaphore(self._connections)
        self._inherited = self._engine.pool  # kept, so that nothing is said on the parent's sockets
        self._engine.dispose(close=False)


def _is_overtaken(error: Exception, transaction: SQLTransaction) -> bool:
    if isinstance(error, StaleRecordError):
        return True
    failure: StoreError | None = transaction.failure
    return failure is not None and is_worth_rerunning(failure)
