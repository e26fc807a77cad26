"""
Does each effect happen once when two workers are at the same step?
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define

from issuing_disburse.exceptions import DisburseError, RefusedError, UnknownOutcomeError
from issuing_disburse.ports import Outcome, Transaction
from issuing_disburse.records import StepRecord
from remote_calls import SCOPE, Desk, RemoteCall, keys, make_desk, recorded


@pytest.fixture
def desk() -> Desk:
    """
    Return a desk where nothing has happened yet.
    """
    return make_desk()


@pytest.mark.parametrize("attempt", range(5))
def test_two_workers_have_one_effect_when_they_race(desk: Desk, attempt: int) -> None:
    """Both send the same bytes under the same key; both get the one outcome, written once."""
    barrier = threading.Barrier(2)
    outcomes: list[Outcome] = []
    written: list[Outcome] = []
    lock = threading.Lock()

    @define
    class Slow(RemoteCall):
        def __call__(self, key: str) -> Outcome:
            barrier.wait(timeout=10)
            with lock:
                return self.remote.ask(key, self.body)

        def as_stored(self, encoded: bytes) -> "Slow":
            return Slow(self.remote, encoded.decode())

    def then(tx: Transaction, outcome: Outcome) -> None:
        written.append(outcome)

    def work(body: str) -> None:
        call = Slow(desk.remote, body)
        outcomes.append(desk.journal.once("card", call, desk.remote.look, then=then))

    workers = [threading.Thread(target=work, args=(body,)) for body in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)

    assert 2 == len(outcomes)
    assert outcomes[0] == outcomes[1]
    assert (1, 1, 1) == (len(desk.remote.effects), keys(desk), len(written))


def interrupted(desk: Desk, meanwhile: Callable[[], None], error: DisburseError | None) -> Any:
    """
    Return a call during which another worker does something.
    """

    @define
    class Interrupted(RemoteCall):
        def __call__(self, key: str) -> Outcome:
            if len(desk.remote.asked) == 0:
                self.remote.asked.append((key, self.body))
                meanwhile()
                if error is not None:
                    raise error
            return self.remote.ask(key, self.body)

        def as_stored(self, encoded: bytes) -> "Interrupted":
            return Interrupted(self.remote, encoded.decode())

    return Interrupted(desk.remote, "slow")


def test_slow_worker_takes_the_other_ones_outcome_when_its_key_was_spent(desk: Desk) -> None:
    """Whoever comes back with a failure to a step that is done returns what was done."""
    call = interrupted(desk, lambda: desk.once("fast") and None, recorded(UnknownOutcomeError("5")))
    outcome = desk.journal.once("card", call, lambda: None)

    assert "slow" == outcome["body"]  # the stored request is the first one's
    assert 1 == len(desk.remote.effects)
    assert 1 == desk.step().generation


def test_slow_worker_does_not_undo_a_done_step_when_it_was_refused(desk: Desk) -> None:
    """A late refusal does not turn a done step into a refused one."""
    call = interrupted(desk, lambda: desk.once("fast") and None, RefusedError("no"))
    with pytest.raises(RefusedError):
        desk.journal.once("card", call, lambda: None)

    assert "done" == desk.step().progress


def test_slow_worker_goes_on_when_the_other_one_was_refused(desk: Desk) -> None:
    """A key that ended twice, refused there and failed here, is followed by one new key."""

    def refused_elsewhere() -> None:
        desk.remote.answers = [RefusedError("no")]
        with pytest.raises(RefusedError):
            desk.once("fast")

    call = interrupted(desk, refused_elsewhere, recorded(UnknownOutcomeError("500")))
    desk.journal.once("card", call, lambda: None)

    assert ("done", 2) == (desk.step().progress, desk.step().generation)
    assert 1 == len(desk.remote.effects)


def test_step_is_written_anew_when_its_record_is_gone(desk: Desk) -> None:
    """An outcome is kept even if somebody removed the intent meanwhile."""

    def remove() -> None:
        desk.store.transact(lambda tx: tx.delete(StepRecord, f"{SCOPE}#card"))

    call = interrupted(desk, remove, None)
    assert "slow" == desk.journal.once("card", call, desk.remote.look)["body"]
    assert "done" == desk.step().progress


def test_step_begins_anew_when_its_record_is_gone_and_the_key_was_spent(desk: Desk) -> None:
    """Without a record there is no generation to count on from."""

    def remove() -> None:
        desk.store.transact(lambda tx: tx.delete(StepRecord, f"{SCOPE}#card"))

    call = interrupted(desk, remove, recorded(UnknownOutcomeError("500")))
    desk.journal.once("card", call, lambda: None)

    assert ("done", 1) == (desk.step().progress, desk.step().generation)
