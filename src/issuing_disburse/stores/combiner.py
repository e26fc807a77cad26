"""
How do many threads share one writer, without waiting for it and without a thread of its own?

Who finds nobody writing becomes the *leader*: it runs its own work and all that queued up
meanwhile in one database transaction, commits once, wakes the others and makes the first one who came
too late the next leader. A thread that is alone pays nothing for this; nobody is overtaken.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from time import monotonic
from typing import Generic, TypeVar

from issuing_disburse.exceptions import StoreTimeoutError
from issuing_disburse.ports import Transaction

from .promises import time_is_up, unknown_outcome

T = TypeVar("T")

BATCH_MAX = 64

_COMMIT_SECONDS = 60.0


class Progress(Enum):
    """
    Where a job is, as its own thread and the leader both see it.
    """

    QUEUED = auto()
    RUNNING = auto()
    COMMITTING = auto()
    DONE = auto()
    LEADING = auto()
    LEFT = auto()


class Job(Generic[T]):
    """
    One work on its way, with what came of it.

    Attributes:
        deadline: Monotonic seconds.
        error: What its caller is to be told instead of the result.
    """

    __slots__ = ("_bell", "deadline", "error", "is_writing", "progress", "result", "work")

    def __init__(
        self, work: Callable[[Transaction], T], *, deadline: float, is_writing: bool = True
    ) -> None:
        self.work = work
        self.deadline = deadline
        self.is_writing = is_writing
        self.progress = Progress.QUEUED
        self.result: T | None = None
        self.error: BaseException | None = None
        self._bell = threading.Lock()
        self._bell.acquire()

    @property
    def is_running(self) -> bool:
        """
        Whether it was picked up and has no outcome yet.
        """
        return self.progress is Progress.RUNNING

    def wait(self, seconds: float) -> bool:
        """
        Wait to be woken, at most *seconds*; tell whether that happened.
        """
        return self._bell.acquire(timeout=max(0.0, seconds))

    def wake(self) -> None:
        """
        End the waiting, once.
        """
        self._bell.release()


def _pause(transaction: Transaction) -> None:
    """
    Stand in the queue for `Combiner.rest`; never run, and nobody runs beside it.
    """


class Combiner:
    """
    Lets one thread at a time write, for all.

    Args:
        run: Runs jobs, the leading thread's own first, in one database transaction: fills each
            one's result or error. It may `take_more`, and asks `commit_point` before it commits.
    """

    def __init__(self, run: Callable[[list[Job[object]]], None]) -> None:
        self._run = run
        self._mutex = threading.Lock()
        self._queue: deque[Job[object]] = deque()
        self._is_led = False

    def submit(self, job: Job[object]) -> None:
        """
        Return when *job* has a result or an error that was kept in the database or rolled back.

        Raises:
            StoreTimeoutError: Its deadline passed first; nothing of it is or will be kept.
        """
        if self._leads_at_once(job) or self._is_called_to_lead(job):
            self._lead(job)

    def rest(self, seconds: float) -> bool:
        """
        Let no work run until `go_on`; tell whether that could be had within *seconds*.
        """
        pause: Job[object] = Job(_pause, deadline=monotonic() + seconds)
        try:
            return self._leads_at_once(pause) or self._is_called_to_lead(pause)
        except StoreTimeoutError:
            return False

    def go_on(self) -> None:
        """
        Let works run again.
        """
        self._hand_over(())

    def _leads_at_once(self, job: Job[object]) -> bool:
        with self._mutex:
            if not self._is_led:
                self._is_led = True
                job.progress = Progress.LEADING
                return True
            self._queue.append(job)
            return False

    def commit_point(self, jobs: Sequence[Job[object]]) -> bool:
        """
        From here on *jobs* are kept, unless one of them was left meanwhile: then nothing is yet.
        """
        now = monotonic()
        with self._mutex:
            if any(job.progress is Progress.LEFT or job.deadline < now for job in jobs):
                return False
            for job in jobs:
                job.progress = Progress.COMMITTING
        return True

    def put_back(self, jobs: Iterable[Job[object]]) -> None:
        """
        Leave *jobs*, which have no outcome, to the next leader; they keep their place.
        """
        with self._mutex:
            for job in reversed(list(jobs)):
                if job.progress is not Progress.LEFT:
                    job.progress = Progress.QUEUED
                    self._queue.appendleft(job)

    def _is_called_to_lead(self, job: Job[object]) -> bool:
        if not job.wait(job.deadline - monotonic()):
            with self._mutex:
                if job.progress in {Progress.QUEUED, Progress.RUNNING}:
                    if job.progress is Progress.QUEUED:
                        self._queue.remove(job)
                    job.progress = Progress.LEFT
                    raise time_is_up()
            # Being committed (moments, and then it is known), done, or called to lead.
            if not job.wait(_COMMIT_SECONDS):
                raise unknown_outcome()
        return job.progress is Progress.LEADING

    def take_more(self, batch: list[Job[object]]) -> list[Job[object]]:
        """
        Move those who queue up into the *batch* that is being run, and return them.
        """
        more: list[Job[object]] = []
        queue = self._queue
        if queue:
            with self._mutex:
                while queue and queue[0].work is not _pause and len(batch) < BATCH_MAX:
                    job = queue.popleft()
                    job.progress = Progress.RUNNING
                    more.append(job)
                    if job not in batch:  # it may have been put back before
                        batch.append(job)
        return more

    def _lead(self, own: Job[object]) -> None:
        own.progress = Progress.RUNNING
        batch = [own]
        try:
            self.take_more(batch)
            self._run(batch)
        finally:
            self._hand_over(batch[1:])

    def _hand_over(self, followers: Sequence[Job[object]]) -> None:
        with self._mutex:
            finished = [
                job for job in followers if job.progress in {Progress.RUNNING, Progress.COMMITTING}
            ]
            for job in finished:
                job.progress = Progress.DONE
            successor = self._queue.popleft() if self._queue else None
            if successor is not None:
                successor.progress = Progress.LEADING
            else:
                self._is_led = False
        if successor is not None:
            successor.wake()
        for job in finished:
            job.wake()
