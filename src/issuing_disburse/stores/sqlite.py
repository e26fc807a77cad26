"""
How are works run on an SQLite database?

On a file, one connection writes for all threads of the process (`Combiner`) and others read what was
committed last, without waiting for it. In memory, one connection does everything.
"""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from issuing_disburse.exceptions import StaleRecordError, StoreError
from issuing_disburse.ports import Clock, Transaction

from .combiner import Combiner, Job, Progress
from .driver_errors import is_busy, store_error
from .promises import TRIES, time_is_up, unknown_outcome
from .transactions import SQLTransaction, Statements

T = TypeVar("T")

_BATCH_SECONDS = 0.05
_BUSY_SECONDS = (0.000_5, 0.004)
_REST_SECONDS = 5.0


class _BatchLostError(Exception):
    """
    The database failed inside a batch; each of its works is to be tried alone.
    """


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
        self._connection: Connection | None = None
        self._combiner = Combiner(self._run_jobs)
        self._gate = threading.Event()
        self._gate.set()
        self._is_resting = False

    def transact(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work* with others that wait, in one transaction of the database.
        """
        return self._submit(Job(work, deadline=deadline))

    def read(self, work: Callable[[Transaction], T], *, deadline: float) -> T:
        """
        Run *work* on what was committed last.
        """
        if self._is_memory:
            return self._submit(Job(work, deadline=deadline, is_writing=False))
        with self._reading() as connection:
            transaction = self._transaction(connection, deadline=deadline, is_writing=False)
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
        if self._combiner.rest(_REST_SECONDS):
            try:
                self._drop_connection()
            finally:
                self._combiner.go_on()

    def _submit(self, job: Job[T]) -> T:
        self._combiner.submit(cast("Job[object]", job))
        if job.error is not None:
            raise job.error
        return cast("T", job.result)

    def _transaction(
        self, connection: Connection, *, deadline: float, is_writing: bool
    ) -> SQLTransaction:
        return SQLTransaction(
            connection, self._statements, self._clock, is_writable=is_writing, deadline=deadline
        )

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

    # What follows runs on the leading thread only. Its own job is the first.

    def _run_jobs(self, jobs: Sequence[Job[object]]) -> None:
        own = jobs[0]
        waiting = list(jobs)
        try:
            while own in (waiting := [job for job in waiting if not _has_expired(job)]):
                try:
                    waiting = self._run_together(waiting)
                except _BatchLostError:
                    self._drop_connection()
                    self._combiner.put_back(waiting[1:])
                    waiting = [own]
            self._combiner.put_back(waiting)
        except BaseException:
            # The leading thread itself is interrupted: the others must not wait for ever.
            self._drop_connection()
            for job in jobs:
                if job.progress is Progress.COMMITTING:
                    job.error = unknown_outcome()
            self._combiner.put_back([job for job in jobs[1:] if job.progress is Progress.RUNNING])
            raise

    def _run_together(self, jobs: list[Job[object]]) -> list[Job[object]]:
        """
        Run *jobs* in one transaction; return those that must be run again.
        """
        try:
            if not self._begin(jobs):
                return jobs
        except StoreError as exc:
            _tell(jobs, exc)
            return []
        own = jobs[0]
        started = monotonic()
        ran: list[Job[object]] = []
        for number, job in enumerate(jobs):
            if number and monotonic() - started > _BATCH_SECONDS:
                self._combiner.put_back(jobs[number:])
                break
            self._run_one(job, is_own=job is own, is_alone=len(jobs) == 1)
            ran.append(job)
        if not self._combiner.commit_point(ran):
            self._roll_back()
            return ran
        try:
            self._commit()
        except StoreError as exc:
            _tell([job for job in ran if job.error is None], exc)
        return []

    def _run_one(self, job: Job[object], *, is_own: bool, is_alone: bool) -> None:
        for tries_left in range(TRIES - 1, -1, -1):
            connection, raw = self._writer()
            if not is_alone:
                raw.execute("SAVEPOINT work")
            transaction = self._transaction(
                connection, deadline=job.deadline, is_writing=job.is_writing
            )
            job.error = None
            try:
                job.result = job.work(transaction)
                transaction.check_outcome()
            except BaseException as exc:
                if isinstance(exc, KeyboardInterrupt) and not is_own:
                    raise  # meant for this thread, not for the one whose work it runs
                job.result, job.error = None, exc
            finally:
                transaction.end()
            if job.error is None:
                if not is_alone:
                    raw.execute("RELEASE work")
                return
            if transaction.is_broken and not is_alone:
                raise _BatchLostError
            self._undo(raw, is_alone=is_alone, is_broken=transaction.is_broken)
            if not tries_left or not isinstance(job.error, StaleRecordError):
                return
            if is_alone and not self._begin([job]):
                job.error = time_is_up()
                return

    def _undo(self, raw: sqlite3.Connection, *, is_alone: bool, is_broken: bool) -> None:
        if is_broken:
            self._drop_connection()
        elif is_alone:
            raw.rollback()
        else:
            raw.execute("ROLLBACK TO work")
            raw.execute("RELEASE work")

    def _begin(self, jobs: Sequence[Job[object]]) -> bool:
        """
        Take SQLite's write lock; tell whether that was possible before any of *jobs* expired.

        SQLite's own waiting sleeps longer and longer, so that under load somebody never gets in.
        """
        first = min(job.deadline for job in jobs)
        while True:
            try:
                _, raw = self._writer()
                raw.execute("BEGIN IMMEDIATE")
            except SQLAlchemyError as exc:
                raise store_error(exc) from exc
            except sqlite3.Error as exc:
                if not is_busy(exc):
                    self._drop_connection()
                    raise store_error(exc) from exc
            else:
                return True
            if monotonic() > first or any(job.progress is Progress.LEFT for job in jobs):
                return False
            sleep(random.uniform(*_BUSY_SECONDS))  # noqa: S311 - spreads waiters, hides nothing

    def _commit(self) -> None:
        _, raw = self._writer()
        patience = monotonic() + _REST_SECONDS
        while raw.in_transaction:
            try:
                raw.execute("COMMIT")
            except sqlite3.Error as exc:
                # Without WAL (somebody's own engine), readers keep a commit waiting.
                if is_busy(exc) and monotonic() < patience:
                    sleep(random.uniform(*_BUSY_SECONDS))  # noqa: S311 - as above
                    continue
                self._drop_connection()
                raise store_error(exc, is_committing=True) from exc

    def _roll_back(self) -> None:
        _, raw = self._writer()
        raw.rollback()

    def _writer(self) -> tuple[Connection, sqlite3.Connection]:
        if self._connection is None:
            connection = self._engine.connect()
            raw = driver_connection(connection)
            if not self._is_memory:
                connection.detach()  # ours alone from here on, and no loss to anybody's pool
                raw.execute("PRAGMA busy_timeout = 0")
            self._connection = connection
        connection = self._connection
        return connection, _raw(connection)

    def _drop_connection(self) -> None:
        """
        Roll back, and start with a new connection next time; the only one in memory is kept.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            _raw(connection).rollback()
            connection.close()

    # Around a fork: SQLite's connections must not be carried into a child, not even unused.

    def before_fork(self) -> None:
        """
        Come to rest, with every connection to a file closed.
        """
        self._is_resting = self._combiner.rest(_REST_SECONDS)
        if self._is_memory or not self._is_own:
            return
        if self._is_resting:
            self._drop_connection()
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
            self._combiner.go_on()

    def after_fork_in_child(self) -> None:
        """
        Go on with nothing of the parent's but the database in memory.
        """
        self._gate = threading.Event()
        self._gate.set()
        self._is_resting = False
        self._combiner = Combiner(self._run_jobs)
        if not self._is_memory:
            self._inherited = (self._connection, self._engine.pool)  # kept, so never closed here
            self._connection = None
            self._engine.dispose(close=False)


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """
    Return SQLite's own connection, outside of any transaction.

    Listeners of somebody's own engine may begin transactions by themselves: now, then, not later.
    """
    if not connection.in_transaction():
        connection.begin()
    raw = _raw(connection)
    raw.rollback()
    return raw


def _raw(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _checked_out(engine: Engine) -> int:
    count = getattr(engine.pool, "checkedout", None)
    return int(count()) if count is not None else 0


def _has_expired(job: Job[object]) -> bool:
    if job.progress is Progress.LEFT:
        return True
    if job.deadline >= monotonic():
        return False
    job.error = time_is_up()
    return True


def _tell(jobs: Sequence[Job[object]], error: StoreError) -> None:
    """
    Give each of *jobs* an exception of its own: they are raised in different threads.
    """
    for job in jobs:
        job.error = type(error)(str(error), code=error.code)
        job.error.__cause__ = error.__cause__
