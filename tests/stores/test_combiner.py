"""
Do threads take turns, in the order in which they came?
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from issuing_disburse.exceptions import StoreTimeoutError
from issuing_disburse.ports import Transaction
from issuing_disburse.stores.combiner import BATCH_MAX, Combiner, Job, Progress

PATIENCE_SECONDS = 30.0


def nothing(_: Transaction) -> None:
    """
    Be a work.
    """


def make_job(seconds: float = PATIENCE_SECONDS) -> Job[object]:
    """
    Make a job with that much time left.
    """
    return Job(nothing, deadline=time.monotonic() + seconds)


class Desk:
    """
    A combiner whose first run waits to be let go, and which notes what it ran together.
    """

    def __init__(self) -> None:
        self.batches: list[list[Job[object]]] = []
        self.is_held = threading.Event()
        self.may_go = threading.Event()
        self.combiner = Combiner(self.run)
        self.joins: Callable[[list[Job[object]]], object] = lambda batch: None

    def run(self, batch: list[Job[object]]) -> None:
        self.is_held.set()
        assert self.may_go.wait(PATIENCE_SECONDS)
        self.joins(batch)
        self.batches.append(list(batch))
        assert self.combiner.commit_point(batch)

    def wait_for_queue(self, count: int) -> None:
        while len(self.combiner._queue) < count:  # noqa: SLF001 - to know who waits
            time.sleep(0.001)


def test_turns_are_taken_in_order_when_many_wait() -> None:
    """Whoever came first is served first, everybody once, in batches of bounded size."""
    desk = Desk()
    jobs = [make_job() for _ in range(BATCH_MAX * 2)]

    with ThreadPoolExecutor(len(jobs)) as threads:
        done = [threads.submit(desk.combiner.submit, jobs[0])]
        assert desk.is_held.wait(PATIENCE_SECONDS)
        for number, job in enumerate(jobs[1:], start=1):
            done.append(threads.submit(desk.combiner.submit, job))
            desk.wait_for_queue(number)
        desk.may_go.set()
        for one in done:
            one.result(PATIENCE_SECONDS)

    assert jobs == [job for batch in desk.batches for job in batch]
    assert [1, BATCH_MAX, BATCH_MAX - 1] == [len(batch) for batch in desk.batches]
    assert {Progress.COMMITTING, Progress.DONE} == {job.progress for job in jobs}


def test_newcomers_join_when_the_leader_looks_again() -> None:
    """Who queues up while the batch runs can still be part of it."""
    desk = Desk()
    desk.joins = desk.combiner.take_more
    first, second = make_job(), make_job()

    with ThreadPoolExecutor(2) as threads:
        leading = threads.submit(desk.combiner.submit, first)
        assert desk.is_held.wait(PATIENCE_SECONDS)
        joining = threads.submit(desk.combiner.submit, second)
        desk.wait_for_queue(1)
        desk.may_go.set()
        leading.result(PATIENCE_SECONDS)
        joining.result(PATIENCE_SECONDS)

    assert [[first, second]] == desk.batches


def test_job_leaves_the_queue_when_its_time_is_up() -> None:
    """Nobody runs what nobody waits for any more."""
    desk = Desk()
    with ThreadPoolExecutor(1) as thread:
        leading = thread.submit(desk.combiner.submit, make_job())
        assert desk.is_held.wait(PATIENCE_SECONDS)

        with pytest.raises(StoreTimeoutError):
            desk.combiner.submit(make_job(0.01))
        desk.may_go.set()
        leading.result(PATIENCE_SECONDS)

    assert [1] == [len(batch) for batch in desk.batches]


def test_job_cannot_leave_when_it_is_being_committed() -> None:
    """From the commit point on a caller waits for the outcome, which is then certain."""
    combiner: Combiner
    is_committing, may_end = threading.Event(), threading.Event()

    def run(batch: list[Job[object]]) -> None:
        if len(batch) == 1:
            while not combiner.take_more(batch):
                time.sleep(0.001)
        assert combiner.commit_point(batch)
        is_committing.set()
        time.sleep(0.2)  # longer than the follower has
        for job in batch:
            job.result = "kept"
        may_end.set()

    combiner = Combiner(run)
    follower = make_job(0.1)
    with ThreadPoolExecutor(2) as threads:
        leading = threads.submit(combiner.submit, make_job())
        following = threads.submit(combiner.submit, follower)
        leading.result(PATIENCE_SECONDS)
        following.result(PATIENCE_SECONDS)

    assert "kept" == follower.result


def test_nothing_is_committed_when_somebody_has_left() -> None:
    """One expired or abandoned job holds the commit back; the others are run again."""
    combiner = Combiner(lambda batch: None)
    late, left, fine = make_job(-1.0), make_job(), make_job()
    left.progress = Progress.LEFT

    assert not combiner.commit_point([fine, late])
    assert not combiner.commit_point([fine, left])
    assert combiner.commit_point([fine])


def test_pause_is_kept_when_others_queue_up_behind_it() -> None:
    """While somebody rests, nothing runs; afterwards everything does."""
    desk = Desk()
    desk.may_go.set()
    assert desk.combiner.rest(0.0)
    assert not desk.combiner.rest(0.01)

    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(desk.combiner.submit, make_job())
        desk.wait_for_queue(1)
        resting = threads.submit(desk.combiner.rest, PATIENCE_SECONDS)
        desk.wait_for_queue(2)
        assert [] == desk.batches
        desk.combiner.go_on()
        waiting.result(PATIENCE_SECONDS)
        assert resting.result(PATIENCE_SECONDS)
        desk.combiner.go_on()

    assert [1] == [len(batch) for batch in desk.batches]


def test_jobs_keep_their_place_when_they_are_put_back() -> None:
    """What a leader could not finish comes first next time, but not who left."""
    desk = Desk()
    given_back = [make_job(), make_job(), make_job()]
    given_back[1].progress = Progress.LEFT

    desk.combiner.put_back(given_back)

    batch: list[Job[object]] = []
    assert [given_back[0], given_back[2]] == desk.combiner.take_more(batch) == batch
    desk.combiner.put_back([batch[1]])
    assert [batch[1]] == desk.combiner.take_more(batch)
    assert 2 == len(batch)
