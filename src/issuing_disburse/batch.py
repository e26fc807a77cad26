"""
Which thread does what for many orders, how many are on their way at once, and how does a run end?

.. code-block:: text

    submit ─▶ prepare ─────────────────▶ ready ─▶ fund (many at once) ─▶ finish ─▶ outcome
                 └─▶ screening ─▶ review ─┘                               ▲
                 └─ has money, or cannot share ───────────────────────────┘

Stripe limits calls by endpoint, so cardholders and cards are made side by side: a free thread goes to
whichever of the two has fewer. An order waits behind an earlier one of the same id, and behind one for
the same recipient until that has its cardholder.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from .batch_queues import Gate, Steps, Task
from .batch_steps import Prepared, Settled
from .disbursement import Disbursement
from .exceptions import UnavailableError
from .order import Order
from .outcome import Outcome
from .ports import Timer

POOL_MIN = 48
"""How many orders are gathered before their money is moved, unless no more are coming."""

_LINGER_SECONDS = 5.0
"""How long the first of them waits for others."""

_IDLE_SECONDS = 0.2

_Job = Callable[[], None]


@define(eq=False)
class Batch:
    """
    Works on what is submitted, with a bounded number of threads, and keeps the outcomes.

    Attributes:
        workers: How many threads at most.
        window: How many orders may be on their way or have an outcome that nobody took.
    """

    steps: Steps
    workers: int
    window: int
    timer: Timer = time.monotonic
    _process: int = field(factory=os.getpid)
    _changed: threading.Condition = field(factory=threading.Condition)
    _to_prepare: deque[Task] = field(factory=deque)
    _screening: deque[Task] = field(factory=deque)
    _ready: deque[Task] = field(factory=deque)
    _to_finish: deque[Task] = field(factory=deque)
    _outcomes: deque[Outcome] = field(factory=deque)
    _by_id: Gate = field(factory=Gate)
    _by_recipient: Gate = field(factory=Gate)
    _threads: int = 0
    _idle: int = 0
    _preparing: int = 0
    _finishing: int = 0
    _is_reviewing: bool = False
    _is_funding: bool = False
    _in_flight: int = 0
    _has_ended: bool = False
    _has_stopped: bool = False
    _died: BaseException | None = None

    # The consumer's side.

    @property
    def has_room(self) -> bool:
        """
        Whether another order may be submitted.
        """
        with self._changed:
            is_open = not self._has_ended and not self._has_stopped and self._died is None
            return is_open and self._in_flight + len(self._outcomes) < self.window

    def submit(self, position: int, order: Order) -> None:
        """
        Take an order in.
        """
        task = Task(position, order, self.steps.recipient_of(order))
        with self._changed:
            self._in_flight += 1
            if self._by_id.enter(order.id, task):
                self._admit(task)
            self._call_a_worker()

    def report(self, outcome: Outcome) -> None:
        """
        Add the outcome of what needs no work.
        """
        with self._changed:
            self._outcomes.append(outcome)

    def end(self) -> None:
        """
        Say that nothing more is coming; what is here is finished.
        """
        if self._is_of_another_process:  # whose lock may be held by a thread that is not here
            return
        with self._changed:
            self._has_ended = True
            if self._in_flight:
                self._call_a_worker()
            self._changed.notify_all()

    def take(self, *, waits: bool) -> Outcome | None:
        """
        Return the next outcome; ``None`` if there is none (yet, unless it *waits*).

        Raises:
            UnavailableError: This process was forked off from the one that works, or has no threads left.
        """
        if self._is_of_another_process:
            msg = "this run belongs to the process that began it; call disburse_many here anew"
            raise UnavailableError(msg, code="forked")
        with self._changed:
            while not self._outcomes and self._died is None:
                if not waits or not self._in_flight or self._has_stopped:
                    return None
                self._changed.wait()
            if self._outcomes:
                return self._outcomes.popleft()
            assert self._died is not None  # noqa: S101 - for the type checker
            raise self._died

    def wait(self) -> None:
        """
        Wait until all that is here is finished.
        """
        if self._is_of_another_process:
            return
        with self._changed:
            while self._in_flight and self._died is None and not self._has_stopped:
                self._changed.wait()

    def stop(self) -> list[Prepared]:
        """
        Begin nothing more, wait for the calls that are under way, and return what is left undone.

        Every order of it is pending in the store, or was never begun.
        """
        if self._is_of_another_process:
            return []
        with self._changed:
            self._has_ended = self._has_stopped = True
            self._changed.notify_all()
            while self._threads and self._died is None:
                self._changed.wait()
            left = [*self._screening, *self._ready, *self._to_finish]
            for queue in (self._to_prepare, self._screening, self._ready, self._to_finish):
                queue.clear()
            self._in_flight = 0
            return [one.prepared for one in left if one.prepared is not None]

    @property
    def _is_of_another_process(self) -> bool:
        return self._process != os.getpid()

    # The workers' side; what begins with an underscore holds the lock, but for `_work` and the jobs.

    def _call_a_worker(self) -> None:
        if self._idle:
            self._changed.notify_all()
        elif self._threads < self.workers:
            self._threads += 1
            try:
                threading.Thread(target=self._work, name="disburse_many").start()
            except RuntimeError as full:  # those that are there go on alone
                self._threads -= 1
                if not self._threads and self._died is None:
                    msg = f"{full}: what has no outcome was not begun; hand it in again"
                    self._died = UnavailableError(msg, code="no_threads")

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job()
            except BaseException as died:  # noqa: BLE001 - whoever takes outcomes has to know
                with self._changed:
                    self._died = self._died or died

    def _next_job(self) -> _Job | None:
        """
        Wait for something to do; ``None`` sends the thread home.
        """
        with self._changed:
            waited = 0.0
            while True:
                job = self._job()
                if job is not None:
                    if self._has_work:
                        self._call_a_worker()
                    return job
                is_over = self._has_stopped or self._died is not None or not self._in_flight
                patience = _LINGER_SECONDS / 10 if self._ready else _IDLE_SECONDS
                if is_over or (waited and not self._ready):
                    self._threads -= 1
                    self._changed.notify_all()
                    return None
                self._idle += 1
                is_told = self._changed.wait(patience)
                self._idle -= 1
                waited = 0.0 if is_told else patience

    @property
    def _has_work(self) -> bool:
        return bool(self._to_prepare or self._to_finish or (self._ready and self._should_fund))

    def _job(self) -> _Job | None:
        if self._has_stopped or self._died is not None:
            return None
        if self._ready and self._should_fund:
            self._is_funding = True
            many = [self._ready.popleft() for _ in range(min(len(self._ready), self._pool_max))]
            return lambda: self._fund(sorted(many, key=lambda one: one.position))
        if self._screening and not self._is_reviewing:
            self._is_reviewing = True
            screened = list(self._screening)
            self._screening.clear()
            return lambda: self._review(screened)
        if self._to_finish and (not self._to_prepare or self._finishing <= self._preparing):
            self._finishing += 1
            task = self._to_finish.popleft()
            return lambda: self._finish(task)
        if self._to_prepare:
            self._preparing += 1
            task = self._to_prepare.popleft()
            return lambda: self._prepare(task)
        return None

    @property
    def _pool_max(self) -> int:
        return max(1, self.steps.members_max)

    @property
    def _should_fund(self) -> bool:
        """
        Whether the money of those that are ready is to be moved now.

        Cards that are waited for anyway leave time to gather more; but somebody who waits for money is
        not kept for long, and not at all when nobody can join.
        """
        if self._is_funding:
            return False
        many = min(POOL_MIN, self._pool_max)
        if len(self._ready) >= self._pool_max:
            return True
        if len(self._to_finish) >= many:
            return False
        is_full = self._in_flight + len(self._outcomes) >= self.window
        is_last = self._has_ended or is_full
        is_quiet = not (self._to_prepare or self._preparing or self._screening)
        if len(self._ready) >= many or (is_last and is_quiet and not self._is_reviewing):
            return True
        return self.timer() - self._ready[0].ready_at >= _LINGER_SECONDS

    def _admit(self, task: Task) -> None:
        if self._by_recipient.enter(task.recipient, task):
            self._to_prepare.append(task)

    def _prepare(self, task: Task) -> None:
        try:
            result: Prepared | Settled = self.steps.prepare(task.order)
        except Exception as problem:  # noqa: BLE001 - it is that order's outcome
            result = problem
        with self._changed:
            self._preparing -= 1
            following = self._by_recipient.leave(task.recipient)
            if following is not None:
                self._to_prepare.append(following)
            self._go_on(task, result)
            self._changed.notify_all()

    def _go_on(self, task: Task, result: Prepared | Settled) -> None:
        """
        Send a task to its next stage, or out.
        """
        if not isinstance(result, Prepared):
            self._done(task, result)
            return
        task.prepared = result
        task.ready_at = self.timer()
        if result.screening is not None:
            self._screening.append(task)
        elif result.is_funded or result.is_alone:
            self._to_finish.append(task)
        else:
            self._ready.append(task)

    def _done(self, task: Task, result: Settled) -> None:
        is_error = isinstance(result, Exception)
        told = getattr(result, "disbursement", None) if is_error else result
        self._outcomes.append(
            Outcome(
                position=task.position,
                order_id=task.order.id,
                disbursement=told if isinstance(told, Disbursement) else None,
                error=result if isinstance(result, Exception) else None,
            )
        )
        self._in_flight -= 1
        following = self._by_id.leave(task.order.id)
        if following is not None:
            self._admit(following)

    def _review(self, screened: list[Task]) -> None:
        self._sent_on(screened, self.steps.review)
        with self._changed:
            self._is_reviewing = False
            self._changed.notify_all()

    def _fund(self, many: list[Task]) -> None:
        self._sent_on(many, self.steps.fund)
        with self._changed:
            self._is_funding = False
            self._changed.notify_all()

    def _sent_on(
        self,
        tasks: list[Task],
        step: Callable[[Sequence[Prepared]], Iterator[tuple[Prepared | Settled, int]]],
    ) -> None:
        for result, place in step([one.prepared for one in tasks if one.prepared is not None]):
            with self._changed:
                self._go_on(tasks[place], result)
                self._changed.notify_all()

    def _finish(self, task: Task) -> None:
        assert task.prepared is not None  # noqa: S101 - for the type checker
        try:
            result: Settled = self.steps.finish(task.prepared)
        except Exception as problem:  # noqa: BLE001 - it is that order's outcome
            result = problem
        with self._changed:
            self._finishing -= 1
            self._done(task, result)
            self._changed.notify_all()
