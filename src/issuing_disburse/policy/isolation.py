"""
How do we answer in time when a rule never comes back?
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

WORKERS_MAX = 32
"""How many judging threads there may be, those stuck in a rule included."""


class OverdueError(Exception):
    """
    The work did not come back in time; its thread is left alone with it.
    """


def _rest() -> None:
    """
    Do nothing.
    """


class _Worker:
    """
    One thread that does one piece of work after the other.
    """

    def __init__(self, give_back: Callable[[_Worker], None]) -> None:
        self._give_back = give_back
        self._wake = threading.Semaphore(0)
        self._work: Callable[[], None] = _rest
        threading.Thread(target=self._run, name="issuing-disburse-judge", daemon=True).start()

    def start(self, work: Callable[[], None]) -> None:
        self._work = work
        self._wake.release()

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            self._work()
            self._work = _rest  # nothing of the last question stays alive while waiting
            self._give_back(self)


class Workers:
    """
    Threads that wait for work, as few as are busy at once, and never more than a limit.

    A thread cannot be stopped from outside. One that is stuck counts against the limit until it
    comes back; when all are stuck, work is refused at once instead of waiting.

    There are few of these in a process, made when a module is imported: each is kept for ever.

    Args:
        is_patient: Whether to wait for a free thread, as long as the work itself may take: where
            threads are busy because there is much to do, and not because they are stuck.
    """

    def __init__(self, limit: int = WORKERS_MAX, *, is_patient: bool = False) -> None:
        self._limit = limit
        self._is_patient = is_patient
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget_threads)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._idle: list[_Worker] = []
        self._count = 0

    def run(self, work: Callable[[], T], *, timeout_seconds: float) -> T:
        """
        Do *work* in another thread and return what it returns.

        Raises:
            OverdueError: Not done in *timeout_seconds*, or no thread is free. What *work* itself raises
                passes through.
        """
        ends_at = time.monotonic() + timeout_seconds
        worker = self._take(timeout_seconds)
        done = threading.Event()
        results: list[T] = []
        errors: list[BaseException] = []

        def task() -> None:
            try:
                results.append(work())
            except BaseException as error:  # noqa: BLE001 - raised again in the asking thread
                errors.append(error)
            done.set()

        worker.start(task)
        if not done.wait(max(0.0, ends_at - time.monotonic())):
            raise OverdueError
        if errors:
            raise errors[0]
        return results[0]

    def begin(self, work: Callable[[], object]) -> None:
        """
        Have *work* done, some time, by somebody who is free; what it raises is nobody's business.

        Raises:
            OverdueError: No thread is free.
        """

        def task() -> None:
            with suppress(Exception):
                work()

        self._take(0.0).start(task)

    @property
    def busy(self) -> int:
        """
        How many threads are at work or stuck.
        """
        with self._lock:
            return self._count - len(self._idle)

    def _take(self, timeout_seconds: float) -> _Worker:
        with self._freed:
            if self._is_patient and not self._idle and self._count >= self._limit:
                self._freed.wait_for(lambda: bool(self._idle), timeout_seconds)
            if self._idle:
                return self._idle.pop()
            if self._count >= self._limit:
                raise OverdueError
            self._count += 1
        try:
            return _Worker(self._give_back)
        except RuntimeError:  # the system gives no more threads, or the interpreter is ending
            with self._lock:
                self._count -= 1
            raise OverdueError from None

    def _give_back(self, worker: _Worker) -> None:
        with self._freed:
            self._idle.append(worker)
            self._freed.notify()

    def forget_threads(self) -> None:
        """
        Start over in a forked child, where no thread but the forking one exists.
        """
        self._forget()


WORKERS = Workers()
"""The threads of all isolated policies of this process."""
