"""
How are works run on PostgreSQL, by many processes at once?
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from issuing_disburse.exceptions import StaleRecordError, StoreError
from issuing_disburse.ports import Clock, Transaction

from .driver_errors import is_connection_lost, is_worth_rerunning, store_error
from .promises import TRIES, time_is_up
from .statements import Driver, Statements
from .transactions import SQLTransaction

if TYPE_CHECKING:
    from psycopg import Connection as PsycopgConnection
    from psycopg import Cursor

T = TypeVar("T")

_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PAUSE_SECONDS = 0.002
_TRIES_BEFORE_TABLE_LOCK = 4


class Link:
    """
    One pooled connection, while a work has it.

    Attributes:
        driver: A cursor of psycopg's, in autocommit mode: transactions begin and end here.
    """

    __slots__ = ("_connection", "_error", "_pooled", "_was_autocommit", "driver")

    def __init__(self, pooled: PoolProxiedConnection, error: type[Exception]) -> None:
        self._pooled = pooled
        self._error = error
        self._connection = connection = cast("PsycopgConnection", pooled.driver_connection)
        self._was_autocommit = connection.autocommit
        self.driver = cast("Driver", connection.cursor())

    @property
    def is_closed(self) -> bool:
        """
        Whether the connection is known to be gone.
        """
        return self._connection.closed

    def begin(self, statements: str) -> None:
        """
        Begin a transaction by *statements*, several in one message: one answer for all of them.
        """
        if not self._was_autocommit:  # somebody's own engine
            self._connection.autocommit = True
        # Never prepared: their time-out differs, and they would push the others out.
        cast("Cursor[object]", self.driver).execute(statements, prepare=False)

    def commit(self) -> None:
        """
        Keep what was written.

        Raises:
            StoreError: Nothing was kept, or that is unknown, as its code says.
        """
        try:
            self.driver.execute("COMMIT")
        except self._error as exc:
            self._drop()
            raise store_error(exc, is_committing=True) from exc
        except BaseException:
            self._drop()
            raise

    def roll_back(self) -> None:
        """
        Keep nothing of what was written.
        """
        self._end("ROLLBACK")

    def end_reading(self) -> None:
        """
        End a transaction that wrote nothing.

        Not by rolling back: psycopg would then forget every prepared statement.
        """
        self._end("COMMIT")

    def let_go(self) -> None:
        """
        Give it back to its pool, as it came.
        """
        if self._pooled.is_valid and not self._was_autocommit:
            try:
                self._connection.autocommit = False
            except self._error:
                self._drop()
        self._pooled.close()

    def abandon(self) -> None:
        """
        Close it for good.
        """
        self._drop()
        self._pooled.close()

    def _end(self, statement: str) -> None:
        try:
            self.driver.execute(statement)
        except self._error:
            self._drop()  # closing it rolls back just as well
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._pooled.is_valid:
            self._pooled.invalidate()


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
            with self._begun(_WRITING, deadline, lock) as link:
                transaction = self._transaction(
                    link, deadline, is_writable=True, locks_always=number > 0
                )
                try:
                    result = work(transaction)
                    transaction.check_outcome()
                except Exception as exc:
                    link.roll_back()
                    if number + 1 == TRIES or not _is_overtaken(exc, transaction):
                        raise
                    contended = transaction.contended
                except BaseException:
                    link.roll_back()
                    raise
                else:
                    link.commit()
                    return result
                finally:
                    transaction.end()
            number += 1
            sleep(random.uniform(0, _PAUSE_SECONDS * number))  # noqa: S311 - spreads waiters

    def read(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work* on one snapshot.
        """
        with self._begun(_READING, deadline) as link:
            transaction = self._transaction(link, deadline, is_writable=False)
            try:
                result = work(transaction)
                transaction.check_outcome()
                return result
            finally:
                transaction.end()
                link.end_reading()

    def close(self) -> None:
        """
        Nothing is held between works.
        """

    def _transaction(
        self, link: Link, deadline: float, *, is_writable: bool, locks_always: bool = False
    ) -> SQLTransaction:
        return SQLTransaction(
            link.driver,
            self._statements,
            self._clock,
            is_writable=is_writable,
            deadline=deadline,
            is_alone=not is_writable,  # a snapshot; else it is alone with what it has locked
            locks_always=locks_always,
        )

    @contextmanager
    def _begun(self, begin: str, deadline: float, lock: str = "") -> Iterator[Link]:
        if not self._slots.acquire(timeout=max(0.0, deadline - monotonic())):
            raise time_is_up()
        try:
            link = self._linked(begin, deadline, lock)
            try:
                yield link
            finally:
                link.let_go()
        finally:
            self._slots.release()

    def _linked(self, begin: str, deadline: float, lock: str) -> Link:
        """
        Return a connection in a new transaction, bounded by *deadline* at the server, too.

        A pooled connection may have died since it was used last; nothing was done on it yet, so the
        next one is tried, and at last a new one.
        """
        tries_left = self._connections
        while True:
            milliseconds = max(1, int((deadline - monotonic()) * 1_000))
            try:
                link = Link(self._engine.raw_connection(), self._statements.error)
            except (SQLAlchemyError, self._statements.error) as exc:
                raise store_error(exc) from exc
            try:
                # One message, one answer: the timeout costs no more than none.
                link.begin(f"{begin}; SET LOCAL statement_timeout = {milliseconds}{lock}")
            except self._statements.error as exc:
                is_lost = link.is_closed or is_connection_lost(exc)
                link.abandon()
                if not tries_left or not is_lost:
                    raise store_error(exc) from exc
                tries_left -= 1
            except BaseException:
                link.abandon()
                raise
            else:
                return link

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
