"""
Does one worker at a time work on an order, and only as long as it may?
"""

from datetime import datetime, timedelta

import pytest
from attrs import define, evolve, field

from bookkeeping import NOW, make_record
from issuing_disburse.exceptions import LeaseLostError
from issuing_disburse.leases import Leases
from issuing_disburse.ports import Transaction
from issuing_disburse.records import DisbursementRecord, Lease
from issuing_disburse.stores.memory import MemoryStore


@define
class Office:
    """
    A store with one order, a clock, and two workers.
    """

    now: datetime = NOW
    store: MemoryStore = field(init=False)
    ann: Leases = field(init=False)
    ben: Leases = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = MemoryStore(clock=lambda: self.now)
        self.ann = Leases(store=self.store, owner="ann", seconds=60)
        self.ben = Leases(store=self.store, owner="ben", seconds=60)
        self.store.transact(lambda tx: tx.put(make_record()))

    def record(self) -> DisbursementRecord:
        """
        Return the order as it is stored.
        """
        found = self.store.read(lambda tx: tx.get(DisbursementRecord, make_record().key))
        assert found is not None
        return found

    def take(self, worker: Leases) -> DisbursementRecord | None:
        """
        Let a worker try to take the order.
        """

        def work(tx: Transaction) -> DisbursementRecord | None:
            leased = worker.take(tx, self.record_in(tx))
            return None if leased is None else tx.put(leased)

        return self.store.transact(work)

    def record_in(self, tx: Transaction) -> DisbursementRecord:
        """
        Return the order within a transaction.
        """
        found = tx.get(DisbursementRecord, make_record().key, lock=True)
        assert found is not None
        return found


def test_lease_is_given_to_one_worker_at_a_time() -> None:
    """While one works the other gets nothing, whoever asks and how often."""
    office = Office()
    mine = office.take(office.ann)

    assert mine is not None
    assert Lease(owner="ann", until=NOW + timedelta(seconds=60), fence=1) == mine.lease
    assert (None, None) == (office.take(office.ben), office.take(office.ann))


@pytest.mark.parametrize(("seconds", "is_free"), [(59, False), (60, True), (61, True)])
def test_lease_can_be_taken_over_when_its_time_is_over(seconds: int, *, is_free: bool) -> None:
    """A worker that died is followed by another one, under the next number."""
    office = Office()
    office.take(office.ann)
    office.now += timedelta(seconds=seconds)
    taken = office.take(office.ben)

    assert is_free is (taken is not None)
    lease = office.record().lease
    assert lease is not None
    assert (("ben", 2) if is_free else ("ann", 1)) == (lease.owner, lease.fence)


def test_lease_is_free_when_it_was_released() -> None:
    """Who is done lets the next one in at once; numbers go on counting."""
    office = Office()
    mine = office.take(office.ann)
    assert mine is not None
    office.ann.release(mine)
    taken = office.take(office.ben)

    assert taken is not None
    assert taken.lease is not None
    assert ("ben", 2) == (taken.lease.owner, taken.lease.fence)


def test_guard_lets_the_holder_write_and_nobody_else() -> None:
    """A worker that was overtaken cannot write any more, even when it comes back under its name."""
    office = Office()
    mine = office.take(office.ann)
    assert mine is not None
    guard = office.ann.guard(mine)
    office.store.transact(guard)
    office.now += timedelta(seconds=60)
    office.store.transact(guard)
    theirs = office.take(office.ben)
    assert theirs is not None

    office.store.transact(office.ben.guard(theirs))
    with pytest.raises(LeaseLostError) as caught:
        office.store.transact(guard)
    assert "claim-8841" == caught.value.order_id
    office.ben.release(theirs)
    assert office.take(office.ann) is not None
    with pytest.raises(LeaseLostError):
        office.store.transact(guard)


def test_guard_refuses_when_there_is_no_lease_at_all() -> None:
    """No record, no lease on it, or none in hand: no writing."""
    office = Office()
    never = make_record()
    leased = evolve(never, lease=Lease(owner="ann", until=NOW, fence=1))
    elsewhere = evolve(leased, order_id="claim-0")
    for record in (never, leased, elsewhere):
        with pytest.raises(LeaseLostError):
            office.store.transact(office.ann.guard(record))


def test_release_does_nothing_when_the_lease_is_not_ours_any_more() -> None:
    """Who was overtaken cannot open the door behind the other one's back."""
    office = Office()
    mine = office.take(office.ann)
    assert mine is not None
    office.now += timedelta(seconds=60)
    office.take(office.ben)
    before = office.record()
    office.ann.release(mine)
    office.ann.release(make_record())
    office.ann.release(make_record("claim-0"))

    assert before == office.record()
    assert office.take(office.ann) is None


def test_release_keeps_what_was_written_meanwhile() -> None:
    """Only the lease changes, whatever the worker remembers of the rest."""
    office = Office()
    mine = office.take(office.ann)
    assert mine is not None
    office.store.transact(lambda tx: tx.put(evolve(office.record_in(tx), cardholder_id="ich_1")))
    office.ann.release(mine)

    lease = office.record().lease
    assert "ich_1" == office.record().cardholder_id
    assert lease is not None
    assert ("", NOW, 1) == (lease.owner, lease.until, lease.fence)
