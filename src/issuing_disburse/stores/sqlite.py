"""
How do many threads write to one SQLite database without starving each other?

SQLite has one writer, and its busy handler is unfair: under load some waiter sleeps for seconds. So the
threads of one process queue up. Whoever gets the turn runs the works of all that wait in one database
transaction, each in its own savepoint, and commits once for all of them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from issuing_disburse.exceptions import StaleRecordError, StoreError, StoreTimeoutError
from issuing_disburse.ports import Clock, Transaction
from issuing_disburse.records import Row

from .driver_errors import store_error
from .promises import TRIES, stale
from .transactions import SQLTransaction, Statements

T = TypeVar("T")

_BATCH_MAX = 64
_BUSY_SECONDS = 10.0


class _Job:
    """
    One work that waits for its turn, and what came of it.
    """

    __slots__ = ("error", "is_done", "is_taken", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_taken = False
        self.is_done = False


class GroupWriter:
    """
    The one writer of a process.
    """

    def __init__(self, connection: sa.Connection, statements: Statements, clock: Clock) -> None:
        self._connection = connection
        self._statements = statements
        self._clock = clock
        self._turn = threading.Lock()
        self._queue: deque[_Job] = deque()
        self._queue_lock = threading.Lock()

    def transact(self, work: Callable[[Transaction], T], timeout_seconds: float | None) -> T:
        """
        Run *work* in this thread's turn, or have it run by whoever has the turn before.
        """
        job = _Job(work)
        with self._queue_lock:
            self._queue.append(job)
        patience = -1 if timeout_seconds is None else max(0.0, timeout_seconds)
        started = time.monotonic()
        if not self._turn.acquire(timeout=patience):
            self._give_up(job)
        try:
            if not job.is_done:
                left = _BUSY_SECONDS
                if timeout_seconds is not None:
                    left = max(0.001, timeout_seconds - (time.monotonic() - started))
                self._run_batch(busy_seconds=left)
        finally:
            self._turn.release()
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def _give_up(self, job: _Job) -> None:
        with self._queue_lock:
            if not job.is_taken:
                self._queue.remove(job)
                raise StoreTimeoutError("other works held the store until the time was up")
        raise StoreTimeoutError(
            "the time was up while the work was being written; it may have been kept"
        )

    def hold(self, timeout_seconds: float | None) -> bool:
        """
        Keep all writers out; `release` lets them in again.
        """
        return self._turn.acquire(timeout=-1 if timeout_seconds is None else timeout_seconds)

    def release(self) -> None:
        """
        Let writers in again.
        """
        self._turn.release()

    def _run_batch(self, *, busy_seconds: float) -> None:
        with self._queue_lock:
            count = min(len(self._queue), _BATCH_MAX)
            batch = [self._queue.popleft() for _ in range(count)]
            for job in batch:
                job.is_taken = True
        try:
            self._execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
            self._execute("BEGIN IMMEDIATE")
            try:
                for job in batch:
                    self._run(job, is_alone=len(batch) == 1)
                failed = len(batch) == 1 and batch[0].error is not None
                self._execute("ROLLBACK" if failed else "COMMIT")
            except BaseException:
                self._roll_back()
                raise
        except sa.exc.SQLAlchemyError as error:
            for job in batch:
                job.error = store_error(error)
                job.error.__cause__ = error
        except BaseException as error:
            for job in batch:
                job.error = job.error or StoreError(f"the writer died: {type(error).__name__}")
            raise
        finally:
            for job in batch:
                job.is_done = True

    def _run(self, job: _Job, *, is_alone: bool) -> None:
        for tries_left in range(TRIES - 1, -1, -1):
            job.error = None
            transaction = SQLTransaction(
                self._connection, self._statements, self._clock, is_writable=True
            )
            self._execute("SAVEPOINT work")
            try:
                job.result = job.work(transaction)
                if transaction.is_stale:
                    raise stale(Row)
            except StaleRecordError as error:
                job.error = error
            except sa.exc.SQLAlchemyError:
                raise
            except BaseException as error:  # noqa: BLE001  # the work's own; raised in its thread
                job.error = error
            finally:
                transaction.end()
            if job.error is not None:
                self._execute("ROLLBACK TO work")
            self._execute("RELEASE work")
            if not isinstance(job.error, StaleRecordError) or not tries_left:
                return

    def _roll_back(self) -> None:
        try:
            self._execute("ROLLBACK")
        except sa.exc.SQLAlchemyError:
            self._connection.invalidate()

    def _execute(self, sql: str) -> None:
        self._connection.exec_driver_sql(sql)
