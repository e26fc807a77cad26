"""
How do many threads write to one SQLite database without starving each other?

One connection writes for all of them, each work in a savepoint, with one commit for all that came
meanwhile (`Combiner`). A failure of the database is put down to the work that meets it alone.
"""

from __future__ import annotations

import random
import sqlite3
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from issuing_disburse.exceptions import StaleRecordError, StoreError
from issuing_disburse.ports import Clock

from .combiner import Combiner, Job, Progress
from .driver_errors import is_busy, store_error
from .promises import TRIES, locked_by_others, time_is_up, unknown_outcome
from .statements import Statements
from .transactions import SQLTransaction

T = TypeVar("T")

_BATCH_SECONDS = 0.05
_BUSY_SECONDS = (0.000_5, 0.004)
_COMMIT_SECONDS = 5.0


class _BatchLostError(Exception):
    """
    The database failed inside a batch; each of its works is to be tried alone.
    """


class SQLiteWriter:
    """
    The one writer of a process.

    Args:
        engine: In autocommit mode: transactions begin and end here, not in the driver.
        is_memory: Whether its only connection is shared with readers, and must be kept.
    """

    def __init__(
        self, engine: Engine, statements: Statements, clock: Clock, *, is_memory: bool
    ) -> None:
        self._engine = engine
        self._statements = statements
        self._clock = clock
        self._is_memory = is_memory
        self._connection: Connection | None = None
        self._combiner = Combiner(self._run_jobs)

    def run(self, job: Job[T]) -> T:
        """
        Run one work, together with others that wait.
        """
        self._combiner.submit(cast("Job[object]", job))
        if job.error is not None:
            raise job.error
        return cast("T", job.result)

    def rest(self, seconds: float) -> bool:
        """
        Close the connection and let no work run until `go_on`; tell whether that could be had.
        """
        if not self._combiner.rest(seconds):
            return False
        if not self._is_memory:
            self._drop_connection()
        return True

    def go_on(self) -> None:
        """
        Let works run again.
        """
        self._combiner.go_on()

    def after_fork(self) -> SQLiteWriter:
        """
        Return the writer of a child process: nothing is the same but a database in memory.
        """
        own = SQLiteWriter(self._engine, self._statements, self._clock, is_memory=self._is_memory)
        if self._is_memory:
            own._connection = self._connection
        return own

    def close(self, seconds: float) -> None:
        """
        Close the connection for good, after the work that may be using it.
        """
        if self._combiner.rest(seconds):
            self._drop_connection()
            self._combiner.go_on()

    # What follows runs on the leading thread only. Its own job is the first.

    def _run_jobs(self, jobs: list[Job[object]]) -> None:
        own = jobs[0]
        waiting = list(jobs)
        is_lonely = False
        try:
            while own in (waiting := [job for job in waiting if not _has_expired(job)]):
                try:
                    waiting = self._run_together(waiting, None if is_lonely else jobs)
                except _BatchLostError:
                    self._drop_connection()
                    self._combiner.put_back([job for job in jobs[1:] if job.is_running])
                    waiting, is_lonely = [own], True
            self._combiner.put_back(waiting)
        except BaseException:
            # The leading thread itself is interrupted: the others must not wait for ever.
            self._drop_connection()
            for job in jobs:
                if job.progress is Progress.COMMITTING:
                    job.error = unknown_outcome()
            self._combiner.put_back([job for job in jobs[1:] if job.is_running])
            raise

    def _run_together(
        self, jobs: list[Job[object]], batch: list[Job[object]] | None
    ) -> list[Job[object]]:
        """
        Run *jobs*, and who joins the *batch* meanwhile, in one transaction.

        Returns:
            Those that must be run again.
        """
        try:
            if not self._begin(jobs):
                return jobs
        except StoreError as exc:
            _tell(jobs, exc)
            return []
        started = monotonic()
        ran: list[Job[object]] = []
        left = deque(jobs)
        while left:
            job = left.popleft()
            self._run_one(job, is_own=not ran, is_alone=len(jobs) == 1 and not ran)
            ran.append(job)
            is_late = monotonic() - started > _BATCH_SECONDS
            if is_late:
                self._combiner.put_back(left)
                break
            if not left and batch is not None and job.error is None:
                left.extend(self._combiner.take_more(batch))
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
            raw = self._writer()
            if not is_alone:
                _say(raw, "SAVEPOINT work")
            transaction = SQLTransaction(
                raw,
                self._statements,
                self._clock,
                is_writable=job.is_writing,
                deadline=job.deadline,
                is_alone=True,
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
                    _say(raw, "RELEASE work")
                return
            if transaction.is_broken and not is_alone:
                raise _BatchLostError
            self._undo(raw, is_alone=is_alone, is_broken=transaction.is_broken)
            if not tries_left or not isinstance(job.error, StaleRecordError):
                return
            if is_alone and not self._begin([job]):
                return

    def _undo(self, raw: sqlite3.Connection, *, is_alone: bool, is_broken: bool) -> None:
        if is_broken:
            self._drop_connection()
        elif is_alone:
            self._roll_back()
        else:
            _say(raw, "ROLLBACK TO work")
            _say(raw, "RELEASE work")

    def _begin(self, jobs: Sequence[Job[object]]) -> bool:
        """
        Take SQLite's write lock; tell whether that was possible before any of *jobs* expired.

        SQLite's own waiting sleeps longer and longer, so that under load somebody never gets in.
        """
        first = min(job.deadline for job in jobs)
        while True:
            try:
                self._writer().execute("BEGIN IMMEDIATE")
            except SQLAlchemyError as exc:
                raise store_error(exc) from exc
            except sqlite3.Error as exc:
                if not is_busy(exc):
                    self._drop_connection()
                    raise store_error(exc) from exc
            else:
                return True
            if monotonic() > first or any(job.progress is Progress.LEFT for job in jobs):
                for job in jobs:
                    job.error = locked_by_others() if job.deadline < monotonic() else None
                return False
            sleep(random.uniform(*_BUSY_SECONDS))  # noqa: S311 - spreads waiters, hides nothing

    def _commit(self) -> None:
        if self._connection is None:  # dropped with its transaction: who failed has been told
            return
        raw = self._writer()
        patience = monotonic() + _COMMIT_SECONDS
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
        if self._connection is None:
            return
        try:
            self._writer().rollback()
        except sqlite3.Error:
            self._drop_connection()  # closing it rolls back just as well

    def _writer(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = self._engine.connect()
            raw = driver_connection(connection)
            if not self._is_memory:
                connection.detach()  # ours alone from here on, and no loss to anybody's pool
                raw.execute("PRAGMA busy_timeout = 0")
            self._connection = connection
        return _raw(self._connection)

    def _drop_connection(self) -> None:
        """
        Roll back, and start with a new connection next time; the only one in memory is kept.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # closing it rolls back just as well
                _raw(connection).rollback()
            connection.close()


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


def _say(raw: sqlite3.Connection, statement: str) -> None:
    try:
        raw.execute(statement)
    except sqlite3.Error as exc:
        raise _BatchLostError from exc


def _raw(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _has_expired(job: Job[object]) -> bool:
    if job.progress is Progress.LEFT:
        return True
    if job.deadline >= monotonic():
        return False
    job.error = job.error or time_is_up()
    return True


def _tell(jobs: Sequence[Job[object]], error: StoreError) -> None:
    """
    Give each of *jobs* an exception of its own: they are raised in different threads.
    """
    for job in jobs:
        job.error = type(error)(str(error), code=error.code)
        job.error.__cause__ = error.__cause__
