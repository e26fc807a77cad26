"""
How are works run on an SQLite database?

On a file, one connection writes for all threads of the process (`SQLiteWriter`) and others read what
was committed last, without waiting for it. In memory, one connection does everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from issuing_disburse.ports import Clock, Transaction

from .combiner import Job
from .sqlite_readers import SQLiteReaders
from .sqlite_writer import SQLiteWriter
from .statements import Statements
from .transactions import SQLTransaction

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
        self._readers = SQLiteReaders(engine)
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
        with self._readers.reading() as raw:
            transaction = SQLTransaction(
                raw,
                self._statements,
                self._clock,
                is_writable=False,
                deadline=deadline,
                is_alone=True,
            )
            try:
                result = work(transaction)
                transaction.check_outcome()
                return result
            finally:
                transaction.end()

    def close(self) -> None:
        """
        Close the connections, the writing one after the work that may be using it.
        """
        self._writer.close(_REST_SECONDS)
        self._readers.close()

    # Around a fork: SQLite's connections must not be carried into a child, not even unused.

    def before_fork(self) -> None:
        """
        Come to rest, with every connection to a file closed.
        """
        self._is_resting = self._writer.rest(_REST_SECONDS)
        if self._is_memory:
            return
        self._readers.rest(_REST_SECONDS)
        if self._is_own:
            self._engine.dispose()

    def after_fork_in_parent(self) -> None:
        """
        Go on; connections are opened when they are needed.
        """
        self._readers.go_on()
        if self._is_resting:
            self._is_resting = False
            self._writer.go_on()

    def after_fork_in_child(self) -> None:
        """
        Go on with nothing of the parent's but the database in memory.
        """
        self._is_resting = False
        # Kept, so that what could not be closed before is not closed here.
        self._inherited = self._writer, self._readers, self._engine.pool
        self._readers = SQLiteReaders(self._engine)
        self._writer = self._writer.after_fork()
        if not self._is_memory:
            self._engine.dispose(close=False)
